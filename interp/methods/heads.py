"""Which attention heads carry the transfer? The heads of AF1 taken away one by one.

    curve(n_removed)   = faithfulness of AF1(l_wait, l_transfer) on test prompts after n_removed removals, in the
                         greedy order that the search prompts chose (`elimination`)
    curve_random       = the same along seeded random orders: the null of the curve
    survivors          = the smallest set along the greedy order with search faithfulness >= threshold (`survivors`)
    knockout(l, h)     = faithfulness of the *full* model when the last token reads nothing in head (l, h)

Removing a head: the last token sees in it itself and BOS alone. It still attends, it no longer reads. n_removed = 0 is
AF1 itself; with all heads removed it is AF1 with l_transfer 0, where nothing about the operands arrives.

Reading: a flat curve that falls at the end says that few heads carry the transfer; that it stays above the random
ones says that it is those heads and not any. The curve may rise on the way: a head can hurt. A survivor need not show
in `knockout`, for the full model may have others that read the same. `n_survivors` is -1 where even AF1 itself stays
below the threshold on the search prompts: then all transfer heads are listed. The survivors were chosen on the search
prompts; `survivor_faithfulness` is theirs on test, and at that n_removed `curve_random` has as many heads at random.

Source: Mamidanna, Rai, Yao & Zhou, "All for One", EMNLP 2025, arXiv 2509.09650 (of the 64 heads of Llama-3-8B's two
transfer blocks about 60 can go at 95 %; second-hand).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.methods import nulls
from interp.methods.elimination import Answers, Elimination, eliminate, mean_margin, nested, random_orders
from interp.methods.faithfulness import answered, share
from interp.methods.grid import within
from interp.methods.means import Means
from interp.methods.removals import Removals, af1_without, require_transfer_heads
from interp.methods.result import attributes, mean_variables, variable
from interp.methods.survivors import attention_variables, head_names, last_attention, surviving
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


def heads(
    model: Any,
    means: Means,
    search_prompts: Prompts,
    prompts: Prompts,
    l_wait: int,
    l_transfer: int,
    *,
    threshold: float = 0.95,
    n_random: int = 5,
    batch_size: int = 512,
    progress: Progress = silent,
    seed: int = 0,
) -> xr.Dataset:
    """Return the curve of greedy removal on `prompts`, its random null, the survivors and what they attend to.

    The order and the survivors come from `search_prompts`, the numbers from `prompts`; of both only those count that
    the full model answers and the means cover (`n_search`, `n`); with none the values are nan. `seed` draws the
    `n_random` orders. Raises InterpError for no prompts, means of another template, a window outside the model or
    one without a transfer block.
    """
    require_transfer_heads(model, l_wait, l_transfer)
    how = {"batch_size": batch_size, "progress": progress}
    searched, tested = (_kept(model, means, given, how) for given in (search_prompts, prompts))
    shape, window = (l_transfer, model.cfg.n_heads), (l_wait, l_transfer)
    greedy = eliminate(_AF1(model, means, searched, window, batch_size), *shape, progress=progress)
    orders = [greedy.order, *random_orders(n_random, *shape, seed)]
    right = _curves(_AF1(model, means, tested, window, batch_size), orders, shape, progress)
    n_survivors, left = surviving(greedy, shape, threshold)
    survivors = np.argwhere(left) + np.array([l_wait, 0])
    edits = af1_without(means, tested, model.cfg.n_layers, l_wait, ~left) if len(tested) else []
    attended = last_attention(model, tested, edits, survivors, batch_size)
    knocked = _knocked_out(model, tested, how)
    return xr.Dataset(
        {
            **_window_variables(l_wait, l_transfer, threshold, n_survivors),
            **_search_variables(greedy, l_wait),
            **_curve_variables(right, int((~left).sum())),
            **attention_variables(tested, survivors, *attended),
            **_knockout_variables(knocked),
            **_count_variables(means, prompts, tested),
        },
        coords={
            "n_removed": list(range(len(greedy.order) + 1)),
            "draw": list(range(n_random)),
            "survivor": head_names(survivors),
            "role": list(prompts.roles),
            "layer": list(range(model.cfg.n_layers)),
            "head": list(range(model.cfg.n_heads)),
            "prompt": list(tested.texts),
            "search_prompt": list(searched.texts),
        },
        attrs=attributes(
            "heads",
            model,
            prompts,
            f"Transfer heads of AF1 removed one by one, {prompts.task} ({prompts.style}, {prompts.split}).",
            seed=seed,
            search_split=search_prompts.split,
            operands=" ".join(role for role in prompts.roles if role in prompts.variables),
            counting="l_wait blocks wait; paper block index = l_wait - 1",
        ),
    )


def _kept(model: Any, means: Means, prompts: Prompts, how: dict[str, Any]) -> Prompts:
    """The prompts that the means cover and the full model answers."""
    means.check(prompts)
    covered = prompts[means.covers(prompts)]
    return answered(model, covered, **how) if len(covered) else covered


class _AF1:
    """The judge of sets of removed heads on some prompts, possibly none."""

    def __init__(self, model: Any, means: Means, prompts: Prompts, window: tuple[int, int], batch_size: int) -> None:
        self.n, self.batch_size = len(prompts), batch_size
        self.removals = Removals.of_af1(model, means, prompts, *window, batch_size=batch_size) if self.n else None

    def __call__(self, removed: np.ndarray, progress: Progress) -> Answers:
        if self.removals is None:
            return Answers(np.zeros((len(removed), 0), dtype=bool), np.zeros((len(removed), 0)))
        return self.removals.judge(removed, progress, batch_size=self.batch_size)


def _curves(judge: _AF1, orders: list[np.ndarray], shape: tuple[int, int], progress: Progress) -> np.ndarray:
    """Right answers along each order: bool [order, n_removed, prompt]."""
    return np.stack(
        [
            judge(nested(order, *shape), within(progress, i, len(orders), f"curve {i + 1} of {len(orders)}")).right
            for i, order in enumerate(orders)
        ]
    )


def _knocked_out(model: Any, prompts: Prompts, how: dict[str, Any]) -> np.ndarray:
    """Which prompts the full model still answers with one head's reads cut: bool [layer, head, prompt]."""
    shape = (model.cfg.n_layers, model.cfg.n_heads)
    size = shape[0] * shape[1]
    if not len(prompts):
        return np.zeros((*shape, 0), dtype=bool)
    one = np.eye(size, dtype=bool).reshape(size, *shape)
    right = Removals.of_model(model, prompts).judge(one, how["progress"], batch_size=how["batch_size"]).right
    return right.reshape(*shape, -1)


def _window_variables(l_wait: int, l_transfer: int, threshold: float, n_survivors: int) -> dict[str, xr.Variable]:
    return {
        "l_wait": variable("", l_wait, "blocks", "blocks that wait"),
        "l_transfer": variable("", l_transfer, "blocks", "full-peek blocks, whose heads are removed"),
        "threshold": variable("", threshold, "fraction", "search faithfulness that the survivors must reach"),
        "n_survivors": variable("", n_survivors, "heads", "size of the smallest set; -1 = not even all heads reach it"),
    }


def _search_variables(greedy: Elimination, l_wait: int) -> dict[str, xr.Variable]:
    """The order, and what it was chosen by; n_removed 0 removes nothing and has layer and head -1."""
    layer, head = (np.concatenate([[-1], column]) for column in (greedy.order + np.array([l_wait, 0])).T)
    right, dims = greedy.answers.right, "n_removed search_prompt"
    n = right.shape[-1]
    margin = mean_margin(greedy.answers) if n else np.full(len(layer), np.nan)
    what = "search accuracy along the greedy order, on prompts the full model answers (optimistic: it chose the order)"
    return {
        "removed_layer": variable("n_removed", layer, "block", "block of the head removed last; -1 = none"),
        "removed_head": variable("n_removed", head, "head", "head removed last; -1 = none"),
        **mean_variables("search_curve", "n_removed", *share(right), "fraction", what),
        "margin": variable("n_removed", margin, "logits", "mean over search prompts of answer minus best other logit"),
        "search_correct": variable(dims, right.astype(np.int8), "0 or 1", "search prompt still answered"),
        "n_search": variable("", n, "prompts", "search prompts that the full model answers"),
    }


def _curve_variables(right: np.ndarray, n_removed: int) -> dict[str, xr.Variable]:
    """The curves on test, bool [order, n_removed, prompt], the greedy one first; `n_removed` leaves the survivors."""
    names = {"curve": ("n_removed", right[0]), "curve_random": ("draw n_removed", right[1:])}
    names["survivor_faithfulness"] = ("", right[0, n_removed])
    whats = ("along the greedy order", "along a random order", "of AF1 with the survivors alone reading")
    table: dict[str, xr.Variable] = {}
    for (name, (dims, values)), what in zip(names.items(), whats, strict=True):
        described = f"test accuracy {what}, on prompts the full model answers"
        table.update(mean_variables(name, dims, *share(values), "fraction", described))
    kept = right.astype(np.int8)
    table["correct"] = variable("n_removed prompt", kept[0], "0 or 1", "test prompt still answered")
    table["correct_random"] = variable("draw n_removed prompt", kept[1:], "0 or 1", "same along a random order")
    return table


def _knockout_variables(right: np.ndarray) -> dict[str, xr.Variable]:
    what = "test accuracy of the full model with this head's last-token reads cut, on prompts it answers whole"
    return {
        **mean_variables("knockout", "layer head", *share(right), "fraction", what),
        "knockout_correct": variable("layer head prompt", right.astype(np.int8), "0 or 1", "still answered"),
    }


def _count_variables(means: Means, prompts: Prompts, kept: Prompts) -> dict[str, xr.Variable]:
    covered = int(means.covers(prompts).sum())
    majority = nulls.majority_accuracy(kept.answer_ids) if len(kept) else np.nan
    full = share(np.arange(covered) < len(kept))
    return {
        "n": variable("", len(kept), "prompts", "test prompts that the full model answers"),
        "n_uncovered": variable("", len(prompts) - covered, "prompts", "test prompts left out: a token without a mean"),
        "n_reference": variable("", means.n, "prompts", "prompts behind the means"),
        "null_majority": variable("", majority, "fraction", "accuracy of the best constant answer"),
        **mean_variables("accuracy_full", "", *full, "fraction", "accuracy of the full model"),
    }

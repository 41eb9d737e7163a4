"""When does a claim of Qiu et al. hold on our small models? The rules written in `published/dissect.json`, as code.

Each rule takes what `experiments.multiplication.dissect.measure` found and returns whether the claim holds, our number,
and the words; a KeyError means that nothing was recorded.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import xarray as xr

from experiments.multiplication.written_verdicts import Rule, Ruled
from interp.tasks.subtasks import product_frequencies

FREQUENCIES = {"BM": 0.295, "CM": 0.220, "CA": 0.049, "UC": 0.328, "UCFC": 0.109}
ORDERS = ("ordinal", "reversed")


def frequencies(_: dict[str, Any]) -> Ruled:
    """Compare the exact shares of the cells."""
    exact = {name: float(share.mean()) for name, share in product_frequencies(5).items()}
    apart = max(abs(exact[name] - FREQUENCIES[name]) for name in FREQUENCIES)
    said = ", ".join(f"{name} {share:.4f}" for name, share in exact.items())
    return Ruled(apart <= 0.001, apart, f"all products of five by one digits: {said}", 10**6, apart, apart)


def fallen_steps(curves: dict[str, Any], kind: str) -> dict[str, float]:
    """Return the step at which each curve has fallen, by name."""
    from experiments.multiplication.written_evidence import fallen

    return {name: fallen(curves["step"], losses) for name, losses in curves[kind].items()}


def _words(steps: dict[str, float]) -> str:
    return ", ".join(f"{name} {step:.0f}" for name, step in steps.items())


def subtask_order(found: dict[str, Any]) -> Ruled:
    """BM, then CM and CA, then UC, then UCFC."""
    at = fallen_steps(found["ordinal"]["curves"], "subtasks")
    middle = max(at["CM"], at["CA"])
    holds = at["BM"] <= min(at["CM"], at["CA"]) and middle <= at["UC"] <= at["UCFC"]
    other = fallen_steps(found["reversed"]["curves"], "subtasks")
    return Ruled(holds, None, f"ordinal, steps: {_words(at)}; reversed: {_words(other)}", _asked(found))


def _asked(found: dict[str, Any]) -> int:
    """Return the questions behind a curve."""
    return int(found["ordinal"]["curves"]["n"])


def outer_digits(found: dict[str, Any]) -> Ruled:
    """The units and the top digit before those between."""
    at = fallen_steps(found["ordinal"]["curves"], "digits")
    names = list(at)
    outer = max(at[names[0]], at[names[-1]])
    holds = all(outer < at[name] for name in names[1:-1])
    return Ruled(holds, None, f"ordinal, steps: {_words(at)}", _asked(found))


def share(row: dict[str, Any]) -> str:
    """Return the words for one exact match."""
    return f"{row['exact']:.4f} [{row['low']:.4f}, {row['high']:.4f}], n = {row['n']:,}"


def reversed_easier(found: dict[str, Any]) -> Ruled:
    """Reversed above ordinal, intervals apart."""
    one, other = (found["accuracy"][f"digit-{order}"] for order in ORDERS)
    said = f"ordinal {share(one)}; reversed {share(other)}; most common answer {one['null']:.3f}"
    return Ruled(one["high"] < other["low"], other["exact"], said, other["n"], other["low"], other["high"])


def further_carry(found: dict[str, Any]) -> Ruled:
    """UCFC is wrong oftenest and most of what is wrong."""
    cells = found["ordinal"]["by_cell"]
    total = sum(each["wrong"] for each in cells.values())
    most = cells["UCFC"]["wrong"] / max(total, 1)
    holds = cells["UCFC"]["rate"] == max(each["rate"] for each in cells.values()) and most > 0.5
    said = ", ".join(f"{name} {x['rate']:.4f} [{x['low']:.4f}, {x['high']:.4f}]" for name, x in cells.items())
    said = f"digits wrong by cell: {said}; UCFC is {most:.2f} of {total} wrong digits"
    return Ruled(holds, None, said, int(found["ordinal"]["by_factor"]["n"].sum()))


def easy_factors(found: dict[str, Any]) -> Ruled:
    """0 and 1 are wrong less often than every other factor."""
    factors = found["ordinal"]["by_factor"]
    wrong, low, high = (factors[name].values for name in ("wrong", "wrong_low", "wrong_high"))
    said = ", ".join(f"{u}: {wrong[u]:.4f} [{low[u]:.4f}, {high[u]:.4f}]" for u in range(10))
    holds = bool(wrong[:2].max() < wrong[2:].min())
    return Ruled(holds, None, f"wrong answers by factor: {said}", int(factors["n"].sum()))


def top_reads(found: xr.Dataset, lag: int) -> xr.DataArray:
    """Return how many columns each head of layer 0 has its largest attention on a_(k - lag) for, [head]."""
    from interp.methods.staircase import diagonal

    return diagonal(found, lag).sel(layer=0).sum("column")


def stairs(found: dict[str, Any]) -> Ruled:
    """One head on its own column, another on the one below."""
    own, below = (top_reads(found["ordinal"]["staircase"], lag).values for lag in (0, 1))
    pairs = [(i, j) for i in range(len(own)) for j in range(len(own)) if i != j and own[i] >= 4 and below[j] >= 3]
    said = f"ordinal, digits whose largest attention is a_k: {own.tolist()}, a_(k-1): {below.tolist()}, by head"
    return Ruled(bool(pairs), None, said, _problems(found["ordinal"]["staircase"]))


def _problems(found: xr.Dataset) -> int:
    return int(found["n"])


def own_words(found: dict[str, Any]) -> Ruled:
    """Some head of the reversed model looks at answer digits."""
    attention = found["reversed"]["staircase"].attention.sel(layer=0)
    answer = [role for role in attention["role"].values if role[0] == "c"]
    by_head = attention.sel(role=answer)[:, 1:].sum("role").mean("column").values
    alike = found["reversed"]["staircase"].attention_null.sel(role=answer)[1:].sum("role").mean().item()
    said = f"attention on written digits by head: {', '.join(f'{x:.2f}' for x in by_head)}; alike {alike:.2f}"
    return Ruled(bool(by_head.max() >= 0.5), None, said, _problems(found["reversed"]["staircase"]))


def owned(found: dict[str, Any]) -> Ruled:
    """The most hurt subtask of some head rises three times as much as the least hurt."""
    heads = found["ordinal"]["heads"]
    rise = heads.rise.sel(kind="mean", layer=0)
    ratio = (rise.max("subtask") / rise.min("subtask").clip(min=1e-9)).values
    null = heads.rise_null.sel(kind="mean", layer=0)
    beside = float((null.max("subtask") / null.min("subtask").clip(min=1e-9)).median())
    each = "; ".join(
        f"head {h}: " + ", ".join(f"{s} {float(rise.sel(head=h, subtask=s)):.2f}" for s in rise["subtask"].values)
        for h in rise["head"].values
    )
    ratios = f"largest over least {np.round(ratio, 1).tolist()}, random directions {beside:.1f} (median)"
    return Ruled(bool(ratio.max() >= 3), None, f"rise in nats, {each}; {ratios}", _problems(heads))


def _rising(found: dict[str, Any], names: list[list[str]]) -> Ruled:
    rows = [[found["accuracy"][name] for name in row] for row in names]
    holds = all(a["exact"] < b["exact"] for row in rows for a, b in itertools.pairwise(row))
    said = "; ".join(", ".join(f"{name}: {share(found['accuracy'][name])}" for name in row) for row in names)
    return Ruled(holds, None, said, min(found["accuracy"][name]["n"] for row in names for name in row))


def more_heads(found: dict[str, Any]) -> Ruled:
    """Rising from one head to three."""
    return _rising(found, [[f"digit-{o}-heads1", f"digit-{o}-heads2", f"digit-{o}"] for o in ORDERS])


def deeper(found: dict[str, Any]) -> Ruled:
    """Two layers above one."""
    return _rising(found, [[f"digit-{o}", f"digit-{o}-layers2"] for o in ORDERS])


SQUARES = ["square", "square-reversed", "square-deep", "square-simple", "square-reversed-deep"]
SQUARES += ["square-reversed-simple", "square-deep-simple", "square-reversed-deep-simple"]


def remedies(found: dict[str, Any]) -> Ruled:
    """All three together are best."""
    rows = {name: found["accuracy"][name] for name in SQUARES}
    said = "; ".join(f"{name}: {share(row)}" for name, row in rows.items())
    best = rows.pop(SQUARES[-1])
    holds = best["exact"] > max(row["exact"] for row in rows.values())
    return Ruled(holds, best["exact"], said, best["n"], best["low"], best["high"])


def single(found: dict[str, Any]) -> Ruled:
    """No single remedy comes near the best."""
    exact = {name: found["accuracy"][name]["exact"] for name in SQUARES}
    alone = {name: exact[name] for name in SQUARES[1:4]}
    best = max(exact.values())
    said = ", ".join(f"{name} {value:.3f}" for name, value in alone.items())
    said = f"{said}; none {exact['square']:.3f}, best of all {best:.3f}"
    return Ruled(max(alone.values()) < 0.9 * best, None, said, found["accuracy"][SQUARES[0]]["n"])


ON_ORDINAL = ("order of the subtasks", "outer digits first", "UCFC is where it fails", "factors 0 and 1 are easy")
ON_ORDINAL += ("staircase", "heads own subtasks")
"""Claims that a second seed of the ordinal model is asked too."""
RULES: dict[str, Rule] = {
    "cell frequencies": frequencies,
    "order of the subtasks": subtask_order,
    "outer digits first": outer_digits,
    "reversed is easier": reversed_easier,
    "UCFC is where it fails": further_carry,
    "factors 0 and 1 are easy": easy_factors,
    "staircase": stairs,
    "reversed reads what it wrote": own_words,
    "heads own subtasks": owned,
    "more heads": more_heads,
    "depth for a digit": deeper,
    "all remedies": remedies,
    "one remedy is not enough": single,
}

"""Run prompts through a model under interventions and read activations: the two causal verbs, write and read.

    run(model, prompts, [Intervention(...), ...], reads=[Site("resid_post", 3)]).logits      [prompt, vocab]

A read sees the activation after all writes at its site. Prompts are rectangular, so nothing is padded and an
explicit mask of ones says so: a tokenizer whose pad token occurs in a prompt masks nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp.engine.hooks import Cursor, device_of, edits
from interp.engine.interventions import Intervention
from interp.engine.sites import Site
from interp.errors import InterpError, nearest
from interp.progress import Progress, silent

Consumer = Callable[[Tensor, np.ndarray], None]


@dataclass(frozen=True, eq=False)
class Run:
    """What a run returned.

    logits: [prompt, vocab] at the last position, float32. `run[site]`: [prompt, pos, ...] in the model's dtype
    ([prompt, head, query, key] for pattern; the head or neuron axis is gone where the site names one).
    """

    logits: Tensor
    reads: Mapping[Site, Tensor]
    roles: tuple[str, ...]

    def __getitem__(self, site: Site) -> Tensor:
        """Return what was read at `site`. Raises InterpError if it was not asked for."""
        if site not in self.reads:
            raise InterpError(f"{site} was not read in this run: pass reads=[{site!r}]. {_have(site, self.reads)}")
        return self.reads[site]

    def __repr__(self) -> str:
        reads = ", ".join(str(site) for site in self.reads)
        return f"Run({len(self.logits)} prompts; reads: {reads or 'none'})"


def run(
    model: Any,
    prompts: Any,
    interventions: Sequence[Intervention] = (),
    reads: Sequence[Site] = (),
    *,
    batch_size: int = 512,
    progress: Progress = silent,
) -> Run:
    """Return last-position logits and the activations at `reads`, under the interventions.

    Raises InterpError, before any forward, for a site, layer, head, neuron or role that does not exist, for an unseen
    key, and for a write that the architecture would drop; and for a read that does not happen.
    """
    store = _Store(len(prompts))
    consume = {site: store.consumer(site) for site in dict.fromkeys(reads)}
    stream(
        model,
        prompts,
        consume,
        interventions,
        logits=store.consumer("logits"),
        batch_size=batch_size,
        progress=progress,
    )
    logits = store.kept.pop("logits")
    return Run(logits, store.kept, tuple(prompts.roles))


def stream(
    model: Any,
    prompts: Any,
    consume: Mapping[Site, Consumer],
    interventions: Sequence[Intervention] = (),
    *,
    logits: Consumer | None = None,
    batch_size: int = 512,
    progress: Progress = silent,
) -> None:
    """Run the prompts batch by batch and hand each activation to its consumer, keeping nothing.

    consume: {site: f(activation [batch, pos, ...], rows [batch])}; `logits` gets [batch, vocab] float32 of the last
    position. A consumer must not write into the activation. Raises like `run`.
    """
    if len(prompts) == 0 or batch_size < 1:
        raise InterpError(f"Nothing to run: {len(prompts)} prompts in batches of {batch_size}.")
    _require_readable(consume)
    cursor = Cursor(np.arange(0))
    fired: set[Site] = set()
    hooks = [(site.hook_name(model), _reader(site, f, cursor, fired)) for site, f in consume.items()]
    stop = None if logits is not None else _depth(consume, model.cfg.n_layers)
    with (
        evaluating(model),
        torch.no_grad(),
        edits(model, prompts, interventions, cursor),
        model.hooks(fwd_hooks=hooks),
    ):
        for start in range(0, len(prompts), batch_size):
            cursor.rows = np.arange(start, min(start + batch_size, len(prompts)))
            out = _forward(model, prompts.tokens[cursor.rows], stop)
            _require_fired(consume, fired)
            if logits is not None:
                logits(out[:, -1].float(), cursor.rows)
            progress(int(cursor.rows[-1]) + 1, len(prompts), "run")


def _forward(model: Any, tokens: np.ndarray, stop: int | None) -> Tensor:
    """Return the logits [batch, pos, vocab], or the residual stream where block `stop` begins."""
    batch = torch.tensor(tokens, device=device_of(model))
    return model(batch, attention_mask=torch.ones_like(batch), stop_at_layer=stop)


def _depth(sites: Iterable[Site], n_layers: int) -> int | None:
    """Return the block before which a forward may stop once all sites were seen; None for no stop."""
    deepest = max((-1 if s.layer is None else s.layer - (s.name == "resid_pre") for s in sites), default=-1) + 1
    return deepest if deepest < n_layers else None


def _reader(site: Site, consumer: Consumer, cursor: Cursor, fired: set[Site]) -> Callable[..., None]:
    def hook_fn(h: Tensor, hook: Any) -> None:
        fired.add(site)
        if site.index is not None:
            h = h.select(1 if site.name == "pattern" else 2, site.index)
        consumer(h.detach(), cursor.rows)

    return hook_fn


class _Store:
    """Keeps what arrives in batches as one tensor for each name."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.kept: dict[Any, Tensor] = {}

    def consumer(self, name: Any) -> Consumer:
        def keep(values: Tensor, rows: np.ndarray) -> None:
            if name not in self.kept:
                self.kept[name] = values.new_empty((self.n, *values.shape[1:]))
            self.kept[name][rows[0] : rows[-1] + 1] = values

        return keep


class evaluating:
    """Context: the model is in evaluation mode (no dropout); its mode is given back at the end."""

    def __init__(self, model: Any) -> None:
        self.model, self.training = model, model.training

    def __enter__(self) -> None:
        if self.training:
            self.model.eval()

    def __exit__(self, *exc: object) -> None:
        if self.training:
            self.model.train()


def _require_readable(sites: Mapping[Site, Consumer]) -> None:
    for site in sites:
        if site.name == "attn":
            raise InterpError(f"{site} is for hiding edges; read Site('pattern', {site.layer}) instead.")


def _require_fired(sites: Mapping[Site, Consumer], fired: set[Site]) -> None:
    missing = [str(site) for site in sites if site not in fired]
    if missing:
        raise InterpError(f"The model never showed {', '.join(missing)}: this architecture cannot be read there.")


def _have(site: Site, reads: Mapping[Site, Tensor]) -> str:
    return nearest(str(site), [str(other) for other in reads]) if reads else "Nothing was read."

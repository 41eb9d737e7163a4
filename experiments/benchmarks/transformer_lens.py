"""How much faster are sweeps and attribution than TransformerLens's own functions, on the same work with equal numbers?

    python -m experiments.benchmarks.transformer_lens             writes transformer_lens.json, prints a table
    python -m experiments.benchmarks.transformer_lens --json      prints the same as JSON

    patching       transformer_lens.patching.get_act_patch_resid_pre / _attn_head_out_by_pos against one `sweep`
    all edges      transformer_lens.tools.analysis.attribution_patch (edges, every position) against `attribute`
    EAP-IG         five steps of `attribute`; TransformerLens has none, so it is given in forwards

on a random 4-layer Llama (d_model 256, 8 heads, d_mlp 688), 12 tokens, one thread. TransformerLens runs in its default
boot, patching under torch.no_grad (which it does not set itself, and which helps it), without progress bars. F is its
plain forward of the batch. Both get what they start from (the clean cache, the clean activations) for nothing. Ratios
are medians over shuffled rounds of paired CPU times; before any timing the numbers must agree to `SAME` of the largest.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

from experiments.benchmarks.subject import llama, pair, ratio, rounds
from experiments.benchmarks.sweep_growth import answer, bound, residual_edits
from interp.cli.output import say
from interp.engine import Intervention, Lean, Rows, Site, sweep
from interp.errors import InterpError
from interp.methods.attribution import attribute
from interp.models.devices import threads

SAME = 1e-5
OUT = Path(__file__).with_suffix(".json")
LAYERS, POSITIONS = 4, 12
TARGETS = {
    ("residual", 1): 15.0, ("residual", 8): 4.5, ("residual", 64): 4.0, ("heads by position", 8): 4.0,
    ("all edges", 64): 40.0,
}  # fmt: skip
"""Ratios that were set before anything was measured."""
MOST_BOUND, MOST_FORWARDS = 1.3, 45.0


class Work:
    """One batch of pairs, ours and theirs."""

    def __init__(self, n: int) -> None:
        self.ours, self.theirs = llama(LAYERS), llama(LAYERS).requires_grad_(True)
        self.clean, self.corrupted = pair(n, POSITIONS)
        self.tokens = torch.tensor(self.corrupted.tokens)
        self.clean_tokens = torch.tensor(self.clean.tokens)
        with torch.no_grad():
            self.cache = self.theirs.run_with_cache(self.clean_tokens)[1]
            self.trace = Lean.of(self.ours).trace(self.clean.tokens)
        self.base = float(self._metric(self.forward()))

    def forward(self) -> torch.Tensor:
        with torch.no_grad():
            return self.theirs(self.tokens)

    @staticmethod
    def _metric(logits: torch.Tensor) -> torch.Tensor:
        return answer(logits[:, -1], np.arange(len(logits))).mean()

    def patch(self, name: str) -> torch.Tensor:
        """Return TransformerLens's map: mean metric by layer and position (and head)."""
        from transformer_lens import patching

        with torch.no_grad():
            return getattr(patching, f"get_act_patch_{name}")(self.theirs, self.tokens, self.cache, self._metric)

    def residual(self) -> torch.Tensor:
        edits = residual_edits(Lean.of(self.ours), self.clean)
        return self._swept(edits).view(LAYERS, POSITIONS)

    def heads(self) -> torch.Tensor:
        roles, n_heads = self.clean.roles, Lean.of(self.ours).n_heads
        edits = [
            [Intervention(Site("z", layer, head), (role,), Rows(self.trace.z[layer][:, [place], head]))]
            for layer in range(LAYERS) for place, role in enumerate(roles) for head in range(n_heads)
        ]  # fmt: skip
        return self._swept(edits).view(LAYERS, POSITIONS, n_heads)

    def _swept(self, edits: list[list[Intervention]]) -> torch.Tensor:
        return sweep(self.ours, self.corrupted, edits, answer).mean(1)

    def their_edges(self) -> Any:
        from transformer_lens.tools.analysis import EdgeAttributionConfig, attribution_patch

        config = EdgeAttributionConfig("edge")
        return attribution_patch(self.theirs, self.clean_tokens, self.tokens, self._metric, config).edge_scores

    def edges(self, **how: Any) -> Any:
        return attribute(self.ours, self.corrupted, self.clean, answer, positions="kept", **how)

    def their_scores(self) -> np.ndarray:
        """Return their edge scores [pos, sender, receiver] as ours lie."""
        found = np.zeros_like(self.edges().edges)
        wiring = self.edges().wiring
        for (sender, reader), score in self.their_edges().items():
            row = {"embed": "embed", "mlp_out": f"mlp_out.{sender.layer}"}.get(
                sender.kind, f"z.{sender.layer}.{sender.head}"
            )
            column = {"logits": "logits", "mlp_in": f"mlp.{reader.layer}"}.get(
                reader.kind, f"{reader.kind[0]}.{reader.layer}.{reader.head}"
            )
            found[reader.position, wiring.senders.index(row), wiring.receivers.index(column)] = score
        return found


def compared(
    name: str, n: int, ours: Callable[[], Any], theirs: Callable[[], Any] | None, work: Work, n_rounds: int
) -> dict[str, Any]:
    """Return the times of one row of the table."""
    contestants = {"forward": work.forward, "ours": ours} | ({} if theirs is None else {"theirs": theirs})
    taken = rounds(contestants, n_rounds)
    row: dict[str, Any] = {"work": name, "pairs": n, "rounds": n_rounds}
    row |= {f"{who}_ms": 1e3 * float(np.median(seconds)) for who, seconds in taken.items()}
    row["forwards"] = float(np.median(taken["ours"] / taken["forward"]))
    if theirs is not None:
        row["ratio"], row["ratio_low"], row["ratio_high"] = ratio(taken["theirs"], taken["ours"])
        row["target"] = TARGETS.get((name, n))
    return row


def agree(what: str, ours: Any, theirs: Any, base: float) -> float:
    """Return the largest difference over the largest effect. Raises InterpError when it is no rounding."""
    gap = float(np.abs(np.asarray(ours) - np.asarray(theirs)).max() / np.abs(np.asarray(theirs) - base).max())
    if not gap < SAME:
        raise InterpError(f"{what}: the numbers differ by {gap:.2g} of the largest effect, so times mean nothing.")
    return gap


def measure(n_rounds: int) -> list[dict[str, Any]]:
    """Return the rows of the table."""
    rows = []
    for n in (1, 8, 64):
        work = Work(n)
        gap = agree("residual", work.residual(), work.patch("resid_pre"), work.base)
        row = compared("residual", n, work.residual, lambda work=work: work.patch("resid_pre"), work, n_rounds)
        row |= {"gap": gap, "bound": bound(LAYERS, POSITIONS)}
        rows.append(row | {"over_bound": row["forwards"] / row["bound"]})
        if n == 8:
            gap = agree("heads", work.heads(), work.patch("attn_head_out_by_pos"), work.base)
            theirs = lambda work=work: work.patch("attn_head_out_by_pos")  # noqa: E731
            rows.append(
                compared("heads by position", n, work.heads, theirs, work, max(2, n_rounds // 3)) | {"gap": gap}
            )
        if n == 64:
            gap = agree("edges", work.edges().edges, work.their_scores(), 0.0)
            rows.append(
                compared("all edges", n, work.edges, work.their_edges, work, max(2, n_rounds // 5)) | {"gap": gap}
            )
            integrated = lambda work=work: work.edges(variant="ig_inputs", steps=5)  # noqa: E731
            rows.append(compared("EAP-IG, 5 steps", n, integrated, None, work, n_rounds))
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as lines of text, with what was asked for."""
    lines = [
        f"{'work':20}{'pairs':>6}{'F ms':>9}{'theirs ms':>12}{'ours ms':>10}{'ratio':>8}{'target':>8}{'forwards':>10}"
    ]
    for row in rows:
        theirs = f"{row['theirs_ms']:.0f}" if "theirs_ms" in row else "-"
        found = f"{row['ratio']:.1f}x" if "ratio" in row else "-"
        target = f"{row['target']:g}x" if row.get("target") else "-"
        lines.append(
            f"{row['work']:20}{row['pairs']:6}{row['forward_ms']:9.1f}{theirs:>12}{row['ours_ms']:10.1f}{found:>8}"
            f"{target:>8}{row['forwards']:10.1f}"
        )
    at_64 = next(row for row in rows if row["work"] == "residual" and row["pairs"] == 64)
    lines.append(f"residual at 64 pairs: {at_64['over_bound']:.2f} times its lower bound of {at_64['bound']:.1f} F "
                 f"(asked: at most {MOST_BOUND})")  # fmt: skip
    lines.append(f"EAP-IG: at most {MOST_FORWARDS:g} F asked. Largest difference in any number: "
                 f"{max(row.get('gap', 0) for row in rows):.1e} of the largest effect")  # fmt: skip
    return "\n".join(lines)


def main(
    rounds_: Annotated[int, typer.Option("--rounds", min=2)] = 11,
    out: Path = OUT,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Measure sweeps and attribution against TransformerLens."""
    from importlib.metadata import version

    os.environ["TQDM_DISABLE"] = "1"
    with threads(1):
        rows = measure(rounds_)
    note = "CPU seconds of one process, one thread, medians of shuffled paired rounds"
    versions = {"torch": torch.__version__, "transformer_lens": version("transformer-lens")}
    found = {"note": note, **versions, "python": platform.python_version(), "threads": 1, "rows": rows}
    out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found)) if as_json else say(table(rows))


if __name__ == "__main__":
    from interp.cli.main import script

    script(main)

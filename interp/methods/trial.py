"""What does the model make of this one prompt, and what of the same prompt under an edit?

    runs          clean, edited (the intervention), control (the same kind of intervention without its content)
    effect        log P(answer | edited) - log P(answer | clean)          beside it the control's
    lens          softmax(W_U norm(h_t^l)) at the input of each block and after the last one
    pattern       attention weights of every head                          beside uniform, 1 / visible keys

Reading: one prompt is an example, never evidence (n = 1, so no interval); it shows what a method of many prompts
averages. An effect that the control has too says that this place can be broken, not what it holds.

Source: the logit lens, nostalgebraist 2020; the edits, see `interp.methods.trial_edits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from interp.engine import Run, Site, run
from interp.methods.lens import read_out
from interp.methods.result import attributes, token_texts, variable
from interp.methods.trial_edits import Edit
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts

CLEAN, EDITED, CONTROL = "clean", "edited", "control"


@dataclass(frozen=True)
class Target:
    """The token whose probability is followed: its id, its text, and why it is this one."""

    id: int
    text: str
    why: str


def sites_of(model: Any) -> list[Site]:
    """Return everything a trial reads: the stream before every block and after the last, and all patterns."""
    n = model.cfg.n_layers
    return [Site("resid_pre", layer) for layer in range(n + 1)] + [Site("pattern", layer) for layer in range(n)]


def clean_run(model: Any, prompt: Prompts) -> Run:
    """Return the plain run of one prompt with all reads of a trial."""
    return run(model, prompt, reads=sites_of(model))


def trial(
    model: Any, prompt: Prompts, clean: Run, edit: Edit | None = None, *, top: int = 8, progress: Progress = silent
) -> xr.Dataset:
    """Return the predictions, the lens and the attention of one prompt by run (clean, edited, control).

    `clean` is `clean_run(model, prompt)`. The target is the task's answer, of a typed prompt the clean run's top token.
    Raises InterpError for an edit that the model or the prompt does not have.
    """
    runs = {CLEAN: clean}
    for name, writes in {} if edit is None else {EDITED: edit.writes, CONTROL: edit.control}.items():
        if writes:
            progress(len(runs), 3, f"{name} run")
            runs[name] = run(model, prompt, writes, reads=sites_of(model))
    progress(3, 3, "read out")
    target = target_of(model, prompt, clean)
    data = _predictions(model, runs, target, top) | _lens(model, runs, target) | _attention(prompt, runs)
    words = {} if edit is None else {"edit": edit.words, "control": edit.control_words, "kind": edit.kind}
    about = {"prompt": prompt.texts[0], "target": target.text, "target_is": target.why, **words}
    title = f"One prompt, {prompt.texts[0]!r}" + (f": {edit.words}." if edit else ": the clean run.")
    n = model.cfg.n_layers
    return xr.Dataset(
        {
            "token": variable("role", token_texts(model, prompt.tokens[0]), "text", "the token at each role"),
            **data,
            "n": variable("", 1, "prompts", "one prompt: an example, not evidence"),
        },
        coords={
            "run": list(runs), "role": list(prompt.roles), "key": list(prompt.roles), "layer": list(range(n + 1)),
            "block": list(range(n)), "head": list(range(model.cfg.n_heads)),
            "place": list(range(1, data["top_token"].shape[1] + 1)),
        },
        attrs=attributes("try", model, prompt, title, **about),
    )  # fmt: skip


def target_of(model: Any, prompt: Prompts, clean: Run) -> Target:
    """Return the token to follow: the answer where the prompt has one, else what the clean run says."""
    answer = int(prompt.answer_ids[0])
    chosen, why = (
        (answer, "the answer") if answer >= 0 else (int(clean.logits[0].argmax()), "the clean run's top token")
    )
    return Target(chosen, token_texts(model, np.array([chosen]))[0], why)


def _predictions(model: Any, runs: dict[str, Run], target: Target, top: int) -> dict[str, xr.Variable]:
    logits = torch.cat([each.logits for each in runs.values()]).double()
    logprobs = torch.log_softmax(logits, dim=-1)
    best = logprobs.topk(min(top, logprobs.shape[-1]), dim=-1)
    texts = [token_texts(model, row.cpu().numpy()) for row in best.indices]
    answer = logprobs[:, target.id]
    rank = 1 + (logprobs > answer[:, None]).sum(-1)
    effect = (answer - answer[0]).cpu().numpy()
    return {
        "top_token": variable("run place", np.array(texts, dtype=str), "text", "the most likely next tokens"),
        "top_probability": variable("run place", best.values.exp(), "probability", "of each of them"),
        "answer_probability": variable("run", answer.exp(), "probability", f"of {target.why}, {target.text!r}"),
        "answer_rank": variable("run", rank, "place", "1 = the most likely token"),
        "effect": variable("run", effect, "nats", "log-probability of the target against the clean run"),
    }


def _lens(model: Any, runs: dict[str, Run], target: Target) -> dict[str, xr.Variable]:
    """The top token of the lens and the target's probability: [run, layer, role]; nan where the lens is no lens."""
    layers = range(model.cfg.n_layers + 1)
    tokens, best, followed = [], [], []
    for each in runs.values():
        stream = torch.cat([each[Site("resid_pre", layer)] for layer in layers])  # [layer, pos, d_model]
        logits = torch.cat([lens_logits(model, rows) for rows in stream])
        probability = torch.softmax(logits.double(), dim=-1)
        holds = _ends_in(logits[-1], each.logits[0])
        shape = stream.shape[:2]
        top = probability.max(dim=-1)
        tokens.append(np.array(token_texts(model, top.indices.cpu().numpy()), dtype=str).reshape(shape))
        for found, values in ((best, top.values), (followed, probability[:, target.id])):
            found.append(np.where(holds, values.cpu().numpy(), np.nan).reshape(shape))
    return {
        "lens_token": variable("run layer role", np.array(tokens), "text", "top token of the logit lens"),
        "lens_top": variable("run layer role", np.array(best), "probability", "of the lens's top token"),
        "lens_answer": variable("run layer role", np.array(followed), "probability", f"of {target.text!r} by the lens"),
    }


@torch.no_grad()
def lens_logits(model: Any, resid: Tensor) -> Tensor:
    """Return the logits [pos, vocab] of one layer's stream [pos, d_model] by the final norm and unembedding."""
    return read_out(model, resid)


def _ends_in(lensed: Tensor, logits: Tensor) -> bool:
    """Whether the lens at the end gives the model's own logits: else something stands after the unembedding."""
    tolerance = 2e-3 * max(1.0, float(logits.abs().max()))
    return float((lensed.cpu() - logits.cpu()).abs().max()) <= tolerance


def _attention(prompt: Prompts, runs: dict[str, Run]) -> dict[str, xr.Variable]:
    blocks = sum(site.name == "pattern" for site in next(iter(runs.values())).reads)
    pattern = [torch.cat([each[Site("pattern", block)] for block in range(blocks)]) for each in runs.values()]
    uniform = 1 / np.arange(1, len(prompt.roles) + 1)
    return {
        "pattern": variable(
            "run block head role key",
            torch.stack(pattern).float(),
            "fraction",
            "attention of a query role to a key role",
        ),
        "pattern_uniform": variable("role", uniform, "fraction", "the null: a head that looks everywhere alike"),
    }

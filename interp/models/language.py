"""How does a small language model learn to compute? Next-token training on the answers of arithmetic prompts.

    loss = mean over prompts of  -log p(answer | prompt),   prompts drawn from the train split only

A Llama (RMSNorm, rotary, SwiGLU, grouped queries), AdamW, a piecewise linear schedule. A step is
a function of (recipe, weights, optimizer, step): its batch is drawn by a generator seeded with (seed, step), so an
interrupted training continues exactly. Each batch holds rectangular buckets, one a (style, number of operands);
nothing is padded. Accuracy in the log is on the *selection* split; the test split is never looked at here.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp.errors import Cancelled, InterpError
from interp.models import resume, zoo
from interp.models import training_directory as place
from interp.models.devices import check_device, threads
from interp.models.interrupts import deferred
from interp.models.language_batches import Table, buckets, token_table
from interp.models.language_recipe import MENTAL_MATH as MENTAL_MATH
from interp.models.language_recipe import complete, state_digest, styles
from interp.models.number_tokenizer import number_tokenizer
from interp.models.window_penalty import SCHEDULED, leak, lowered, window_penalty
from interp.progress import Progress, silent
from interp.tasks import build, named_task


def build_model(recipe: dict[str, Any], tokenizer: Any) -> Any:
    """Return the untrained `LlamaForCausalLM` of a recipe, float32, seeded. Raises InterpError for a bad shape."""
    from transformers import LlamaConfig, LlamaForCausalLM

    try:
        config = LlamaConfig(
            attn_implementation="eager",  # type: ignore[call-arg]  # fused backward took 58 % of a step on a CPU
            vocab_size=len(tokenizer),
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            tie_word_embeddings=False,
            **recipe["architecture"],
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe["seed"])
            return LlamaForCausalLM(config)
    except Exception as error:  # transformers' own validation raises several kinds
        reason = " ".join(str(error).split())
        raise InterpError(f"the architecture of the recipe cannot be built ({reason:.160}); change it.") from None


def scheduled(knots: list[list[float]], step: int) -> float:
    """Return the value at `step` of the straight lines through [step, value] knots; constant beyond the ends."""
    steps, values = zip(*knots, strict=True)
    return float(np.interp(step, steps, values))


def answer_loss(model: Any, batch: Table, device: str, precision: str, window: dict[str, Any] | None = None) -> Tensor:
    """Return the summed cross-entropy in nats of the answers at the last position, and the price of `window`."""
    tokens = batch.tokens.to(device)
    aside = lowered(model, tokens.shape[1], window) if window else nullcontext()
    with torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=precision == "bf16"), aside:
        seen = model.model(input_ids=tokens, use_cache=False, output_attentions=window is not None)
        logits = model.lm_head(seen.last_hidden_state[:, -1])
    loss = torch.nn.functional.cross_entropy(logits.float(), batch.answers.to(device), reduction="sum")
    return loss + window_penalty(seen.attentions, window) * len(tokens) if window else loss


@torch.no_grad()
def selection_accuracy(model: Any, tokenizer: Any, recipe: dict[str, Any], device: str) -> dict[str, float]:
    """Return accuracy in [0, 1] by "task style" on prompts of the selection split."""
    scores = {}
    for task in recipe["tasks"]:
        for style in styles(recipe):
            prompts = build(named_task(task), tokenizer, style, "selection", recipe["evaluate_prompts"])
            logits = model(input_ids=torch.from_numpy(prompts.tokens).to(device), use_cache=False).logits[:, -1]
            scores[f"{task} {style}"] = (logits.argmax(-1).cpu().numpy() == prompts.answer_ids).mean().item()
    return scores


def selection_leak(model: Any, tokenizer: Any, recipe: dict[str, Any], device: str) -> dict[str, dict[str, float]]:
    """Return {"leak": {"mean", "max"}}: forbidden mass on the prompts of `selection_accuracy`; {} without a window."""
    if recipe["window"] is None:
        return {}
    prompts = [
        build(named_task(task), tokenizer, style, "selection", recipe["evaluate_prompts"])
        for task in recipe["tasks"]
        for style in styles(recipe)
    ]
    return {"leak": leak(model, [torch.from_numpy(p.tokens).to(device) for p in prompts], recipe["window"])}


def train_language(
    recipe: dict[str, Any],
    directory: Path,
    device: str = "cpu",
    resume_from_state: bool = True,
    progress: Progress = silent,
) -> dict[str, float]:
    """Train (or continue) the recipe in `directory` and return the final selection accuracies.

    The directory is that of `interp.models.training_directory`. Safe to stop at any moment: Ctrl-C and Cancelled end
    the step at hand and save it, a kill loses at most `save_every` steps, and the same call goes on from there.
    Raises InterpError for a recipe, a device or a directory that cannot be used.
    """
    recipe = complete(recipe)
    check_device(device)
    place.claim(directory, recipe, fresh=not resume_from_state)
    tokenizer = number_tokenizer()
    with threads(recipe["threads"]):
        model = build_model(recipe, tokenizer).to(device)
        _train(model, tokenizer, recipe, directory, device, progress)
        place.seal(directory, model, tokenizer)
        return selection_accuracy(model, tokenizer, recipe, device)


def _train(
    model: Any, tokenizer: Any, recipe: dict[str, Any], directory: Path, device: str, progress: Progress
) -> None:
    """Take every step that is left."""
    optimizer = torch.optim.AdamW(_groups(model), lr=1e-3, betas=tuple(recipe["betas"]), fused=True)
    state, digest, last = directory / zoo.STATE, state_digest(recipe), recipe["phases"][-1]["until"]
    first = resume.load_state(state, model, optimizer, digest)
    if first >= last:
        return
    spent = place.begin(directory, recipe, first) - time.process_time()
    tables = {(t, s): token_table(t, s, tokenizer) for t in recipe["tasks"] for s in styles(recipe)}
    with deferred() as stopped:
        for step in range(first, last):
            loss, done = _step(model, optimizer, recipe, tables, step, device), step + 1
            if done % recipe["evaluate_every"] == 0 or done == last:
                scores = selection_accuracy(model, tokenizer, recipe, device)
                seconds = round(spent + time.process_time(), 1)
                line = {"step": done, "train_loss": loss, "cpu_seconds": seconds, "accuracy": scores}
                place.log(directory, line | selection_leak(model, tokenizer, recipe, device))
            try:
                progress(done, last, f"loss {loss:.4f}")
                if stopped():
                    raise KeyboardInterrupt(f"training stopped after step {done}; the same command goes on from there.")
            except (KeyboardInterrupt, Cancelled):
                resume.save_state(state, model, optimizer, done, digest)
                raise
            if done % recipe["save_every"] == 0 or done == last:
                resume.save_state(state, model, optimizer, done, digest)


def _step(model: Any, optimizer: Any, recipe: dict[str, Any], tables: dict, step: int, device: str) -> float:
    for group, decays in zip(optimizer.param_groups, (1, 0), strict=True):
        group["lr"] = scheduled(recipe["learning_rate"], step)
        group["weight_decay"] = decays * scheduled(recipe["weight_decay"], step)
    optimizer.zero_grad(set_to_none=True)
    parts, window = list(buckets(recipe, tables, step)), recipe["window"]
    if window is not None:
        window = window | {name: scheduled(window[name], step) for name in SCHEDULED}
    count, total = sum(len(part.answers) for part in parts), 0.0
    for part in parts:
        loss = answer_loss(model, part, device, recipe["precision"], window) / count
        loss.backward()
        total += loss.item()
    torch.nn.utils.clip_grad_norm_(model.parameters(), recipe["clip"])
    optimizer.step()
    return total


def _groups(model: Any) -> list[dict[str, Any]]:
    """Matrices and embeddings, which decay, and the gains of the norms, which do not."""
    return [
        {"params": [p for p in model.parameters() if p.ndim > 1]},
        {"params": [p for p in model.parameters() if p.ndim == 1]},
    ]

"""How does a small language model learn to compute? Next-token training on the answers of arithmetic prompts.

    loss = mean over prompts of  -log p(answer | prompt),   prompts drawn from the train split only

A Llama (RMSNorm, rotary, SwiGLU, grouped queries), AdamW, a piecewise linear schedule. A step is
a function of (recipe, weights, optimizer, step): its batch is drawn by a generator seeded with (seed, step), so an
interrupted training continues exactly. Each batch holds rectangular buckets, one a (style, number of operands);
nothing is padded. Accuracy in the log is on the *selection* split; the test split is never looked at here.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache, partial
from pathlib import Path
from typing import Any, Unpack

import torch
from torch import Tensor

from interp.models import fresh
from interp.models.descent import matrices_and_gains, scheduled
from interp.models.language_batches import Table, buckets, token_table
from interp.models.language_recipe import MENTAL_MATH as MENTAL_MATH
from interp.models.language_recipe import complete, styles
from interp.models.number_tokenizer import number_tokenizer
from interp.models.training_loop import Sitting, Training, run
from interp.models.window_penalty import SCHEDULED, leak, lowered, window_penalty
from interp.tasks import build, named_task


def build_model(recipe: dict[str, Any], tokenizer: Any) -> Any:
    """Return the untrained `LlamaForCausalLM` of a recipe, float32, seeded. Raises InterpError for a bad shape."""
    return fresh.llama(recipe, **fresh.vocabulary(tokenizer))


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


def train_language(recipe: dict[str, Any], directory: Path, **sitting: Unpack[Sitting]) -> dict[str, float]:
    """Train (or continue) the recipe in `directory` (`training_loop.run`); return its `selection_accuracy`.

    Raises InterpError for a recipe that cannot be used.
    """
    return run(_training, complete(recipe), directory, **sitting)


def _training(recipe: dict[str, Any], device: str) -> Training:
    tokenizer, last = number_tokenizer(), recipe["phases"][-1]["until"]
    model = build_model(recipe, tokenizer).to(device)
    optimizer = torch.optim.AdamW(matrices_and_gains(model), lr=1e-3, betas=tuple(recipe["betas"]), fused=True)
    scores = partial(selection_accuracy, model, tokenizer, recipe, device)

    @cache
    def tables() -> dict[tuple[str, str], Table]:  # not made where no step is left
        return {(t, s): token_table(t, s, tokenizer) for t in recipe["tasks"] for s in styles(recipe)}

    def step(at: int) -> dict[str, float]:
        return {"train_loss": _step(model, optimizer, recipe, tables(), at, device)}

    def measures(done: int) -> dict[str, Any]:
        if done % recipe["evaluate_every"] and done != last:
            return {}
        return {"accuracy": scores(), **selection_leak(model, tokenizer, recipe, device)}

    return Training(model, tokenizer, model, optimizer, last, step, measures, scores)


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

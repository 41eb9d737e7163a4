"""How does a small language model learn to compute? Next-token training on the answers of arithmetic prompts.

    loss = mean over prompts of  -log p(answer | prompt),   prompts drawn from the train split only

A Llama (RMSNorm, rotary, SwiGLU, grouped queries), AdamW, a piecewise linear schedule. A step is
a function of (recipe, weights, optimizer, step): its batch is drawn by a generator seeded with (seed, step), so an
interrupted training continues exactly. Each batch holds rectangular buckets, one a (style, number of operands);
nothing is padded. Accuracy in the log is on the *selection* split; the test split is never looked at here.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from interp.errors import InterpError
from interp.models import atomic, resume
from interp.models.number_tokenizer import number_tokenizer
from interp.progress import Progress, silent
from interp.tasks import build, from_operands, get_task

ALL_STYLES = {"plain": 3, "verbal": 2, "question": 2, "instruction": 2, "word_problem": 2, "python": 2}

MENTAL_MATH: dict[str, Any] = {
    "trainer": "language",
    "architecture": {
        "hidden_size": 128,
        "intermediate_size": 384,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 64,
    },
    "tasks": ["a+b", "a-b", "a+b+c", "a+b-c", "a-b+c", "a-b-c"],
    "phases": [
        {"until": 3000, "styles": {"plain": 1}},
        {"until": 3500, "styles": ALL_STYLES},
        {"until": 8000, "styles": {"plain": 1, "verbal": 1}},
        {"until": 17000, "styles": ALL_STYLES},
    ],
    "learning_rate": [[0, 0], [200, 1e-3], [3500, 1e-3], [8000, 2e-4], [8500, 6e-4], [10250, 6e-4], [17000, 0]],
    "weight_decay": [[0, 0.3], [3499, 0.3], [3500, 0.1]],
    "betas": [0.9, 0.98],
    "clip": 1.0,
    "batch": 512,
    "styles_per_step": 2,
    "precision": "bf16",
    "seed": 0,
    "threads": 1,
    "evaluate_every": 500,
    "evaluate_prompts": 200,
    "save_every": 250,
}
"""The recipe of the shipped mental-math. Phases say which styles are drawn, with their weights, until which step;
rates and decays are [step, value] knots."""

SCHEDULE = ("phases", "learning_rate", "weight_decay", "threads", "save_every", "evaluate_every", "evaluate_prompts")
"""Fields that may change between sittings: they move the schedule, not the meaning of the saved state."""


class Table(NamedTuple):
    """All train prompts of one task in one style, as tokens int64 [prompt, pos] and answers int64 [prompt]."""

    tokens: Tensor
    answers: Tensor


def state_digest(recipe: dict[str, Any]) -> str:
    """Return the sha256 of the fields that a saved state depends on."""
    fixed = {name: value for name, value in recipe.items() if name not in SCHEDULE}
    return hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()


def build_model(recipe: dict[str, Any], tokenizer: Any) -> Any:
    """Return the untrained `LlamaForCausalLM` of a recipe, float32, seeded."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(recipe["seed"])
    return LlamaForCausalLM(  # eager: on a CPU the backward of fused attention took 58 % of a step
        LlamaConfig(
            attn_implementation="eager",  # type: ignore[call-arg]
            vocab_size=len(tokenizer),
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            tie_word_embeddings=False,
            **recipe["architecture"],
        )
    )


def token_table(task_name: str, style: str, tokenizer: Any) -> Table:
    """Return every train prompt of a task and style, made by writing operand tokens into one encoded exemplar.

    That shortcut is checked against `interp.tasks.from_operands` on 64 prompts.
    """
    task = get_task(task_name)
    space = task.space("train")
    rows = np.random.default_rng(0).choice(len(space), size=64, replace=False)
    sample = from_operands(task, tokenizer, space[rows], style, "train")
    tokens = np.repeat(sample.tokens[:1], len(space), axis=0)
    ids = np.array(tokenizer.convert_tokens_to_ids([str(n) for n in range(200)]))
    tokens[:, sample.positions(task.operands)] = ids[space]
    answers = ids[task.steps(space)["result"]]
    if not (np.array_equal(tokens[rows], sample.tokens) and np.array_equal(answers[rows], sample.answer_ids)):
        raise InterpError(f"{task_name} {style}: prompts depend on their context; train on encoded prompts instead.")
    return Table(torch.from_numpy(tokens), torch.from_numpy(answers))


def buckets(recipe: dict[str, Any], tables: dict[tuple[str, str], Table], step: int) -> Iterator[Table]:
    """Yield the rectangular parts of the batch of `step`: `styles_per_step` styles x prompts of equal length."""
    draw = np.random.default_rng((recipe["seed"], step))
    phase = next((p for p in recipe["phases"] if step < p["until"]), recipe["phases"][-1])
    styles, weights = zip(*phase["styles"].items(), strict=True)
    chosen = draw.choice(
        len(styles),
        size=min(recipe["styles_per_step"], len(styles)),
        replace=False,
        p=np.array(weights) / sum(weights),
    )
    share = recipe["batch"] // len(chosen) // len(recipe["tasks"])
    for style in (styles[i] for i in chosen):
        by_length: dict[int, list[Table]] = {}
        for task in recipe["tasks"]:
            table = tables[task, style]
            rows = torch.from_numpy(draw.integers(len(table.answers), size=share))
            by_length.setdefault(table.tokens.shape[1], []).append(Table(table.tokens[rows], table.answers[rows]))
        for parts in by_length.values():
            yield Table(torch.cat([p.tokens for p in parts]), torch.cat([p.answers for p in parts]))


def scheduled(knots: list[list[float]], step: int) -> float:
    """Return the value at `step` of the straight lines through [step, value] knots; constant beyond the ends."""
    steps, values = zip(*knots, strict=True)
    return float(np.interp(step, steps, values))


def answer_loss(model: Any, batch: Table, device: str, precision: str) -> Tensor:
    """Return the summed cross-entropy in nats of the answers at the last position."""
    with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bf16"):
        hidden = model.model(input_ids=batch.tokens.to(device), use_cache=False).last_hidden_state[:, -1]
        logits = model.lm_head(hidden)
    return torch.nn.functional.cross_entropy(logits.float(), batch.answers.to(device), reduction="sum")


@torch.no_grad()
def selection_accuracy(model: Any, tokenizer: Any, recipe: dict[str, Any], device: str) -> dict[str, float]:
    """Return accuracy in [0, 1] by "task style" on prompts of the selection split."""
    scores = {}
    for task in recipe["tasks"]:
        for style in dict.fromkeys(s for phase in recipe["phases"] for s in phase["styles"]):
            prompts = build(get_task(task), tokenizer, style, "selection", recipe["evaluate_prompts"])
            logits = model(input_ids=torch.from_numpy(prompts.tokens).to(device), use_cache=False).logits[:, -1]
            scores[f"{task} {style}"] = (logits.argmax(-1).cpu().numpy() == prompts.answer_ids).mean().item()
    return scores


def train_language(
    recipe: dict[str, Any],
    directory: Path,
    device: str = "cpu",
    resume_from_state: bool = True,
    progress: Progress = silent,
) -> dict[str, float]:
    """Train (or continue) the recipe in `directory` and return the final selection accuracies.

    Writes recipe.json, log.jsonl, training-state.safetensors (every `save_every` steps) and at the end an ordinary
    checkpoint: config.json, model.safetensors, tokenizer files. Safe to interrupt at any moment.
    """
    torch.set_num_threads(recipe["threads"])
    tokenizer = number_tokenizer()
    model = build_model(recipe, tokenizer).to(device)
    optimizer = torch.optim.AdamW(_groups(model), lr=1e-3, betas=tuple(recipe["betas"]), fused=True)
    state, digest = directory / "training-state.safetensors", state_digest(recipe)
    directory.mkdir(parents=True, exist_ok=True)
    if not resume_from_state:
        state.unlink(missing_ok=True)
        (directory / "log.jsonl").unlink(missing_ok=True)
    first = resume.load_state(state, model, optimizer, digest)
    atomic.write_json(directory / "recipe.json", recipe)
    styles = dict.fromkeys(s for phase in recipe["phases"] for s in phase["styles"])
    tables = {(t, s): token_table(t, s, tokenizer) for t in recipe["tasks"] for s in styles}
    last, began, loss = recipe["phases"][-1]["until"], time.process_time(), float("nan")
    for step in range(first, last):
        loss = _step(model, optimizer, recipe, tables, step, device)
        done = step + 1
        if done % recipe["evaluate_every"] == 0 or done == last:
            scores = selection_accuracy(model, tokenizer, recipe, device)
            seconds = round(time.process_time() - began, 1)
            _log(directory, {"step": done, "train_loss": loss, "cpu_seconds": seconds, "accuracy": scores})
        if done % recipe["save_every"] == 0 or done == last:
            resume.save_state(state, model, optimizer, done, digest)
            progress(done, last, f"loss {loss:.4f}")
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return selection_accuracy(model, tokenizer, recipe, device)


def _step(model: Any, optimizer: Any, recipe: dict[str, Any], tables: dict, step: int, device: str) -> float:
    for group, decays in zip(optimizer.param_groups, (1, 0), strict=True):
        group["lr"] = scheduled(recipe["learning_rate"], step)
        group["weight_decay"] = decays * scheduled(recipe["weight_decay"], step)
    optimizer.zero_grad(set_to_none=True)
    parts = list(buckets(recipe, tables, step))
    count, total = sum(len(part.answers) for part in parts), 0.0
    for part in parts:
        loss = answer_loss(model, part, device, recipe["precision"]) / count
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


def _log(directory: Path, line: dict[str, Any]) -> None:
    with open(directory / "log.jsonl", "a") as file:
        file.write(json.dumps(line) + "\n")

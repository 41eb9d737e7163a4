"""Which small model learns to multiply by a digit, to multiply, or to add, and from which questions?

    loss = mean over the answer digits of -log p(c_k | question, digits written before it)           nothing else counts

A decoder of the GPT-2 architecture (LayerNorm first, learned positions, ReLU in the MLP), an ordinary checkpoint. A
recipe says what is asked (`sign`, `digits`, `order`) and which questions are drawn oftener (`nines`, `simple`, see
`interp.tasks.written`); every step has fresh questions of the training split.
Qiu et al. 2024, arXiv:2407.15360; Quirke & Barez 2024, arXiv:2310.13121. Both use d_model 510 and smaller rates.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp.errors import InterpError
from interp.models.recipe_fields import filled
from interp.tasks import written as task

WRITTEN: dict[str, Any] = {
    "trainer": "written",
    "sign": "*",
    "digits": [5, 1],
    "order": "ordinal",
    "nines": 0.0,
    "simple": 0.0,
    "architecture": {
        "n_layer": 1,
        "n_head": 3,
        "n_embd": 96,
        "n_positions": 32,
        "activation_function": "relu",
    },
    "steps": 2500,
    "batch": 128,
    "learning_rate": [[0, 0], [100, 2e-3], [1250, 2e-3], [2500, 0]],
    "weight_decay": 0.1,
    "betas": [0.9, 0.98],
    "clip": 1.0,
    "precision": "bf16",
    "seed": 0,
    "threads": 1,
    "measure_every": 25,
    "measure_prompts": 1000,
    "save_every": 500,
}
"""The usual recipe; a recipe file may override any field."""
ADDER: dict[str, Any] = {
    **WRITTEN,
    "sign": "+",
    "digits": [5, 5],
    "nines": 0.4,
    "steps": 4000,
    "learning_rate": [[0, 0], [100, 2e-3], [2000, 2e-3], [4000, 0]],
}
RECIPES: dict[str, dict[str, Any]] = {
    "multiply-by-digit": WRITTEN,
    "multiply-by-digit-reversed": {**WRITTEN, "order": "reversed"},
    "add-5": ADDER,
}
COUNTS = ("steps", "batch", "threads", "measure_every", "measure_prompts", "save_every")


def complete(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return `recipe` with every missing field. Raises InterpError for an unknown field or an impossible value."""
    whole = filled(recipe, WRITTEN, COUNTS)
    for field in ("nines", "simple"):
        if not 0 <= whole[field] <= 1:
            raise InterpError(f"the recipe has {field} = {whole[field]!r}: expected a share in [0, 1]; change it.")
    if whole["precision"] not in ("float32", "bf16"):
        raise InterpError(f"the recipe has precision = {whole['precision']!r}: expected float32 or bf16; change it.")
    form = form_of(whole)
    places = whole["architecture"].get("n_positions", 1024)
    needed = form.start + form.width
    if places < needed:
        raise InterpError(f"n_positions = {places}: a question and its answer have {needed} tokens; raise it.")
    return json.loads(json.dumps(whole))


def form_of(recipe: dict[str, Any]) -> task.Form:
    """Return how the questions of a recipe are written. Raises InterpError where that is impossible."""
    digits = recipe["digits"]
    if len(digits) != 2 or not all(type(n) is int for n in digits):
        raise InterpError(f"the recipe has digits = {digits!r}: expected the widths of two operands; change it.")
    return task.check(task.Form(recipe["sign"], digits[0], digits[1], recipe["order"]))


def batch_at(recipe: dict[str, Any], step: int) -> np.ndarray:
    """Return the tokens [problem, token] of a step: a function of the recipe and the step."""
    form, more = form_of(recipe), {name: recipe[name] for name in ("nines", "simple")}
    return task.sequences(form, task.draw(form, recipe["batch"], (recipe["seed"], step), "train", **more))


def answer_logits(model: Any, form: task.Form, tokens: Tensor) -> Tensor:
    """Return float32 logits [problem, digit, symbol] of the answer digits as they are written, the right ones told."""
    logits = model(input_ids=tokens[:, :-1], use_cache=False).logits
    return logits[:, form.start :].float()


def answer_nats(model: Any, form: task.Form, tokens: Tensor) -> Tensor:
    """Return -log p of every answer digit, nats [problem, digit], in the order of writing."""
    logits = answer_logits(model, form, tokens)
    return torch.nn.functional.cross_entropy(logits.transpose(1, 2), tokens[:, form.start + 1 :], reduction="none")


def loss_of(model: Any, recipe: dict[str, Any], tokens: np.ndarray) -> Tensor:
    """Return the mean of `answer_nats` over a batch, at the precision of the recipe."""
    ids = torch.from_numpy(tokens).to(next(model.parameters()).device)
    with torch.autocast(ids.device.type, dtype=torch.bfloat16, enabled=recipe["precision"] == "bf16"):
        return answer_nats(model, form_of(recipe), ids).mean()

"""How surely, and how rightly, does a model of written arithmetic foretell each answer digit, edited or not?

    nats[problem, column]  = -log p(c_k | question, right digits written before it)          columns from the units
    right[problem, column] = 1 where c_k has the largest logit, told the right ones before it

An answer that the model writes alone is right exactly where all its `right` are (`interp.models.written_training`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from interp.engine.hooks import Cursor, device_of, edits
from interp.engine.interventions import Intervention
from interp.engine.run import evaluating
from interp.errors import InterpError
from interp.models import zoo
from interp.tasks.prompts import Prompts
from interp.tasks.written import Form, check


class Foretold(NamedTuple):
    """Loss of every answer digit in nats, float32, and whether it is right, bool: both [problem, column]."""

    nats: np.ndarray
    right: np.ndarray


def form_of_model(model: Any) -> Form:
    """Return how the questions of a model are written. Raises InterpError for a model of another trainer."""
    directory = model.arith.directory
    recipe = zoo.read_recipe(directory) if (directory / "recipe.json").is_file() else {}
    if recipe.get("trainer") != "written":
        raise InterpError(
            f"{model.arith.name!r} is no model of written arithmetic (its recipe.json says no trainer 'written'): "
            "choose one such as multiply-by-digit, or train one with `interp train multiply-by-digit`."
        )
    return check(Form(recipe["sign"], recipe["digits"][0], recipe["digits"][1], recipe["order"]))


@torch.no_grad()
def foretold(
    model: Any, form: Form, prompts: Prompts, interventions: Sequence[Intervention] = (), batch_size: int = 1024
) -> Foretold:
    """Return what the model foretells of every answer digit of `interp.tasks.written.prompts`, under interventions.

    Raises InterpError, before any forward, as the engine for what does not exist or would be dropped.
    """
    cursor, found = Cursor(np.arange(0)), []
    right = np.stack([prompts.variables[f"c{k}"] for k in form.columns], axis=1)
    with evaluating(model), edits(model, prompts, interventions, cursor):
        for start in range(0, len(prompts), batch_size):
            cursor.rows = np.arange(start, min(start + batch_size, len(prompts)))
            batch = torch.tensor(prompts.tokens[cursor.rows], device=device_of(model))
            logits = model(batch, attention_mask=torch.ones_like(batch))[:, form.start :].float()
            target = torch.tensor(right[cursor.rows], device=logits.device)
            nats = torch.nn.functional.cross_entropy(logits.transpose(1, 2), target, reduction="none")
            found.append((nats.cpu().numpy(), (logits.argmax(-1) == target).cpu().numpy()))
    place = np.argsort(form.columns)
    nats, hits = (np.concatenate(parts)[:, place] for parts in zip(*found, strict=True))
    return Foretold(nats, hits)

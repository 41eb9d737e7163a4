"""What does a result carry besides its numbers?

Every method returns a plain `xr.Dataset`: named dims, a unit and a description on every variable, and
attributes that say what was run on what. Nothing here computes; figures and the store rely on these names
alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from torch import Tensor

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


def variable(dims: str | Sequence[str], values: Any, units: str, description: str) -> xr.Variable:
    """Return `values` over `dims` ("" = scalar, "layer role" = two dims) with its unit and what it means."""
    names = dims.split() if isinstance(dims, str) else list(dims)
    values = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    return xr.Variable(names, values, {"units": units, "description": description})


def mean_variables(
    name: str, dims: str, mean: Any, interval: Any, units: str, description: str
) -> dict[str, xr.Variable]:
    """Return the variables `name`, `name_low`, `name_high`: a mean and its 95 % interval."""
    low, high = interval
    return {
        name: variable(dims, mean, units, description),
        f"{name}_low": variable(dims, low, units, f"lower end of the 95 % interval of {name}"),
        f"{name}_high": variable(dims, high, units, f"upper end of the 95 % interval of {name}"),
    }


def attributes(method: str, model: Any, prompts: Prompts, title: str, **more: Any) -> dict[str, Any]:
    """Return the attributes of a result; `title` is one sentence, `more` is the method's own."""
    return {
        "method": method,
        "task": prompts.task,
        "style": prompts.style,
        "split": prompts.split,
        "model": model_name(model),
        "title": title,
        **more,
    }


def model_name(model: Any) -> str:
    """Return the name the model was loaded under, else its configuration's (of a path the last part)."""
    loaded = getattr(model, "arith", None)
    name = str(model.cfg.model_name if loaded is None else loaded.name)
    return Path(name).name if Path(name).is_absolute() else name


def token_texts(model: Any, ids: np.ndarray) -> list[str]:
    """Return each token id as text; `#17` for a model that has no tokenizer."""
    tokenizer = getattr(model, "tokenizer", None)
    if tokenizer is None:
        return [f"#{i}" for i in ids.tolist()]
    return [tokenizer.decode([i]) for i in ids.tolist()]

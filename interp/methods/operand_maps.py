"""What does a neuron do at each pair of operands, and what does its output row give to each result?

    activation[neuron, prompt]   mlp_post at the last position, over the prompts of the operand grid
    value[neuron, prompt]        logit-lens value of the result: (centre(W_out[neuron]) * norm weight) . W_U[result]

The value is up to a positive factor (the norm's scale), which no ranking over prompts feels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from interp.engine import Lean, Site, stream
from interp.methods.neuron_effects import Neuron
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


def activations(
    model: Any, grid: Prompts, neurons: Sequence[Neuron], batch_size: int = 512, progress: Progress = silent
) -> np.ndarray:
    """Return the activation of each neuron at the last position: float32 [neuron, prompt], streamed."""
    found = np.empty((len(neurons), len(grid)), dtype=np.float32)
    places: dict[int, list[int]] = {}
    for place, (layer, _) in enumerate(neurons):
        places.setdefault(layer, []).append(place)

    def keeper(here: list[int]) -> Any:
        index, into = [neurons[place][1] for place in here], np.array(here)[:, None]

        def keep(post: torch.Tensor, rows: np.ndarray) -> None:
            found[into, rows] = post[:, -1, index].float().T.cpu().numpy()

        return keep

    consume = {Site("mlp_post", layer): keeper(here) for layer, here in places.items()}
    stream(model, grid, consume, batch_size=batch_size, progress=progress)
    return found


def result_values(model: Any, grid: Prompts, neurons: Sequence[Neuron]) -> np.ndarray:
    """Return what each neuron's output row gives to the result's token of each prompt: float32 [neuron, prompt]."""
    lean = Lean.of(model)
    norm = lean.norm_final
    with torch.no_grad():
        rows = torch.stack([lean.W_out[layer][index] for layer, index in neurons]).float()
        rows = rows - rows.mean(dim=-1, keepdim=True) if norm.kind == "layer" else rows
        rows = rows if norm.weight is None else rows * norm.weight.float()
        tokens, inverse = np.unique(grid.answer_ids, return_inverse=True)
        values = rows @ lean.W_U[:, torch.as_tensor(tokens, device=rows.device)].float()
    return values.cpu().numpy()[:, inverse]


def as_grid(values: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return values [neuron, prompt] as maps [neuron, x, y] with nan where no prompt is, and the numbers x and y."""
    xs, i = np.unique(x, return_inverse=True)
    ys, j = np.unique(y, return_inverse=True)
    maps = np.full((len(values), len(xs), len(ys)), np.nan, dtype=np.float32)
    maps[:, i, j] = values
    return maps, xs, ys

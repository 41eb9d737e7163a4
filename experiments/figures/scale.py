"""How large is a model, in a few words for a caption?"""

from __future__ import annotations

import functools

from interp.errors import InterpError


@functools.cache
def scale(model: str) -> str:
    """Return "6 blocks, d_model 128, 1.24 M parameters"; what a planted or an unknown model is."""
    from interp.models.shapes import shape_of

    if not model:
        return ""
    if model.startswith("planted:"):
        return "built by hand"
    try:
        found = shape_of(model)
    except InterpError:
        return ""
    blocks = "one block" if found.n_layers == 1 else f"{found.n_layers} blocks"
    size = f"{found.parameters / 1e9:.1f} B" if found.parameters >= 1e9 else f"{found.parameters / 1e6:.2f} M"
    return f"{blocks}, d_model {found.d_model}, {size} parameters"

"""One module a page. Each exports PATH, NAME, `layout(library, request)` and `register(app, library)`.

Nothing is registered at import: Dash keeps pages and module-level callbacks in globals of the process, so a second
app would serve the first one's store and have no callbacks.
"""

from __future__ import annotations

from types import ModuleType

from apps.dashboard.pages import (
    af1,
    attention,
    compare,
    fourier,
    operands,
    overview,
    patching,
    probing,
    runs,
    study,
    training,
    try_it,
)

PAGES: tuple[ModuleType, ...] = (
    overview, af1, patching, probing, fourier, operands, training, attention, compare, try_it, study, runs,
)  # fmt: skip

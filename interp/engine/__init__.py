"""The equation h <- h + alpha 1[where] U U^T (s - h): sites, sources, interventions, and the runs that apply them."""

from interp.engine.basis import Basis
from interp.engine.blocks import Blocks
from interp.engine.hooks import edits, to_hooks
from interp.engine.interventions import Intervention, digest
from interp.engine.lean import Lean, Trace
from interp.engine.references import Lookup, Rows, from_run
from interp.engine.run import Run, run, stream
from interp.engine.sites import Site
from interp.engine.sources import Constant, Hidden, Noise, Source, Zero
from interp.engine.statistics import Moments, conditional_means
from interp.engine.sweep import sweep

__all__ = [
    "Basis",
    "Blocks",
    "Constant",
    "Hidden",
    "Intervention",
    "Lean",
    "Lookup",
    "Moments",
    "Noise",
    "Rows",
    "Run",
    "Site",
    "Source",
    "Trace",
    "Zero",
    "conditional_means",
    "digest",
    "edits",
    "from_run",
    "run",
    "stream",
    "sweep",
    "to_hooks",
]

"""What was asked, what was found, what is being worked on: specs, runs and jobs. Imports neither torch nor methods."""

from interp.store.index import RunSummary
from interp.store.jobs import Job, Jobs
from interp.store.loop import worker
from interp.store.parameters import PARAMETERS, Parameters
from interp.store.provenance import provenance
from interp.store.runs import OpenRun, RunRecord
from interp.store.specs import METHODS, Spec, spec_from
from interp.store.store import Store, default_root

__all__ = [
    "METHODS",
    "PARAMETERS",
    "Job",
    "Jobs",
    "OpenRun",
    "Parameters",
    "RunRecord",
    "RunSummary",
    "Spec",
    "Store",
    "default_root",
    "provenance",
    "spec_from",
    "worker",
]

"""What was asked, what was found, what is being worked on: specs, runs and jobs. Imports neither torch nor methods."""

from interp.store.costs import forwards
from interp.store.index import RunSummary
from interp.store.job import Job
from interp.store.jobs import Jobs
from interp.store.loop import worker
from interp.store.notes import Notes
from interp.store.parameters import PARAMETERS, Parameters
from interp.store.provenance import provenance
from interp.store.runs import OpenRun, RunRecord
from interp.store.specs import METHODS, Spec, spec_from
from interp.store.store import Store, default_root
from interp.store.study import parts

__all__ = [
    "METHODS",
    "PARAMETERS",
    "Job",
    "Jobs",
    "Notes",
    "OpenRun",
    "Parameters",
    "RunRecord",
    "RunSummary",
    "Spec",
    "Store",
    "default_root",
    "forwards",
    "parts",
    "provenance",
    "spec_from",
    "worker",
]

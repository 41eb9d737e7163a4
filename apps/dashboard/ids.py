"""Every id of the app, in one place: constants for what is there once, functions for what is there many times."""

from __future__ import annotations

from typing import Any

# the shell
URL = "url"
PAGE = "page"
NAVIGATION = "navigation"
THEME = "theme"
THEME_BUTTON = "theme-button"
TEMPLATES = "templates"
PROVIDER = "provider"
TOAST = "toast"
COPY_LINK = "copy-link"
COPIED = "copied"
VIEW_JSON = "view-json"
WHENCE_DRAWER = "whence-drawer"
WHENCE_BODY = "whence-body"
ERRORS = "errors"
ERRORS_DRAWER = "errors-drawer"
ERRORS_BODY = "errors-body"

# the last click in any graph, {"graph", "x", "y", "z", "curve", "index", "custom", "shift", "n"}, or {"unlock", "n"};
# written by assets/cards.js

# one a page: what is selected, as {"path": ..., "search": ...}; a clientside callback writes it into the address bar
SELECTION = "selection"

# pages
RUN_CHOICE = "run-choice"
MODEL_CHOICE = "model-choice"

# the window of AF1: two sliders, clicks passed on to this page, what moves with them
AF1_WAIT = "af1-wait"
AF1_TRANSFER = "af1-transfer"
AF1_CLICK = "af1-click"
AF1_LIVE = "af1-live"
AF1_PIN = "af1-pin"
AF1_BACK = "af1-back"
AF1_ROWS = "af1-rows"

PROBING_TARGET = "probing-target"
PROBING_KIND = "probing-kind"
PROBING_LAYER = "probing-layer"
PROBING_ROLE = "probing-role"
PROBING_CLICK = "probing-click"
PROBING_DRAWN = "probing-drawn"

PATCHING_COMPONENT = "patching-component"
PATCHING_METRIC = "patching-metric"
PATCHING_LAYER = "patching-layer"
PATCHING_HEAD = "patching-head"
PATCHING_ROLE = "patching-role"
PATCHING_CLICK = "patching-click"
PATCHING_POINT = "patching-point"
PATCHING_LEAD = "patching-lead"
PATCHING_MAP = "patching-map"
PATCHING_DETAIL = "patching-detail"
PATCHING_ROWS = "patching-rows"
PATCHING_LISTED = "patching-listed"
PATCHING_PINS = "patching-pins"
PATCHING_COMPARED = "patching-compared"
PATCHING_COMPONENTS = "patching-components"
PATCHING_HEADS = "patching-heads"

CIRCUIT_CLICK = "circuit-click"
CIRCUIT_GRAPH = "circuit-graph"
CIRCUIT_CURVE = "circuit-curve"
CIRCUIT_SIZE = "circuit-size"
CIRCUIT_RANKING = "circuit-ranking"
CIRCUIT_NODE = "circuit-node"
CIRCUIT_ROWS = "circuit-rows"
CIRCUIT_LISTED = "circuit-listed"
CIRCUIT_TRY = "circuit-try"

ATTENTION_CLICK = "attention-click"
ATTENTION_MAP = "attention-map"
ATTENTION_DETAIL = "attention-detail"
ATTENTION_HOVER = "attention-hover"
ATTENTION_LOCK = "attention-lock"
ATTENTION_LAYER = "attention-layer"
ATTENTION_HEAD = "attention-head"
ATTENTION_PINS = "attention-pins"
ATTENTION_COMPARED = "attention-compared"
ATTENTION_QUERY = "attention-query"
ATTENTION_QUERIED = "attention-queried"

FOURIER_VIEW = "fourier-view"
FOURIER_CLICK = "fourier-click"
FOURIER_TASK = "fourier-task"

TRAINING_BESIDE = "training-beside"
TRAINING_CLICK = "training-click"
TRAINING_MEASURE = "training-measure"

RUNS_GRID = "runs-grid"
RUNS_SEARCH = "runs-search"
RUNS_DRAWER = "runs-drawer"
RUNS_DRAWER_BODY = "runs-drawer-body"
RUNS_GROUP = "runs-group"
RUNS_GROUPS = "runs-groups"
RUNS_CSV = "runs-csv"
RUNS_SAID = "runs-said"
RUNS_STAR = "runs-star"
RUNS_BASELINE = "runs-baseline"
RUNS_TAG = "runs-tag"
RUNS_NOTE = "runs-note"
RUNS_WRITE = "runs-write"
RUNS_AGAINST = "runs-against"

OPERANDS_RANK = "operands-rank"
OPERANDS_ITEM = "operands-item"
OPERANDS_BY = "operands-by"
OPERANDS_PIN = "operands-pin"
OPERANDS_SAID = "operands-said"
OPERANDS_CLICK = "operands-click"
OPERANDS_MAP = "operands-map"
OPERANDS_LINE = "operands-line"
OPERANDS_BARS = "operands-bars"
OPERANDS_PAIR = "operands-pair"
OPERANDS_PINS = "operands-pins"
OPERANDS_PINNED = "operands-pinned"
OPERANDS_A = "operands-a"
OPERANDS_B = "operands-b"
OPERANDS_WRONG = "operands-wrong"
OPERANDS_TYPED = "operands-typed"
OPERANDS_FOLD = "operands-fold"

COMPARE_AGAINST = "compare-against"
COMPARE_ARRAY = "compare-array"
COMPARE_FIGURE = "compare-figure"

# Try it
TRY_ASK = "try-ask"
TRY_STOP = "try-stop"
TRY_KEEP = "try-keep"
TRY_KEPT = "try-kept"
TRY_KEEPING = "try-keeping"
TRY_KEEP_AWAIT = "try-keep-await"
TRY_KEEP_LOOK = "try-keep-look"
TRY_AWAIT = "try-await"
TRY_LOOK = "try-look"
TRY_DONE = "try-done"
TRY_JOB = "try-job"
TRY_STATUS = "try-status"
TRY_HINT = "try-hint"
TRY_RESULT = "try-result"
TRY_FINDING = "try-finding"
TRY_LENS = "try-lens"
TRY_PREDICTIONS = "try-predictions"
TRY_ATTENTION = "try-attention"
TRY_BLOCK = "try-block"
TRY_HEAD = "try-head"

# New study
STUDY_PARAMETERS = "study-parameters"
STUDY_COST = "study-cost"
STUDY_LAUNCH = "study-launch"
STUDY_SAID = "study-said"
STUDY_GRID = "study-grid"
STUDY_AWAIT = "study-await"
STUDY_LOOK = "study-look"
STUDY_JOB = "study-job"
STUDY_NAME = "study-name"
STUDY_STATE = "study-state"
STUDY_BAR = "study-bar"
STUDY_LOG = "study-log"
STUDY_RUN = "study-run"
STUDY_WORKER = "study-worker"
STUDY_START = "study-start"
STUDY_CANCEL = "study-cancel"
STUDY_AGAIN = "study-again"


def field(form: str, name: Any) -> dict[str, Any]:
    """Return the id of a field of a form ("try", "study", "parameter")."""
    return {"type": f"{form}-field", "name": name}


def shown_with(form: str, name: Any) -> dict[str, Any]:
    """Return the id of what surrounds a field that is not always asked for."""
    return {"type": f"{form}-shown", "name": name}


def try_link(name: Any) -> dict[str, Any]:
    """Return the id of a link to Try it that follows the address of its page."""
    return {"type": "try-link", "name": name}


def try_from(name: Any) -> dict[str, Any]:
    """Return the id of what such a link asks beside what it takes from the address."""
    return {"type": "try-from", "name": name}


def fourier(name: str) -> dict[str, str]:
    """Return the id of a choice of periods on the Fourier page: "period" or "pins"."""
    return {"type": "fourier-choice", "name": name}


def fourier_part(name: str) -> dict[str, str]:
    """Return the id of what follows from the chosen periods."""
    return {"type": "fourier-part", "name": name}


def training(name: str) -> dict[str, str]:
    """Return the id of the slider of the Training page ("step")."""
    return {"type": "training-choice", "name": name}


def training_part(name: str) -> dict[str, str]:
    """Return the id of what follows from the selected step."""
    return {"type": "training-part", "name": name}


def compare_place(dim: Any) -> dict[str, Any]:
    """Return the id of the choice of one label of a dim on the Compare page."""
    return {"type": "compare-place", "name": dim}


def graph(name: str) -> dict[str, str]:
    """Return the id of a graph; the theme is swapped on all of them at once."""
    return {"type": "graph", "name": name}


def whence(run_id: Any, card: Any) -> dict[str, Any]:
    """Return the id of the button of a card that tells where run `run_id` comes from."""
    return {"type": "whence", "run": run_id, "card": card}


def part(name: str, of: str) -> str:
    """Return the id of a part of a card (its title, subtitle or summary)."""
    return f"{name}-{of}"

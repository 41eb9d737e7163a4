"""A figure is the same wherever it is seen: in the app, on a page, from a script, and after a change of code.

`golden.json` keeps a hash of the JSON of a few figures, numbers to five digits (pictures differ from one machine's
fonts to another's, figures do not). A change that is meant: `python -m tests.figures.test_same_everywhere` writes it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from interp.figures import FIGURES, attention_heads
from interp.figures.run_page import run_card
from tests.apps import fixture_operands, fixture_spectra
from tests.apps import fixture_store as made

GOLDEN = Path(__file__).with_name("golden.json")
DATASETS = {
    "accuracy": made.accuracy("a+b", "plain"),
    "af1": made.af1("a+b+c"),
    "patching": made.patching("a+b"),
    "probing": made.probing("a+b"),
    "attention": made.attention("a+b"),
    "spectra": fixture_spectra.spectra("a+b"),
    "operands": fixture_operands.operands(),
}


def plain(value: Any) -> Any:
    """Return the JSON of a figure with its arrays written out and numbers to five digits."""
    if isinstance(value, dict):
        if {"bdata", "dtype"} <= value.keys():
            array = np.frombuffer(base64.b64decode(value["bdata"]), value["dtype"])
            shape = [int(size) for size in str(value.get("shape") or len(array)).split(",")]
            return plain(array.reshape(shape).tolist())
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return None if np.isnan(value) else float(f"{value:.5g}") + 0.0  # -0 is 0
    return value


def traces(figure: go.Figure | dict[str, Any]) -> list[Any]:
    return plain(json.loads(go.Figure(figure).to_json() or "{}"))["data"]


def digest(method: str) -> str:
    figure = json.loads(FIGURES[method][0](DATASETS[method]).to_json())
    figure["layout"].pop("template")
    return hashlib.sha256(json.dumps(plain(figure), sort_keys=True).encode()).hexdigest()[:16]


@pytest.mark.parametrize("method", DATASETS)
def test_a_figure_is_what_it_was(method: str) -> None:
    assert digest(method) == json.loads(GOLDEN.read_text())[method], "meant? then write golden.json anew (see above)"


def test_the_app_a_page_and_a_script_draw_the_same(tmp_path: Path) -> None:
    from apps.dashboard.library import Library
    from apps.dashboard.router import show
    from tests.apps.test_pages import parts

    made.fill(tmp_path / "store", [made.patching("a+b")])
    library = Library(tmp_path / "store")
    (line,) = library.of("patching")
    dataset = library.dataset(line.run_id)
    script = traces(FIGURES["patching"][0](dataset))
    layout = show(library, "/patching", f"?v=1&run={line.run_id}", "light")[0]
    (app,) = [
        each.figure for each in parts(layout) if getattr(each, "id", None) == {"type": "graph", "name": "patching-map"}
    ]
    page = run_card(line.run_id, FIGURES["patching"][0], dataset).figure
    assert traces(app) == script
    assert traces({"data": page["data"]}) == script


def test_tokens_of_one_text_keep_columns_of_their_own() -> None:
    tokens = ["<s>", "11", "+", "11", "+", "11", "="]
    n = len(tokens)
    weights = np.tril(np.ones((n, n))) / np.arange(1, n + 1)[:, None]
    dataset = made.attention("a+b").isel(role=[0] * n, key=[0] * n).assign_coords(role=tokens, key=tokens)
    dataset["pattern"] = (("layer", "head", "role", "key"), np.broadcast_to(weights, dataset["pattern"].shape).copy())
    dataset["pattern_uniform"] = (("role", "key"), weights)
    figure = plain(json.loads(attention_heads.one_head(dataset, head=(0, 0)).to_json() or "{}"))
    assert figure["data"][0]["x"] == list(range(n))
    assert [len(row) for row in figure["data"][0]["z"]] == [n] * n
    assert figure["layout"]["xaxis"]["ticktext"] == tokens


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps({method: digest(method) for method in DATASETS}, indent=2) + "\n")

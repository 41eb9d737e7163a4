"""The circuit of the Patching page as functions: the graph, its threshold, its nodes, and what stores lack."""

from __future__ import annotations

import numpy as np
import pytest
from dash import dcc

from apps.dashboard import ids
from apps.dashboard.components import circuit_cards
from apps.dashboard.library import Library
from apps.dashboard.pages import circuit_view as view
from apps.dashboard.selection import Selection, parse
from interp.errors import InterpError
from interp.figures import circuit_edges, circuit_graph
from interp.methods.circuit import Wiring, top
from tests.apps import fixture_circuits, fixture_store
from tests.apps.test_pages import flip_a_bit, page, parts, words

PATH = "/patching"


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> Library:
    """Return a store with one run of circuits."""
    root = tmp_path_factory.mktemp("circuits")
    fixture_store.fill(root, [fixture_circuits.circuits("a+b")])
    return Library(root)


@pytest.fixture(scope="module")
def shown(found):
    return Selection(run=found.of("circuits")[0].run_id, view="circuit").search


@pytest.fixture(scope="module")
def dataset(found):
    return found.dataset(found.of("circuits")[0].run_id)


def click(node, curve=circuit_graph.NODES):
    return {"graph": ids.CIRCUIT_GRAPH, "x": 0, "y": 0, "curve": curve, "custom": node, "shift": False, "n": 1}


def ids_of(layout) -> dict:
    return {part.id: part for part in parts(layout) if isinstance(getattr(part, "id", None), str)}


def test_the_view_shows_graph_curve_and_edges(found):
    layout = page(found, PATH, "?view=circuit")
    text = words(layout)
    for said in ("Circuit: which edges carry the answer?", "largest edges", "null: random edges",
                 "edges of the circuit", "Logit difference kept by a circuit", "Edges kept"):  # fmt: skip
        assert said in text, said
    names = [part.id["name"] for part in parts(layout) if isinstance(part, dcc.Graph)]
    assert names == [ids.CIRCUIT_GRAPH, ids.CIRCUIT_CURVE]
    links = {str(part.children): part.href for part in parts(layout) if isinstance(part, dcc.Link)}
    assert links["Maps"] == PATH


def test_a_run_of_circuits_opens_its_view_and_a_link_round_trips(found, shown):
    link = f"{shown}&metric=signed&node=head+0.1&edges=3"
    known = ids_of(page(found, PATH, link))
    assert parse(known[ids.SELECTION].data["search"]) == parse(link)
    assert known[ids.CIRCUIT_NODE].value == "head 0.1"
    assert known[ids.CIRCUIT_RANKING].value == "signed"
    run = found.of("circuits")[0].run_id
    assert "view=circuit" in ids_of(page(found, PATH, f"?run={run}"))[ids.SELECTION].data["search"]


def test_what_the_run_lacks_is_said(found):
    text = words(page(found, PATH, "?view=circuit&node=head+9.9&metric=loud&edges=99999"))
    for said in ("no node 'head 9.9'", "not by 'loud'", "99999 edges are not among"):
        assert said in text, said


def test_stores_without_a_circuit_and_with_a_damaged_one(tmp_path, library):
    text = words(page(library, PATH, "?view=circuit"))
    assert "interp run circuits --model mental-math" in text
    fixture_store.fill(tmp_path, [fixture_circuits.circuits("a+b")])
    damaged = Library(tmp_path)
    victim = tmp_path / "runs" / damaged.of("circuits")[0].run_id
    flip_a_bit(max((p for p in victim.rglob("c/*") if p.is_file()), key=lambda path: path.stat().st_size))
    text = words(page(damaged, PATH, "?view=circuit"))
    assert "cannot be read" in text or "damaged" in text


def test_the_slider_moves_graph_curve_and_list(found, shown, dataset):
    stops = circuit_edges.stops(dataset)
    out = view.chosen(found, shown, 0, "size", "")
    assert out[0]["search"] == f"?v=1&run={parse(shown)[0].run}&view=circuit&metric=size&edges={stops[0]}"
    assert f"The {stops[0]} largest edges" in out[2]
    assert circuit_graph.words(dataset, stops[0])[1] in out[8]
    assert out[8] == ids_of(page(found, PATH, out[0]["search"]))[ids.part(ids.CIRCUIT_GRAPH, "subtitle")].children
    assert {op["location"][0] for op in out[1].to_plotly_json()["operations"]} == {"data"}
    line = out[4].to_plotly_json()["operations"][0]["params"]["value"][0]
    assert line["x0"] == pytest.approx(stops[0] / 784)
    assert view.chosen(found, out[0]["search"], 0, "size", "") == view.NOTHING
    assert view.chosen(found, shown, stops.index(circuit_edges.usual(dataset)), "size", "") == view.NOTHING


@pytest.mark.parametrize(("stop", "ranking", "node"), [(10**6, "size", ""), ("2", "size", ""), (0, "loud", ""),
                                                       (0, "size", "head 9.9"), (None, "size", "")])  # fmt: skip
def test_what_is_not_there_is_an_error_in_one_line(found, shown, stop, ranking, node):
    with pytest.raises(InterpError):
        view.chosen(found, shown, stop, ranking, node)


def test_a_click_lists_the_edges_of_a_node_and_escape_lets_go(found, shown, dataset):
    out = view.clicked(found, shown, click("MLP 1"))
    assert parse(out[0]["search"])[0].node == "MLP 1"
    assert out[7] == "MLP 1"
    asked = parse(next(part for part in parts(out[9][0]) if isinstance(part, dcc.Link)).href.partition("?")[2])[0]
    assert (asked.view, asked.node, asked.layer, asked.task) == ("patch", "mlp_out", 1, "a+b")
    question = Selection(model="m", task="a+b")
    assert "Try this" in words(circuit_cards.node_link(Selection(node="head 2.1"), question))
    assert circuit_cards.node_link(Selection(node="logits"), question) == []
    assert circuit_cards.node_link(Selection(node="kv 2.0"), question) == []
    rows = [
        edge
        for edge in circuit_edges.kept(dataset, circuit_edges.usual(dataset))
        if "MLP 1" in (edge.sender, edge.receiver)
    ]
    assert len(out[5]) == len(rows) > 0
    assert all("MLP 1" in (row["sender"], row["receiver"]) for row in out[5])
    assert out[6].startswith("Edges of MLP 1:")
    free = view.clicked(found, out[0]["search"], {"unlock": True, "n": 2})
    assert parse(free[0]["search"])[0].node is None
    for bad in (None, {}, click("nobody"), click("MLP 1", curve=3), click(None), {"unlock": True}, {"graph": "x"}):
        assert view.clicked(found, shown, bad) == view.NOTHING


def test_the_circuit_is_that_of_the_method(dataset):
    """The drawing ranks and prunes as the recorded method does."""
    senders, receivers = ([str(v) for v in dataset[dim].values] for dim in ("sender", "receiver"))
    score = dataset["score"].values
    wiring = Wiring(tuple(senders), tuple(receivers), score != 0)
    for ranking in ("size", "signed"):
        for k in (1, 3, 9, 20, 40):
            expected = top(wiring, score, k, by=ranking).pruned()
            edges = circuit_edges.kept(dataset, k, ranking)
            assert len(edges) == len(expected)
            assert sorted(edge.score for edge in edges) == pytest.approx(sorted(score[expected.kept].tolist()))


def test_sizes_between_those_measured_are_not_given_an_f(dataset):
    sizes = circuit_edges.measured_sizes(dataset)
    assert circuit_edges.keeps(dataset, sizes[2]).startswith("f = ")
    between = circuit_edges.keeps(dataset, sizes[3] + 1)
    assert between.startswith(f"f was measured of {sizes[3]} edges")
    assert f"of {sizes[4]} edges" in between


def test_every_edge_is_drawn_once_with_its_sign(dataset):
    size = 20
    edges, traces = circuit_edges.kept(dataset, size), circuit_graph.traces(dataset, size)
    lines = traces[: circuit_graph.N_LINES]
    assert sum(line["x"].count(None) for line in lines) == len(edges) == len(traces[circuit_graph.DOTS]["x"])
    half = circuit_graph.N_LINES // 2
    assert sum(line["x"].count(None) for line in lines[half:]) == sum(edge.score < 0 for edge in edges)
    figure = circuit_graph.graph(dataset, k=size)
    assert all(
        trace.line.dash == "dash" for trace in figure.data[half : circuit_graph.N_LINES]
    )  # never by colour alone


def test_a_selected_node_fades_the_others(dataset):
    traces = circuit_graph.traces(dataset, 20, node="MLP 1")
    mine = sum("MLP 1" in (edge.sender, edge.receiver) for edge in circuit_edges.kept(dataset, 20))
    assert len(traces[circuit_graph.DOTS]["x"]) == mine
    nodes = traces[circuit_graph.NODES]
    assert nodes["customdata"][nodes["selectedpoints"][0]] == "MLP 1"


def test_layers_and_lanes_are_numbers_with_text(dataset):
    figure = circuit_graph.graph(dataset)
    assert list(figure.layout.xaxis.ticktext) == ["embed", "0", "1", "logits"]
    assert all(isinstance(x, int | float | np.number) for x in figure.data[circuit_graph.NODES].x)

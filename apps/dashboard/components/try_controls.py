"""The form of the Try it page: a model, a question, an intervention, whose fields come and go with its kind."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from apps.dashboard import ids, try_form
from apps.dashboard.components import fields
from apps.dashboard.desk import Told

FORM = "try"
MODES = (("operands", "Operands of a task"), ("prompt", "A typed prompt"))
CUTS = (("reads", "what the last token reads by it"), ("output", "all that it adds"))
TIPS = {
    "second": "Its activation at the layer and role is written into the first prompt; same length and words.",
    "layer": "Block, from 0. For the stream, the number of blocks is the final residual.",
    "role": "a, b ... operands; op1 ... signs; eq; last = the final token; w1 ... other words.",
    "l_wait": "So many blocks wait (0 = the embeddings): each token holds only what it knows by itself.",
    "l_transfer": "So many blocks after them let the last token see all others.",
    "period": "The plane cos, sin of this period in which the operand at the role is written.",
    "operands": "In the order of the task, e.g. 17, 25.",
}


def controls(values: try_form.Values, catalogue: Told) -> Component:
    """Return the form, filled with `values`."""
    return html.Div(
        [
            html.H2("Question"),
            _model(values, catalogue),
            _question(values, catalogue),
            html.H2("Intervention"),
            *_intervention(values),
            html.Div(
                [
                    html.Button("Ask", id=ids.TRY_ASK, type="button", className="main-button"),
                    html.Button("Stop", id=ids.TRY_STOP, type="button", className="plain-button", disabled=True),
                ],
                className="buttons",
            ),
        ],
        className="card form",
    )


def _model(values: try_form.Values, catalogue: Told) -> Component:
    names = [model["name"] for model in catalogue["models"]]
    tip = "A model of the zoo, a planted one, the directory of a checkpoint, or a hub name (which is fetched)."
    devices = (("cpu", "cpu"), ("cuda", "cuda"))
    return html.Div(
        [
            fields.free(_id("model"), "Model", names, values["model"], tip),
            fields.select(_id("device"), "On", devices, values["device"]),
        ],
        className="field-row grow-first",
    )


def _question(values: try_form.Values, catalogue: Told) -> Component:
    tasks = [task["name"] for task in catalogue["tasks"]]
    styles = sorted({style for task in catalogue["tasks"] for style in task["styles"]})
    typed = values["by"] == "prompt"
    by: Any = dmc.SegmentedControl(
        id=_id("by"), data=[{"value": v, "label": t} for v, t in MODES], value=values["by"], size="xs", fullWidth=True
    )
    return html.Div(
        [
            by,
            html.Div(
                [
                    fields.free(_id("task"), "Task", tasks, values["task"], "Also another range: a+b@0..49."),
                    fields.free(_id("style"), "Style", styles, values["style"]),
                ],
                className="field-row",
            ),
            html.Div(
                fields.text(_id("operands"), "Operands", values["operands"], TIPS["operands"]),
                **_shown("operands", not typed),
            ),
            html.Div(
                fields.text(_id("prompt"), "Prompt", values["prompt"], placeholder="12+34="), **_shown("prompt", typed)
            ),
            html.P(hint(values, catalogue), id=ids.TRY_HINT, className="muted hint"),
        ],
        className="fields",
    )


def _intervention(values: try_form.Values) -> list[Component]:
    role = ["a", "op1", "b", "eq", "last", "op2", "c"]
    shown = {
        "second": fields.text(_id("second"), "Second prompt", values["second"], TIPS["second"]),
        "component": fields.select(_id("component"), "What is written", try_form.COMPONENTS, values["component"]),
        "layer": fields.number(_id("layer"), "Layer", values["layer"], TIPS["layer"]),
        "role": fields.free(_id("role"), "Role", role, values["role"], TIPS["role"]),
        "l_wait": fields.number(_id("l_wait"), "Blocks that wait", values["l_wait"], TIPS["l_wait"]),
        "l_transfer": fields.number(
            _id("l_transfer"), "Blocks that transfer", values["l_transfer"], TIPS["l_transfer"]
        ),
        "head": fields.number(_id("head"), "Head", values["head"]),
        "period": fields.number(_id("period"), "Period", values["period"], TIPS["period"], decimals=True),
        "cut": fields.select(_id("cut"), "What is cut", CUTS, values["cut"]),
    }
    asked = try_form.FIELDS[values["kind"]]
    return [
        fields.select(_id("kind"), "What is done", try_form.KINDS, values["kind"]),
        html.Div(
            [html.Div(part, **_shown(name, name in asked)) for name, part in shown.items()], className="field-grid"
        ),
    ]


def hint(values: try_form.Values, catalogue: Told) -> str:
    """Return what the model and the task take: ranges, an example, how many blocks and heads there are."""
    model = next((each for each in catalogue["models"] if each["name"] == values.get("model")), None)
    task = next(
        (each for each in catalogue["tasks"] if each["name"] == str(values.get("task")).partition("@")[0]), None
    )
    said = []
    if model and model["operands"]:
        said.append(_ranges(model["operands"]))
    elif task and values.get("by") != "prompt":
        style = task["styles"].get(values.get("style"))
        said.append(_ranges(task["operands"]) + (f', asked as "{style["example"]}"' if style else ""))
    if model and model["n_layers"]:
        said.append(f"blocks 0 to {model['n_layers'] - 1}, heads 0 to {model['n_heads'] - 1}")
    return "; ".join(said)


def _ranges(operands: list[list[Any]]) -> str:
    return ", ".join(f"{name} {low} to {high}" for name, low, high in operands)


def hidden(kind: object, by: object) -> list[bool]:
    """Return, for each name of `HIDEABLE`, whether it is hidden."""
    asked = try_form.FIELDS.get(str(kind), ())
    modes = {"operands": by != "prompt", "prompt": by == "prompt"}
    return [not modes.get(name, name in asked) for name in HIDEABLE]


HIDEABLE = (
    "operands",
    "prompt",
    "second",
    "component",
    "layer",
    "role",
    "l_wait",
    "l_transfer",
    "head",
    "period",
    "cut",
)


def _id(name: str) -> dict[str, str]:
    return ids.field(FORM, name)


def _shown(name: str, visible: bool) -> Any:
    wide = " whole" if name == "cut" else ""
    return {"id": ids.shown_with(FORM, name), "hidden": not visible, "className": f"field{wide}"}

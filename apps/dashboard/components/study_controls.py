"""The form of New study, made from the schema of the chosen method, and what it would cost."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from apps.dashboard import ids, study_form
from apps.dashboard.components import fields
from apps.dashboard.components.notice import commands
from apps.dashboard.desk import Told
from apps.dashboard.pace import Pace
from apps.dashboard.study_form import Parameter
from apps.dashboard.waiting import seconds
from interp.store import PARAMETERS, Spec

DTYPES = tuple((name, name) for name in ("float32", "float64", "bfloat16", "float16"))
DEVICES = (("cpu", "cpu"), ("cuda", "cuda"))
UNITS = ("B", "kB", "MB", "GB", "TB")
LATER = 500  # milliseconds after the last key before a typed value counts


def controls(values: study_form.Values, given: study_form.Values, catalogue: Told, read_only: bool) -> Component:
    """Return the form, filled with `values`, and with what is `given` of the method's parameters."""
    models = [model["name"] for model in catalogue["models"]]
    tasks = [task["name"] for task in catalogue["tasks"]]
    styles = sorted({style for task in catalogue["tasks"] for style in task["styles"]})
    methods = [(name, name) for name in study_form.ASKED]
    return html.Div(
        [
            fields.select(_id("method"), "Method", methods, values["method"]),
            fields.free(
                _id("model"), "Model", models, values["model"], "A zoo name, a checkpoint's directory, a hub name."
            ),
            html.Div(
                [
                    fields.free(_id("task"), "Task", tasks, values["task"], "Also another range, a+b@0..49."),
                    fields.free(_id("style"), "Style", styles, values["style"]),
                ],
                className="field-row",
                id=ids.shown_with("study", "task"),
                hidden=not study_form.has_task(values["method"]),
            ),
            html.Div(parameters(values["method"], given), id=ids.STUDY_PARAMETERS),
            html.Details(
                [
                    html.Summary("Seed, device, precision"),
                    html.Div(
                        [
                            fields.number(_id("seed"), "Seed", values["seed"], debounce=LATER),
                            fields.select(_id("device"), "Device", DEVICES, values["device"]),
                            fields.select(_id("dtype"), "Precision", DTYPES, values["dtype"]),
                        ],
                        className="field-row three",
                    ),
                ],
                className="fold",
            ),
            html.Div(html.P("Working out what it costs ...", className="muted"), id=ids.STUDY_COST, className="cost"),
            html.Div(
                [
                    html.Button(
                        "Launch", id=ids.STUDY_LAUNCH, type="button", className="main-button", disabled=read_only
                    ),
                    html.Span(id=ids.STUDY_SAID, role="status"),
                ],
                className="buttons",
            ),
        ],
        className="card form",
    )


def parameters(method: str, given: study_form.Values) -> list[Component]:
    """Return what a method asks, and a field for each of its parameters, the default where nothing is `given`."""
    question = (PARAMETERS[method].__doc__ or "").strip().splitlines()[0]
    wide = ("several", "list", "json")
    made = [
        html.Div(
            _field(each, given.get(each.name, each.default)), className="field whole" if each.kind in wide else "field"
        )
        for each in study_form.fields(method)
    ]
    return [html.P(question, className="muted hint"), html.Div(made, className="field-grid")]


def _field(parameter: Parameter, value: Any) -> Component:
    name, label, value, tip = (
        ids.field("parameter", parameter.name),
        label_of(parameter.name),
        study_form.shown(parameter, value),
        parameter.tip,
    )
    empty: Any = {"placeholder": "not set"} if parameter.nullable else {}
    if parameter.kind == "choice":
        clear: Any = {"clearable": True, "allowDeselect": True} if parameter.nullable else {}
        return fields.select(name, label, [(each, each) for each in parameter.options], value, tip, **empty, **clear)
    if parameter.kind == "yes":
        return fields.select(name, label, [("true", "yes"), ("false", "no")], value, tip)
    if parameter.kind == "several":
        return fields.several(name, label, parameter.options, value, tip, **empty)
    if parameter.kind == "list":
        return fields.listed(name, label, value, tip, **({} if value else empty))
    if parameter.kind in ("whole", "number"):
        return fields.number(
            name, label, value, tip, least=None, decimals=parameter.kind == "number", debounce=LATER, **empty
        )
    return fields.text(name, label, value, tip, debounce=LATER, **empty)


def label_of(name: str) -> str:
    """Return what the field of a parameter is called: a word, or the symbol where it is one (n, l_wait)."""
    first = name.split("_")[0]
    return name if len(first) == 1 else name.replace("_", " ").capitalize()


def cost(spec: Spec, plan: Told | None, found: Pace | None, recorded: str | None) -> list[Component]:
    """Return what a question would cost: the numbers of a dry run, the time by the pace of earlier runs, the command.

    `plan` is None where the model's shape is not known without fetching it.
    """
    if plan is None:
        return [html.P("What it costs is not known before the model is fetched."), commands(study_form.command(spec))]
    rows = [
        (name, f"{each['prompts']:,} prompts", f"{each['forwards']:g} forwards of each")
        for name, each in plan["sets"].items()
    ]
    through, batches = plan["prompts_through_the_model"], plan["batches"]
    total = f"{through:,.0f} prompts through {plan['n_layers']} blocks, {batches:,} batches"
    memory = plan["memory_bytes"].get("total", 0)
    rows += [("together", total, f"{size(memory)} of memory" if memory else "")]
    time = (
        f"About {_roughly(found.seconds)} by the median pace of {found.runs} earlier runs of this model (good to a "
        "factor of three)."
        if found
        else "No earlier run of this model here says how long that takes."
    )
    body = [html.Tr([html.Th(name, scope="row"), html.Td(prompts), html.Td(more)]) for name, prompts, more in rows]
    known = [html.P(f"Recorded already as {recorded}: launching returns that run.")] if recorded else []
    return [
        html.Table(html.Tbody(body), className="cost-table"),
        html.P(time),
        *known,
        commands(study_form.command(spec)),
    ]


def _roughly(value: float) -> str:
    return f"{max(value, 0.1):.1g} s" if value < 10 else seconds(value)


def size(n: float) -> str:
    """Return a number of bytes for people; a kB is 1,000 bytes."""
    unit = 0
    while n >= 1000 and unit < len(UNITS) - 1:
        n, unit = n / 1000, unit + 1
    return f"{n:.3g} {UNITS[unit]}"


def _id(name: str) -> dict[str, Any]:
    return ids.field("study", name)

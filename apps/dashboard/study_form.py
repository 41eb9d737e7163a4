"""How does the schema of a method become a form, and the form a Spec?

    fields(method) -> [Parameter(name, kind, options, nullable, default, tip)]       from the pydantic schema alone
    spec_of(values, given) -> Spec                  command(spec) -> what to type for the same

A new method, or a new parameter, is in the form without a line here. An empty field means null where null is allowed.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any

from interp.errors import InterpError, nearest
from interp.store import METHODS, PARAMETERS, Spec, spec_from
from interp.store.study import WEIGHTS_ONLY

ASKED = tuple(name for name in METHODS if name not in ("try", "train"))
"""Methods that can be launched here: a try has its own page, a training its own command."""
LONGEST = 4000
Values = dict[str, Any]


@dataclass(frozen=True)
class Parameter:
    """One field: its kind (choice, several, list, whole, number, yes, text, json), and what it starts with."""

    name: str
    kind: str
    options: tuple[str, ...]
    nullable: bool
    default: Any
    tip: str
    items: str = "string"


def fields(method: str) -> list[Parameter]:
    """Return the fields of a method's parameters. Raises InterpError for a method that is not launched here."""
    if method not in ASKED:
        raise InterpError(f"{method!r:.60} cannot be launched here. {nearest(method, ASKED)}")
    model = PARAMETERS[method]
    schema, found = model.model_json_schema(), []
    for name, about in schema.get("properties", {}).items():
        kind, options, items, nullable = _kind(about)
        required = name in schema.get("required", [])
        default = None if required else model.model_fields[name].get_default(call_default_factory=True)
        tip = f"{about.get('description', '')}{_bounds(about)}"
        found.append(Parameter(name, kind, options, nullable, default, tip, items))
    return found


def _kind(about: Values) -> tuple[str, tuple[str, ...], str, bool]:
    """The kind of a field, its options, the type of its items, and whether null is a value of it."""
    parts = about.get("anyOf", [about])
    real = [part for part in parts if part.get("type") != "null"]
    nullable = len(real) < len(parts)
    if len(real) != 1:
        return "json", (), "any", nullable
    part = real[0]
    if "enum" in part and all(isinstance(option, str) for option in part["enum"]):
        return "choice", tuple(part["enum"]), "string", nullable
    if part.get("type") == "array":
        items = part.get("items", {})
        if "enum" in items:
            return "several", tuple(items["enum"]), "string", nullable
        plain = items.get("type") in ("string", "integer", "number")
        return ("list" if plain else "json"), (), items.get("type", "any"), nullable
    kinds = {"integer": "whole", "number": "number", "boolean": "yes", "string": "text"}
    return kinds.get(part.get("type", ""), "json"), (), "string", nullable


def _bounds(about: Values) -> str:
    """The bounds of a number in words."""
    part = next((each for each in about.get("anyOf", [about]) if each.get("type") in ("integer", "number")), {})
    low, above, high = (part.get(name) for name in ("minimum", "exclusiveMinimum", "maximum"))
    said = [f"at least {low}"] * (low is not None) + [f"above {above}"] * (above is not None)
    said += [f"at most {high}"] * (high is not None)
    return f" ({', '.join(said)})" if said else ""


def shown(parameter: Parameter, value: Any) -> Any:
    """Return a value of a parameter as the browser holds it in the field."""
    if parameter.kind in ("several", "list"):
        return [str(each) for each in value or ()]
    if value is None:
        return "" if parameter.kind != "choice" else None
    if parameter.kind == "yes":
        return "true" if value else "false"
    if parameter.kind == "json":
        return json.dumps(value)
    return value


def given(method: str, values: Values) -> Values:
    """Return the parameters of a form. Raises InterpError for a field that cannot be read."""
    known = {parameter.name: parameter for parameter in fields(method)}
    return {name: _read(known[name], value) for name, value in values.items() if name in known}


def _read(parameter: Parameter, value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST:
        raise InterpError(f"{parameter.name} has {len(value)} characters; use at most {LONGEST}.")
    if value in (None, "", []):
        if parameter.nullable or parameter.kind in ("several", "list"):
            return None if parameter.nullable else ()
        if parameter.default == "":
            return ""
        raise InterpError(f"{parameter.name} is empty; give it a value.")
    if parameter.kind == "yes":
        return value == "true"
    if parameter.kind == "list" and isinstance(value, list):
        return [_item(parameter, each) for each in value]
    if parameter.kind == "json":
        try:
            return json.loads(str(value))
        except ValueError:
            raise InterpError(f"{parameter.name} must be JSON, e.g. {json.dumps(parameter.default)}.") from None
    return value


def _item(parameter: Parameter, text: Any) -> Any:
    if parameter.items == "string":
        return str(text)
    try:
        return int(str(text)) if parameter.items == "integer" else float(str(text))
    except ValueError:
        raise InterpError(f"{parameter.name}: {str(text)!r:.40} is no number.") from None


def spec_of(values: Values, parameters: Values) -> Spec:
    """Return the question of the whole form. Raises InterpError, in one line, for the first thing that is wrong."""
    method = str(values.get("method") or "")
    asked = given(method, parameters)
    task = str(values.get("task") or "").strip() or None if has_task(method) else None
    style = str(values.get("style") or "plain").strip() if task else "plain"
    seed = values.get("seed")
    return spec_from(
        {
            "method": method,
            "model": str(values.get("model") or "").strip(),
            "task": task,
            "style": style,
            "seed": 0 if seed in (None, "") else seed,
            "device": str(values.get("device") or "cpu"),
            "dtype": str(values.get("dtype") or "float32"),
            "parameters": asked,
        }
    )


def values_of(spec: Spec) -> tuple[Values, Values]:
    """Return the form that asks a question: its own fields, and the parameters of the method."""
    asked = {name: getattr(spec, name) for name in ("method", "model", "task", "style", "seed", "device", "dtype")}
    return {name: value for name, value in asked.items() if value is not None}, dict(spec.parameters)


def has_task(method: str) -> bool:
    """Return whether a method is asked of one task in one style: a study names its tasks, weights have none."""
    return method not in (*WEIGHTS_ONLY, "study")


def command(spec: Spec) -> str:
    """Return the command that asks the same in a terminal, parameters that are not the default written out."""
    parts = ["interp study" if spec.method == "study" else f"interp run {spec.method}"]
    parts += [f"--model {shlex.quote(spec.model)}"]
    parts += [f"--task {shlex.quote(spec.task)}"] if spec.task else []
    parts += [f"--style {shlex.quote(spec.style)}"] if spec.style != "plain" else []
    for parameter in fields(spec.method):
        value = spec.parameters[parameter.name]
        if json.dumps(value) != json.dumps(parameter.default):
            text = value if isinstance(value, str) else json.dumps(value)
            parts.append(f"--set {shlex.quote(f'{parameter.name}={text}')}")
    for name, usual in (("seed", 0), ("device", "cpu"), ("dtype", "float32")):
        if getattr(spec, name) != usual:
            parts.append(f"--{name} {shlex.quote(str(getattr(spec, name)))}")
    return " ".join(parts)

"""How does a form become a question, and a question a form again?

    spec_of(values) -> Spec(method="try")        values_of(spec) -> values        command(spec) -> `interp try ...`

Every value comes from the browser, so each is checked here; the rest (is the role there, is the operand in range) the
worker says, for only it has the model.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any

from interp.errors import InterpError
from interp.store import Spec, spec_from

Values = dict[str, Any]
KINDS = (
    ("none", "nothing: the clean run alone"),
    ("patch", "patch from a second prompt"),
    ("cama", "wait (CAMA)"),
    ("abp", "peek (ABP)"),
    ("window", "AF1 window: wait, transfer, compute"),
    ("plane", "take out a number's plane"),
    ("head", "knock out a head"),
)
COMPONENTS = (
    ("resid_pre", "stream (resid_pre)"),
    ("attn_out", "attention (attn_out)"),
    ("mlp_out", "MLP (mlp_out)"),
)
FIELDS: dict[str, tuple[str, ...]] = {
    "none": (),
    "patch": ("second", "component", "layer", "role"),
    "cama": ("l_wait",),
    "abp": ("l_wait", "l_transfer"),
    "window": ("l_wait", "l_transfer"),
    "plane": ("layer", "role", "period"),
    "head": ("layer", "head", "cut"),
}
"""What each kind of intervention asks for."""
DEFAULTS: Values = {
    "model": "mental-math", "by": "operands", "task": "a+b", "style": "plain", "operands": "17, 25", "prompt": "",
    "kind": "patch", "second": "17, 62", "component": "resid_pre", "layer": 3, "role": "b", "l_wait": 2,
    "l_transfer": 2, "head": 0, "cut": "reads", "period": 10, "device": "cpu",
}  # fmt: skip
NAMES = tuple(DEFAULTS)
LONGEST = 2000


def spec_of(values: Values) -> Spec:
    """Return the question of a form. Raises InterpError, in one line, for the first field that is wrong."""
    said = {name: _plain(name, values.get(name)) for name in NAMES}
    typed = said["by"] == "prompt"
    asked = {"prompt": _text(said, "prompt")} if typed else {"operands": numbers(_text(said, "operands"))}
    kind = said["kind"]
    if kind not in FIELDS:
        raise InterpError(f"{kind!r} is no intervention.")
    edit = None if kind == "none" else {"kind": kind, **_fields(said, kind, typed)}
    task = _text(said, "task", "") or None
    needs_task = not typed or kind in ("cama", "window", "plane")
    return spec_from(
        {
            "method": "try",
            "model": _text(said, "model"),
            "task": task if needs_task else None,
            "style": _text(said, "style", "plain") if needs_task else "plain",
            "device": _text(said, "device", "cpu"),
            "parameters": {**asked, "intervention": edit},
        }
    )


def _fields(said: Values, kind: str, typed: bool) -> Values:
    """The fields of an intervention; numbers must be there."""
    found: Values = {}
    for name in FIELDS[kind]:
        if name == "second":
            text = _text(said, "second")
            own = {"prompt": text} if typed or not LISTED.fullmatch(text) else {"operands": numbers(text)}
            found |= own
        elif name in ("role", "component", "cut"):
            found[name] = _text(said, name)
        elif said[name] in (None, ""):
            raise InterpError(f"{LABELS[name]} is empty; give a number.")
        else:
            found[name] = said[name]
    return found


LISTED = re.compile(r"\s*\d+([\s,]+\d+)*\s*")
LABELS = {
    "model": "Model", "by": "Question", "task": "Task", "style": "Style", "operands": "Operands", "prompt": "Prompt",
    "kind": "Intervention", "second": "Second prompt", "component": "Component", "layer": "Layer", "role": "Role",
    "l_wait": "Blocks that wait", "l_transfer": "Blocks that transfer", "head": "Head", "cut": "What is cut",
    "period": "Period", "device": "Device",
}  # fmt: skip


def numbers(text: str) -> list[int]:
    """Return the operands in "17, 25". Raises InterpError for anything else."""
    if not LISTED.fullmatch(text):
        raise InterpError(f"{text!r:.60} is no list of operands; write whole numbers, such as 17, 25.")
    return [int(number) for number in re.findall(r"\d+", text)]


def _plain(name: str, value: Any) -> str | int | float | None:
    if value is None or (isinstance(value, int | float | str) and not isinstance(value, bool)):
        return value
    raise InterpError(f"{name} must be a number or text.")


def _text(said: Values, name: str, default: str | None = None) -> str:
    text = str(said[name] if said[name] is not None else "")
    text = text if name in ("prompt", "second") else text.strip()
    if not text and default is not None:
        return default
    if not text.strip():
        raise InterpError(f"{LABELS[name]} is empty; fill it in.")
    if len(text) > LONGEST:
        raise InterpError(f"{LABELS[name]} has {len(text)} characters; use at most {LONGEST}.")
    return text


def values_of(spec: Spec) -> Values:
    """Return the form that asks a question, defaults where the question says nothing."""
    p, edit = spec.parameters, spec.parameters["intervention"] or {"kind": "none"}
    typed = p["prompt"] is not None
    found = {
        **DEFAULTS,
        "model": spec.model,
        "device": spec.device,
        "kind": edit["kind"],
        "by": "prompt" if typed else "operands",
    }
    found |= {"prompt": p["prompt"]} if typed else {"operands": _joined(p["operands"])}
    found |= {"task": spec.task, "style": spec.style} if spec.task else {}
    found |= {name: edit[name] for name in FIELDS[edit["kind"]] if name != "second"}
    if edit["kind"] == "patch":
        found["second"] = edit["prompt"] if edit["prompt"] is not None else _joined(edit["operands"])
    return found


def _joined(operands: Any) -> str:
    return ", ".join(map(str, operands or ()))


EDITS: dict[str, Callable[[Values], str]] = {
    "patch": lambda e: f"--patch {e['component']}.{e['layer']}@{e['role']} --from {_word(e)}",
    "cama": lambda e: f"--cama {e['l_wait']}",
    "abp": lambda e: f"--abp {e['l_wait']},{e['l_transfer']}",
    "window": lambda e: f"--window {e['l_wait']},{e['l_transfer']}",
    "plane": lambda e: f"--plane {e['layer']}@{e['role']},{e['period']:g}",
    "head": lambda e: f"--head {e['layer']}.{e['head']}" + (",output" if e["cut"] == "output" else ""),
}


def command(spec: Spec) -> str:
    """Return the command that asks the same in a terminal."""
    edit = spec.parameters["intervention"]
    parts = [f"interp try {_word(spec.parameters)} --model {shlex.quote(spec.model)}"]
    parts += [f"--task {shlex.quote(spec.task)}"] if spec.task else []
    parts += [f"--style {shlex.quote(spec.style)}"] if spec.style != "plain" else []
    parts += [EDITS[edit["kind"]](edit)] if edit else []
    parts += [f"--device {shlex.quote(spec.device)}"] if spec.device != "cpu" else []
    return " ".join(parts)


def _word(asked: Values) -> str:
    return shlex.quote(asked["prompt"]) if asked["prompt"] is not None else ",".join(map(str, asked["operands"]))

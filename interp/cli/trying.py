"""`interp try`: one prompt and at most one intervention, answered at once; the command twin of the app's page.

interp try 17,25 --patch resid_pre.3@b --from 17,62
interp try "12+34=" --task a+b --cama 2
interp try 17,25 --window 2,2 --keep
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interp.cli import options as opt
from interp.cli.output import as_json, say, table
from interp.errors import InterpError

if TYPE_CHECKING:
    import xarray as xr

WHOLE = r"[0-9]{1,18}"
ASKED = ("patch", "cama", "abp", "window", "plane", "head")
Given = dict[str, str | None]


def add(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("try")(try_)


def try_(
    question: Annotated[str, typer.Argument(help='Operands of the task, 17,25, or a whole prompt, "12+34=".')],
    model: opt.Model = "mental-math",
    task: opt.Task = None,
    style: opt.Style = "plain",
    patch: Annotated[str | None, typer.Option(help="SITE.LAYER@ROLE, e.g. resid_pre.3@b; needs --from.")] = None,
    source: Annotated[str | None, typer.Option("--from", help="The second prompt of --patch.")] = None,
    cama: Annotated[str | None, typer.Option(help="L_WAIT: every token waits for so many blocks.")] = None,
    abp: Annotated[str | None, typer.Option(help="L_WAIT,L_TRANSFER: what the last token may see.")] = None,
    window: Annotated[str | None, typer.Option(help="L_WAIT,L_TRANSFER: the AF1 subgraph.")] = None,
    plane: Annotated[str | None, typer.Option(help="LAYER@ROLE,PERIOD: a number's plane at its mean.")] = None,
    head: Annotated[str | None, typer.Option(help="LAYER.HEAD[,output]: one head knocked out.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Record the answer as a run.")] = False,
    seed: opt.Seed = 0,
    device: opt.Device = "cpu",
    dtype: opt.Dtype = "float32",
    store: opt.Root = None,
    json: opt.Json = False,
) -> None:
    """Ask a model ONE prompt, plainly and under an intervention; nothing is recorded unless --keep."""
    from interp.execute import answer, record

    edit = intervention(
        {"patch": patch, "cama": cama, "abp": abp, "window": window, "plane": plane, "head": head}, source
    )
    asked = {**prompt_of(question), "intervention": edit}
    named = task if task or "prompt" in asked else "a+b"
    spec = opt.spec("try", model, named, style, parameters=asked, seed=seed, device=device, dtype=dtype)
    if not keep:
        _show(answer(spec), None, json)
        return
    opened = opt.opened(store)
    run_id = record(spec, opened)
    _show(opened.open(run_id).load(), run_id, json)


def prompt_of(text: str) -> dict[str, Any]:
    """Return {"operands": ...} of "17,25", {"prompt": ...} of anything else."""
    if re.fullmatch(rf"\s*{WHOLE}(\s*,\s*{WHOLE})*\s*", text):
        return {"operands": [int(number) for number in text.split(",")]}
    return {"prompt": text}


def intervention(given: Given, source: str | None) -> dict[str, Any] | None:
    """Return the intervention of the options, at most one. Raises InterpError for two, or one that cannot be read."""
    chosen = [(name, text) for name, text in given.items() if text is not None]
    if len(chosen) > 1:
        raise InterpError(
            f"one intervention at a time: give {' or '.join(f'--{name}' for name, _ in chosen)}, not both."
        )
    if (source is not None) != (given["patch"] is not None):
        raise InterpError("--patch and --from belong together: --patch resid_pre.3@b --from 17,62.")
    if not chosen:
        return None
    name, text = chosen[0]
    pattern, read = READERS[name]
    found = re.fullmatch(pattern, text.replace(" ", ""))
    if found is None:
        raise InterpError(f"--{name} {text!r} cannot be read; see `interp try --help`.")
    return {"kind": name, **read(found), **(prompt_of(source) if source is not None else {})}


READERS: dict[str, Any] = {
    "patch": (rf"(\w+)\.({WHOLE})@(\w+)", lambda m: {"component": m[1], "layer": int(m[2]), "role": m[3]}),
    "cama": (rf"({WHOLE})", lambda m: {"l_wait": int(m[1])}),
    "abp": (rf"({WHOLE}),({WHOLE})", lambda m: {"l_wait": int(m[1]), "l_transfer": int(m[2])}),
    "window": (rf"({WHOLE}),({WHOLE})", lambda m: {"l_wait": int(m[1]), "l_transfer": int(m[2])}),
    "plane": (
        rf"({WHOLE})@(\w+),({WHOLE}(?:\.\d{{1,17}})?)",
        lambda m: {"layer": int(m[1]), "role": m[2], "period": float(m[3])},
    ),
    "head": (
        rf"({WHOLE})\.({WHOLE})(?:,(\w+))?",
        lambda m: {"layer": int(m[1]), "head": int(m[2]), "cut": m[3] or "reads"},
    ),
}


def _show(found: xr.Dataset, run_id: str | None, json: bool) -> None:
    from interp.figures import trial

    runs = [str(name) for name in found["run"].values]
    if json:
        top = {
            name: [[str(token), float(share)] for token, share in zip(tokens, shares, strict=True)]
            for name, tokens, shares in zip(
                runs, found["top_token"].values, found["top_probability"].values, strict=True
            )
        }
        about = {
            name: found.attrs[name]
            for name in ("prompt", "target", "target_is", "edit", "control")
            if name in found.attrs
        }
        effect = dict(zip(runs, found["effect"].values.tolist(), strict=True))
        as_json({"run_id": run_id, **about, "roles": found["role"].values.tolist(), "top": top, "effect": effect})
        return
    said = trial.predictions_table(found)
    roles = " ".join(f"{role}={token}" for role, token in zip(found["role"].values, found["token"].values, strict=True))
    table(f"{found.attrs['prompt']!r}  ({roles})", said.columns, said.rows)
    print(trial.summary(found))
    for name in ("edit", "control"):
        if name in found.attrs:
            say(f"{name}: {found.attrs[name]}")
    if run_id:
        say(f"recorded as {run_id}")

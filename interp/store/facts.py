"""Where does a run come from, in words? Its circumstances as flat text, and the lines that open it in Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def facts(manifest: dict[str, Any]) -> dict[str, str]:
    """Return provenance as flat text, from a manifest; what is absent is left out."""
    git, around = manifest.get("git") or {}, manifest.get("environment") or {}
    model = manifest.get("model") or {}
    name, _, revision = str(model.get("id") or "").partition("@")
    found = {
        "run": manifest.get("run_id"),
        "created (UTC)": manifest.get("created"),
        "wall time": f"{manifest['seconds']:.1f} s" if manifest.get("seconds") is not None else None,
        "spec hash": manifest.get("spec_hash"),
        "model": name,
        "revision": revision,
        "weights sha256": model.get("weights_sha256"),
        "data": _data(manifest.get("spec") or {}),
        "prompts sha256": (manifest.get("attributes") or {}).get("prompts_sha256"),
        "task file": _flat(manifest.get("task_file")),
        "git commit": commit(git),
        "seeds": _flat(manifest.get("seeds")),
        "device, dtype": ", ".join(str(manifest[name]) for name in ("device", "dtype") if manifest.get(name)),
        "threads": manifest.get("threads"),
        "environment": _flat({name: value for name, value in around.items() if name != "packages"}),
        "packages": _flat(around.get("packages")),
        "command": manifest.get("command"),
        "parents": ", ".join(manifest.get("parents") or ()),
        "files": f"{len(manifest['files'])}, {sum(f['bytes'] for f in manifest['files'].values()):,} bytes",
    }
    return {name: str(value) for name, value in found.items() if value not in (None, "", {}, [])}


def snippet(run_id: str, root: Path | str) -> str:
    """Return the lines that open a run of the store at `root` in Python and draw it."""
    return (
        "from interp.figures import drawing\n"
        "from interp.store import Store\n\n"
        f"run = Store({str(root)!r}, create=False).open({run_id!r})\n"
        "run.dataset                                      # xarray.Dataset\n"
        'drawing(run.manifest["spec"]["method"])(run.dataset).show()'
    )


def _data(spec: dict[str, Any]) -> str:
    """Return the task, the style and how many prompts of which split the spec asks for."""
    asked = spec.get("parameters") or {}
    number = f"n {asked['n']}" if asked.get("n") is not None else ""
    split = f"split {asked['split']}" if asked.get("split") else ""
    parts = (str(spec["task"]), spec.get("style") or "", number, split) if spec.get("task") else ()
    return ", ".join(part for part in parts if part)


def commit(git: Mapping[str, Any]) -> str | None:
    """Return the commit of the code in words, None where it is not known."""
    if not git.get("commit"):
        return None
    return f"{git['commit']}{' (with uncommitted changes)' if git.get('dirty') else ''}"


def _flat(values: Any) -> str:
    if not isinstance(values, dict):
        return "" if values is None else str(values)
    return ", ".join(f"{name} {_flat(value)}" for name, value in values.items())

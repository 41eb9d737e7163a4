"""In what do two runs differ? The fields of their questions that are not equal, and their headline numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interp.store.runs import OpenRun

Pairs = dict[str, tuple[Any, Any]]


def diff(first: OpenRun, second: OpenRun) -> dict[str, Any]:
    """Return {runs, spec, summary, made}.

    `spec` holds only the fields that differ, by dotted name, as (first, second); `summary` holds every headline number
    of either, side by side (None where one has it not); `made` holds what differs in code, packages and machine.
    """
    one, two = first.manifest, second.manifest
    return {
        "runs": (first.run_id, second.run_id),
        "spec": different(one["spec"], two["spec"]),
        "summary": {name: (one["summary"].get(name), two["summary"].get(name)) for name in _names(one, two)},
        "made": different(_made(one), _made(two)),
    }


def different(first: Mapping[str, Any], second: Mapping[str, Any], prefix: str = "") -> Pairs:
    """Return {dotted name: (first, second)} of the leaves of two nested mappings that are not equal."""
    found: Pairs = {}
    for name in dict.fromkeys((*first, *second)):
        one, two = first.get(name), second.get(name)
        if isinstance(one, Mapping) and isinstance(two, Mapping):
            found |= different(one, two, f"{prefix}{name}.")
        elif one != two:
            found[f"{prefix}{name}"] = (one, two)
    return found


def _names(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys((*one["summary"], *two["summary"])))


def _made(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {name: manifest.get(name) or {} for name in ("git", "environment", "model")}

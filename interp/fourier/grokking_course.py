"""When did grokking happen, and how much structure was there then and at the end? Events and words of a course.

    halved      below ln(p) / 2, half the loss of holding all classes for equally likely
    structure   at the first checkpoint with test accuracy .99, at the last one, and from when on it stood still

Events and phases are those of `interp.fourier.phases`: between two checkpoints, or "not before" the last one.
"""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from interp.fourier.key_frequencies import KeyFrequencies, margin
from interp.fourier.phases import Event, phases, reached, structure
from interp.methods.result import variable

STRUCTURES = ("gini W_E", "gini W_L", "median fve", "single-frequency neurons")


def courses(result: xr.Dataset) -> dict[str, np.ndarray]:
    """Return the curves that events and structure are read from, each [step]."""
    gini = result["gini"].sel(norms_of="frequencies_without_constant")
    return {
        "train_accuracy": result["accuracy"].sel(split="train").values,
        "test_accuracy": result["accuracy"].sel(split="test").values,
        "test_loss": result["loss"].sel(split="test").values,
        "restricted": result["restricted"].sel(split="test", variant="sum_directions").values,
        "excluded": result["excluded"].sel(split="train").values,
        "gini W_E": gini.sel(weight="W_E").values,
        "gini W_L": gini.sel(weight="W_L").values,
        "median fve": result["fve_median"].values,
        "single-frequency neurons": result["single"].values,
    }


def events(result: xr.Dataset) -> dict[str, Event]:
    """Return when what happened: memorised, circuit formed, grokked, and when two test losses were halved."""
    steps, curves = result["step"].values, courses(result)
    half = math.log(result.sizes["operand_a"]) / 2
    found = phases(steps, curves["train_accuracy"], curves["test_accuracy"], curves["excluded"])[1]
    return found | {
        "restricted loss halved": reached(steps, curves["restricted"], half, "below"),
        "test loss halved": reached(steps, curves["test_loss"], half, "below"),
    }


def with_course(result: xr.Dataset, keys: KeyFrequencies, name: str) -> xr.Dataset:
    """Return the measures of a training with its events, its structure at grokking and at the end, and attributes."""
    happened, curves, steps = events(result), courses(result), result["step"].values
    built = [structure(steps, curves[each], happened["grokked"]) for each in STRUCTURES]
    text = "last checkpoint before it; the last of all where it was not seen"
    still = "first checkpoint from which it stays within 5 % of its range of the end; NaN: still moving"
    found = {
        "event_before": variable("event", [event.before for event in happened.values()], "step", text),
        "event_at": variable("event", _seen(happened.values()), "step", "first checkpoint after it; NaN: not seen"),
        "at_grok": variable("structure", [each.at_grok for each in built], "as measured", "at the step of grokking"),
        "at_end": variable("structure", [each.last for each in built], "as measured", "at the last step"),
        "plateau_from": variable("structure", _seen(each.plateau for each in built), "step", still),
        "margin": variable("", margin(keys.fundamental, keys.p), "per unit amplitude", "margin of equal cosines"),
        "n_keys": variable("", len(keys.fundamental), "frequencies", "key frequencies, doubles merged"),
    }
    for event, short in zip(happened, ("memorised", "formed", "grokked", "restricted_halved", "halved"), strict=True):
        at = _seen([happened[event]])[0]
        found[f"{short}_at"] = variable("", at, "step", f"{event}: first checkpoint after it; NaN: not seen")
    coords = {"event": list(happened), "structure": list(STRUCTURES)}
    return result.assign(found).assign_coords(coords).assign_attrs(_words(keys, happened["grokked"], name))


def _seen(happened) -> list[float]:
    return [event.at if event.seen else math.nan for event in happened]


def _words(keys: KeyFrequencies, grokked: Event, name: str) -> dict:
    doubles = {"doubles": [f"{twice} = 2 x {k}" for twice, k in keys.doubles.items()]} if keys.doubles else {}
    return {
        "method": "grokking",
        "task": f"a+b mod {keys.p}",
        "style": "plain",
        "model": name,
        "title": f"{name} groks {grokked}; keys {', '.join(map(str, keys.fundamental))} by the rule {keys.rule}",
        "rule": keys.rule,
        "keys": list(keys.fundamental),
        "p": keys.p,
        **doubles,
    }

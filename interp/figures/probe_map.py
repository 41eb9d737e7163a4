"""Where can one label be read, and where can its controls read it as well? Layer x role maps on one scale.

First the probe, then every control at the same place: shuffled labels, the untrained model, the memory of tokens
(control task), and what does not depend on the layer: the embedding, the text alone (tokens, last digit), the best
constant. A dot marks a cell that does not stand above every control of the same labels and the corrected ceiling of
shuffled ones.

How to read: a cell of the first map means something where it is brighter than the same cell of all other maps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from interp.figures import maps, schema

if TYPE_CHECKING:
    import xarray as xr

DIMS = ("layer", "role")
FLAT = ("embedding", "tokens", "last digit", "constant")  # the same at every layer
OTHER_LABELS = ("control task",)  # its labels are others, so it is no rival of the same labels
SHUFFLED = "shuffled labels"
SHOWN = ("score", "score_low", "score_high", "score_selection", "score_null", "score_null_high", "score_control", "n")


def target_map(dataset: xr.Dataset, *, target: str | None = None, theme: str = "light") -> go.Figure:
    """Return the maps of one label, the probe's first and every control's beside it; by default of the label that
    stands furthest above its controls."""
    here = at_target(dataset, target or best_cell(dataset)[0])
    name, unit = str(here["target"].item()), unit_of(dataset)
    layers, roles = [str(v) for v in schema.labels(here, "layer")], [str(v) for v in schema.labels(here, "role")]
    score, beaten = schema.estimates(here, "score", *DIMS), ~stands(here)
    text = maps.written(score.value, most=140)
    dotted = np.where(beaten, "·", np.asarray(text) if text else "").tolist()
    hover = _hover(here, name, score, unit)
    columns, panels = maps.Axis("", roles), [maps.Panel("probe", np.clip(score.value, 0, 1), hover, dotted)]
    for control, values in controls_of(here).items():
        told = [[f"<b>{name}, layer {layer}, {role}</b><br>control: {control} {values[i, j]:.3f}"
                 for j, role in enumerate(roles)] for i, layer in enumerate(layers)]  # fmt: skip
        panels.append(maps.Panel(control, np.clip(values, 0, 1), told))
    said = (f"held-out {unit}, below 0 drawn as 0", schema.count_text(here), "dot: not above every control and null",
            f"shuffled labels reach {ceiling(here):.2f}")  # fmt: skip
    return maps.panel_maps(
        panels, maps.Axis("layer (0 = embeddings)", layers), columns, unit=unit, bounds=(0.0, 1.0), theme=theme,
        title=schema.heading(here, f"Where {name} can be read", *said),
    )  # fmt: skip


Cell = tuple[str, int, str]


def best_cell(dataset: xr.Dataset, target: str | None = None) -> Cell:
    """Return label, layer and role of the place that the selection split chose (else of the largest score); without a
    label, the one that stands furthest above its controls there."""
    names = [str(name) for name in schema.labels(dataset, "target")]
    if target is None:
        target = max(names, key=lambda name: _margin(dataset, best_cell(dataset, name)))
    here = at_target(dataset, target)
    chosen = "score_selection" if "score_selection" in here.variables else "score"
    i, j = maps.largest(schema.values(here, chosen, *DIMS))
    return target, int(schema.labels(here, "layer")[i]), str(schema.labels(here, "role")[j])


def _margin(dataset: xr.Dataset, cell: Cell) -> float:
    """Return the score at a place less its largest control of the same labels, the shuffled ceiling included."""
    target, layer, role = cell
    here = at_target(dataset, target).sel(layer=[layer], role=[role])
    rivals = [float(values[0, 0]) for name, values in controls_of(here).items() if name not in OTHER_LABELS]
    return float(schema.values(here, "score", *DIMS)[0, 0]) - max(*rivals, ceiling(at_target(dataset, target)))


def at_target(dataset: xr.Dataset, target: str, *more: str) -> xr.Dataset:
    """Return the part of a result that is about one label: its scores, controls and `more`; not what prompts did."""
    return dataset[[name for name in (*SHOWN, *more) if name in dataset.variables]].sel(target=target)


def unit_of(dataset: xr.Dataset) -> str:
    """Return what the scores are: accuracy, R² ... (`probing` records R² and does not say so)."""
    return str(dataset.attrs.get("unit", "R²"))


def controls_of(here: xr.Dataset) -> dict[str, np.ndarray]:
    """Return every control of one label [layer, role], those that depend on the layer first."""
    found = {SHUFFLED: schema.values(here, "score_null", *DIMS)}
    if "score_control" in here.variables:
        values = schema.values(here, "score_control", "control", *DIMS)
        names = [str(name) for name in schema.labels(here, "control")]
        order = sorted(names, key=lambda name: FLAT.index(name) if name in FLAT else -1)
        found |= {name: values[names.index(name)] for name in order}
    return found


def ceiling(here: xr.Dataset) -> float:
    """Return the corrected 95th percentile of the map's maximum under shuffled labels."""
    return float(here["score_null_high"].max())


def stands(here: xr.Dataset) -> np.ndarray:
    """Return where [layer, role] the score is above the shuffled ceiling and every control of the same labels."""
    score = schema.values(here, "score", *DIMS)
    rivals = [values for name, values in controls_of(here).items() if name not in OTHER_LABELS]
    return score > np.maximum(np.max(rivals, axis=0), ceiling(here))


def _hover(here: xr.Dataset, name: str, score: schema.Estimates, unit: str) -> list[list[str]]:
    controls, n = controls_of(here), schema.count_text(here)
    return [
        [
            f"<b>{name}, layer {layer}, {role}</b><br>{unit} {score[i, j].text()}<br>{n}<br>"
            + "<br>".join(f"{control} {values[i, j]:.3f}" for control, values in controls.items())
            for j, role in enumerate(schema.labels(here, "role"))
        ]
        for i, layer in enumerate(schema.labels(here, "layer"))
    ]


def summary(dataset: xr.Dataset, target: str | None = None) -> str:
    """Return the best cell of a label with its interval, its largest control there, and how many cells stand."""
    here = at_target(dataset, target or best_cell(dataset)[0])
    score = schema.estimates(here, "score", *DIMS)
    i, j = maps.largest(score.value)
    rivals = {name: values[i, j] for name, values in controls_of(here).items() if name not in OTHER_LABELS}
    best = max(rivals, key=lambda name: rivals[name])
    layer, role = schema.labels(here, "layer")[i], schema.labels(here, "role")[j]
    return (
        f"{here['target'].item()} is read best at layer {layer}, {role}: {unit_of(dataset)} {score[i, j].text(2)}; the "
        f"largest control there is {best} {rivals[best]:.2f}, shuffled maps reach {ceiling(here):.2f}; "
        f"{int(stands(here).sum())} of {score.value.size} cells stand above all of these; {schema.count_text(here)}."
    )

"""Dataset -> plotly figure: the same functions serve the app, a notebook and a script.

    FIGURES["patching"][0](dataset)            -> go.Figure
    FIGURES["patching"][0].summary(dataset)    -> one sentence, for people who do not see the figure

Figures read variables and dims by name, never compute, and import neither torch nor the methods.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from interp.errors import InterpError, nearest
from interp.figures import (
    ablation,
    accuracy,
    af1,
    alternatives,
    attention,
    attention_heads,
    attention_mosaic,
    attention_tree,
    attribution,
    circuit_graph,
    circuits,
    clock_pizza,
    comparison,
    components,
    convergence,
    digit_attribution,
    digit_codes,
    digit_geometry,
    digit_probes,
    digit_rotation,
    direct,
    filters,
    grokking,
    grokking_circles,
    grokking_neurons,
    head_roles,
    helix,
    helix_periods,
    helix_places,
    interchange,
    key_heads,
    knockout,
    learning_order,
    lens,
    live_window,
    long_answers,
    mediation,
    neurons,
    operands,
    patch_maps,
    patching,
    peeking,
    planes,
    probe_causal,
    probe_cell,
    probe_controls,
    probe_errors,
    probe_learning,
    probe_map,
    probe_tables,
    probing,
    product_accuracy,
    pruning,
    running_sums,
    spectra,
    spectra_places,
    spectrum,
    steering,
    transfer,
    trial,
    waiting,
    window,
    window_grid,
)
from interp.figures.theme import GRAPH_CONFIG

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["FIGURES", "GRAPH_CONFIG", "Drawing", "drawing"]


@dataclass(frozen=True)
class Drawing:
    """One figure of a method: `draw(dataset, theme=...)`, its `summary(dataset)`, and the variable it shows."""

    name: str
    draw: Callable[..., go.Figure]
    summary: Callable[[xr.Dataset], str]
    shows: str

    def __call__(self, dataset: xr.Dataset, *, theme: str = "light") -> go.Figure:
        """Return the figure in `theme` ("light" or "dark")."""
        return self.draw(dataset, theme=theme)


FIGURES: dict[str, tuple[Drawing, ...]] = {
    "try": (
        Drawing("predictions", trial.predictions, trial.summary, "top_probability"),
        Drawing("lens", trial.lens, trial.summary, "lens_answer"),
        Drawing("attention", trial.attention, trial.summary, "pattern"),
    ),
    "accuracy": (Drawing("estimate", accuracy.estimate, accuracy.summary, "accuracy"),),
    "patching": (Drawing("recovered_map", patch_maps.metric_map, patching.summary, "recovered"),),
    "head_patching": (Drawing("head_maps", patch_maps.metric_map, patch_maps.summary, "recovered"),),
    "ablation": (Drawing("accuracy_by_layer", ablation.accuracy_by_layer, ablation.summary, "accuracy"),),
    "cama": (Drawing("wait_curve", waiting.wait_curve, waiting.sweep_summary, "faithfulness"),),
    "abp": (Drawing("peek_curve", transfer.peek_curve, transfer.peek_summary, "faithfulness"),),
    "peeking": (
        Drawing("single_layer", peeking.single_layer, peeking.summary, "faithfulness"),
        Drawing("head_map", knockout.head_map, knockout.summary, "head_faithfulness"),
    ),
    "af1": (
        Drawing("window", window.window, af1.summary, "faithfulness"),
        Drawing("grid", window_grid.grid_map, window_grid.grid_summary, "grid_faithfulness"),
        Drawing("wait_curve", waiting.wait_curve, waiting.sweep_summary, "wait_faithfulness"),
        Drawing("transfer_curve", transfer.transfer_curve, transfer.transfer_summary, "transfer_faithfulness"),
        Drawing("any_window", live_window.live, live_window.summary, "grid_faithfulness"),
    ),
    "window": (Drawing("window", window.window, af1.summary, "faithfulness"),),
    "alternatives": (Drawing("alternatives", alternatives.dots, comparison.summary, "faithfulness"),),
    "heads": (
        Drawing("elimination", pruning.removal_curve, pruning.summary, "curve"),
        Drawing("attention", head_roles.survivor_attention, head_roles.summary, "attention"),
        Drawing("knockout", knockout.head_map, knockout.summary, "knockout"),
    ),
    "lens": (Drawing("accuracy_map", lens.accuracy_map, lens.summary, "accuracy"),),
    "probing": (
        Drawing("readable", probing.readable, probing.summary, "score"),
        Drawing("score_by_layer", probing.score_by_layer, probing.summary, "score"),
        Drawing("target_map", probe_map.target_map, probe_map.summary, "score"),
        Drawing("cell_curve", probe_cell.cell_curve, probe_cell.curve_summary, "score"),
    ),
    "probe_controls": (
        Drawing("beside", probe_controls.beside, probe_controls.summary, "score"),
        Drawing("by_layer", probe_controls.by_layer, probe_controls.summary, "score"),
        Drawing("target_map", probe_map.target_map, probe_map.summary, "score"),
        Drawing("cell_curve", probe_cell.cell_curve, probe_cell.curve_summary, "score_control"),
        Drawing("by_class", probe_errors.by_class, probe_errors.class_summary, "score_by"),
        Drawing("confusion", probe_errors.confusion, probe_errors.confusion_summary, "confusion"),
    ),
    "probe_learning": (Drawing("learned", probe_learning.learned, probe_learning.summary, "compression"),),
    "probe_transfer": (Drawing("transfer_map", probe_tables.transfer_map, probe_tables.transfer_summary, "score"),),
    "probe_directions": (Drawing("overlap_map", probe_tables.overlap_map, probe_tables.overlap_summary, "overlap"),),
    "probe_causal": (Drawing("followed", probe_causal.followed, probe_causal.summary, "follows"),),
    "attention": (
        Drawing("from_last", attention.from_last, attention.summary, "pattern"),
        Drawing("all_heads", attention_mosaic.all_heads, attention.summary, "pattern"),
        Drawing("one_head", attention_heads.one_head, attention.summary, "pattern"),
    ),
    "spectrum": (Drawing("power", spectrum.power, spectrum.summary, "power"),),
    "spectra": (
        Drawing("excess", spectra.excess, spectra.summary, "excess"),
        Drawing("at_place", spectra_places.at_place, spectra_places.summary, "power"),
        Drawing("by_layer", spectra_places.by_layer, spectra_places.summary, "power"),
    ),
    "operands": (
        Drawing("pair_map", operands.pair_map, operands.summary, "explained_behaviour"),
        Drawing("by_property", operands.by_property, operands.summary, "explained_behaviour"),
        Drawing("explained", operands.explained, operands.summary, "explained_behaviour"),
    ),
    "dla": (
        Drawing("head_map", direct.head_map, direct.summary, "heads"),
        Drawing("by_layer", direct.by_layer, direct.summary, "mlps"),
        Drawing("neuron_map", direct.neuron_map, direct.summary, "neuron_sizes"),
    ),
    "long_answers": (Drawing("by_place", long_answers.by_place, long_answers.summary, "digit_generated"),),
    "mediation": (
        Drawing("mlp_map", mediation.mlp_map, mediation.summary, "effect"),
        Drawing("mlp_median_map", mediation.mlp_median_map, mediation.summary, "effect_median"),
        Drawing("attention_map", mediation.attention_map, mediation.summary, "effect_median"),
        Drawing("importance", mediation.importance, mediation.summary, "relative_importance"),
    ),
    "components": (
        Drawing("faithfulness_curve", components.faithfulness_curve, components.summary, "faithfulness"),
        Drawing("head_map", components.head_map, components.summary, "head_effect"),
    ),
    "neurons": (
        Drawing("operand_maps", neurons.operand_maps, neurons.summary, "activation"),
        Drawing("shares", neurons.shares, neurons.summary, "share"),
        Drawing("kept_curve", neurons.kept_curve, neurons.summary, "faithfulness"),
        Drawing("knockout", neurons.knockout, neurons.summary, "knockout_associated"),
    ),
    "attribution": (
        Drawing("node_maps", attribution.node_maps, attribution.summary, "score"),
        Drawing("agreement", attribution.agreement, attribution.summary, "effect"),
    ),
    "interchange": (Drawing("accuracy_maps", interchange.accuracy_maps, interchange.summary, "iia"),),
    "key_heads": (
        Drawing("knockout_curve", key_heads.knockout_curve, key_heads.summary, "accuracy"),
        Drawing("head_map", key_heads.head_map, key_heads.summary, "effect"),
        Drawing("trace", key_heads.trace, key_heads.summary, "towards_answer"),
    ),
    "clock_pizza": (
        Drawing("evidence", clock_pizza.evidence, clock_pizza.summary, "score"),
        Drawing("circles", clock_pizza.circles, clock_pizza.summary, "explained"),
        Drawing("logit_map", clock_pizza.logit_map, clock_pizza.summary, "logit_map"),
        Drawing("cosines", clock_pizza.cosines, clock_pizza.summary, "cosine"),
        Drawing("over_training", clock_pizza.over_training, clock_pizza.summary, "symmetricity_step"),
    ),
    "helix": (
        Drawing("patch_curve", helix.patch_curve, helix.patch_summary, "recovered"),
        Drawing("gain_curve", helix.gain_curve, helix.gain_summary, "partial"),
        Drawing("by_period", helix_periods.by_period, helix_periods.summary, "partial"),
        Drawing("rings", helix_places.rings, helix.gain_summary, "coordinate"),
        Drawing("coil", helix_places.coil, helix.gain_summary, "coordinate"),
    ),
    "grokking": (
        Drawing("losses", grokking.losses, grokking.summary, "loss"),
        Drawing("structure", grokking.structure, grokking.summary, "gini"),
        Drawing("spectra", grokking.spectra, grokking.summary, "norms"),
        Drawing("clusters", grokking_neurons.clusters, grokking_neurons.summary, "fve"),
        Drawing("circles", grokking_circles.circles, grokking_circles.summary, "place"),
    ),
    "filters": (
        Drawing("removal", filters.removal, filters.summary, "accuracy"),
        Drawing("errors", filters.errors, filters.summary, "error_share"),
        Drawing("kept", filters.kept, filters.summary, "kept_same"),
    ),
    "planes": (Drawing("accuracy", planes.accuracy, planes.summary, "accuracy"),),
    "steering": (Drawing("dose_curve", steering.dose_curve, steering.summary, "follows"),),
    "digit_probes": (
        Drawing("by_base", digit_probes.by_base, digit_probes.summary, "accuracy"),
        Drawing("by_layer", digit_probes.by_layer, digit_probes.summary, "accuracy"),
    ),
    "digit_rotation": (Drawing("dose_curve", digit_rotation.dose_curve, digit_rotation.summary, "follows"),),
    "digit_codes": (Drawing("scores", digit_codes.scores, digit_codes.summary, "r2"),),
    "convergence": (Drawing("measures", convergence.measures, convergence.summary, "kappa"),),
    "product_accuracy": (Drawing("by_column", product_accuracy.by_column, product_accuracy.summary, "accuracy"),),
    "digit_attribution": (
        Drawing("attribution_map", digit_attribution.attribution_map, digit_attribution.summary, "attribution"),
    ),
    "running_sums": (
        Drawing("error_by_column", running_sums.error_by_column, running_sums.summary, "mae_foretold"),
        Drawing("scatter", running_sums.scatter, running_sums.summary, "said"),
    ),
    "attention_tree": (
        Drawing("coverage", attention_tree.coverage, attention_tree.summary, "coverage"),
        Drawing("heads", attention_tree.heads, attention_tree.summary, "pattern"),
    ),
    "digit_geometry": (
        Drawing("fits", digit_geometry.fits, digit_geometry.summary, "additive"),
        Drawing("clusters", digit_geometry.clusters, digit_geometry.summary, "component"),
    ),
    "product_digits": (Drawing("scores", digit_codes.scores, digit_codes.summary, "r2"),),
    "learning_order": (
        Drawing("losses", learning_order.losses, learning_order.summary, "loss"),
        Drawing("gradients", learning_order.gradients, learning_order.summary, "gradient_norm"),
    ),
    "circuits": (
        Drawing("faithfulness", circuits.faithfulness_curve, circuits.summary, "faithfulness"),
        Drawing("top_edges", circuits.top_edges, circuits.summary, "score"),
        Drawing("graph", circuit_graph.graph, circuit_graph.summary, "score"),
    ),
}


def drawing(method: str, name: str | None = None) -> Drawing:
    """Return the figure `name` of `method` (default: its first); InterpError names the nearest."""
    if method not in FIGURES:
        raise InterpError(f"There are no figures for {method!r}. {nearest(method, FIGURES)}")
    found = {figure.name: figure for figure in FIGURES[method]}
    if name is not None and name not in found:
        raise InterpError(f"{method} has no figure {name!r}. {nearest(name, found)}")
    return found[name] if name else FIGURES[method][0]

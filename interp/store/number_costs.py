"""What do spectra, circles, helices, digits and maps over operands cost?"""

from __future__ import annotations

from interp.store import parameters as asked
from interp.store.clock_pizza_parameters import ClockPizza
from interp.store.digit_parameters import Convergence, DigitCodes, DigitProbes, DigitRotation
from interp.store.grokking_parameters import Grokking
from interp.store.helix_parameters import Filters, Helix, Planes
from interp.store.operand_parameters import Operands
from interp.store.passes import Cost, Passes, Size, Work, evaluated

CIRCLES = 10  # circles of the embeddings of a modular-addition network, and the whole


def _spectrum(p: asked.Spectrum, size: Size) -> Work:
    return {}


def _spectra(p: asked.Spectra, size: Size) -> Work:
    return {p.split: Passes(p.split, p.n, 1)}


def _operands(p: Operands, size: Size) -> Work:
    return {"grid": Passes("all", None, 2 + 2 * p.direct + p.probes)}  # answers, neurons; heads write: twice; probes


def _clock_pizza(p: ClockPizza, size: Size) -> Work:
    networks = 1 + p.n_untrained + p.n_checkpoints  # each runs the whole grid once, and once for every circle
    return {"grid": Passes("all", None, CIRCLES * networks)}


def _filters(p: Filters, size: Size) -> Work:
    return evaluated(p, 1 + 2 * len(p.modules) * (1 + 2 * p.n_random) + 8)  # every layer is written: nothing is shared


def _planes(p: Planes, size: Size) -> Work:
    subspaces = len(p.layers) * (2 + (4 if p.periods is None else len(p.periods)))
    written = 3 * subspaces * (1 + 2 * p.n_random)  # three modes, two controls; a sweep resumes where it writes
    return {"train": Passes("train", p.n_train, 1)} | evaluated(p, 1 + written)


def _helix(p: Helix, size: Size) -> Work:
    layers = size.layers + 1 if p.layers is None else len(p.layers)
    written = layers * (4 * (4 + p.n_random) + 2) / 2  # forms of one to four periods; a sweep resumes where it writes
    sets = {"train": Passes("train", p.n_train, 1), "selection": Passes("selection", p.n_selection, 2 + 15 * layers)}
    return sets | evaluated(p, 4 + written)


def _digit_probes(p: DigitProbes, size: Size) -> Work:
    return evaluated(p, 1)


def _digit_rotation(p: DigitRotation, size: Size) -> Work:
    turns = 3 * 2 / 2  # three planes of two digits; a sweep resumes where it writes
    sets = {
        "train": Passes("train", p.n_train, 1),
        "selection": Passes("selection", p.n_select, 1 + turns * size.layers),
    }
    return sets | evaluated(p, 1 + turns * p.base * (1 + p.n_random))


def _digit_codes(p: DigitCodes, size: Size) -> Work:
    return evaluated(p, 1)


def _convergence(p: Convergence, size: Size) -> Work:
    return {}  # embeddings; the prompts are counted, not run


def _grokking(p: Grokking, size: Size) -> Work:
    return {}  # the weights of a toy by step: two seconds for 25 checkpoints


COSTS: dict[str, Cost] = {
    "spectrum": _spectrum,
    "spectra": _spectra,
    "operands": _operands,
    "helix": _helix,
    "digit_probes": _digit_probes,
    "digit_rotation": _digit_rotation,
    "digit_codes": _digit_codes,
    "convergence": _convergence,
    "filters": _filters,
    "planes": _planes,
    "clock_pizza": _clock_pizza,
    "grokking": _grokking,
}

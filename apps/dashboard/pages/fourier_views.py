"""What the Fourier page asks: five views, each a question and the figures that answer it for the model shown."""

from __future__ import annotations

from dataclasses import dataclass

PATH, PREFIX = "/fourier", "fourier"


@dataclass(frozen=True)
class View:
    """One part of the page: its name, the question it answers, its cards as (method, figure, title when missing)."""

    label: str
    question: str
    cards: tuple[tuple[str, str, str], ...]


VIEWS: dict[str, View] = {
    "spectra": View(
        "Spectra",
        "At which periods do numbers vary, in the embeddings and at every layer and token, beyond what noise, shuffled "
        "numbers and a smooth number line give?",
        (
            ("spectrum", "power", "Fourier power of the number embeddings"),
            ("unembedding", "power", "Fourier power of the number unembeddings"),
            ("spectra", "excess", "Periods by layer and token"),
            ("spectra", "at_place", "Spectrum at one place"),
            ("spectra", "by_layer", "Periods through the layers"),
        ),
    ),
    "circles": View(
        "Circles and helix",
        "Do numbers stand on circles that were fitted to other numbers, what does each circle explain, and does "
        "writing it in place of the number bring the answer back? Colours are phases: they repeat every T.",
        (
            ("helix", "rings", "Numbers on their circles"),
            ("helix", "coil", "Numbers on their helix"),
            ("helix", "by_period", "Variance explained by each period"),
            ("helix", "patch_curve", "Writing a helix in place of the number"),
        ),
    ),
    "neurons": View(
        "Neurons, clock and pizza",
        "What does a single neuron do? In a network that adds modulo p: into which clusters of frequencies do neurons "
        "fall, and does it add like a clock or like a pizza? In a language model: which rule of thumb does one follow?",
        (
            ("neurons", "operand_maps", "Late neurons at every pair"),
            ("neurons", "shares", "Neurons that follow a rule of thumb"),
            ("neurons", "kept_curve", "What the first neurons of each layer keep"),
            ("neurons", "knockout", "Without the neurons of one rule"),
            ("grokking", "clusters", "Neurons by frequency"),
            ("grokking", "spectra", "Spectra over training"),
            ("clock_pizza", "evidence", "Clock or pizza"),
            ("clock_pizza", "circles", "What one circle computes alone"),
            ("clock_pizza", "logit_map", "Correct logit of every pair"),
            ("clock_pizza", "cosines", "Cosine of the two operand gradients"),
        ),
    ),
    "causal": View(
        "Causal",
        "Does the answer need a period? Planes and frequencies are taken out or kept alone, beside random ones of the "
        "same dimension and of the same variance.",
        (
            ("planes", "accuracy", "Answers without and with single planes"),
            ("filters", "removal", "Answers without low or high frequencies"),
            ("filters", "kept", "One period of the number logits"),
            ("filters", "errors", "How filtered answers are wrong"),
        ),
    ),
    "digits": View(
        "Digits",
        "Are numbers written digit by digit, each digit on a circle, in base 10 rather than another base, and does the "
        "answer turn when a digit is turned?",
        (
            ("digit_probes", "by_base", "Digits on circles, base against base"),
            ("digit_probes", "by_layer", "Where the digits are read"),
            ("digit_rotation", "dose_curve", "Turning a digit"),
            ("digit_codes", "scores", "Waves of the ten digits"),
            ("convergence", "measures", "Energy, Fisher ratio and probe of the residues"),
        ),
    ),
}  # fmt: skip


MODULAR = ("grokking", "clock_pizza")
"""Kinds of runs that only a network of modular addition has; its neurons have frequencies, no rules of thumb."""
TEXT = ("neurons",)


def name_of(method: str, figure: str) -> str:
    """Return the name of a card's graph."""
    return f"{PREFIX}-{method}-{figure}"


def parse_name(name: object) -> tuple[str, str] | None:
    """Return method and figure of a graph of this page, None for any other."""
    cards = [card for view in VIEWS.values() for card in view.cards]
    return next(((method, figure) for method, figure, _ in cards if name_of(method, figure) == name), None)

"""By which algorithm does a network add modulo p: a clock, a pizza, or neither that can be named?

    clock   multiplies the waves of a and b:            cos w(a+b-c), whatever the distance a - b
    pizza   adds them and takes absolute values:        |cos(w(a-b)/2)| cos w(a+b-c), blind where a, b are opposite

What is measured, each beside untrained networks of the same shape (`_null`): gradient symmetricity with its standard
error, distance irrelevance of the correct logit and of the margin, how circular the embeddings are (null: residues
in random order), and for every circle of the embeddings alone how much of its logits each formula explains (null: the
same formula at another frequency). `label` is the rule of `interp.fourier.algorithm`; `against_*` what disagrees.

How to read: the label is about the whole network. Single circles may differ: a network can be a clock on its large
circles and a pizza on a small one, whose double frequency then appears among the embeddings as its companion.
Zhong et al. 2023, arXiv:2306.17844.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr

from interp.errors import InterpError
from interp.fourier.algorithm import ASYMMETRIC, EXPLAINED, IRRELEVANT, SYMMETRIC, Evidence, against, classify, evidence
from interp.fourier.circles import FORMULAS, correlation_sums, explained, share_of
from interp.fourier.circularity import circularity
from interp.fourier.neuron_forms import neuron_forms
from interp.fourier.two_operand import TwoOperand
from interp.methods.intervals import percentile, resampled_means, t_about, t_interval
from interp.methods.result import mean_variables, variable
from interp.progress import Progress, silent

FRACTION = "fraction"
NEURONS = {"n": "n_neurons", "sums": "neuron_sums", "frequency": "neuron_frequency"}


def clock_pizza(
    net: TwoOperand,
    untrained: Sequence[TwoOperand],
    *,
    n_triples: int = 5000,
    seed: int = 0,
    progress: Progress = silent,
) -> xr.Dataset:
    """Return the evidence about one network, the label of the rule, and the same of untrained networks.

    symmetricity and q [variant] with intervals (over triples, over differences), score [algorithm] in [0, 1],
    explained [circle, formula] in [-1, 1] with its bootstrap over a, cosine [triple], logit_map [sum, difference],
    abs_cosine and neuron_sums [neuron] in [0, 1].
    Raises InterpError without an untrained network, and as `evidence` does.
    """
    if not untrained:
        raise InterpError("A label needs untrained networks beside it: expected at least one; give some.")
    found, nulls = evidence(net, n_triples, seed), []
    progress(1, 1 + len(untrained), "networks")
    for i, each in enumerate(untrained, start=2):
        nulls.append(evidence(each, n_triples, seed))
        progress(i, 1 + len(untrained), "networks")
    data = {
        **_scalars(found, nulls),
        **_circularity(net, seed),
        **_circles(net.p, found, seed),
        **neuron_forms(net, seed).drop_vars("neuron").rename(NEURONS).data_vars,
        "cosine": variable("triple", found.symmetricity.values, "cosine", "of the two operand gradients of a logit"),
        "logit_map": variable("sum difference", found.correct.map, "logits", "correct logit of each pair"),
        "logit_map_null": variable("sum difference", nulls[0].correct.map, "logits", "the same, untrained"),
    }
    a, b, c = found.symmetricity.triples.T
    coords = {
        "variant": ["correct", "margin"],
        "algorithm": ["clock", "pizza"],
        "formula": list(FORMULAS),
        "circle": [each.frequency for each in found.circles],
        **{name: ("triple", values) for name, values in (("a", a), ("b", b), ("c", c))},
    }
    return xr.Dataset(data, coords, _attributes(net, found, seed))


def over_training(nets: Iterable[tuple[int, TwoOperand]], n_triples: int = 2000, seed: int = 0) -> xr.Dataset:
    """Return symmetricity with its interval, q and score at every checkpoint, dims step, variant and algorithm."""
    steps, found = [], []
    for step, net in nets:
        steps.append(step)
        found.append(evidence(net, n_triples, seed))
    means = np.array([each.symmetricity.mean for each in found])
    ends = t_about(means, np.array([each.symmetricity.standard_error for each in found]), n_triples)
    q = np.array([[each.correct.q, each.margin.q] for each in found])
    data = {
        **mean_variables("symmetricity_step", "step", means, ends, "cosine", "gradient symmetricity at a checkpoint"),
        "q_step": variable("step variant", q, "ratio", "distance irrelevance at a checkpoint"),
        "score_step": variable("step algorithm", _scores(found), FRACTION, "explained by each formula there"),
        "accuracy_step": variable("step", [each.accuracy for each in found], FRACTION, "pairs answered correctly"),
        "n_step": variable("", found[0].symmetricity.n, "triples", "triples behind the symmetricity of a checkpoint"),
        "label_step": variable("step", [classify(each) for each in found], "name", "label of the rule there"),
    }
    return xr.Dataset(data, {"step": steps, "variant": ["correct", "margin"], "algorithm": ["clock", "pizza"]})


def _scores(found: Sequence[Evidence]) -> np.ndarray:
    return np.array([[each.clock, each.pizza] for each in found])


def _scalars(found: Evidence, nulls: Sequence[Evidence]) -> dict[str, xr.Variable]:
    s, columns = found.symmetricity, np.stack([found.correct.values, found.margin.values], axis=1)
    q_null = np.array([[each.correct.q, each.margin.q] for each in nulls])
    return {
        **mean_variables(
            "symmetricity", "", s.mean, t_about(s.mean, s.standard_error, s.n), "cosine",
            "gradient symmetricity: mean cosine of the gradients of a logit by the two operands",
        ),
        "symmetricity_null": variable("draw", [each.symmetricity.mean for each in nulls], "cosine", "untrained"),
        **mean_variables(
            "q", "variant", columns.mean(0), t_interval(columns), "ratio",
            "distance irrelevance: spread within a distance over the whole spread; mean over distances",
        ),
        "q_null": variable("draw variant", q_null, "ratio", "distance irrelevance, untrained"),
        "score": variable("algorithm", _scores([found])[0], FRACTION, "explained by each formula, circle by circle"),
        "score_null": variable("draw algorithm", _scores(nulls), FRACTION, "explained by each formula, untrained"),
        "accuracy": variable("", found.accuracy, FRACTION, "pairs, of all p^2, answered correctly"),
        "n": variable("", s.n, "triples", "triples (a, b, c) behind the symmetricity"),
    }  # fmt: skip


def _circularity(net: TwoOperand, seed: int) -> dict[str, xr.Variable]:
    found = circularity(net.embed_a.double().cpu().numpy(), seed=seed)
    return {
        "circularity": variable("", found.mean, FRACTION, "mean over components of the power in one frequency"),
        "circularity_component": variable("component", found.scores, FRACTION, "power in one frequency"),
        "circularity_frequency": variable("component", found.frequencies, "k", "the frequency that holds it"),
        "circularity_null": variable("shuffle", found.null, FRACTION, "circularity with the residues in random order"),
    }


def _circles(p: int, found: Evidence, seed: int) -> dict[str, xr.Variable]:
    """What each formula explains of every circle, its interval over a, and the same formula at another frequency."""
    rng, shape = np.random.default_rng(seed), (len(found.circles), len(FORMULAS))
    ends, null = np.empty((2, *shape)), np.full(shape, np.nan)
    for i, circle in enumerate(found.circles):
        k = circle.frequency
        related = {k, *(min(f, p - f) for f in (2 * k % p, k * ((p + 1) // 2) % p))}
        unrelated = [f for f in range(1, p // 2 + 1) if f not in related]  # p <= 7 has none
        other = int(rng.choice(unrelated)) if unrelated else None
        for j, formula in enumerate(FORMULAS.values()):
            rows = correlation_sums(circle.logits, formula(p, k))
            ends[:, i, j] = percentile(share_of(resampled_means(rows, seed=seed)))
            null[i, j] = np.nan if other is None else explained(circle.logits, formula(p, other))
    shares = [each.share for each in found.circles]
    text = "share of a circle's own logits that a formula explains"
    return {
        **mean_variables("explained", "circle formula", found.fve, ends, "2 r - 1", text),
        "explained_null": variable("circle formula", null, "2 r - 1", "the formula at another frequency; nan: none"),
        "embedding_share": variable("circle", shares, FRACTION, "of the power of the embeddings"),
        "logit_share": variable("circle", found.weights, FRACTION, "of the variance of all circles' own logits"),
    }


def _attributes(net: TwoOperand, found: Evidence, seed: int) -> dict[str, object]:
    label = classify(found)
    return {
        "method": "clock_pizza",
        "model": net.name,
        "task": f"a+b mod {net.p}",
        "style": "plain",
        "title": f"Evidence for a clock or a pizza, by a rule fixed beforehand: {label}.",
        "label": label,
        "against_clock": "; ".join(against(found, "clock")),
        "against_pizza": "; ".join(against(found, "pizza")),
        "rule": f"pizza: s > {SYMMETRIC}, q < {IRRELEVANT}; clock: s < {ASYMMETRIC}, q >= {IRRELEVANT}; "
        f"and its formula explains >= {EXPLAINED} and more than the other",
        "seed": seed,
        "triples_without_gradient": found.symmetricity.undefined,
    }

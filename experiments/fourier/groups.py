"""Characters of groups in trained networks: sums in Z_59, and products in the multiplicative group of Z_59.

    python -m experiments.fourier.groups [--out DIR]     trains the product network once; groups.json keeps the measures

Sums: the three seeds of modadd-59. Products: one attention-rate network of 64 dimensions with ordinary attention, seed
0, 3,000 steps, zero among the operands. Neurons of products are read on the pairs of non-zero operands, ordered by
their logarithms, where a b mod p is addition in Z_58. Multiplicative waves are flat in additive ones (Gauss sums), so a
network of products can be *more* even there than residues in random order.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from experiments.fourier.attention_rates import configuration
from experiments.fourier.files import write
from experiments.fourier.zhong_runs import Measured
from interp.verdicts import Verdict, judge, read_claims

PUBLISHED = Path(__file__).with_name("published") / "groups.json"
RESULT = Path(__file__).with_suffix(".json")
SEEDS = ("modadd-59", "modadd-59-seed1", "modadd-59-seed2")
STEPS, SEED, HOLDS = 3000, 0, 0.8


def sums() -> dict[str, dict[str, Any]]:
    """Return the similarities above .005, the merged keys and the null of every seed that is there."""
    from interp.fourier.groups import cyclic_group, key_characters, similarity, similarity_null
    from interp.fourier.two_operand import two_operand
    from interp.models import zoo
    from interp.models.native import load_native

    found = {}
    for name in (name for name in SEEDS if name in zoo.zoo_names()):
        net = two_operand(load_native(zoo.resolve(name)), name)
        group, logits = cyclic_group(net.p), net.grid()
        each = similarity(group, logits)
        keys = key_characters(each, net.p)
        found[name] = {
            "similarity": {k: each[k] for k in keys.chosen},
            "fundamental": keys.fundamental,
            "doubles": keys.doubles,
            "explained": sum(value**2 for k, value in each.items() if k in keys.fundamental),
            "null": float(similarity_null(group, logits, draws=20).max()),
        }
    return found


def products() -> dict[str, Any]:
    """Return the measures of the product network, trained where they are not kept yet."""
    if RESULT.is_file():
        return json.loads(RESULT.read_text())
    from interp.fourier.bases import discrete_logarithms
    from interp.fourier.characters import side_by_side
    from interp.fourier.groups import cyclic_group, multiplicative_group, similarity
    from interp.fourier.neurons import THRESHOLD, best_share, fve
    from interp.fourier.released import functions
    from interp.models.attention_training import train
    from interp.progress import bar

    with bar("product network") as progress:
        net = functions(train(configuration(1.0), SEED, STEPS, "product", progress=progress))
    logits, p, n = net.grid(), net.p, np.arange(net.p)
    embeddings = side_by_side(net.embed_a.numpy())
    ordered = 1 + np.argsort(discrete_logarithms(p))
    neurons = net.neuron_grid()[np.ix_(ordered, ordered)]
    alive = np.ptp(neurons, axis=(0, 1)) > 1e-9
    inner = similarity(multiplicative_group(p), logits[1:, 1:, 1:])
    outer = similarity(cyclic_group(p), logits)
    found = {
        "accuracy": float((logits.argmax(-1) == np.multiply.outer(n, n) % p).mean()),
        **{name: embeddings[name].values.tolist() for name in ("power", "zero", "gini", "gini_null", "largest")},
        "multiplicative": {str(k): value for k, value in inner.items() if value > 0.05},
        "multiplicative explained": sum(value**2 for value in inner.values()),
        "additive explained": sum(value**2 for value in outer.values()),
        "neurons": int(alive.sum()),
        "single frequency": float((best_share(fve(neurons[..., alive])) > THRESHOLD).mean()),
        "single frequency, additive": float((best_share(fve(net.neuron_grid()[..., alive])) > THRESHOLD).mean()),
    }
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    return found


def measured_sums(found: dict[str, dict[str, Any]]) -> Measured:
    """Return what the similarities say about characters and doubles."""
    if not found:
        return {}
    shares = {name: each["explained"] for name, each in found.items()}
    words = "; ".join(f"{name}: {shares[name]:.3f} in {each['fundamental']}, shuffled classes {each['null']:.3f}"
                      for name, each in found.items())  # fmt: skip
    doubles = "; ".join(
        f"{name}: {each['doubles'] or 'none'} of {len(each['similarity'])}" for name, each in found.items()
    )
    return {
        "logits are characters": (min(shares.values()) >= HOLDS, None, words),
        "doubles are counted twice": (any(each["doubles"] for each in found.values()), None, doubles),
    }


def measured_products(found: dict[str, Any]) -> Measured:
    """Return what the product network says about additive and multiplicative waves."""
    (additive, multiplicative), null = found["gini"], np.array(found["gini_null"])
    sparse = multiplicative > max(0.5, null[:, 1].max())
    dense = null[:, 0].min() <= additive <= null[:, 0].max()
    words = (
        f"Gini {multiplicative:.3f} multiplicative (shuffled {null[:, 1].min():.3f} to {null[:, 1].max():.3f}), "
        f"{additive:.3f} additive (shuffled {null[:, 0].min():.3f} to {null[:, 0].max():.3f}); "
        f"accuracy {found['accuracy']:.3f}"
    )
    share = found["single frequency"]
    neurons = f"{share:.3f} of {found['neurons']} (additive waves: {found['single frequency, additive']:.3f})"
    return {
        "products are multiplicative": (bool(sparse and dense), None, words),
        "neurons of products": (share >= 0.5, share, neurons),
    }


def verdicts() -> list[Verdict]:
    """Return a verdict on every claim about characters; products are judged on the measures kept in groups.json."""
    found = measured_sums(sums()) | (measured_products(products()) if RESULT.is_file() else {})
    told = []
    for claim in read_claims(PUBLISHED).values():
        model = "our networks, p = 59" if claim.name in found else claim.models[0]
        told.append(judge(claim, model, *found.get(claim.name, (None, None, "not run: no network of ours is there"))))
    return told


def picture(found: dict[str, Any]) -> go.Figure:
    """Return both spectra of the embeddings of the product network, the larger bars its frequencies."""
    from interp.figures.theme import BLUE, NULL, template

    additive, multiplicative = np.array(found["power"])
    component = np.arange(1, len(additive) + 1)
    figure = go.Figure(layout={"template": template("light")})
    figure.add_bar(x=component, y=multiplicative, name="multiplicative waves", marker_color=BLUE)
    figure.add_bar(x=component, y=additive, name="additive waves", marker_color=NULL)
    null = np.array(found["gini_null"]).max(axis=0)
    figure.update_layout(
        title={
            "text": "Embeddings of a network that multiplies modulo 59",
            "subtitle": {
                "text": f"Gini {found['gini'][1]:.2f} and {found['gini'][0]:.2f} · null, shuffled residues: at most "
                f"{null[1]:.2f} and {null[0]:.2f} · zero against the rest {found['zero']:.3f}"
            },
        }
    )
    figure.update_xaxes(title_text="frequency k")
    return figure.update_yaxes(title_text="share of the power not constant")


def main(out: Path = Path("experiments/fourier/out")) -> None:
    """Train the product network where needed, write its figure and print the verdicts."""
    from interp.cli.output import say

    write(out, {}, [("products", picture(products()))])
    for each in verdicts():
        say(f"{each.verdict}: {each.claim.name}: {each.said}")


if __name__ == "__main__":
    import typer

    typer.run(main)

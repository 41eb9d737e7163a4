"""How are the codes of numbers asked for: helices, filters, planes?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import xarray as xr

from interp.answers.question import Question, inside
from interp.errors import InterpError, nearest
from interp.store.helix_parameters import Filters, Helix, Planes
from interp.tasks import Prompts, Twins, check_task, named_task, twins

STRONGEST, LOOKED_AT = 4, 8
"""Periods of a toy model's helix, and those whose planes are taken out: keys and others."""


def helix(question: Question) -> xr.Dataset:
    from interp.fourier.helix import DECIMAL
    from interp.fourier.helix_fit import helix_fit, tables
    from interp.fourier.helix_gain import TARGETS
    from interp.fourier.helix_patch import Place, helix_patch
    from interp.methods.grid import layer_list

    p, model = cast(Helix, question.spec.settings), question.model
    reference = question.prompts("train", p.n_train)
    number = p.number or _operands(question)[0]
    role = p.role or number
    if role not in reference.roles:
        raise InterpError(f"No role {role!r}; give one with role. {nearest(role, reference.roles)}")
    toy = model.arith.task is not None
    strongest = _strongest(model, STRONGEST) if toy else ()
    periods, targets = p.periods or strongest or DECIMAL, p.targets or p.periods or strongest or TARGETS
    targets = p.targets or (targets if toy else TARGETS)
    layers = layer_list(model, p.layers)
    how: dict[str, Any] = {"batch_size": question.batch_size, "progress": question.progress}
    found = tables(model, reference, role, number, layers, **how)
    told: dict[str, Any] = {"periods": periods, "progress": question.progress, "seed": question.spec.seed}
    fits = helix_fit(model, reference, found, role, number, targets=targets, n_null=p.n_null, **told)
    place = Place(model, role, number, question.batch_size)
    selection = pairs(question, "train" if toy else "selection", p.n_selection, number)
    patch = helix_patch(place, found, selection, pairs(question, p.split, p.n, number), n_random=p.n_random, **told)
    both = fits.merge(patch, combine_attrs="drop_conflicts")
    return both.assign_attrs(patch.attrs | fits.attrs | {"split": patch.attrs["split"]})


def filters(question: Question) -> xr.Dataset:
    from interp.fourier.embedding import number_ids
    from interp.fourier.filter_effect import Asked, filter_effect

    p, model = cast(Filters, question.spec.settings), question.model
    prompts = question.prompts(p.split, p.n)
    tokenizer = model.arith.tokenizer
    if tokenizer is None:
        ids: list[int] = list(range(int(model.arith.config["p"]) if p.numbers is None else p.numbers))
    else:
        ids = number_ids(tokenizer, range(_above(question) if p.numbers is None else p.numbers))
    asked = Asked(p.cut, p.by, p.reading, p.where, tuple(p.modules))
    return filter_effect(model, prompts, ids, asked, keep=p.keep, n_random=p.n_random, **question.how)


def planes(question: Question) -> xr.Dataset:
    from interp.fourier.helix import DECIMAL
    from interp.fourier.helix_fit import tables
    from interp.fourier.planes import number_planes, planes
    from interp.methods.grid import layer_list

    p, model = cast(Planes, question.spec.settings), question.model
    reference, toy = question.prompts("train", p.n_train), model.arith.task is not None
    layers = layer_list(model, p.layers)
    found = {}
    for number in _operands(question) if p.number is None else (p.number,):
        role = number if number in reference.roles else reference.roles[-1]
        found[role] = tables(model, reference, role, number, layers, batch_size=question.batch_size)
    periods = p.periods or (_strongest(model, LOOKED_AT) if toy else DECIMAL)
    spaces = [each for layer in layers for each in number_planes(found, layer, periods)]
    if toy:
        spaces += _families(model, reference, periods)
    return planes(model, question.prompts(p.split, p.n), spaces, n_random=p.n_random, **question.how)


def _families(model: Any, reference: Prompts, periods: tuple[float, ...]) -> list[Any]:
    """The neurons of each frequency p / T of a toy model; none where it is no modular-addition model."""
    from interp.engine import Site, run
    from interp.fourier.neurons import fve
    from interp.fourier.planes import neuron_families
    from interp.fourier.two_operand import two_operand

    site, role = Site("mlp_post", 0), reference.roles[-1]
    points = run(model, reference, reads=[site])[site][:, -1].double().cpu().numpy()
    residues = int(model.arith.config["p"])
    keys = [round(residues / T) for T in periods]
    return neuron_families(fve(two_operand(model).neuron_grid()), points, keys, role)


def _above(question: Question) -> int:
    """The next ten above the largest number that the task can name."""
    largest = max(top for _, top in named_task(str(question.spec.task)).bounds.values())
    return 10 * (largest // 10 + 1)


def pairs(question: Question, split: str, n: int, number: str) -> Twins:
    """Return `n` pairs that differ in the operand `number` (in the first one, where it names no operand)."""
    operands = _operands(question)
    place = number if number in operands else operands[0]
    if question.model.arith.task is not None:
        return _residue_pairs(question.prompts(split, n), place, question.spec.seed)
    task, tokenizer = named_task(str(question.spec.task)), question.model.arith.tokenizer
    check_task(task, tokenizer)
    found = twins(task, tokenizer, question.spec.style, split, n, "swap_operand", place, question.spec.seed)
    if len(found) < n:
        question.short[split] = (len(found), n)
    return replace(found, clean=inside(question.model, found.clean), corrupted=inside(question.model, found.corrupted))


def _operands(question: Question) -> tuple[str, ...]:
    """The operands of the task; of a toy model a and b."""
    return ("a", "b") if question.model.arith.task is not None else named_task(str(question.spec.task)).operands


def _residue_pairs(clean: Prompts, place: str, seed: int) -> Twins:
    """Twins of a toy model's prompts: one operand is another residue, the other stays."""
    other = "b" if place == "a" else "a"
    p = int(clean.tokens[0, clean.position("eq")])  # '=' is the token p
    shift = np.random.default_rng((seed, 1)).integers(1, p, len(clean))
    swapped = (clean.variables[place] + shift) % p
    result = (swapped + clean.variables[other]) % p
    tokens = clean.tokens.copy()
    tokens[:, clean.position(place)] = swapped
    a, b = (swapped, clean.variables["b"]) if place == "a" else (clean.variables["a"], swapped)
    corrupted = replace(
        clean,
        tokens=tokens,
        texts=tuple(f"{left}+{right}=" for left, right in zip(a, b, strict=True)),
        answers=tuple(map(str, result)),
        answer_ids=result,
        variables={"a": a, "b": b, "result": result},
    )
    return Twins(clean, corrupted, (place, "result"), (other,))


def _strongest(model: Any, count: int) -> tuple[float, ...]:
    """The periods p / k of the `count` strongest frequencies of a toy model's embeddings, the strongest first."""
    from interp.fourier.basis import power

    p = int(model.arith.config["p"])
    shares = power(model.W_E.detach().double().cpu().numpy()[:p])
    return tuple(p / (int(k) + 1) for k in np.argsort(-shares)[:count])

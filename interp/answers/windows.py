"""How are the methods asked that are about a window: CAMA, peeking, the subgraph, its alternatives, its heads?

A window that the Spec leaves open is the one that the search finds on the selection split, or the best cell where
none passes: the result then says `searched` 1 and whether it was `found`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import xarray as xr

from interp.answers.question import Question
from interp.answers.references import means_of, references_of
from interp.errors import InterpError
from interp.store import parameters as asked
from interp.store.af1_parameters import Searched
from interp.tasks import Prompts

if TYPE_CHECKING:
    from interp.methods.means import Means

Tensors = dict[str, np.ndarray]


def cama(question: Question) -> tuple[xr.Dataset, Tensors]:
    from interp.methods.cama import cama
    from interp.methods.waiting import WAITS

    p = cast(asked.Cama, question.spec.settings)
    prompts = _with_operands(question.prompts(p.split, p.n))
    references = references_of(question, p.n_reference, p.variants or WAITS)
    variants = p.variants or references.variants
    return cama(question.model, prompts, references, variants=variants, **question.how), references.means.tensors()


def abp(question: Question) -> xr.Dataset:
    from interp.methods.abp import abp

    p = cast(asked.Abp, question.spec.settings)
    prompts = _with_operands(question.prompts(p.split, p.n))
    references = references_of(question, p.n_reference)
    window = _window(question, references.means, p)
    found = abp(question.model, prompts, references, window.l_wait, variants=p.variants, **question.how)
    return found.assign(window.facts)


def peeking(question: Question) -> xr.Dataset:
    from interp.methods.peeking import peeking

    p = cast(asked.Peeking, question.spec.settings)
    prompts = _with_operands(question.prompts(p.split, p.n))
    return peeking(question.model, prompts, variants=p.variants, heads=p.heads, **question.how)


def af1(question: Question) -> tuple[xr.Dataset, Tensors]:
    from interp.methods.af1 import af1

    p = cast(asked.Af1, question.spec.settings)
    selection, test = question.prompts("selection", p.n_selection), question.prompts("test", p.n_test)
    means = means_of(question, p.n_reference)
    found = af1(question.model, means, _with_operands(selection), test, threshold=p.threshold, **question.how)
    return found, means.tensors()


def window(question: Question) -> xr.Dataset:
    from interp.methods.window import window

    p = cast(asked.Window, question.spec.settings)
    prompts = _with_operands(question.prompts(p.split, p.n))
    return window(question.model, means_of(question, p.n_reference), prompts, p.l_wait, p.l_transfer, **question.how)


def alternatives(question: Question) -> xr.Dataset:
    from interp.methods.alternatives import alternatives
    from interp.methods.waiting import WAITS

    p = cast(asked.Alternatives, question.spec.settings)
    prompts = _with_operands(question.prompts(p.split, p.n))
    references = references_of(question, p.n_reference, WAITS)
    where = _window(question, references.means, p)
    found = alternatives(
        question.model, references, prompts, where.l_wait, where.l_transfer, n_random=p.n_random, **question.how
    )
    return found.assign(where.facts)


def heads(question: Question) -> xr.Dataset:
    from interp.methods.heads import heads

    p = cast(asked.Heads, question.spec.settings)
    prompts, searched = question.prompts(p.split, p.n), question.prompts("selection", p.n_search)
    means = means_of(question, p.n_reference)
    where = _window(question, means, p)
    if not where.l_transfer:
        raise InterpError(
            f"the search found no window with a transfer block (best: l_wait {where.l_wait}, l_transfer 0), so there "
            "are no transfer heads to remove; give l_wait and l_transfer."
        )
    sizes = {"threshold": p.threshold, "n_random": p.n_random}
    at = (where.l_wait, where.l_transfer)
    found = heads(question.model, means, searched, _with_operands(prompts), *at, **sizes, **question.how)
    return found.assign(where.facts)


class Where(NamedTuple):
    """A window, and what the result says of where it comes from."""

    l_wait: int
    l_transfer: int
    facts: dict[str, Any]


def _window(question: Question, means: Means, p: Searched) -> Where:
    """The window of the Spec, or the one that the search finds on answered, covered selection prompts."""
    from interp.methods.af1 import search
    from interp.methods.faithfulness import answered
    from interp.methods.result import variable

    l_wait, l_transfer = p.l_wait, getattr(p, "l_transfer", None)
    facts = {"searched": variable("", np.int8(l_wait is None), "0 or 1", "the window was searched, not given")}
    if l_wait is not None:
        return Where(l_wait, l_transfer or 0, facts)
    how = {"batch_size": question.batch_size, "progress": question.progress}
    selection = question.prompts("selection", p.n_selection)
    covered = selection[means.covers(selection)]
    kept = answered(question.model, covered, **how) if len(covered) else covered
    found = search(question.model, means, kept, p.threshold, **how)
    facts |= {
        "found": variable("", np.int8(found.found), "0 or 1", "the search found this window; else it is the best cell"),
        "n_selection": variable("", len(kept), "prompts", "answered selection prompts that chose the window"),
    }
    return Where(int(found.window[0]), int(found.window[1]), facts)


def _with_operands(prompts: Prompts) -> Prompts:
    """The prompts, when some of their places are operands: what waits and what is read is about them."""
    if not set(prompts.roles) & set(prompts.variables):
        raise InterpError(
            f"{prompts.task} names no operand among its places ({' '.join(prompts.roles)}); give the span of each "
            "operand under roles, so that its place is known."
        )
    return prompts

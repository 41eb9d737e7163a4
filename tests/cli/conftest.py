"""The command line called in this process, on a store of its own."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Return the one JSON object on stdout; anything else there fails."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        assert self.out.count("\n") == 1
        return found

    @property
    def line(self) -> str:
        """Return the one line of a refusal: nothing on stdout, exit code 2, no traceback."""
        assert (self.code, self.out) == (2, "")
        assert self.err.startswith("interp: ")
        assert self.err.count("\n") == 1
        return self.err.strip()


@pytest.fixture
def interp(tmp_path, monkeypatch) -> Callable[..., Said]:
    """Return a function that runs `interp` with arguments; its store is tmp_path/store."""
    monkeypatch.setenv("ARITHMOSCOPE_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    return call


def call(*arguments: object) -> Said:
    """Run `interp` in this process."""
    from interp.cli import main

    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["interp", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main()
    finally:
        sys.argv = before
    return Said(int(ended.value.code or 0), out.getvalue(), err.getvalue())


SIZES: dict[str, dict[str, Any]] = {
    "try": {},
    "accuracy": {"n": 20},
    "patching": {"n": 6},
    "ablation": {"n": 10, "n_reference": 20},
    "cama": {"n": 10, "n_reference": 50},
    "abp": {"n": 10, "n_reference": 50, "n_selection": 10},
    "peeking": {"n": 10},
    "af1": {"n_selection": 10, "n_test": 10, "n_reference": 50},
    "window": {"n": 10, "n_reference": 50, "l_wait": 1, "l_transfer": 1},
    "alternatives": {"n": 10, "n_reference": 50, "n_selection": 10, "n_random": 1},
    "heads": {"n": 10, "n_reference": 50, "n_search": 10, "n_random": 1, "l_wait": 0, "l_transfer": 1},
    "lens": {"n": 10},
    "probing": {"n_train": 60, "n_test": 20, "n_shuffles": 19},
    "probe_controls": {"n_train": 60, "n_selection": 20, "n_test": 20, "targets": ["a", "result_carry0"]},
    "probe_learning": {"n_train": 40, "n_test": 10, "layers": [2]},
    "probe_transfer": {"n_train": 60, "n_selection": 20, "n_test": 20, "cells": ["a-b"]},
    "probe_directions": {"n_train": 60, "n_selection": 20},
    "probe_causal": {"n": 6, "n_train": 60, "n_selection": 20, "n_random": 1},
    "attention": {"n": 10},
    "spectrum": {"n_null": 40},
    "spectra": {"n": 3000, "n_null": 19},
    "operands": {"high": 11},
    "dla": {"n": 10},
    "long_answers": {"n": 10},
    "mediation": {"n": 6},
    "neurons": {"n_top": 2, "n_discovery": 4, "n": 10, "n_reference": 20, "n_shuffles": 19, "n_random": 1},
    "components": {"n_discovery": 4, "n": 10, "n_reference": 20, "n_random": 1},
    "head_patching": {"n": 6},
    "interchange": {"n": 6, "n_train": 20, "steps": 1, "rank": 2},
    "key_heads": {"n": 6, "n_pairs": 4, "n_reference": 20, "n_heads": 2, "n_random": 1},
    "clock_pizza": {"n_triples": 50, "n_untrained": 1, "n_checkpoints": 2},
    "grokking": {"n_random": 2, "n_untrained": 1},
    "product_accuracy": {"n": 20},
    "digit_attribution": {"n": 20, "n_shuffles": 19},
    "running_sums": {"n_train": 60, "n_test": 20},
    "attention_tree": {"n": 20, "n_random": 19},
    "digit_geometry": {"n": 200, "draws": 1},
    "product_digits": {"n": 400, "draws": 19},
    "learning_order": {},
    "steering": {"n": 6, "n_train": 60, "n_random": 1},
    "filters": {"n": 6, "n_random": 1},
    "planes": {"n": 6, "n_train": 600, "n_random": 19, "periods": [5]},
    "digit_probes": {"n": 60},
    "digit_rotation": {"n": 6, "n_train": 300, "n_select": 6, "n_random": 1},
    "digit_codes": {"n": 6, "draws": 19},
    "convergence": {"n": 100},
    "helix": {"n": 6, "n_selection": 4, "n_train": 600, "n_null": 19, "n_random": 1},
    "attribution": {"n": 6},
    "circuits": {"n": 6, "n_discovery": 4, "n_random": 1},
}
"""What makes each method small."""


def quick(method: str) -> list[str]:
    """Return the --set options that make a method small."""
    return [word for name, value in SIZES[method].items() for word in ("--set", f"{name}={json.dumps(value)}")]

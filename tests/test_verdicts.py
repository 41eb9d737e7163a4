"""Verdicts by hand: which word each case gets, and that a damaged file of claims is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from interp.errors import InterpError
from interp.verdicts import Claim, judge, read_claims

NUMBER = Claim("f", "keeps .995", 0.995, 0.02, ("them/model",), "paper", "secondary summary")
WORDS = NUMBER._replace(value=None, tolerance=None)


@pytest.mark.parametrize(
    ("claim", "model", "holds", "ours", "expected"),
    [
        (NUMBER, "them/model", True, 0.98, "match"),
        (NUMBER, "them/model@main", False, 0.976, "match"),
        (NUMBER, "them/model", True, 0.97, "direction"),
        (NUMBER, "them/model", False, 0.5, "not reproduced"),
        (NUMBER, "small", True, 0.995, "scaled"),
        (NUMBER, "small", False, 0.995, "not reproduced"),
        (NUMBER, "small", None, None, "not run"),
        (WORDS, "them/model", True, None, "direction"),
        (WORDS, "them/model", False, None, "not reproduced"),
        (WORDS, "small", True, 1.0, "scaled"),
    ],
)
def test_each_case_has_its_word(
    claim: Claim, model: str, holds: bool | None, ours: float | None, expected: str
) -> None:
    assert judge(claim, model, holds, ours).verdict == expected


def test_claims_are_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "published.json"
    given = {"name": "f", "text": "keeps .995", "value": 0.995, "tolerance": 0.02, "models": ["m"], "certainty": "s"}
    path.write_text(json.dumps({"source": "paper", "claims": [given, {**given, "name": "g", "source": "code"}]}))
    found = read_claims(path)
    assert (found["f"].source, found["g"].source, found["f"].models) == ("paper", "code", ("m",))
    path.write_text(json.dumps({"source": "paper", "claims": [{"name": "f"}]}))
    with pytest.raises(InterpError, match="no file of published claims"):
        read_claims(path)

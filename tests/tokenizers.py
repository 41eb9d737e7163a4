"""Small tokenizers that treat numbers as real families do, made in memory: no network, no files.

    dropped   the shipped word-level one: " 46" is the token of "46", anything unknown is <unk>
    separate  Llama 3: digits in groups of up to three, all of 0..999 in the vocabulary, " 46" is a space, then 46
    bare      OLMo 2: as separate, without a bos token
    fused     GPT-2: " 46" is one token; 0..520 are whole bare, 0..361 after a space, with whole numbers above the gap
    trimmed   Pythia: as fused, but the offsets hide the space of " 46"
    digits    Qwen: every digit is a token, the space too, no bos
    dummy     Llama 2: every digit is a token and each text starts with a space of its own

The byte-level ones are BPE models whose known words are whole (`ignore_merges`, as in Llama 3) and whose unknown
words fall apart into bytes. Pre-tokenizer patterns are those of the families.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from interp.models.number_tokenizer import number_tokenizer
from interp.tasks import BUILT_IN

KINDS = ("dropped", "separate", "bare", "fused", "trimmed", "digits", "dummy")
MULTI_DIGIT = ("dropped", "separate", "bare", "fused", "trimmed")
"""Those that can take the built-in tasks."""
GAPS = (521, 362)
"""The first integers that the fused vocabularies do not have, bare and after a space."""

LLAMA_3 = "|".join(
    (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)",
        r"[^\r\n\p{L}\p{N}]?\p{L}+",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)
QWEN = LLAMA_3.replace("{1,3}", "")


@cache
def tokenizer(kind: str) -> Any:
    """Return the tokenizer of a kind, made once in a process. Tests leave it as it was."""
    if kind == "dropped":
        return number_tokenizer()
    if kind == "dummy":
        return _dummy()
    if kind in ("fused", "trimmed"):
        numbers = [str(n) for n in range(1000) if n < GAPS[0] or n % 2 == 0]
        spaced = [f" {n}" for n in range(1000) if n < GAPS[1] or n % 3 == 0]
        return _byte_level(None, [*numbers, *spaced], bos=True, trim=kind == "trimmed")
    numbers = [str(n) for n in range(10 if kind == "digits" else 1000)]
    return _byte_level(QWEN if kind == "digits" else LLAMA_3, numbers, bos=kind == "separate", trim=False)


def _byte_level(pattern: str | None, numbers: Iterable[str], bos: bool, trim: bool) -> Any:
    """A byte-level BPE model without merges: known pieces are whole, all others are bytes."""
    cut = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern is None)
    pieces = {piece for text in _wordings() for piece, _ in _split(pattern).pre_tokenize_str(text)}
    words = sorted(p for p in pieces if not any(c.isdigit() for c in p))
    as_bytes = [cut.pre_tokenize_str(n)[0][0] for n in numbers]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    entries = dict.fromkeys(["<|bos|>", *alphabet, *as_bytes, *words])
    model = Tokenizer(models.BPE({entry: i for i, entry in enumerate(entries)}, [], ignore_merges=True))
    model.pre_tokenizer = _split(pattern)
    model.decoder = decoders.ByteLevel()
    model.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=trim)
    special = {"bos_token": "<|bos|>"} if bos else {}
    return PreTrainedTokenizerFast(tokenizer_object=model, clean_up_tokenization_spaces=False, **special)


def _split(pattern: str | None) -> Any:
    """How a family cuts text into pieces; None is GPT-2's own pattern."""
    if pattern is None:
        return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    split = pre_tokenizers.Split(Regex(pattern), behavior="isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def _dummy() -> Any:
    letters = sorted({c for text in _wordings() for c in text if not c.isdigit() and not c.isspace()})
    entries = ["<s>", "<unk>", "▁", "\n", *map(str, range(10)), *letters]
    model = Tokenizer(models.BPE({entry: i for i, entry in enumerate(entries)}, [], unk_token="<unk>"))
    model.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    model.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse()])
    return PreTrainedTokenizerFast(tokenizer_object=model, bos_token="<s>", unk_token="<unk>")


def _wordings() -> list[str]:
    """Every built-in task in every style, once."""
    return [task.template(style).fill(dict.fromkeys(task.operands, 7))[0] for task in BUILT_IN for style in task.styles]

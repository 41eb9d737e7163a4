"""One token an integer: a word-level tokenizer whose numbers are whole, as 0..999 are in Llama 3.

    "Start from 12, then add 34" -> <bos> Start from 12 , then add 34

White space separates and is dropped, so "12+34=" and "12 + 34 =" are the same tokens and an answer is one token
with or without a space before it. A word or a number outside the vocabulary becomes <unk>, which
`interp.tasks.encode` refuses.
"""

from __future__ import annotations

import re
from typing import Any

from interp.tasks import BUILT_IN, STYLES, Task

SPECIAL = ("<bos>", "<eos>", "<unk>")


def words(tasks: tuple[Task, ...], styles: tuple[str, ...] = STYLES) -> list[str]:
    """Return every word and sign in the wordings of `tasks`, sorted."""
    found: set[str] = set()
    for task in tasks:
        for style in styles:
            for segment in task.template(style).segments:
                found.update(re.findall(r"\w+|[^\w\s]", segment.text or ""))
    return sorted(found)


def number_tokenizer(highest: int = 199, extra: list[str] | None = None) -> Any:
    """Return a `PreTrainedTokenizerFast` for 0..highest and the words of the built-in tasks (or `extra`).

    Ids: integer n is n, then <bos>, <eos>, <unk>, then the words in order. It prepends <bos> by itself.
    """
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=word_level(highest, extra),
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        clean_up_tokenization_spaces=False,
    )


def word_level(highest: int = 199, extra: list[str] | None = None) -> Any:
    """Return what `number_tokenizer` wraps, a `tokenizers.Tokenizer`, for those who need no transformers."""
    from tokenizers import Regex, Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Sequence, Split, WhitespaceSplit
    from tokenizers.processors import TemplateProcessing

    names = words(BUILT_IN) if extra is None else extra
    entries = [*map(str, range(highest + 1)), *SPECIAL, *names]
    tokenizer = Tokenizer(WordLevel({entry: i for i, entry in enumerate(entries)}, unk_token="<unk>"))
    split = Split(Regex(r"\w+|[^\w\s]"), behavior="isolated")
    tokenizer.pre_tokenizer = Sequence([WhitespaceSplit(), split])  # type: ignore[assignment]
    bos = ("<bos>", entries.index("<bos>"))
    tokenizer.post_processor = TemplateProcessing(single="<bos> $A", special_tokens=[bos])  # type: ignore[assignment]
    return tokenizer

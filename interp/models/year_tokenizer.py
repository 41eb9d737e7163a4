"""Years in pairs of digits: a word-level tokenizer that writes 1743 as 17 43, for the task `greater-than`.

    "lasted from the year 1743"  ->  <bos> lasted from the year 17 43

Ids: 00..99 are 0..99, then <bos>, <eos>, <unk>, then the words of the task in order. It prepends <bos> by itself.
"""

from __future__ import annotations

from typing import Any

from interp.models.number_tokenizer import SPECIAL
from interp.tasks.greater_than import NOUNS, WORDS

N_YEARS = 100


def year_tokenizer() -> Any:
    """Return a `PreTrainedTokenizerFast` for 00..99 and the words of the task."""
    from tokenizers import Regex, Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Sequence, Split, WhitespaceSplit
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    entries = [*(f"{i:02d}" for i in range(N_YEARS)), *SPECIAL, *sorted({*WORDS, *NOUNS})]
    tokenizer = Tokenizer(WordLevel({entry: i for i, entry in enumerate(entries)}, unk_token="<unk>"))
    split = Split(Regex(r"\d\d|\d|[^\W\d]+|[^\w\s]"), behavior="isolated")
    tokenizer.pre_tokenizer = Sequence([WhitespaceSplit(), split])  # type: ignore[assignment]
    bos = ("<bos>", entries.index("<bos>"))
    tokenizer.post_processor = TemplateProcessing(single="<bos> $A", special_tokens=[bos])  # type: ignore[assignment]
    names = {f"{name}_token": f"<{name}>" for name in ("bos", "eos", "unk")}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **names)

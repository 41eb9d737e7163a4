"""One token a digit or sign: the tokenizer of the multiplying models, whose ids are those of the task.

"8 3 3 1 * 5 0 1 5"  ->  8 3 3 1 * 5 0 1 5        (white space separates and is dropped; nothing is prepended)
"""

from __future__ import annotations

from typing import Any

from interp.tasks.multiplication import SYMBOLS


def symbol_tokenizer() -> Any:
    """Return a `PreTrainedTokenizerFast` for the digits, * + ( ) # and <eos>."""
    from tokenizers import Regex, Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Sequence, Split, WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(WordLevel({symbol: i for i, symbol in enumerate(SYMBOLS)}, unk_token="<eos>"))
    split = Split(Regex(r"<eos>|[^\s]"), behavior="isolated")
    tokenizer.pre_tokenizer = Sequence([WhitespaceSplit(), split])  # type: ignore[assignment]
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<eos>", eos_token="<eos>", clean_up_tokenization_spaces=False
    )

"""How is a checkpoint directory opened as plain transformers does, and refused when it is not whole?

transformers itself fills absent weights at random and ignores blocks that config.json does not count, with no more
than a warning; here both are errors. Nothing is fetched, no code of a checkpoint is run, no pickle is read.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch

from interp.errors import InterpError


def load_tokenizer(directory: Path) -> Any:
    """Return the tokenizer of a checkpoint directory, without the network. Raises InterpError when it has none."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # the tokenizers library raises plain Exception
        raise InterpError(
            f"{directory} has no tokenizer that can be opened ({first_line(error):.100}); "
            "a checkpoint needs tokenizer.json beside its weights."
        ) from None
    if not tokenizer.is_fast:
        raise InterpError(f"{directory}: its tokenizer gives no character offsets; convert it to a tokenizer.json.")
    return tokenizer


def check_config(directory: Path) -> None:
    """Raise InterpError unless transformers knows the architecture and accepts its numbers."""
    from transformers import AutoConfig

    try:
        AutoConfig.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # whatever an architecture trips over
        raise InterpError(
            f"{directory} is no model that transformers knows ({first_line(error):.140}); mend its config.json."
        ) from None


def open_plain(directory: Path, dtype: torch.dtype) -> Any:
    """Return the plain causal language model on the CPU, in eval mode. Raises InterpError unless it is whole."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # a bar a tensor, on stderr, is noise
    try:
        opened: Any = AutoModelForCausalLM.from_pretrained(
            directory,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,  # never ask: a question would wait for an answer that no worker can give
            attn_implementation="eager",
            ignore_mismatched_sizes=True,  # told below, by name
            output_loading_info=True,
        )
    except Exception as error:  # the loaders of transformers raise a dozen kinds
        raise InterpError(
            f"{directory} cannot be opened as a language model ({first_line(error):.140}); it needs whole .safetensors "
            "weights that belong to its config.json."
        ) from None
    finally:
        if bars:
            logging.enable_progress_bar()
    model, found = opened
    _check_complete(directory, found)
    return model.eval()


def _check_complete(directory: Path, found: dict[str, Any]) -> None:
    """transformers fills absent weights at random and drops blocks that config.json does not count: refuse both."""
    spare = [name for name in found["unexpected_keys"] if re.search(r"\.\d+\.", name)]
    misshapen = [str(entry[0]) for entry in found["mismatched_keys"]]
    complaints = {
        "absent": found["missing_keys"],
        "of another shape than config.json says": misshapen,
        "of blocks that config.json does not have": spare,
    }
    for what, names in complaints.items():
        if names:
            raise InterpError(
                f"{directory}: {len(names)} weights are {what}, {sorted(names)[0]} among them; "
                "restore the weights and the config.json that belong together."
            )


def first_line(error: BaseException) -> str:
    """Return the first line of what a library said, or the kind of its error when it said nothing."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]

"""How large is a model? Its shape, without opening its weights: what a plan needs before anything is fetched.

    shape_of("meta-llama/Meta-Llama-3-8B")   from the table below: no network, no weights
    shape_of("mental-math")                  from its directory: config.json and the headers of its weight files

Facts of the hub models: their public config.json files. Parameters are what transformers counts for that shape.
`whole_numbers`: 0 .. whole_numbers - 1 are single tokens of its tokenizer, alone (measured on the vocabularies).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interp.errors import InterpError, nearest
from interp.models import zoo


@dataclass(frozen=True)
class Shape:
    """Blocks, widths, heads and parameters of a model; `whole_numbers` is None where the tokenizer must be asked."""

    n_layers: int
    d_model: int
    n_heads: int
    n_kv_heads: int
    d_mlp: int
    d_vocab: int
    parameters: int
    whole_numbers: int | None = None


KNOWN: dict[str, Shape] = {
    "meta-llama/Meta-Llama-3-8B": Shape(32, 4096, 32, 8, 14336, 128256, 8_030_261_248, 1000),
    "meta-llama/Llama-3.1-8B": Shape(32, 4096, 32, 8, 14336, 128256, 8_030_261_248, 1000),
    "meta-llama/Llama-2-7b-hf": Shape(32, 4096, 32, 32, 11008, 32000, 6_738_415_616, 10),
    "EleutherAI/pythia-6.9b": Shape(32, 4096, 32, 32, 16384, 50432, 6_857_302_016, 531),
    "EleutherAI/gpt-j-6b": Shape(28, 4096, 16, 16, 16384, 50400, 6_050_882_784, 521),
}

FIELDS = {
    "n_layers": ("num_hidden_layers", "n_layers", "n_layer"),
    "d_model": ("hidden_size", "d_model", "n_embd"),
    "n_heads": ("num_attention_heads", "n_heads", "n_head"),
    "n_kv_heads": ("num_key_value_heads", "n_key_value_heads"),
    "d_mlp": ("intermediate_size", "d_mlp", "n_inner"),
    "d_vocab": ("vocab_size", "d_vocab"),
}
"""How config.json files name the parts of a shape."""


def on_the_hub(name: str) -> bool:
    """Return whether `name` could only be a model of the hub: no zoo name, no directory, one slash."""
    hub = name.partition("@")[0]
    local = name in zoo.zoo_names() or Path(name).is_dir()
    return not local and hub.count("/") == 1 and not hub.startswith((".", "/", "~"))


def shape_of(name: str) -> Shape:
    """Return the shape of a model, without the network and without opening its weights.

    Raises InterpError for an unknown name, a hub model that is not in the table, or a config.json that does not say.
    """
    if on_the_hub(name):
        known = {hub.lower(): shape for hub, shape in KNOWN.items()}
        found = known.get(name.partition("@")[0].lower())
        if found is None:
            raise InterpError(
                f"the shape of {name!r} is not known without fetching it. {nearest(name, KNOWN)} "
                "Or give the directory of its checkpoint."
            )
        return found
    directory = zoo.resolve(name)
    return from_config(zoo.read_config(directory), _parameters(directory), str(directory))


def from_config(config: dict[str, Any], parameters: int, where: str = "the model") -> Shape:
    """Return the shape that a config.json tells (a native one too). Raises InterpError where it does not."""
    told = {**config, **config.get("cfg", {})}
    found = {name: next((told[key] for key in keys if told.get(key)), 0) for name, keys in FIELDS.items()}
    found["n_kv_heads"] = found["n_kv_heads"] or found["n_heads"]
    found["d_mlp"] = found["d_mlp"] or 4 * found["d_model"]
    for name, value in found.items():
        if not isinstance(value, int) or value < 1:
            raise InterpError(f"{where}: its config.json does not say {name}; restore the file.")
    return Shape(**found, parameters=parameters)


def _parameters(directory: Path) -> int:
    """The number of parameters that the headers of the weight files list."""
    return sum(math.prod(shape) for path in zoo.weight_files(directory) for shape in _tensors(path))


def _tensors(path: Path) -> list[list[int]]:
    """The shape of every tensor of a safetensors file: its first eight bytes say how long its JSON header is."""
    try:
        with open(path, "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        return [entry["shape"] for name, entry in header.items() if name != "__metadata__"]
    except (OSError, ValueError, OverflowError, MemoryError, KeyError, TypeError, AttributeError) as error:
        raise InterpError(f"{path} is no safetensors file ({error.__class__.__name__}); restore it.") from None

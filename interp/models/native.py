"""How is a toy model kept on disk and opened again? A directory of safetensors and one config.json.

    DIRECTORY/config.json                       {"architecture": "transformer_lens_native", "cfg": {...},
                                                 "task": ..., "sha256": {"model.safetensors": ..., ...}}
    DIRECTORY/model.safetensors                 the final weights
    DIRECTORY/checkpoints/step-000100.safetensors   the weights after 100 updates, and so on

`cfg` is what `TransformerBridge.boot_native` takes. Every weight file holds every weight under the
bridge's own names (`embed.weight`, `blocks.0.attn.q.weight`, ...), so any of them opens alone.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as tensors_from_bytes
from transformer_lens.model_bridge import TransformerBridge
from transformer_lens.model_bridge.sources.native import boot as boot_native

from interp.errors import InterpError, nearest
from interp.models import atomic

ARCHITECTURE = "transformer_lens_native"
DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def boot(cfg: dict, device: str = "cpu", dtype: torch.dtype = torch.float32) -> TransformerBridge:
    """Return a native bridge of shape `cfg`; its weights are placeholders. Global random state is untouched.

    Raises InterpError when TransformerLens refuses the configuration.
    """
    try:
        return boot_native({**cfg, "device": device, "seed": 0}, device=device, dtype=dtype)
    except (TypeError, ValueError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise InterpError(
            f"The native configuration cannot be built ({reason}): expected the fields of a "
            "TransformerBridgeConfig (n_layers, d_model, d_head, n_ctx ...); mend `cfg` in config.json."
        ) from error


def weights(model: TransformerBridge) -> dict[str, torch.Tensor]:
    """Return a copy of every weight by its bridge name; the copy does not follow later training."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def read_config(directory: str | Path) -> dict:
    """Return config.json of a native checkpoint directory; raises InterpError when it is not one."""
    path = Path(directory) / "config.json"
    expected = f'expected a config.json with "architecture": "{ARCHITECTURE}" and "cfg"'
    try:
        config = json.loads(path.read_text())
    except FileNotFoundError:
        raise InterpError(f"{directory} is no native checkpoint: {expected}; give such a directory.") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InterpError(f"{path} cannot be read ({error}): {expected}; restore the file.") from error
    if not isinstance(config, dict) or config.get("architecture") != ARCHITECTURE:
        raise InterpError(f"{directory} is no native checkpoint: {expected}; give such a directory.")
    if not isinstance(config.get("cfg"), dict):
        raise InterpError(f"{path} names no cfg: {expected}; restore the file.")
    return config


def checkpoint_steps(directory: str | Path) -> list[int]:
    """Return the training steps that have a checkpoint, ascending (empty when there are none)."""
    names = (path.name for path in Path(directory).glob("checkpoints/step-*.safetensors"))
    found = (re.fullmatch(r"step-(\d+)\.safetensors", name) for name in names)
    return sorted(int(match[1]) for match in found if match)


def checkpoint_name(step: int) -> str:
    """Return the place of the checkpoint of `step` inside its directory."""
    return f"checkpoints/step-{step:06d}.safetensors"


def load_native(
    directory: str | Path, device: str = "cpu", dtype: str | torch.dtype = "float32", step: int | None = None
) -> TransformerBridge:
    """Return the bridge kept in `directory`: frozen, in eval mode, on `device`, in `dtype`.

    `step` opens the checkpoint of that training step; None opens the final weights.
    The bytes are checked against `sha256` of config.json where it lists the file.
    Raises InterpError for a directory that is no native checkpoint, and for a missing, truncated or
    altered file.
    """
    directory = Path(directory)
    config = read_config(directory)
    if step is not None and step not in (steps := checkpoint_steps(directory)):
        raise InterpError(f"{directory} has no checkpoint of step {step}. {nearest(step, steps)}")
    name = "model.safetensors" if step is None else checkpoint_name(step)
    tensors = read_weights(directory, name, config.get("sha256", {}).get(name))
    model = boot(config["cfg"], device, as_dtype(dtype))
    _fill(model, tensors, directory / name)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model.eval()


def read_weights(directory: Path, name: str, expected: str | None) -> dict[str, torch.Tensor]:
    """Return the tensors of one weight file, whose sha256 must be `expected` unless that is None."""
    path = directory / name
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InterpError(
            f"{path} is missing: expected the weights of the model described by config.json; "
            "restore the file, or let its training finish."
        ) from None
    except OSError as error:
        raise InterpError(f"{path} cannot be read ({error.strerror}): expected a weight file; mend it.") from error
    if expected is not None and (found := atomic.digest(data)) != expected:
        raise InterpError(
            f"{path} is altered or truncated: expected sha256 {expected[:12]}..., found {found[:12]}...; restore it."
        )
    try:
        return tensors_from_bytes(data)
    except SafetensorError as error:
        raise InterpError(
            f"{path} is truncated or damaged ({error}): expected a safetensors file; restore it."
        ) from error


def as_dtype(dtype: str | torch.dtype) -> torch.dtype:
    """Return the torch dtype of a name such as `float32`; raises InterpError for an unknown name."""
    if isinstance(dtype, torch.dtype):
        return dtype
    if dtype not in DTYPES:
        raise InterpError(f"Unknown dtype {dtype!r}. {nearest(dtype, DTYPES)}")
    return DTYPES[dtype]


def _fill(model: TransformerBridge, tensors: dict[str, torch.Tensor], path: Path) -> None:
    own = model.state_dict()
    absent, extra = sorted(own.keys() - tensors.keys()), sorted(tensors.keys() - own.keys())
    wrong = [name for name in own.keys() & tensors.keys() if own[name].shape != tensors[name].shape]
    if absent or extra or wrong:
        raise InterpError(
            f"{path} does not fit config.json: absent {absent}, unexpected {extra}, wrong "
            f"shape {sorted(wrong)}; expected the weights that cfg describes; restore the files."
        )
    model.load_state_dict(tensors, strict=True)

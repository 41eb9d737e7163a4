"""How is a model opened? As a TransformerBridge whose log-probabilities equal the plain model's.

    load("mental-math")   load("path/to/checkpoint")   load("meta-llama/Meta-Llama-3-8B")

A transformers checkpoint is opened once, asked for the log-probabilities of a few seeded tokens, wrapped in place
by TransformerLens (no second copy in memory) and asked again; a difference above the tolerance of its dtype is an
error. The same check follows `process_weights`: TransformerLens's folding silently changes the function when
d_vocab == d_model. Only safetensors are read, and files listed in SHA256SUMS must have their hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from interp.errors import InterpError
from interp.models import native, zoo
from interp.models.devices import check_device
from interp.models.plain import check_config, first_line, load_tokenizer, open_plain

TOLERANCE = {torch.float64: 1e-8, torch.float32: 1e-4, torch.bfloat16: 0.15, torch.float16: 0.05}
"""Largest difference of log-probabilities (nats) that counts as equal. Rounding of eager against fused attention
was 1e-6 in float32; bfloat16 has 8 bits, so a logit of 20 moves by 0.08."""


@dataclass(frozen=True)
class Loaded:
    """What was opened: its name, directory, sha256 over its weight files, and its tokenizer (None for toy models)."""

    name: str
    directory: Path
    weights_sha256: str
    config: dict[str, Any]
    tokenizer: Any

    @property
    def task(self) -> str | None:
        """The one task of a toy model (its config names it), else None."""
        return self.config.get("task")


def load(name: str, device: str = "cpu", dtype: str = "float32") -> Any:
    """Return the model as a frozen `TransformerBridge` in eval mode; `model.arith` says what was opened.

    `name` is a zoo name, a directory, or a hub name (with @revision if wanted; the only case that uses the network).
    Raises InterpError for an
    unknown name, a directory that is no checkpoint, a damaged or altered file, a device that is not there, and a
    bridge that does not compute what the plain model computes.
    """
    kind = native.as_dtype(dtype)
    check_device(device)
    directory = zoo.resolve(name)
    config = zoo.read_config(directory)
    zoo.check_sums(directory)
    if config.get("architecture") == native.ARCHITECTURE:
        model, tokenizer = native.load_native(directory, device, kind), None
        if (directory / "tokenizer.json").is_file():
            model.tokenizer = tokenizer = load_tokenizer(directory)
    else:
        model, tokenizer = _load_transformers(directory, device, kind)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    model.eval()
    model.arith = Loaded(name, directory, zoo.weights_sha256(directory), config, tokenizer)
    return model


def process_weights(model: Any) -> Any:
    """Fold norms and centre weights in place (TransformerLens compatibility mode) and return the model.

    Raises InterpError when that failed or changed the function: reload the model then, its weights are spoiled.
    """
    tokens = probe_tokens(model.cfg.d_vocab, model.cfg.n_ctx, model.cfg.device)
    before = log_probs(model(tokens))
    try:
        model.enable_compatibility_mode(disable_warnings=True)
    except (RuntimeError, ValueError, NotImplementedError) as error:
        raise InterpError(
            f"TransformerLens cannot process these weights ({first_line(error):.120}); reload and use the plain model."
        ) from None
    check_parity(before, log_probs(model(tokens)), model.cfg.dtype, "processing the weights")
    return model


def probe_tokens(d_vocab: int, n_ctx: int, device: Any) -> Tensor:
    """Return seeded token ids [4, 6] for a parity check (fewer positions where the model has no room for six)."""
    return torch.randint(d_vocab, (4, min(6, n_ctx)), generator=torch.Generator().manual_seed(0)).to(device)


def log_probs(logits: Tensor) -> Tensor:
    """Return log-probabilities in nats, computed in float32 or better."""
    return torch.log_softmax(logits.detach().to(torch.promote_types(logits.dtype, torch.float32)), dim=-1)


def check_parity(before: Tensor, after: Tensor, dtype: torch.dtype, what: str) -> None:
    """Raise InterpError when two sets of log-probabilities differ by more than the tolerance of `dtype`."""
    difference = (before - after).abs().max().item()
    if not difference <= TOLERANCE[dtype]:
        raise InterpError(
            f"{what} changed the model: log-probabilities differ by up to {difference:.3g} nats (allowed "
            f"{TOLERANCE[dtype]:g}); do not use it. Reload the plain model without that step."
        )


def _load_transformers(directory: Path, device: str, dtype: torch.dtype) -> tuple[Any, Any]:
    from transformer_lens.model_bridge import TransformerBridge

    check_config(directory)
    tokenizer = load_tokenizer(directory)
    plain = open_plain(directory, dtype).to(device)
    n_ctx = getattr(plain.config, "max_position_embeddings", None) or 6
    tokens = probe_tokens(plain.get_input_embeddings().num_embeddings, n_ctx, device)
    with torch.no_grad():
        before = log_probs(plain(tokens).logits)
        try:
            model = TransformerBridge.boot_transformers(
                str(directory), hf_model=plain, tokenizer=tokenizer, device=device, dtype=dtype
            )
        except (RuntimeError, ValueError, KeyError, AttributeError, NotImplementedError) as error:
            raise InterpError(
                f"TransformerLens cannot wrap {directory} ({first_line(error):.120}); it needs a decoder-only "
                "architecture that TransformerLens knows."
            ) from None
        check_parity(before, log_probs(model(tokens)), dtype, "wrapping in TransformerLens")
    return model, tokenizer

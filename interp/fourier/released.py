"""How is a released clock or pizza network opened as functions of its operands?

    released("model_a.safetensors", "model_a.config.json")  ->  TwoOperand

The weights of Zhong et al. are no part of this project; `interp.models.attention_rate` says what the network computes.
"""

from __future__ import annotations

from pathlib import Path

from interp.fourier.two_operand import TwoOperand
from interp.models.attention_rate import AttentionRate, initial, read_attention_rate, read_configuration


def released(weights: str | Path, config: str | Path) -> TwoOperand:
    """Return a released network, float64. Raises InterpError for files that are missing, damaged or do not fit."""
    return functions(read_attention_rate(weights, config))


def untrained(config: str | Path, seed: int) -> TwoOperand:
    """Return a network of the same configuration with the weights it starts from, drawn with `seed`."""
    return functions(initial(read_configuration(config), seed))


def functions(net: AttentionRate) -> TwoOperand:
    """Return an attention-rate network as functions of its operands; a pattern only where it is a softmax."""
    return TwoOperand(
        name=net.name,
        p=net.p,
        embed_a=net.embed,
        embed_b=net.embed,
        logits=net.logits,
        neurons=net.neurons,
        W_L=net.W_L,
        patterns=net.patterns if net.rate == 1 else None,
    )

"""Small models whose behaviour is known: a hand-built copier, a random native model and a random GQA Llama.

The copier has vocabulary 0..9 (digits), 10 "bos", 11 "=" and roles (bos, a, b, eq). Its residual is a one-hot
token part (12) and a one-hot position part (4). In block 0 the one head of `eq` reads `a` alone and copies
its token part; block 1 does nothing. The unembedding reads digits only. So it answers a at `eq`, and every
map is known.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformer_lens.config import TransformerBridgeConfig
from transformer_lens.model_bridge import TransformerBridge
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from interp.tasks.prompts import Prompts

BOS, EQ, PLUS = 10, 11, 12
N_TOKENS, N_POS, SHARP = 12, 4, 40.0


def _native(**fields) -> TransformerBridge:
    settings = {"act_fn": "relu", "positional_embedding_type": "standard", "seed": 0, **fields}
    model = TransformerBridge.boot_native(TransformerBridgeConfig(**settings)).eval()
    model.requires_grad_(False)
    return model


@pytest.fixture(scope="session")
def copier() -> TransformerBridge:
    """A model that answers `a`: at block 0, `eq` reads `a` and nothing else."""
    d = N_TOKENS + N_POS
    model = _native(
        n_layers=2,
        d_model=d,
        n_ctx=N_POS,
        d_head=d,
        n_heads=1,
        d_mlp=4,
        d_vocab=N_TOKENS,
        normalization_type=None,
    )
    weights = {name.replace("._original_component", ""): p for name, p in model.named_parameters()}
    with torch.no_grad():
        for p in weights.values():
            p.zero_()
        weights["tok_embed.weight"][:, :N_TOKENS] = torch.eye(N_TOKENS)
        weights["pos.weight"][:, N_TOKENS:] = torch.eye(N_POS)
        weights["head.weight"][:10, :10] = torch.eye(10)
        attn = "layers.0.attn."
        weights[attn + "q.weight"][0, N_TOKENS + 3] = SHARP  # eq asks
        weights[attn + "k.weight"][0, N_TOKENS + 1] = SHARP  # a answers
        weights[attn + "v.weight"][:N_TOKENS, :N_TOKENS] = torch.eye(N_TOKENS)
        weights[attn + "o.weight"][:N_TOKENS, :N_TOKENS] = torch.eye(N_TOKENS)
    return model


@pytest.fixture(scope="session")
def native() -> TransformerBridge:
    """A random two-layer LayerNorm model with vocabulary 0..9, bos, eq, plus."""
    return _native(
        n_layers=2,
        d_model=16,
        n_ctx=8,
        d_head=8,
        n_heads=2,
        d_mlp=32,
        d_vocab=13,
        normalization_type="LN",
    )


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> TransformerBridge:
    """A random two-layer Llama with grouped-query attention over the same vocabulary."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = {str(i): i for i in range(10)} | {"<bos>": BOS, "=": EQ, "+": PLUS}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<bos>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    folder = tmp_path_factory.mktemp("llama")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<bos>").save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=13,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=16,
        initializer_range=0.5,
        bos_token_id=BOS,
        eos_token_id=EQ,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    model = TransformerBridge.boot_transformers(str(folder), device="cpu").eval()
    model.requires_grad_(False)
    return model


@pytest.fixture(params=["native", "llama"])
def random_model(request: pytest.FixtureRequest) -> TransformerBridge:
    return request.getfixturevalue(request.param)


def make_prompts(columns: dict[str, np.ndarray], answers: np.ndarray, split: str = "test") -> Prompts:
    """Prompts whose tokens are the given columns; integer columns a, b are also the causal variables."""
    tokens = np.stack(list(columns.values()), axis=1).astype(np.int64)
    variables = {name: tokens[:, i] for i, name in enumerate(columns) if name in ("a", "b")}
    texts = tuple(" ".join(map(str, row)) for row in tokens)
    return Prompts(
        tokens,
        tuple(columns),
        texts,
        tuple(str(x) for x in answers),
        np.asarray(answers, dtype=np.int64),
        variables,
        "own",
        "own",
        split,
    )


def copy_prompts(a, b, split: str = "test") -> Prompts:
    """(bos, a, b, eq) prompts for the copier; the answer is a."""
    a, b = np.broadcast_arrays(np.asarray(a), np.asarray(b))
    constant = np.ones_like(a)
    return make_prompts({"bos": BOS * constant, "a": a, "b": b, "eq": EQ * constant}, a, split)


def sum_prompts(a, b, split: str = "test") -> Prompts:
    """(bos, a, op1, b, eq) prompts; the answer is a + b modulo 10, with the result among the variables."""
    a, b = np.broadcast_arrays(np.asarray(a), np.asarray(b))
    one = np.ones_like(a)
    prompts = make_prompts({"bos": BOS * one, "a": a, "op1": PLUS * one, "b": b, "eq": EQ * one}, (a + b) % 10, split)
    prompts.variables["result"] = a + b
    return prompts

"""The hand-built copier, and each tiny random model on each device; CUDA variants skip without CUDA."""

import pytest
import torch

from tests.families import FAMILIES, Family, family
from tests.methods.planted import build_copier

NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
CPU = [pytest.param((name, "cpu", torch.float32), id=name) for name in FAMILIES]
CUDA = [
    pytest.param((name, "cuda", dtype), id=f"{name}-cuda-{str(dtype)[6:]}", marks=[pytest.mark.gpu, NO_CUDA])
    for name in FAMILIES
    for dtype in (torch.float32, torch.bfloat16)
]


@pytest.fixture(scope="session")
def copier():
    """A model that answers `a`: in block 0 `eq` reads `a` and nothing else."""
    return build_copier()


@pytest.fixture(scope="session")
def llama():
    """A random Llama with grouped-query attention."""
    return family("llama").bridge


@pytest.fixture(params=CPU + CUDA)
def tiny(request: pytest.FixtureRequest) -> Family:
    """A tiny random model with three blocks: `tiny.bridge`, and `tiny.tolerance` in logits."""
    return family(*request.param)

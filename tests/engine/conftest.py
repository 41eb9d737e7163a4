"""One fixture: each tiny model on each device and in each dtype; CUDA variants are marked and skip without it."""

import pytest
import torch

from tests.families import FAMILIES, Family, family, random_prompts

NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
SETTINGS = [
    pytest.param(("cpu", torch.float32), id="float32"),
    pytest.param(("cpu", torch.bfloat16), id="bfloat16"),
    pytest.param(("cuda", torch.float32), id="cuda-float32", marks=[pytest.mark.gpu, NO_CUDA]),
    pytest.param(("cuda", torch.bfloat16), id="cuda-bfloat16", marks=[pytest.mark.gpu, NO_CUDA]),
]


@pytest.fixture(params=SETTINGS, scope="session")
def setting(request):
    return request.param


@pytest.fixture(params=FAMILIES, scope="session")
def fam(request, setting) -> Family:
    return family(request.param, *setting)


@pytest.fixture(scope="session")
def clean():
    return random_prompts(seed=0)


@pytest.fixture(scope="session")
def other():
    return random_prompts(seed=1)

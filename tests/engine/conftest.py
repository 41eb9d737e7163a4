"""One fixture: each tiny model in each dtype, and again on CUDA where there is one (marked `gpu`)."""

import pytest
import torch

from tests.families import FAMILIES, Family, family, random_prompts

DTYPES = (torch.float32, torch.bfloat16)


def _setting(device, dtype):
    name = str(dtype).removeprefix("torch.")
    marks = [pytest.mark.gpu] if device == "cuda" else [pytest.mark.slow] if dtype == torch.bfloat16 else []
    return pytest.param((device, dtype), id=f"{device}-{name}", marks=marks)  # bfloat16 repeats every law: not in check


DEVICES = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
SETTINGS = [_setting(device, dtype) for device in DEVICES for dtype in DTYPES]


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

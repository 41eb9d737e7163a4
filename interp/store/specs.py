"""What exactly was asked? A Spec: method, model, task and every parameter, as one hashable value.

    hash = sha256(canonical JSON of all fields, defaults filled in)

Two Specs with one hash ask the same question, whatever the order of their keys and however many defaults were
written out. A recorded run is a function call with a Spec.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from interp.errors import InterpError, nearest
from interp.store.parameters import PARAMETERS, Parameters

METHODS = tuple(PARAMETERS)


def canonical(value: object) -> str:
    """Return the one JSON text of `value`: sorted keys, no spaces, finite numbers only (else InterpError)."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (ValueError, TypeError) as error:
        raise InterpError(f"this value has no canonical JSON ({error}); use finite numbers, text, lists") from error


def digest(value: object) -> str:
    """Return the sha256 (64 hex digits) of the canonical JSON of `value`."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


class Frozen(dict):
    """A dictionary that cannot be changed, so that a Spec keeps its hash."""

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("the parameters of a Spec are frozen; make a new Spec")

    if not TYPE_CHECKING:  # the stubs of dict know no dict that refuses
        __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[Frozen], tuple[dict[str, Any]]]:
        return Frozen, (dict(self),)


class Spec(BaseModel):
    """One question to one model. Raises InterpError, in one line, for an unknown method, parameter or value."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    method: str = Field(description="the question, a key of PARAMETERS")
    model: str = Field(min_length=1, description="zoo name, checkpoint directory or hub name")
    task: str | None = Field(None, min_length=1, description="task id such as a+b; null where none applies")
    style: str = Field("plain", min_length=1, description="input style of the prompts")
    parameters: dict[str, Any] = Field(default_factory=dict, validate_default=True)
    seed: int = Field(0, ge=0, le=2**32 - 1, description="seeds every random choice of the run")
    device: str = Field("cpu", min_length=1, description="cpu, cuda, cuda:0 ...")
    dtype: Literal["float32", "float64", "bfloat16", "float16"] = "float32"
    weights_sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$", description="hash of the weights")

    @field_validator("method")
    @classmethod
    def _known_method(cls, method: str) -> str:
        if method not in PARAMETERS:
            raise InterpError(f"unknown method {method!r}. {nearest(method, METHODS)}")
        return method

    @field_validator("parameters", mode="after")
    @classmethod
    def _complete(cls, given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        method = info.data.get("method")
        return Frozen(given if method is None else parameters(method, given).model_dump())

    @property
    def settings(self) -> Parameters:
        """Return the parameters as the typed model of the method, for attribute access."""
        return PARAMETERS[self.method].model_validate(self.parameters)

    @cached_property
    def hash(self) -> str:
        """Return the sha256 (64 hex digits) that names this question."""
        return digest(self.model_dump(mode="json"))

    def but(self, **changes: Any) -> Spec:
        """Return a validated copy with `changes`; `parameters` are merged into the present ones of the same method."""
        kept = self.parameters if changes.get("method", self.method) == self.method else {}
        merged = {**kept, **changes.pop("parameters", {})}
        return Spec(**{**self.model_dump(), **changes, "parameters": merged})

    def __hash__(self) -> int:
        return hash(self.hash)

    if not TYPE_CHECKING:  # pyright keeps the typed constructor of the fields

        def __init__(self, **data: Any) -> None:
            try:
                super().__init__(**data)
            except ValidationError as error:
                raise InterpError(one_line(error, "spec", list(type(self).model_fields))) from None


def parameters(method: str, given: Mapping[str, Any]) -> Parameters:
    """Return the parameters of `method`, defaults filled in; InterpError names the first that is wrong."""
    model = PARAMETERS.get(method)
    if model is None:
        raise InterpError(f"unknown method {method!r}. {nearest(method, METHODS)}")
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        raise InterpError(one_line(error, method, list(model.model_fields))) from None


def spec_from(data: Mapping[str, Any] | str | bytes) -> Spec:
    """Return the Spec in a mapping or a JSON text; InterpError when it is none."""
    if isinstance(data, str | bytes):
        try:
            data = json.loads(data)
        except ValueError as error:
            raise InterpError(f"a spec must be JSON: {error}") from error
    if not isinstance(data, Mapping):
        raise InterpError(f"a spec must be an object of named fields, not {type(data).__name__}")
    return Spec(**{str(name): value for name, value in data.items()})


def one_line(error: ValidationError, where: str, options: list[str]) -> str:
    """Return the first complaint of a pydantic error as one line, with the nearest names for an unknown one."""
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"]) or where
    if first["type"] == "extra_forbidden":
        return f"unknown parameter {name!r} of {where}. {nearest(name, options)}"
    if first["type"] == "missing":
        return f"{where} needs {name!r}; give it a value"
    raised = first.get("ctx", {}).get("error")
    if isinstance(raised, InterpError):
        return str(raised)
    reason = str(raised) if raised is not None else first["msg"][:1].lower() + first["msg"][1:]
    if not first["loc"]:
        return f"{where}: {reason}"
    return f"{where}: {name} = {first['input']!r:.80} is not valid: {reason}".replace("\n", " ")

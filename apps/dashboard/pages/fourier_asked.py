"""Which pins, layer and place of an address does the Fourier page have? The rest is left out, and said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from apps.dashboard.page import Request
from apps.dashboard.pages.fourier_periods import pinned
from apps.dashboard.selection import Selection, layer_of, role_of
from interp.figures import schema

if TYPE_CHECKING:
    import xarray as xr

LAYERED = ("spectra", "helix")
"""Methods that have layers to choose; the readings of spectra are the places."""


def pins_known(shown: Selection, request: Request) -> Selection:
    """Return the selection with those pins that are periods."""
    wrong = [pin for pin in shown.pin if not pinned(Selection(pin=(pin,)))]
    request.notices.extend(f"{pin[:40]!r} pins no period, such as T=10; it was left out." for pin in wrong)
    return shown.but(pin=tuple(pin for pin in shown.pin if pin not in wrong))


def known_places(datasets: Mapping[str, xr.Dataset], shown: Selection, request: Request) -> Selection:
    """Return the selection with a layer and a place that one of its runs has, else without."""
    there = [datasets[name] for name in LAYERED if name in datasets]
    layers = sorted({int(layer) for each in there for layer in schema.labels(each, "layer")})
    roles = [str(role) for role in schema.labels(datasets["spectra"], "reading")] if "spectra" in datasets else []
    return shown.but(layer=_layer(shown, layers, request), role=_role(shown, roles, request))


def _layer(shown: Selection, layers: list[int], request: Request) -> int | None:
    if layers or shown.layer is None:
        return layer_of(shown.layer, layers, request.notices)
    request.notices.append(f"No run here has layers to choose from, so layer {shown.layer} was left out.")
    return None


def _role(shown: Selection, roles: list[str], request: Request) -> str | None:
    if roles or shown.role is None:
        return role_of(shown.role, roles, request.notices)
    request.notices.append(f"No run here has places to choose from, so role {shown.role[:40]!r} was left out.")
    return None

"""How long does a reader of the app wait: for a page that was never open, and from a click to what it selects?

    python -m experiments.benchmarks.app_latency STORE       writes app_latency.json beside this file, prints a table

    cold      from the request to the first figure drawn (a table or form where a page has no figure), in a browser
              with an empty cache, of a page that this server has not drawn before
    click     from the release of the button over a cell, tile or point (or from a key on the slider of the operand
              maps) to the words about it and the next frame; every click selects another place

The load of the machine is written beside the numbers: they mean what they say only on an idle one. Clicks that select
what is selected already change nothing and are not counted; `lost` counts those after which nothing came for ten
seconds although the address changed.
"""

from __future__ import annotations

import json
import os
import platform
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.request import urlopen

import numpy as np
import typer

from apps.dashboard.pages import PAGES
from interp.cli.output import say
from interp.errors import InterpError
from interp.figures.export import browser

OUT = Path(__file__).with_suffix(".json")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
PATIENCE = 120_000
APART = 0.4
"""Seconds between clicks: two within 0.3 s are a double click."""
KEY = "ArrowRight"
"""Not clicked: pressed on the slider of the page."""
CLICKS = {
    "Patching cell": ("/patching", "patching-map", "#patching-detail-title"),
    "AF1 window": ("/af1", "grid", "#any_window-summary"),
    "Attention head": ("/attention", "attention-map", "#attention-lock"),
    "Fourier period": ("/fourier?v=1&view=spectra", "fourier-spectrum-power", ".fourier-periods"),
    "Operands pair": ("/operands", "operands-map", "#operands-pair"),
    "Operands next neuron": ("/operands?v=1&view=neurons", KEY, "#operands-map-title"),
}
"""What is clicked: the address, the graph, and the words that follow."""
SCRIPT = Path(__file__).with_suffix(".js")
"""What runs in the page: when a figure is drawn, where its places are, how long words took to follow."""


@contextmanager
def serving(store: Path) -> Iterator[str]:
    """Yield the address of the app over `store`, in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "apps.dashboard", "--store", str(store), "--port", str(port)])
    try:
        for _ in range(600):
            try:
                with urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                    break
            except OSError as error:
                if process.poll() is not None:
                    raise InterpError("The app did not start.") from error
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def tab(playwright: Any) -> Iterator[Any]:
    """Yield a page of a browser that has never seen anything."""
    with tempfile.TemporaryDirectory() as profile:
        view = {"width": 1280, "height": 900}
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=browser(), args=list(FLAGS), viewport=view
        )
        context.add_init_script(path=str(SCRIPT))
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        yield page
        context.close()


def cold(playwright: Any, address: str) -> float:
    """Return the seconds until the first figure of a page is drawn."""
    with tab(playwright) as page:
        began = time.perf_counter()
        page.goto(address, wait_until="commit")
        page.wait_for_function("() => latency.drawn()", polling="raf")
        return time.perf_counter() - began


def click(page: Any, place: list[float] | None, words: str) -> tuple[float | None, bool]:
    """Return the milliseconds from a click to the words about it, None where none came, and whether anything moved.

    Without a place the key is pressed.
    """
    before = page.evaluate("() => location.search")
    if place:
        page.mouse.move(*place)
    page.wait_for_timeout(APART * 1000)
    page.evaluate("(words) => latency.watch(words)", words)
    if place:
        page.mouse.click(*place)
    else:
        page.keyboard.press(KEY)
    for k in range(200):
        waited = page.evaluate("() => latency.waited")
        if waited is not None:
            return float(waited), True
        page.wait_for_timeout(50)
        if k > 30 and page.evaluate("() => location.search") == before:
            return None, False
    return None, True


def clicks(playwright: Any, base: str, what: str, n: int) -> dict[str, Any]:
    """Return the distribution over `n` clicks that select something."""
    path, graph, words = CLICKS[what]
    taken: list[float] = []
    lost = 0
    with tab(playwright) as page:
        page.goto(base + path)
        page.wait_for_function("() => latency.allDrawn()")
        page.wait_for_timeout(1500)
        draw = random.Random(0)
        if graph == KEY:
            page.locator("[role=slider]").first.focus()
        for _ in range(3 * n):
            if len(taken) + lost == n:
                break
            places = None if graph == KEY else page.evaluate("(name) => latency.places(name)", graph)
            waited, moved = click(page, draw.choice(places) if places else None, words)
            if waited is not None:
                taken.append(waited)
            lost += waited is None and moved
    if not taken:
        raise InterpError(f"No click on {graph} of {path} changed {words}.")
    p50, p95 = np.percentile(taken, (50, 95))
    return {"n": len(taken), "lost": lost, "p50_ms": round(p50), "p95_ms": round(p95), "max_ms": round(max(taken))}


def main(
    store: Annotated[Path, typer.Argument(help="the root of a store with a study")],
    n: Annotated[int, typer.Option("--clicks", help="clicks for each figure")] = 40,
    out: Annotated[Path, typer.Option(help="where the numbers go")] = OUT,
) -> None:
    """Time the app over a store."""
    from playwright.sync_api import sync_playwright

    load = [os.getloadavg()[0]]
    with serving(store) as base, sync_playwright() as playwright:
        first, after = {}, {}
        for module in PAGES:
            first[module.NAME] = round(cold(playwright, base + module.PATH), 2)
            say(f"{module.NAME:20} {first[module.NAME]:6.2f} s to the first figure")
        for what in CLICKS:
            after[what] = row = clicks(playwright, base, what, n)
            say(f"{what:20} p50 {row['p50_ms']} ms, p95 {row['p95_ms']} ms over {row['n']} clicks")
    load.append(os.getloadavg()[0])
    found = {
        "note": "wall time in headless Chromium with software drawing; the load is that of the whole machine",
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": [round(each, 1) for each in load],
        "runs": len(list((store / "runs").glob("*/run.json"))),
        "cold_seconds": first,
        "click": after,
    }
    out.write_text(json.dumps(found, indent=2) + "\n")
    say(f"load {load[0]:.1f} to {load[1]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    typer.run(main)

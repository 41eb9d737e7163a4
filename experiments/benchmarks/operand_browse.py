"""How long does a step take when 512 neurons are browsed as maps over 100 x 100 pairs of operands?

    interp run operands --model mental-math --task a+b --set layers=[4,5] --set direct=false
    python -m experiments.benchmarks.operand_browse          writes operand_browse.json beside this file

    server    the callback of a step, and its answer as JSON: milliseconds and kB
    browser   from the key to the frame after the map is drawn, in headless Chromium (playwright), software raster

over the newest recorded run that keeps as many neurons, in the order of what the result explains. Wall time, on a
machine that others may use: read it with the load that is written beside it.
"""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from plotly.utils import PlotlyJSONEncoder

from apps.dashboard.library import Library
from apps.dashboard.operand_choice import Choice
from apps.dashboard.pages import operands_moves as moves
from experiments.benchmarks.app_latency import serving, tab
from interp.cli.output import say
from interp.errors import InterpError
from interp.figures.operand_parts import ordered
from interp.store import default_root

OUT = Path(__file__).with_suffix(".json")
STEP = """() => new Promise((done) => {
  const graph = document.querySelector("[id*='operands-map'] .js-plotly-plot"), start = performance.now();
  const stop = setTimeout(() => done(null), 20000);
  graph.once("plotly_afterplot", () => requestAnimationFrame(() => requestAnimationFrame(
    () => setTimeout(() => { clearTimeout(stop); done(performance.now() - start); }, 0))));
  document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true}));
})"""
"""Press the key; the milliseconds until two frames after the map is drawn, null when it never is."""


def of_server(library: Library, run: str, steps: int) -> dict[str, Any]:
    """Return the milliseconds (of the clock, and of this process alone) and the size of the answer of a step."""
    search, wall, own, sizes = Choice(run, "neurons", _first(library, run), "result").selection.search, [], [], []
    for rank in range(1, steps):
        start, cpu = time.perf_counter(), time.process_time()
        out = moves.stepped(library, search, rank, "light")
        text = json.dumps(out[:10], cls=PlotlyJSONEncoder)
        wall.append(1000 * (time.perf_counter() - start))
        own.append(1000 * (time.process_time() - cpu))
        sizes.append(len(text) / 1000)
        search = out[0]["search"]
    return {"clock": quantiles(wall), "cpu": quantiles(own), "kilobytes": round(float(np.median(sizes)), 1)}


def of_browser(base: str, run: str, first: str, steps: int) -> dict[str, float]:
    """Return the milliseconds from key to drawn map. Raises InterpError where a step was lost."""
    from playwright.sync_api import sync_playwright

    address = f"{base}/operands{Choice(run, 'neurons', first, 'result').selection.search}"
    with sync_playwright() as playwright, tab(playwright) as page:
        page.goto(address)
        page.locator("[id*='operands-bars'] .main-svg").first.wait_for()
        page.wait_for_timeout(2000)
        spent = []
        for _ in range(1, steps):
            spent.append(page.evaluate(STEP))
            if spent[-1] is None:
                raise InterpError(f"Step {len(spent)} was never drawn.")
            page.wait_for_timeout(20)
        said = page.locator("#operands-said").inner_text()
    if not said.startswith(f"{steps} of"):
        raise InterpError(f"The browser ended at {said!r}, not at map {steps}: a step was lost.")
    return quantiles(spent)


def quantiles(spent: list[float]) -> dict[str, float]:
    """Return p50, p95 and the longest, in milliseconds."""
    found = {"p50": np.quantile(spent, 0.5), "p95": np.quantile(spent, 0.95), "longest": max(spent)}
    return {"steps": len(spent), **{name: round(float(value), 1) for name, value in found.items()}}


def _first(library: Library, run: str) -> str:
    return ordered(library.dataset(run), "neurons", "result")[0]


def _run(library: Library, steps: int) -> str:
    for line in library.of("operands"):
        if library.dataset(line.run_id).sizes["neuron"] >= steps:
            return line.run_id
    raise InterpError(f"No operands run of this store keeps {steps} neurons; record one as the head of this file says.")


def main(
    store: Annotated[Path | None, typer.Option(help="store with the run; default: the usual one")] = None,
    steps: Annotated[int, typer.Option(help="maps that are browsed")] = 512,
    drawn: Annotated[int, typer.Option(help="how many of them in the browser too")] = 512,
) -> None:
    """Measure, write operand_browse.json, print it."""
    root = store or default_root()
    library = Library(root)
    run = _run(library, steps)
    dataset, first = library.dataset(run), _first(library, run)
    shape = [dataset.sizes[name] for name in ("neuron", "operand_a", "operand_b")]
    with serving(root) as base:
        found: dict[str, Any] = {
            "maps": shape, "server": of_server(library, run, steps),
            "browser": of_browser(base, run, first, drawn),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, python {platform.python_version()}",
            "load": [round(each, 1) for each in os.getloadavg()],
        }  # fmt: skip
    OUT.write_text(json.dumps(found, indent=1) + "\n")
    say(json.dumps(found, indent=1))


if __name__ == "__main__":
    typer.run(main)

"""From a cell of the patching map, and the pair in focus, to the same patch of one prompt on Try it.

Denoising reads the corrupted prompt and writes what the clean one has; noising the other way round. Try it can write
what enters a block and what attention or MLP add; a head that was patched alone is knocked out there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dash.development.base_component import Component

from apps.dashboard import try_form
from apps.dashboard.components.try_link import Pair, following
from apps.dashboard.kin import question_of
from apps.dashboard.library import Library
from apps.dashboard.patches import component_of
from apps.dashboard.selection import Selection
from apps.dashboard.try_address import joined
from interp.figures import places, schema
from interp.store import RunSummary

if TYPE_CHECKING:
    import xarray as xr


def cell_link(library: Library, line: RunSummary, shown: Selection) -> list[Component]:
    """Return the link of the selected cell; nothing for a component that Try it does not write."""
    dataset, asked = library.dataset(line.run_id), question_of(library, line.run_id)
    pairs = pairs_of(dataset)
    if places.of_heads(dataset):
        text = "this head knocked out in one prompt."
        return [following("cell", asked.but(view="head"), shown, ("layer", "head"), text, pairs)]
    component = component_of(line)
    if component not in dict(try_form.COMPONENTS):
        return []
    text = "this cell patched in one prompt, that of the selected pair."
    return [following("cell", asked.but(view="patch", node=component), shown, ("layer", "role"), text, pairs)]


def pairs_of(dataset: xr.Dataset) -> list[Pair]:
    """Return both prompts of every pair by their operands; nothing where numbers in a text are not its operands."""
    operands = [role for role in places.roles_of(dataset) if re.fullmatch("[a-z]", role)]
    if "prompt_corrupted" not in dataset.variables:
        return []
    clean = [str(text) for text in schema.labels(dataset, "prompt")]
    twins = [str(text) for text in dataset["prompt_corrupted"].to_numpy().tolist()]
    noising = dataset.attrs.get("direction") == "noising"
    found = []
    for read, written in zip(*((clean, twins) if noising else (twins, clean)), strict=True):
        first, second = ([int(n) for n in re.findall(r"\d+", text)] for text in (read, written))
        if not len(first) == len(second) == len(operands):
            return []
        two = {"a": first[0], "b": first[1]} if len(first) == 2 else {}
        found.append({**two, "pin": [joined(second)] if two else [joined(first), joined(second)]})
    return found

"""Over which prompts is an array of a result taken? A search keeps two splits in one result.

What it tried is of the selection split, counted by `n_selection`; everything else is of the test split, counted by `n`.
"""

from __future__ import annotations

TRIED = ("wait_faithfulness", "transfer_faithfulness", "grid_faithfulness", "best_faithfulness")
"""The arrays of a search that are of the selection split."""
OWN = "_selection"


def on_selection(name: str) -> bool:
    """Return whether array `name` is of the selection split of a search."""
    return name in TRIED or name.endswith(OWN)


def count_name(name: str) -> str:
    """Return the variable that counts the prompts behind array `name`."""
    return f"n{OWN}" if on_selection(name) else "n"

"""What lies in the directory of a language training, and when may another training use it?

recipe.json                  every number the result depends on
log.jsonl                    loss and selection accuracies by step; no step twice
training-state.safetensors   where to go on, see `interp.models.resume`
config.json, model.safetensors, generation_config.json, tokenizer files     the result, for transformers as it is
SHA256SUMS                   of all of these but the state; written last, so a checkpoint that has it is whole
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from interp.errors import InterpError
from interp.models import atomic, zoo
from interp.models.language_recipe import SCHEDULE

LOG = "log.jsonl"


def claim(directory: Path, recipe: dict[str, Any], fresh: bool = False) -> None:
    """Raise InterpError unless `directory` is empty, absent or of this very recipe; `fresh` forgets what was trained.

    The schedule may differ: it moves the end of a training, not the meaning of its saved state.
    """
    path = directory / "recipe.json"
    if path.is_file():
        found = zoo.read_recipe(directory)
        names = (recipe.keys() | found.keys()) - set(SCHEDULE)
        differing = sorted(name for name in names if recipe.get(name) != found.get(name))
        if differing:
            raise InterpError(
                f"{directory} holds a training with another recipe (differs in {', '.join(differing)}): expected the "
                "same one; choose an empty directory."
            )
        if not fresh and (directory / "model.safetensors").exists() and not (directory / zoo.STATE).exists():
            raise InterpError(
                f"{directory} holds a finished model without its training state: it cannot go on from there; use the "
                "model as it is, or train in an empty directory."
            )
    elif directory.exists() and (not directory.is_dir() or any(directory.glob("[!.]*"))):
        raise InterpError(f"{directory} is in use and holds no training (no recipe.json); choose an empty directory.")
    if fresh:
        for name in ("SHA256SUMS", zoo.STATE, LOG):
            (directory / name).unlink(missing_ok=True)


def begin(directory: Path, recipe: dict[str, Any], step: int) -> float:
    """Write the recipe, cut the log after `step` and return the seconds spent until there.

    What a killed training logged after its last saved step is done again, and would stand in the log twice.
    """
    (directory / "SHA256SUMS").unlink(missing_ok=True)  # it does not vouch for what is trained on
    atomic.write_json(directory / "recipe.json", recipe)
    kept = [line for line in read_log(directory) if line["step"] <= step]
    atomic.write_bytes(directory / LOG, "".join(json.dumps(line) + "\n" for line in kept).encode())
    return kept[-1]["cpu_seconds"] if kept else 0.0


def read_log(directory: Path) -> list[dict[str, Any]]:
    """Return the lines of the log; a last line torn by a kill is left out."""
    path = directory / LOG
    lines = []
    for text in path.read_text().splitlines() if path.is_file() else []:
        try:
            lines.append(json.loads(text))
        except ValueError:
            break
    return lines


def log(directory: Path, line: dict[str, Any]) -> None:
    """Add one line to the log. Raises InterpError when the disk refuses."""
    try:
        with open(directory / LOG, "a") as file:
            file.write(json.dumps(line) + "\n")
    except OSError as error:
        raise InterpError(
            f"{directory / LOG} cannot be written ({error.strerror}); free some space and run the same command: "
            "the training goes on from its last saved step."
        ) from None


def seal(directory: Path, model: Any, tokenizer: Any) -> None:
    """Write the checkpoint, each file in one rename, and then SHA256SUMS over all but the state."""
    (directory / "SHA256SUMS").unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as draft:
        model.save_pretrained(draft)
        tokenizer.save_pretrained(draft)
        written = sorted(Path(draft).iterdir())
        for path in written:
            atomic.write_bytes(directory / path.name, path.read_bytes())
    names = sorted({path.name for path in written} | {"recipe.json", LOG})
    sums = "".join(f"{atomic.digest((directory / name).read_bytes())}  {name}\n" for name in names)
    atomic.write_bytes(directory / "SHA256SUMS", sums.encode())

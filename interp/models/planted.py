"""Which models have a window that is known beforehand? Hand-built ones, whose name says it.

    planted:wait=3,transfer=2              w = 3 blocks wait, the t = 2 blocks after them are read; 8 blocks in all
    planted:wait=3,transfer=2,layers=12    the same in a deeper model (1..32 blocks); seed=1 draws other numbers
    planted:mix=2                          operands mix through other tokens in block 2: there is no window

(`planted:copy`, `planted:compose` and `planted:adder`, whose heads and paths are known: `interp.models.planted_parts`;
`planted:clock`, `planted:pizza` and `planted:helix`, which compute with circles: `interp.models.planted_waves`.)
They add two or three operands in the styles "plain" and "verbal" with the same weights, and are simply wrong at every
other task and style. `interp.models.planted_circuit` says how they work, `interp.models.planted_weights` writes the
matrices. The truth about them, in this project's counting:

    planted (w, t)  a subgraph (l_wait, l_transfer) is right exactly when l_wait <= w and l_wait + l_transfer >= w + t
    planted mix     no subgraph is right, although waiting alone, every later block unrestricted, is up to l_wait = mix

In other ways to wait and to peek: the isolated run and a resampled prompt are as good as CAMA, an embedding carried
forward is right at l_wait = 0 only, and with the other tokens frozen at l_wait only l_wait = w with t = 1 is right.
With the other tokens free to see each other, mixing has a window too: l_wait <= mix, l_wait + l_transfer >= mix + 2.

A planted model is an ordinary native checkpoint directory with a tokenizer, built on first use (numpy and safetensors
only) in $ARITHMOSCOPE_CACHE, else $XDG_CACHE_HOME/arithmoscope, else ~/.cache/arithmoscope. The same name gives the
same bytes on the same machine (elsewhere up to rounding); a damaged directory is built again. Only the name of that
directory tells the truth: shapes depend on `layers` alone, so that `interp models export` gives a riddle.
float32 and float64 only: in 16 bits neighbouring answers are one number.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from interp.errors import InterpError
from interp.models import planted_parts, planted_waves
from interp.models.planted_fields import PREFIX, read_fields

EXAMPLES = (
    "planted:wait=3,transfer=2",
    "planted:mix=2",
    *(f"{PREFIX}{kind}" for kind in (*planted_parts.KINDS, *planted_waves.KINDS)),
)
FAMILY = (
    f"and, built when asked for: {EXAMPLES[0]}[,layers=8,seed=0], {EXAMPLES[1]} (any numbers that fit), "
    f"{', '.join(EXAMPLES[2:5])}[,layers=4,seed=0], {', '.join(EXAMPLES[5:])}[,seed=0]"
)
FIELDS = ("wait", "transfer", "mix", "layers", "seed")
LAYERS, LARGEST = 8, 32
"""The default depth, and the largest: the residual stream needs about layers^2 / 2 dimensions."""


@dataclass(frozen=True)
class Planted:
    """A known truth: `wait` and `transfer`, or the block `mix` in which operands mix (the other form's are None)."""

    wait: int | None = None
    transfer: int | None = None
    mix: int | None = None
    layers: int = LAYERS
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.layers <= LARGEST or not 0 <= self.seed < 2**32:
            raise InterpError(
                f"{self.name}: need 1 <= layers <= {LARGEST} and 0 <= seed < 2^32, e.g. {EXAMPLES[0]},layers=12."
            )
        if (self.wait is None or self.transfer is None) == (self.mix is None) or None not in (self.wait, self.mix):
            raise InterpError(f"{self.name}: give wait and transfer, or mix alone: {' or '.join(EXAMPLES[:2])}.")
        if self.reads.start < 0 or not len(self.reads) or self.reads.stop > self.layers:
            need = "wait >= 0, transfer >= 1 and wait + transfer" if self.mix is None else "mix >= 0 and mix + 2"
            raise InterpError(f"{self.name} does not fit {self.layers} blocks: need {need} <= layers.")

    @property
    def name(self) -> str:
        """Return the full name, defaults written out."""
        told = {field: getattr(self, field) for field in FIELDS}
        return PREFIX + ",".join(f"{field}={value}" for field, value in told.items() if value is not None)

    @property
    def reads(self) -> range:
        """Return the blocks in which the last token reads what it needs, one share of the operands in each."""
        if self.mix is not None:
            return range(self.mix + 1, self.mix + 2) if self.mix >= 0 else range(0)
        return range(self.wait or 0, (self.wait or 0) + (self.transfer or 0))


Family = Planted | planted_parts.PlantedParts | planted_waves.PlantedWaves


def is_planted(name: str) -> bool:
    """Return whether `name` asks for a planted model, well spelled or not."""
    return name.startswith(PREFIX)


def read_name(name: str) -> Planted:
    """Return what a name such as `planted:wait=3,transfer=2` means. Raises InterpError, in one line, for a bad one."""
    parts = name.removeprefix(PREFIX).split(",")
    return Planted(**read_fields(name, parts, FIELDS, EXAMPLES[0], sign="-?"))


def cache_directory() -> Path:
    """Return where built models are kept; deleting it costs only the time to build them again."""
    own = os.environ.get("ARITHMOSCOPE_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "arithmoscope"


def directory(name: str) -> Path:
    """Return the checkpoint directory of a planted name, built first when it is absent or damaged.

    Raises InterpError for a bad name, and for a cache that cannot be written.
    """
    planted = _read(name)
    label = planted.name.removeprefix(PREFIX).replace("=", "").replace(",", "-")
    place = cache_directory() / "planted" / f"{label}-{_origin()}"
    if not _whole(place, planted):
        _build(planted, place)
    return place


def _read(name: str) -> Family:
    if planted_parts.is_parts(name):
        return planted_parts.read_parts(name)
    return planted_waves.read_waves(name) if planted_waves.is_waves(name) else read_name(name)


def _origin() -> str:
    """A digest of all that decides the bytes: the code that writes them and the words of the tokenizer."""
    from interp.models.number_tokenizer import words
    from interp.tasks import BUILT_IN

    here = Path(__file__).parent
    code = [path.read_bytes() for path in (*sorted(here.glob("planted*.py")), here / "number_tokenizer.py")]
    return hashlib.sha256(b"\0".join([*code, " ".join(words(BUILT_IN)).encode()])).hexdigest()[:12]


def _whole(place: Path, planted: Family) -> bool:
    from interp.models.zoo import check_sums

    try:
        return (place / "SHA256SUMS").is_file() and check_sums(place) == (
            4 if getattr(planted, "tokenized", True) else 2
        )
    except InterpError:
        return False


def _files(planted: Family) -> dict[str, bytes]:
    from interp.models import planted_parts_weights, planted_waves_weights, planted_weights

    if isinstance(planted, planted_waves.PlantedWaves):
        return planted_waves_weights.files(planted)
    if isinstance(planted, planted_parts.PlantedParts):
        return planted_parts_weights.files(planted)
    return planted_weights.files(planted)


def _build(planted: Family, place: Path) -> None:
    """Write the directory beside its place and rename it once; whoever else builds it builds the same."""
    from interp.models import atomic

    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=place.parent))
    except OSError as error:
        raise InterpError(
            f"cannot build a planted model in {place.parent} ({error.strerror}); set ARITHMOSCOPE_CACHE to a "
            "directory that can be written."
        ) from None
    try:
        found = _files(planted)
        for name, data in found.items():
            atomic.write_bytes(partial / name, data)
        sums = "".join(f"{atomic.digest(data)}  {name}\n" for name, data in sorted(found.items()))
        atomic.write_bytes(partial / "SHA256SUMS", sums.encode())
        partial.chmod(0o755)
        _put(partial, place, planted)
    finally:
        for left in (partial, partial.with_name(partial.name + "-damaged")):
            shutil.rmtree(left, ignore_errors=True)


def _put(partial: Path, place: Path, planted: Family) -> None:
    """Rename `partial` to `place`, a damaged directory there first out of the way."""
    if place.exists() and not _whole(place, planted):
        with contextlib.suppress(OSError):  # somebody else did it
            os.replace(place, partial.with_name(partial.name + "-damaged"))
    try:
        os.replace(partial, place)
    except OSError as error:
        if not _whole(place, planted):  # unless somebody else was faster
            raise InterpError(
                f"cannot put a planted model at {place} ({error.strerror}); remove what is there."
            ) from None

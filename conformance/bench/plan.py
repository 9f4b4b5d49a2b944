"""Which cells a run measures."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from conformance.bench import cells
from conformance.bench.contenders import contenders
from conformance.bench.problems import DTYPES, LOSSES, draw
from conformance.bench.runtimes import Runtime
from conformance.bench.timing import MINIMUM_ROUNDS
from conformance.errors import UsageError

LATENCY = 1_000
SIZES = {
    "cpu": (LATENCY, *(2**power for power in (10, 14, 18, 22))),
    "cuda": (LATENCY, *(2**power for power in (10, 16, 20, 24, 26, 28))),
}
QUICK_SIZES = (LATENCY, 2**16)
# Bytes of the copy that states the machine's bandwidth: far larger than any cache.
LARGE = {"cpu": 2**29, "cuda": 2**31}
ROUNDS = 15
CLASSES = (2, 32, 1_000, 50_000)
# Logits of the cells that vary the number of classes.
CLASS_LOGITS = 2**20
# And the size that their bars are for: 65 536 rows of 32 classes.
ROWS = 2**21


@dataclass(frozen=True)
class Options:
    """What was asked for; None is the default.

    Attributes:
        device: ``"cpu"`` or ``"cuda"``.
        sizes: Numbers of logits.
        dtypes: Of the logits.
        select: Glob on the names of cells; empty selects all.
        rounds: Samples of each contender.
        quick: Two sizes in float32, the fewest rounds, nothing else.
        out: Folder of the results.
    """

    device: str
    sizes: tuple[int, ...] | None
    dtypes: tuple[str, ...] | None
    select: str
    rounds: int | None
    quick: bool
    out: Path

    def resolved_rounds(self) -> int:
        """Returns the number of rounds."""
        return self.rounds or (MINIMUM_ROUNDS if self.quick else ROUNDS)

    def record(self) -> dict[str, Any]:
        """Returns what the header states."""
        return {
            "device": self.device,
            "sizes": self.sizes,
            "dtypes": self.dtypes,
            "select": self.select,
            "rounds": self.resolved_rounds(),
            "quick": self.quick,
        }


@dataclass(frozen=True)
class Cell:
    """A loss at a size, number of classes and dtype."""

    loss: str
    dtype: str
    size: int
    classes: int | None = None

    @property
    def name(self) -> str:
        """Names the cell for ``--select`` and in records."""
        axis = f"N={self.size}" if self.classes is None else f"K={self.classes}"
        return f"{self.loss}/{self.dtype}/{axis}"

    def measure(self, runtimes: dict[str, Runtime], rounds: int) -> dict[str, Any]:
        """Draws the inputs and measures every contender."""
        chosen = {} if self.classes is None else {"classes": self.classes}
        return cells.measure(
            draw(self.loss, self.size, **chosen),
            self.dtype,
            contenders(self.loss, tuple(runtimes)),
            runtimes,
            rounds=rounds,
        )


def plan(options: Options) -> list[Cell]:
    """Returns the cells of a run in order."""
    chosen = [
        cell
        for cell in (*_by_size(options), *_by_classes(options))
        if selected(cell.name, options)
    ]
    return list(dict.fromkeys(chosen))


def training(options: Options, frameworks: Iterable[str]) -> list[str]:
    """Returns the frameworks whose training is measured."""
    if options.quick:
        return []
    return [name for name in frameworks if selected(f"training/{name}", options)]


def selected(name: str, options: Options) -> bool:
    """Tells whether a cell is asked for."""
    return not options.select or fnmatchcase(name, options.select)


def cores() -> int:
    """Returns the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def parse_sizes(text: str) -> tuple[int, ...] | None:
    """Reads ``1024,2^14`` or ``2^10..2^22``, which is every second power of two.

    Raises:
        UsageError: It is neither.
    """
    if not text:
        return None
    return tuple(sorted({n for part in text.split(",") for n in _range(part, text)}))


def parse_dtypes(text: str) -> tuple[str, ...] | None:
    """Reads dtypes, separated by commas.

    Raises:
        UsageError: One of them is not offered.
    """
    if not text:
        return None
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in DTYPES:
            raise UsageError(f"--dtypes: expected {' or '.join(DTYPES)}, got {name!r}.")
    return names


def check_rounds(rounds: int | None) -> None:
    """Checks the number of samples.

    Raises:
        UsageError: It is too small for quartiles to mean anything.
    """
    if rounds is not None and rounds < MINIMUM_ROUNDS:
        raise UsageError(f"--repeats: expected >= {MINIMUM_ROUNDS}, got {rounds}.")


def _range(part: str, text: str) -> Iterator[int]:
    first, dots, last = part.partition("..")
    low = _size(first, text)
    high = _size(last, text) if dots else low
    if low > high:
        raise UsageError(f"--sizes: expected a rising range, got {part!r}.")
    while low <= high:
        yield low
        low *= 4


def _size(text: str, whole: str) -> int:
    base, power, exponent = text.strip().partition("^")
    try:
        size = int(base) ** int(exponent) if power else int(base)
    except ValueError:
        size = 0
    if not 1 <= size <= 2**31:
        raise UsageError(
            "--sizes: expected numbers of logits such as 1024, 2^14 or 2^10..2^22, "
            f"up to 2^31, got {whole!r}."
        )
    return size


def _by_size(options: Options) -> Iterator[Cell]:
    quick = QUICK_SIZES if options.quick else SIZES[options.device]
    sizes = options.sizes or quick
    for loss in LOSSES:
        for dtype in options.dtypes or DTYPES:
            for size in sizes:
                # Compiling takes most of a run: unless asked for, bfloat16 is
                # measured where bandwidth rules, at the largest size.
                if options.dtypes or dtype == "float32" or _worth(size, options):
                    yield Cell(loss, dtype, size)


def _worth(size: int, options: Options) -> bool:
    sizes = options.sizes or SIZES[options.device]
    return not options.quick and size == max(sizes)


def _by_classes(options: Options) -> Iterator[Cell]:
    if options.quick:
        return
    for loss, described in LOSSES.items():
        if described.by_class:
            if options.sizes is None:
                yield Cell(loss, "float32", ROWS)
            for classes in CLASSES:
                yield Cell(loss, "float32", CLASS_LOGITS, classes)

"""The bars that our losses are held to, and whether a run's numbers reach them.

How long the suite itself may take is not measured here but by ``conformance run``.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from conformance.bench.plan import LATENCY, ROWS
from conformance.bench.timing import Spread, ratios

HOLDS, MISSES, UNKNOWN = "holds", "misses", "not measured"
N4 = 2**22
EAGER, COMPILED, JIT = (
    "equipoise torch eager",
    "equipoise torch compiled",
    "equipoise jax jit",
)
NATIVE, NATIVE_COMPILED = (
    "torch.nn.functional torch eager",
    "torch.nn.functional torch compiled",
)
FORMULA, FORMULA_COMPILED = (
    "torchvision's formula torch eager",
    "torchvision's formula torch compiled",
)
LOOP, LOOP_COMPILED = (
    "mmdetection's loop torch eager",
    "mmdetection's loop torch compiled",
)
OPTAX = "optax jax jit"
BATCHED, USUAL = "equipoise jax batched", "plain torch loop"

Cells = Mapping[str, Mapping[str, Any]]


AT_LEAST = ("speed-up", "bandwidth")


@dataclass(frozen=True)
class Bar:
    """A number that must be reached.

    Attributes:
        cell: Name of the cell.
        quantity: ``"speed-up"`` (time of ``other`` over time of ``contender``, formed
            in each round; of a training, by seed) or its inverse ``"slow-down"``,
            ``"times floor"``, ``"memory"`` (peak, in inputs), ``"bandwidth"`` (share of
            the copy's).
        contender: Whose.
        threshold: At least for speed-up and bandwidth, at most for the others.
        reason: Why this much.
        other: Compared with whom.
        device: Where it applies.
    """

    cell: str
    quantity: str
    contender: str
    threshold: float
    reason: str
    other: str = ""
    device: str = "cpu"

    @property
    def at_least(self) -> bool:
        """Tells on which side of the threshold the number must be."""
        return self.quantity in AT_LEAST

    def measured(self, cells: Cells) -> Spread | None:
        """Returns the number with its quartiles, or None if it was not measured."""
        cell = cells.get(self.cell, {})
        named = {
            found["name"]: found
            for found in cell.get("contenders", ())
            if "samples" in found
        }
        trained = cell.get("samples", {})
        named |= {name: {"samples": samples} for name, samples in trained.items()}
        if self.contender not in named:
            return None
        own = named[self.contender]
        if self.other:
            if self.other not in named:
                return None
            pair = named[self.other]["samples"], own["samples"]
            return ratios(*(pair if self.at_least else pair[::-1]))
        if self.quantity == "memory":
            peak = own["peak_inputs"]
            return None if peak is None else Spread.of([peak])
        floor = own["times_floor"]
        if self.quantity == "bandwidth":
            return Spread(1 / floor["median"], 1 / floor["high"], 1 / floor["low"])
        return Spread(**floor)


def _speed(
    loss: str, rows: tuple[tuple[str, str, float], ...], why: str, size: int = N4
) -> list[Bar]:
    return [
        Bar(f"{loss}/float32/N={size}", "speed-up", own, threshold, why, other)
        for own, other, threshold in rows
    ]


_ONE_SWEEP = "one sweep over the input against several"
_LATENCY = "overhead must not be felt where arrays are small"
_NATIVES = {
    "bce": ((EAGER, NATIVE), (COMPILED, NATIVE_COMPILED), (JIT, OPTAX)),
    "focal": ((EAGER, FORMULA), (COMPILED, FORMULA_COMPILED), (JIT, OPTAX)),
    "cross_entropy": ((EAGER, NATIVE), (COMPILED, NATIVE_COMPILED), (JIT, OPTAX)),
}
_ELEMENTWISE = ("bce", "focal", "heatmap")

BARS = (
    *_speed(
        "focal",
        (
            (EAGER, FORMULA, 2.0),
            (COMPILED, FORMULA_COMPILED, 2.0),
            (JIT, OPTAX, 6.0),
        ),
        _ONE_SWEEP,
    ),
    *_speed(
        "bce",
        ((EAGER, NATIVE, 1.0), (COMPILED, NATIVE, 3.0), (JIT, OPTAX, 2.5)),
        _ONE_SWEEP,
    ),
    *_speed(
        "cross_entropy",
        ((EAGER, NATIVE, 1.0), (JIT, OPTAX, 1.0)),
        "exact tails must cost nothing",
        ROWS,
    ),
    *_speed(
        "ghmc",
        ((EAGER, LOOP, 4.0), (COMPILED, LOOP_COMPILED, 4.0)),
        "a histogram against two comparisons per bin",
    ),
    *(
        Bar(
            f"{loss}/float32/N={N4}",
            "times floor",
            COMPILED,
            3.0,
            "arithmetic may cost two more passes",
        )
        for loss in _ELEMENTWISE
    ),
    *(
        Bar(
            f"{loss}/float32/N={N4}",
            "memory",
            own,
            threshold,
            "the gradient and one more",
        )
        for loss in _ELEMENTWISE
        for own, threshold in ((EAGER, 4.0), (COMPILED, 2.0), (JIT, 2.0))
    ),
    *(
        Bar(f"{loss}/float32/N={LATENCY}", "slow-down", own, 1.5, _LATENCY, other)
        for loss, pairs in _NATIVES.items()
        for own, other in pairs
    ),
    Bar(
        "training/jax",
        "speed-up",
        BATCHED,
        10.0,
        "one program trains all seeds",
        USUAL,
    ),
    *(
        Bar(
            f"{loss}/float32/N={size}",
            "bandwidth",
            own,
            share,
            "nothing but memory traffic",
            device="cuda",
        )
        for loss, share in (("bce", 0.8), ("focal", 0.8), ("ghmc", 0.4))
        for size in (2**26, 2**28)
        for own in (COMPILED, JIT)
    ),
)


def verdicts(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Holds a run against the bars.

    Args:
        record: Header and cells of the run.

    Returns:
        For each bar of the device what was measured and the verdict; the median
        decides.
    """
    device = record["header"]["options"]["device"]
    return [
        {**asdict(bar), **_verdict(bar, record["cells"])}
        for bar in BARS
        if bar.device == device
    ]


def _verdict(bar: Bar, cells: Cells) -> dict[str, Any]:
    found = bar.measured(cells)
    if found is None:
        return {"verdict": UNKNOWN, "measured": None}
    if bar.at_least:
        reached = found.median >= bar.threshold
    else:
        reached = found.median <= bar.threshold
    return {"verdict": HOLDS if reached else MISSES, "measured": asdict(found)}

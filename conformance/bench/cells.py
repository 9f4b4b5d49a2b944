"""One cell: every contender on the same inputs, checked, timed and weighed."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from conformance.bench.contenders import Contender
from conformance.bench.problems import DTYPES, Array, Problem
from conformance.bench.runtimes import Ready, Runtime
from conformance.bench.timing import Clock, Spread, ratios, take

# What a contender's numbers may be off from ours, relative to the whole: value, and
# Euclidean norm of the gradient. Clamped probabilities cost 5 % of a gradient, bins
# found in bfloat16 11 %; a lost weight or exponent costs more than 40 %.
VALUE_BOUND, GRADIENT_BOUND = 0.1, 0.2
# Moves as many bytes as a loss must, half of them in and half of them out.
_COPY = "copy"


@dataclass
class _Entrant:
    """A contender on its way through a cell."""

    contender: Contender
    record: dict[str, Any]
    ready: Ready | None = None


def measure(
    problem: Problem,
    dtype: str,
    contenders: Sequence[Contender],
    runtimes: Mapping[str, Runtime],
    *,
    rounds: int,
    seed: int = 0,
    clock: Clock = time.perf_counter,
) -> dict[str, Any]:
    """Measures all contenders on one problem.

    Args:
        problem: Inputs.
        dtype: Of the logits.
        contenders: Ours first: the others' numbers are held against the first.
        runtimes: By framework.
        rounds: Samples of each contender.
        seed: Of the order within rounds.
        clock: Returns seconds.

    Returns:
        What was measured, or what broke, for each contender; plain JSON.
    """
    traffic = problem.traffic(dtype)
    try:
        arguments = {
            name: runtime.arguments(problem, dtype)
            for name, runtime in runtimes.items()
        }
        entrants = _prepare(contenders, runtimes, arguments)
        timed = {e.contender.name: e.ready.timed() for e in entrants if e.ready}
        samples, errors = take(
            {_COPY: next(iter(runtimes.values())).copying(traffic), **timed},
            rounds=rounds,
            seed=seed,
            clock=clock,
        )
    finally:
        for runtime in runtimes.values():
            runtime.forget()
    for name, error in errors.items():
        next(e for e in entrants if e.contender.name == name).record |= _failed(error)
    logits = problem.logits.size * DTYPES[dtype]
    floor = Spread.of(samples[_COPY])
    for entrant in entrants:
        _summarise(entrant, samples, traffic=traffic, logits=logits)
    return {
        "loss": problem.loss,
        "dtype": dtype,
        "shape": list(problem.logits.shape),
        "traffic_bytes": traffic,
        "floor_seconds": asdict(floor),
        "copy_gb_per_s": traffic / floor.median / 1e9,
        "contenders": [entrant.record for entrant in entrants],
    }


def _prepare(
    contenders: Sequence[Contender],
    runtimes: Mapping[str, Runtime],
    arguments: Mapping[str, tuple[Any, ...]],
) -> list[_Entrant]:
    """Compiles, checks and weighs; whoever fails keeps the reason."""
    entrants, reference = [], None
    for contender in contenders:
        record: dict[str, Any] = {
            "name": contender.name,
            "counterpart": contender.counterpart,
            "library": contender.library,
            "framework": contender.framework,
            "mode": contender.mode,
            "differs": contender.differs,
            "status": "measured",
        }
        entrant = _Entrant(contender, record)
        entrants.append(entrant)
        try:
            framework = contender.framework
            ready = runtimes[framework].ready(contender, arguments[framework])
            start = time.perf_counter()
            outputs = ready.outputs()
            record["warmup_seconds"] = time.perf_counter() - start
            reference = outputs if reference is None else reference
            record |= _checked(outputs, reference, same=not contender.differs)
            record["peak_bytes"] = _peak(ready, record)
            entrant.ready = ready
        except Exception as error:
            record |= _failed(error)
    return entrants


def _peak(ready: Ready, record: dict[str, Any]) -> int | None:
    """Returns None where memory cannot be told; the times are worth having alone."""
    try:
        return ready.peak()
    except Exception as error:
        record["memory_error"] = reason(error)
        return None


def _checked(
    got: tuple[float, Array], reference: tuple[float, Array], *, same: bool
) -> dict[str, float]:
    """Returns the distances to the reference.

    Raises:
        ValueError: The numbers are not finite, or too far away.
    """
    value = abs(got[0] - reference[0]) / abs(reference[0])
    distance = np.linalg.norm((got[1] - reference[1]).ravel())
    gradient = float(distance / np.linalg.norm(reference[1].ravel()))
    if not (math.isfinite(value) and math.isfinite(gradient)):
        raise ValueError("its value or gradient is not finite")
    if same and (value > VALUE_BOUND or gradient > GRADIENT_BOUND):
        raise ValueError(
            f"its numbers are not ours: value off by {value:.2g} (allowed "
            f"{VALUE_BOUND}), gradient by {gradient:.2g} (allowed {GRADIENT_BOUND})"
        )
    return {"value_off": value, "gradient_off": gradient}


def reason(error: Exception) -> str:
    """Returns what broke, in one line: compilers append pages."""
    lines = f"{type(error).__name__}: {error}".splitlines()
    return lines[0][:300]


def _failed(error: Exception) -> dict[str, str]:
    return {"status": "failed", "error": reason(error)}


def _summarise(
    entrant: _Entrant,
    samples: Mapping[str, list[float]],
    *,
    traffic: int,
    logits: int,
) -> None:
    own = samples.get(entrant.contender.name)
    if own is None:
        return
    spread, peak = Spread.of(own), entrant.record["peak_bytes"]
    found = {
        "samples": own,
        "seconds": asdict(spread),
        "gb_per_s": traffic / spread.median / 1e9,
        "times_floor": asdict(ratios(own, samples[_COPY])),
        "peak_inputs": None if peak is None else peak / logits,
    }
    ours = samples.get(entrant.contender.counterpart)
    if ours is not None and ours is not own:
        found["ratio"] = asdict(ratios(own, ours))
    entrant.record |= found

"""Samples of several contenders, taken in turn."""

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median, quantiles

import numpy as np

Clock = Callable[[], float]

MINIMUM_ROUNDS = 9
# Long against the clock and the loop, short against what disturbs a machine.
MINIMUM_SECONDS = 2e-3
# From here on neither caches nor sleeping threads make a difference.
LONG_SECONDS = 20e-3


@dataclass(frozen=True)
class Timed:
    """One contender, ready to run.

    Attributes:
        call: Starts one evaluation; what it returns is dropped.
        wait: Returns when everything started is finished.
    """

    call: Callable[[], object]
    wait: Callable[[], None]


@dataclass(frozen=True)
class Spread:
    """Median and quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarises; a single value is its own quartiles."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, _, high = quantiles(values, method="inclusive")
        return cls(median(values), low, high)


def take(
    contenders: Mapping[str, Timed],
    *,
    rounds: int,
    seed: int,
    clock: Clock = time.perf_counter,
    minimum: float = MINIMUM_SECONDS,
) -> tuple[dict[str, list[float]], dict[str, Exception]]:
    """Times every contender once in every round.

    The order is shuffled in each round. A short sample follows one evaluation that is
    not timed: it finds its own data in the caches, and the threads of whoever came
    before have gone to sleep.

    Args:
        contenders: By name; already compiled.
        rounds: Number of samples of each.
        seed: Of the orders.
        clock: Returns seconds.
        minimum: Evaluations are repeated until a sample lasts about this long.

    Returns:
        Seconds per evaluation for each contender and round; and what broke, whose
        samples are missing.
    """
    generator = np.random.default_rng(seed)
    samples: dict[str, list[float]] = {}
    errors: dict[str, Exception] = {}
    usual: dict[str, float] = {}
    with _no_collection():
        for number in range(rounds + 1):
            names = [name for name in contenders if name not in errors]
            for name in generator.permutation(names).tolist():
                timed = contenders[name]
                try:
                    if not number:
                        usual[name] = _least(timed, clock)
                        continue
                    if usual[name] < LONG_SECONDS:
                        _sample(timed, 1, clock)
                    repeats = max(1, round(minimum / usual[name]))
                    seconds = _sample(timed, repeats, clock)
                except Exception as error:
                    errors[name] = error
                    samples.pop(name, None)
                else:
                    samples.setdefault(name, []).append(seconds)
    return samples, errors


def ratios(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Summarises the ratios of two contenders, formed round by round."""
    return Spread.of([a / b for a, b in zip(above, below, strict=True)])


def _least(timed: Timed, clock: Clock) -> float:
    """Returns how long one evaluation takes where nothing disturbs it."""
    return max(min(_sample(timed, 1, clock) for _ in range(3)), 1e-9)


def _sample(timed: Timed, repeats: int, clock: Clock) -> float:
    start = clock()
    for _ in range(repeats):
        timed.call()
    timed.wait()
    return (clock() - start) / repeats


@contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()

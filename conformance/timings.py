"""What the lanes of a run and every call in them took."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from conformance.adapters.stopwatch import COMPILING, STARTING, Timed
from conformance.profiles import Batch, Check, Result

EVALUATING, JUDGING, OTHER = "evaluating", "judging", "other"
# What the seconds of a lane are told apart into. Judging is all that the harness does
# about a call: making the requests, comparing, and waiting for other threads of this
# process. Other is what lies between calls.
PARTS = (STARTING, COMPILING, EVALUATING, JUDGING, OTHER)


@dataclass(frozen=True)
class Spent:
    """What one batch of units, or one check, took.

    Attributes:
        impl: Implementation.
        profile: Profile that asked.
        operation: Name of the operation.
        path: Path of the first unit.
        form: Dtype, transform and reduction.
        units: Number of units.
        requests: Requests that were answered, other than from memory.
        compared: Numbers judged.
        seconds: Time on the clock.
        parts: The same by what it went into.
    """

    impl: str
    profile: str
    operation: str
    path: str
    form: tuple[str, ...]
    units: int
    requests: int
    compared: int
    seconds: float
    parts: dict[str, float]


@dataclass
class Lane:
    """A stream of work.

    Attributes:
        name: Framework and number.
        began: When it did, by the clock of the run.
        ended: Likewise.
        spent: What its batches took.
    """

    name: str
    began: float = 0.0
    ended: float = 0.0
    spent: list[Spent] = field(default_factory=list)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Notes begin and end."""
        self.began = time.perf_counter()
        try:
            yield
        finally:
            self.ended = time.perf_counter()

    def add(
        self,
        impl: str,
        batch: Batch | Check,
        results: Sequence[Result],
        began: float,
        timed: Timed,
    ) -> None:
        """Records a batch that was evaluated until now through a timed adapter."""
        seconds = time.perf_counter() - began
        first = batch if isinstance(batch, Check) else batch.units[0]
        requests, answering, known = timed.take()
        self.spent.append(
            Spent(
                impl=impl,
                profile=first.profile,
                operation=first.operation,
                path=first.path,
                form=(first.dtype, first.transform, first.reduction),
                units=1 if isinstance(batch, Check) else len(batch.units),
                requests=requests,
                compared=sum(result.compared for result in results),
                seconds=seconds,
                parts={
                    **known,
                    EVALUATING: answering - sum(known.values()),
                    JUDGING: seconds - answering,
                },
            )
        )


@dataclass
class Timings:
    """What a run took.

    Attributes:
        began: When it did.
        phases: Seconds of what is done one after the other.
        lanes: Streams of work that run side by side in one of the phases.
        imports: Seconds of the processor before it began.
    """

    began: float = field(default_factory=time.perf_counter)
    phases: dict[str, float] = field(default_factory=dict)
    lanes: list[Lane] = field(default_factory=list)
    imports: float = field(default_factory=time.process_time)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Notes how long a block takes."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.phases[name] = time.perf_counter() - began

    def lane(self, name: str) -> Lane:
        """Begins to keep the record of a lane."""
        self.lanes.append(Lane(name))
        return self.lanes[-1]

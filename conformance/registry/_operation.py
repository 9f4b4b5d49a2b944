"""What the suite knows about an operation."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.families import Cases, GroupSpec, SumSpec

Rule = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Operation:
    """What the suite knows about an operation.

    Attributes:
        name: Name of the function in all three implementations.
        clauses: Clauses of the specification it must satisfy, with their gist.
        array_arguments: Arguments it is differentiable in.
        hyperparameters: Keyword arguments that are not arrays, with the values tried.
        amplification: The K of the error model, for readers; the oracle computes it.
        cases: Its points.
        positional: Arguments without a name.
        form: ``"pointwise"``; ``"rowwise"``, where an example has a class axis; or
            ``"coupled"``, where the elements of a call depend on each other.
        returns: ``"loss"``, ``"loss_and_state"`` or ``"selection"``.
        static: Hyper-parameters that cannot be traced, though numbers.
        mean_over: ``"elements"`` if a mean divides by their number whatever they are,
            else ``"normalizer"``.
        flags: Known bugs of other code and the points that catch them.
        answers: The clause that an output departs from where nothing more is known;
            that of ``""`` is of all others.
        topics: Clauses about some points only, the most specific first, and the wrong
            numbers that depart from them. Their rules also see the ``output``, and
            whether another number is ``meant``, not a less accurate one.
    """

    name: str
    clauses: Mapping[str, str]
    array_arguments: tuple[str, ...]
    hyperparameters: Mapping[str, tuple[Any, ...]]
    amplification: str
    cases: Cases
    positional: tuple[str, ...] = ("logits", "labels")
    form: str = "pointwise"
    returns: str = "loss"
    static: tuple[str, ...] = ()
    mean_over: str = "elements"
    flags: Mapping[str, Rule] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    topics: Mapping[str, Rule] = field(default_factory=dict)

    @property
    def point_arguments(self) -> tuple[str, ...]:
        """Differentiable arguments that vary from element to element."""
        every = (*self.positional, "sample_weight")
        return tuple(a for a in every if a in self.array_arguments)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs that vectors judge, element by element."""
        if self.returns == "selection":
            return ("mask",)
        return ("value", *(f"grad_{a}" for a in self.point_arguments))

    def groups(self) -> Iterator[GroupSpec]:
        """Yields every group of points."""
        yield from self.cases.groups()

    def sum_cases(self) -> Iterator[SumSpec]:
        """Yields every reduction."""
        yield from self.cases.sum_cases()

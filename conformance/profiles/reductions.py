"""Sums, means and parts against the vectors, with their gradients."""

from collections.abc import Iterable, Iterator

from conformance.profiles.check import Check
from conformance.profiles.rearranged import checks
from conformance.profiles.unit import WIDTH, Scope, Unit, gradients
from conformance.vectors import SumCase

DTYPES = ("float64", "float32")
# From here on a sum is asked for once, with its gradients: it takes a second.
LONG = 100_000


def units(scope: Scope) -> Iterator[Unit | Check]:
    """Every length under every reduction, and rearranged.

    Gradients are compared before and after the 1/N, relative to their own size. One
    mean is taken without naming it, since it is the default. Where calls are compiled,
    lengths are not crossed with settings.
    """
    unnamed = next((case.id for case in scope.sums if case.tile == WIDTH), "")
    elements = scope.record.mean_over == "elements"
    for case in _of_every_length(scope.sums) if scope.compiles else scope.sums:
        state = tuple(name for name in case.expected if name.startswith("state_"))
        # A normalizer of weights and labels has gradients of its own in those.
        after = gradients(case) if elements else tuple(case.slopes)
        if not scope.capabilities.autodiff:
            after = ()
        wanted = {
            "sum": ("value", *state, *gradients(case)),
            "mean": ("value", *after),
            "parts": ("value", "normalizer"),
        }
        if case.tile > LONG:
            asked = "mean" if scope.capabilities.autodiff else "sum"
            wanted = {asked: wanted[asked]}
        if scope.plain != "eager":  # as few compilations as tell something
            wanted = {"mean": ("value", *case.slopes)}
        for dtype in scope.dtypes(case, DTYPES):
            for reduction, want in wanted.items():
                yield Unit(
                    "reductions",
                    scope.operation,
                    case,
                    dtype,
                    want,
                    reduction=reduction,
                    by_default=(
                        reduction == "mean"
                        and case.id == unnamed
                        and scope.plain == "eager"
                    ),
                    **scope.run(case, dtype),
                )
    yield from checks(scope)


def _of_every_length(sums: Iterable[SumCase]) -> Iterator[SumCase]:
    """Yields every setting in one length, and every length in one setting."""
    seen = set()
    for case in sums:
        length = (case.family, case.tile, len(case.inputs))
        if case.tile == WIDTH or length not in seen:
            seen.add(length)
            yield case

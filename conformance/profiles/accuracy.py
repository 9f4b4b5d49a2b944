"""Values against the vectors: every group, and every reduction."""

from collections.abc import Iterator

from conformance.profiles.unit import Scope, Unit

DTYPES = ("float64", "float32")


def units(scope: Scope) -> Iterator[Unit]:
    """Values of all points, and sums, means and parts of all reductions."""
    for group in scope.groups:
        bad = group.policy == "bad_value"
        want = ("value", "grad_logits") if bad else ("value",)
        for dtype in scope.dtypes(group, DTYPES):
            yield Unit("accuracy", scope.operation, group, dtype, want)
    for case in scope.sums:
        for dtype in scope.dtypes(case, DTYPES):
            for reduction, want in (
                ("sum", ("value",)),
                ("mean", ("value",)),
                ("parts", ("value", "normalizer")),
            ):
                yield Unit(
                    "accuracy",
                    scope.operation,
                    case,
                    dtype,
                    want,
                    reduction=reduction,
                )

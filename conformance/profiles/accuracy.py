"""Values of every point against the vectors."""

from collections.abc import Iterator

from conformance.profiles.unit import Scope, Unit

DTYPES = ("float64", "float32")


def units(scope: Scope) -> Iterator[Unit]:
    """Values, and what values out of range do to value and gradient."""
    for group in scope.groups:
        bad = group.policy == "bad_value"
        want = ("value", "grad_logits") if bad else ("value",)
        for dtype in scope.dtypes(group, DTYPES):
            yield Unit("accuracy", scope.operation, group, dtype, want)

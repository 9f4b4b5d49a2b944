"""Values of every point against the vectors."""

from collections.abc import Iterator

from conformance.profiles.unit import (
    Scope,
    Unit,
    differentiable,
    gradients,
    refused,
    values,
)

DTYPES = ("float64", "float32")


def units(scope: Scope) -> Iterator[Unit]:
    """Values, and what values out of range do to value and gradient.

    The call is the one that the profile of gradients judges further.
    """
    for group in scope.groups:
        bad = group.policy == "bad_value"
        slopes = differentiable(scope.record, group) if bad else gradients(group)
        if not scope.capabilities.autodiff:
            slopes = ()
        for dtype in scope.dtypes(group, DTYPES):
            yield Unit(
                "accuracy",
                scope.operation,
                group,
                dtype,
                refused(scope.record) if bad else values(group),
                also=slopes,
                weighted=bool(slopes),
                **scope.run(group, dtype),
            )

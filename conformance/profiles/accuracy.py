"""Values of every point against the vectors."""

from collections.abc import Iterator

from conformance.profiles.unit import Scope, Unit, gradients, refused, values

DTYPES = ("float64", "float32")


def units(scope: Scope) -> Iterator[Unit]:
    """Values, and what values out of range do to value and gradient.

    The call is the one that the profile of gradients judges further.
    """
    for group in scope.groups:
        bad = group.policy == "bad_value"
        differentiated = scope.capabilities.autodiff and not bad
        for dtype in scope.dtypes(group, DTYPES):
            yield Unit(
                "accuracy",
                scope.operation,
                group,
                dtype,
                refused(scope.record) if bad else values(group),
                also=gradients(group) if differentiated else (),
                weighted=differentiated and bool(gradients(group)),
            )

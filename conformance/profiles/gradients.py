"""Gradients of every point against the vectors."""

from collections.abc import Iterator

from conformance.profiles.unit import Scope, Unit, gradients, values

DTYPES = ("float64", "float32")


def units(scope: Scope) -> Iterator[Unit]:
    """Gradients with respect to everything that varies from point to point.

    Each element gets an upstream gradient of its own under ``"none"``, and 1/N under
    ``"mean"``; the error is relative in both. A quick run leaves means to the profile
    of reductions, as is every mean that divides by something else than the number of
    elements.
    """
    autodiff = scope.capabilities.autodiff
    reductions = ("none", "mean") if autodiff else ("sum",)
    if scope.quick or scope.record.mean_over != "elements":
        reductions = reductions[:1]
    for group in scope.groups:
        if group.policy == "bad_value" or not gradients(group):
            continue
        for dtype in scope.dtypes(group, DTYPES):
            for reduction in reductions:
                each = autodiff and reduction == "none"
                yield Unit(
                    "gradients",
                    scope.operation,
                    group,
                    dtype,
                    gradients(group),
                    also=values(group) if each else (),
                    reduction=reduction,
                    weighted=each,
                    **scope.run(group, dtype),
                )

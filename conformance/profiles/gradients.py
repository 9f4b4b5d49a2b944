"""Gradients against the vectors, before and after the reduction."""

from collections.abc import Iterator

from conformance.profiles.unit import Scope, Unit, gradients

DTYPES = ("float64", "float32")


def units(scope: Scope) -> Iterator[Unit]:
    """Gradients with respect to everything that the vectors know.

    Each element gets an upstream gradient of its own under ``"none"``; ``"sum"``
    passes ones and ``"mean"`` 1/N, and the error stays relative in all three.
    """
    autodiff = scope.capabilities.autodiff
    for group in scope.groups:
        if group.policy == "bad_value":
            continue
        for dtype in scope.dtypes(group, DTYPES):
            for reduction in ("none", "sum", "mean") if autodiff else ("sum",):
                yield Unit(
                    "gradients",
                    scope.operation,
                    group,
                    dtype,
                    gradients(group),
                    reduction=reduction,
                    weighted=autodiff and reduction == "none",
                )
    for case in scope.sums:
        for dtype in scope.dtypes(case, DTYPES):
            for reduction in ("sum", "mean") if autodiff else ("sum",):
                yield Unit(
                    "gradients",
                    scope.operation,
                    case,
                    dtype,
                    gradients(case),
                    reduction=reduction,
                )

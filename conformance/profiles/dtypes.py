"""Every dtype: half precision computes in float32 and says so."""

from collections.abc import Iterator

from conformance.profiles.unit import HALVES, SERVES, Scope, Unit

DTYPES = SERVES["bfloat16"]


def units(scope: Scope) -> Iterator[Unit]:
    """Value and gradient of the groups that all four dtypes represent exactly.

    A quick run leaves the wide ones to the profiles of values and gradients, and class
    axes too.
    """
    among = HALVES if scope.quick else DTYPES
    for group in scope.groups:
        if group.exact_in != "bfloat16" or (scope.quick and len(group.shape) > 1):
            continue
        for dtype in scope.dtypes(group, among):
            want = ("value", "grad_logits")
            yield Unit("dtypes", scope.operation, group, dtype, want)

"""Every dtype: half precision computes in float32 and says so."""

from collections.abc import Iterator

from conformance.profiles.unit import SERVES, Scope, Unit

DTYPES = SERVES["bfloat16"]


def units(scope: Scope) -> Iterator[Unit]:
    """Value and gradient of the groups that all four dtypes represent exactly."""
    for group in scope.groups:
        if group.exact_in != "bfloat16":
            continue
        for dtype in scope.dtypes(group, DTYPES):
            want = ("value", "grad_logits")
            yield Unit("dtypes", scope.operation, group, dtype, want)

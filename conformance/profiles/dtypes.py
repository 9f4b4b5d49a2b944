"""Half precision computes in float32 and says so."""

from collections.abc import Iterator

from conformance.profiles.unit import HALVES, Scope, Unit, gradients, refused, values


def units(scope: Scope) -> Iterator[Unit]:
    """Value and gradient of the groups that all dtypes represent exactly.

    The wide dtypes are asked by the profiles of values and gradients. A quick run
    leaves class axes to them too. Where calls are compiled, typical groups stand for
    all, since what differs from float32 is the first step alone.
    """
    groups = scope.groups
    if scope.compiles:
        groups = [group for group in groups if scope.typical(group)]
    if scope.plain != "eager":  # numbers are no arrays here, each is compiled
        groups = [group for group in groups if group.params == groups[0].params]
    for group in groups:
        if group.exact_in != "bfloat16" or (scope.quick and len(group.shape) > 1):
            continue
        want = refused(scope.record)
        if group.policy != "bad_value":
            want = (*values(group), *(g for g in gradients(group) if g in want))
        among = HALVES if scope.plain == "eager" else HALVES[:1]
        for dtype in scope.dtypes(group, among):
            yield Unit(
                "dtypes", scope.operation, group, dtype, want, **scope.run(group, dtype)
            )

"""Compiled and batched calls give the numbers that the vectors demand."""

from collections.abc import Iterator

from conformance.profiles.unit import Scope, Unit, traceable
from conformance.vectors import Group

# Compilation takes long, and the width of the arithmetic does not change what is
# compiled.
DTYPES = ("float32",)
TRANSFORMS = ("jit", "compile", "vmap")


def units(scope: Scope) -> Iterator[Unit]:
    """All outputs of all groups under every transform that is claimed.

    Hyper-parameters are traced, so that one compilation serves every value of them.
    """
    valid = [dict(group.params) for group in scope.groups if group.policy == "value"]
    for transform in TRANSFORMS:
        if transform not in scope.capabilities.transforms:
            continue
        if transform == "compile" and scope.quick:
            continue
        for group in scope.groups:
            if group.policy == "bad_value" and group.params not in valid:
                continue  # only numbers are checked; a traced one passes through
            if transform == "vmap" and _runs_along_rows(group):
                continue  # the mapped axis cannot be the class axis
            # The same call as for good values, so that it is compiled only once.
            want = tuple(f"grad_{name}" for name in group.inputs)
            for dtype in scope.dtypes(group, DTYPES):
                yield Unit(
                    "transforms",
                    scope.operation,
                    group,
                    dtype,
                    ("value", *want),
                    transform=transform,
                    traced=traceable(group),
                    weighted=True,
                    repeat=transform != "vmap",
                )


def _runs_along_rows(group: Group) -> bool:
    axis = group.params.get("class_axis", -1) % len(group.shape)
    return axis == 0 and len(group.shape) > 1

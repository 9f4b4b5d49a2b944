"""Compiled and batched calls give the numbers that the vectors demand."""

from collections.abc import Iterator

from conformance.profiles.unit import Scope, Unit, gradients, traceable
from conformance.vectors import Group

# Compilation takes long, and the width of the arithmetic does not change what is
# compiled.
DTYPES = ("float32",)
TRANSFORMS = ("jit", "compile", "vmap")


def units(scope: Scope) -> Iterator[Unit]:
    """All outputs of all groups under every transform that is claimed.

    Hyper-parameters are traced, so that one compilation serves every value of them;
    their checks, which need numbers, are left to the groups of bad values.
    """
    valid = [dict(group.params) for group in scope.groups if group.policy == "value"]
    for transform in TRANSFORMS:
        if transform not in scope.capabilities.transforms:
            continue
        if transform == "compile" and scope.quick:
            continue
        for group in scope.groups:
            bad = group.policy == "bad_value"
            if bad and group.params not in valid:
                continue  # raises before anything is compiled
            if transform == "vmap" and _runs_along_rows(group):
                continue  # the mapped axis cannot be the class axis
            want = ("grad_logits",) if bad else gradients(group)
            for dtype in scope.dtypes(group, DTYPES):
                yield Unit(
                    "transforms",
                    scope.operation,
                    group,
                    dtype,
                    ("value", *want),
                    transform=transform,
                    traced=traceable(group),
                    weighted=not bad,
                    repeat=transform != "vmap",
                )


def _runs_along_rows(group: Group) -> bool:
    axis = group.params.get("class_axis", -1) % len(group.shape)
    return axis == 0 and len(group.shape) > 1

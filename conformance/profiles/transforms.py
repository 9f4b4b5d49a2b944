"""Transformed calls give the numbers that the vectors demand."""

from collections.abc import Iterator

from conformance.profiles import forms
from conformance.profiles.unit import (
    Scope,
    Unit,
    differentiable,
    gradients,
    refused,
    traceable,
    values,
)
from conformance.registry import Operation
from conformance.vectors import Group, class_axis

# Compilation takes long, and the width of the arithmetic does not change what is
# compiled. Autocast is there for bfloat16, in which numbers could not be traced. A
# product of small numbers that underflows in float32 may hide a NaN that float64 shows.
DTYPES = {"autocast": ("float32", "bfloat16"), "hessian": ("float64", "float32")}
USUAL = ("float32",)
# Of these every form of call is asked in a full run; of the others as few as show every
# argument and option, or two where each takes a compilation.
EVERY_FORM = ("jit",)
TRANSFORMS = (
    *EVERY_FORM,
    "vmap",
    "compile",
    "checkpoint",
    "jvp",
    "hessian",
    "autocast",
    "export",
)
QUICK = ("jit", "vmap", "autocast")
ONCE_TRACED = ("jit", "compile")


def units(scope: Scope) -> Iterator[Unit]:
    """What the groups have to say about every transform that is claimed.

    Hyper-parameters are traced, so that one compilation serves every value of them.
    """
    record = scope.record
    valid = [dict(group.params) for group in scope.groups if group.policy == "value"]
    few = forms.few(record, scope.groups)
    for transform in _asked(scope):
        for group in scope.groups:
            if group.policy == "bad_value" and group.params not in valid:
                continue  # only numbers are checked; a traced one passes through
            if transform == "vmap" and not _has_rows(record, group):
                continue
            every = transform in EVERY_FORM and not scope.quick
            asked = few[:: max(len(few) - 1, 1)] if _dear(transform, scope) else few
            if not every and forms.form(record, group) not in asked:
                continue
            want = _wanted(transform, record, group)
            traced = traceable(record, group)
            for dtype in scope.dtypes(group, DTYPES.get(transform, USUAL)):
                if want:
                    yield Unit(
                        "transforms",
                        scope.operation,
                        group,
                        dtype,
                        want,
                        transform=transform,
                        traced=() if transform == "autocast" else traced,
                        weighted=any(name.startswith("grad_") for name in want),
                        repeat=transform in ONCE_TRACED,
                    )


def _dear(transform: str, scope: Scope) -> bool:
    """Whether only the forms with most and fewest arguments are asked."""
    compiled = transform in ("compile", "export")
    return compiled or scope.quick or "jit" in scope.capabilities.transforms


def _asked(scope: Scope) -> Iterator[str]:
    for transform in QUICK if scope.quick else TRANSFORMS:
        # What is compiled for a quick run is compiled in one way.
        if transform in scope.capabilities.transforms and (
            scope.plain in ("eager", transform)
        ):
            yield transform


def _wanted(transform: str, record: Operation, group: Group) -> tuple[str, ...]:
    """Outputs to judge; none where the transform has nothing to say."""
    if transform in ("jvp", "hessian", "export") and group.policy == "bad_value":
        return ()
    if transform == "export":
        return values(group)
    if transform == "hessian" and record.positional[0] == "probs":
        return ()  # 1 / p^2 exceeds the range of float32
    if transform in ("jvp", "hessian"):
        outputs = ("value", "jvp") if transform == "jvp" else ("hvp",)
        return outputs if gradients(group) else ()
    if group.policy == "bad_value" and record.returns != "selection":
        # The same call as for good values, so that it is compiled only once.
        return ("value", *differentiable(record, group))
    if group.policy == "bad_value":
        return refused(record)
    return (*values(group), *gradients(group))


def _has_rows(record: Operation, group: Group) -> bool:
    """Whether the examples along the first axis can be evaluated one by one."""
    rank = group.inputs[record.positional[0]].ndim
    classes_first = rank > 1 and class_axis(group) % rank == 0
    return record.form != "coupled" and not classes_first

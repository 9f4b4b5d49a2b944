"""Transformed calls give the numbers that the vectors demand."""

from collections.abc import Iterator, Sequence
from typing import Any

from conformance.profiles.unit import Scope, Unit, gradients, refused, traceable, values
from conformance.registry import Operation
from conformance.vectors import Group, class_axis

# Compilation takes long, and the width of the arithmetic does not change what is
# compiled. Autocast is there for bfloat16, in which numbers could not be traced. A
# product of small numbers that underflows in float32 may hide a NaN that float64 shows.
DTYPES = {"autocast": ("float32", "bfloat16"), "hessian": ("float64", "float32")}
USUAL = ("float32",)
# Of these every form of call is asked in a full run; of the others, some of which
# compile for seconds, as few as show every argument and option.
EVERY_FORM = ("jit", "vmap")
TRANSFORMS = (
    *EVERY_FORM,
    "compile",
    "checkpoint",
    "jvp",
    "hessian",
    "autocast",
    "export",
)
QUICK = ("jit", "vmap", "autocast", "checkpoint")
ONCE_TRACED = ("jit", "compile")


def units(scope: Scope) -> Iterator[Unit]:
    """What the groups have to say about every transform that is claimed.

    Hyper-parameters are traced, so that one compilation serves every value of them.
    """
    record = scope.record
    valid = [dict(group.params) for group in scope.groups if group.policy == "value"]
    few = _few(record, scope.groups, quick=scope.quick)
    for transform in QUICK if scope.quick else TRANSFORMS:
        if transform not in scope.capabilities.transforms:
            continue
        for group in scope.groups:
            if group.policy == "bad_value" and group.params not in valid:
                continue  # only numbers are checked; a traced one passes through
            if transform == "vmap" and not _has_rows(record, group):
                continue
            every = transform in EVERY_FORM and not scope.quick
            if not every and _form(record, group) not in few:
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


def _wanted(transform: str, record: Operation, group: Group) -> tuple[str, ...]:
    """Outputs to judge; none where the transform has nothing to say."""
    if transform in ("jvp", "hessian", "export") and group.policy == "bad_value":
        return ()
    if transform == "export":
        return values(group)
    if transform in ("jvp", "hessian"):
        outputs = ("value", "jvp") if transform == "jvp" else ("hvp",)
        return outputs if gradients(group) else ()
    if group.policy == "bad_value" and record.returns != "selection":
        # The same call as for good values, so that it is compiled only once.
        inputs = (k for k in record.point_arguments if k in group.inputs)
        asked = (f"grad_{k}" for k in inputs if k not in group.kinds)
        return ("value", *asked)
    if group.policy == "bad_value":
        return refused(record)
    return (*values(group), *gradients(group))


def _form(record: Operation, group: Group) -> tuple[Any, ...]:
    """What decides whether two groups share a compilation."""
    traced = traceable(record, group)
    options = {k: v for k, v in group.params.items() if k not in traced}
    arrays = {k: v.shape for k, v in group.arrays.items()}
    inputs = {k: group.kinds.get(k, v.ndim) for k, v in group.inputs.items()}
    shapes = (len(group.shape), *inputs.items(), *arrays.items())
    return (shapes, traced, tuple(options.items()))


def _shows(form: tuple[Any, ...]) -> set[Any]:
    """What a form has that others may lack: arguments, kinds and choices."""
    (rank, *shapes), traced, options = form
    arrays = {(k, v if isinstance(v, int | str) else len(v)) for k, v in shapes}
    choices = {(k, v if isinstance(v, str | bool) else "number") for k, v in options}
    return {rank, *arrays, *traced, *choices}


def _few(
    record: Operation, groups: Sequence[Group], *, quick: bool
) -> set[tuple[Any, ...]]:
    """The form with the fewest arguments, and those that together show all."""
    forms = list(dict.fromkeys(_form(record, group) for group in groups))
    forms.sort(key=lambda form: (form[0][0] > 1, -len(_shows(form))))
    kept, seen = forms[:1], set[Any]()
    for form in forms:
        if not _shows(form) <= seen:
            kept.append(form)
            seen |= _shows(form)
    if quick:
        return set(kept[:1])
    flat = [form for form in forms if form[0][0] == 1]
    return {*kept, *flat[-1:]}


def _has_rows(record: Operation, group: Group) -> bool:
    """Whether the examples along the first axis can be evaluated one by one."""
    rank = group.inputs[record.positional[0]].ndim
    classes_first = rank > 1 and class_axis(group) % rank == 0
    return record.form != "coupled" and not classes_first

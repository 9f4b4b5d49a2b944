"""Compiled and batched calls give the numbers that the vectors demand."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from conformance.profiles.unit import Scope, Unit, traceable
from conformance.vectors import Group

# Compilation takes long, and the width of the arithmetic does not change what is
# compiled.
DTYPES = ("float32",)
TRANSFORMS = ("jit", "compile", "vmap")


def units(scope: Scope) -> Iterator[Unit]:
    """All outputs of the groups under every transform that is claimed.

    Hyper-parameters are traced, so that one compilation serves every value of them.
    """
    valid = [dict(group.params) for group in scope.groups if group.policy == "value"]
    extremes = _extreme_forms(scope.groups, (max,) if scope.quick else (min, max))
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
            if _few(transform, scope) and _form(group) not in extremes:
                continue
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


def _few(transform: str, scope: Scope) -> bool:
    """Whether to compile as few forms of call as tell whether compiling works."""
    return transform == "compile" or scope.quick


def _form(group: Group) -> tuple[Any, ...]:
    """What decides whether two groups share a compilation."""
    options = {k: v for k, v in group.params.items() if not isinstance(v, float)}
    shapes = {k: v.shape for k, v in group.arrays.items()}
    rank = len(group.shape)
    names = (*group.inputs, *traceable(group))
    return (rank, names, tuple(options.items()), tuple(shapes.items()))


def _extreme_forms(
    groups: Sequence[Group], choices: Sequence[Callable[..., Any]]
) -> set[tuple[Any, ...]]:
    """The forms with the fewest or the most arguments, for every rank and option."""
    forms: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for form in dict.fromkeys(map(_form, groups)):
        rank, _, options, _ = form
        text = tuple(option for option in options if option[0] != "class_axis")
        forms.setdefault((rank, text), []).append(form)
    return {
        choose(same, key=_arguments) for same in forms.values() for choose in choices
    }


def _arguments(form: tuple[Any, ...]) -> int:
    _, names, options, shapes = form
    return len(names) + len(options) + len(shapes)


def _runs_along_rows(group: Group) -> bool:
    axis = group.params.get("class_axis", -1) % len(group.shape)
    return axis == 0 and len(group.shape) > 1

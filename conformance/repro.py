"""Short scripts that reproduce one case outside the harness."""

from collections.abc import Collection
from difflib import get_close_matches

import numpy as np

from conformance import repro_text as text
from conformance import vectors
from conformance.adapters.protocol import Array
from conformance.adapters.resolve import IMPLEMENTATIONS
from conformance.errors import UsageError
from conformance.profiles.unit import (
    SERVES,
    differentiable,
    divisible,
    gradients,
    refused,
    values,
)
from conformance.registry import OPERATIONS
from conformance.repro_text import Case
from conformance.vectors import Group, SumCase, class_axis

TRANSFORMS = {
    "numpy": ("eager",),
    "torch": (
        "eager",
        "compile",
        "vmap",
        "jvp",
        "hessian",
        "checkpoint",
        "export",
        "autocast",
    ),
    "jax": ("eager", "jit", "vmap", "jvp", "hessian", "checkpoint"),
}
ANY_TRANSFORM = tuple(dict.fromkeys(sum(TRANSFORMS.values(), ())))


def script(point: str, impl: str, dtype: str = "", transform: str = "eager") -> str:
    """Writes a script that evaluates one case and prints what was expected.

    Args:
        point: Id of a point or a sum.
        impl: Implementation, as given to ``--impl``.
        dtype: Dtype of the inputs; float32 where they are exact in it by default.
        transform: How to run the function.

    Returns:
        The script, about ten lines.

    Raises:
        UsageError: No such id, or nothing to be run in this way.
    """
    case = _find(point)
    allowed = SERVES[case.exact_in] if impl != "numpy" else ("float64",)
    program = impl.startswith("exec:")
    transforms = ("eager",) if program else TRANSFORMS.get(impl, ANY_TRANSFORM)
    _check("--transform", transform, transforms)
    # A program need not have more than float64.
    narrow = "float32" in allowed and not program
    dtype = dtype or ("float32" if narrow else "float64")
    _check("--dtype", dtype, allowed)
    if impl.startswith(("py:", "peer:")) or program:
        asked = text.request_lines(case, impl, dtype, transform)
        return "\n".join([text.asked_line(case), *asked]) + "\n"
    others = ("peer:library", "py:package.module:attribute", "exec:program")
    _check("--impl", impl, (*IMPLEMENTATIONS, *others))
    if transform == "vmap" and case.params.get("class_axis", -1) > 0:
        case.params["class_axis"] -= 1  # the first axis is the mapped one
    lines = {
        "numpy": text.numpy_lines,
        "torch": text.torch_lines,
        "jax": text.jax_lines,
    }[impl]
    return "\n".join([text.asked_line(case), *lines(case, dtype, transform)]) + "\n"


def _check(option: str, value: str, accepted: Collection[str]) -> None:
    if value not in accepted:
        raise UsageError(f"{option}: expected {' or '.join(accepted)}, got {value!r}.")


def _find(point: str) -> Case:
    known = []
    for operation in OPERATIONS:
        file = vectors.load(operation)
        for group in file.groups:
            if point in group.ids:
                return _point(operation, group, group.ids.index(point))
            known += group.ids
        for case in file.sums:
            if point == case.id:
                return _sum(operation, case)
            known.append(case.id)
    close = get_close_matches(point, known, n=3, cutoff=0.0)
    raise UsageError(f"ID: no case {point!r}; the closest are\n  " + "\n  ".join(close))


def _point(operation: str, group: Group, i: int) -> Case:
    record, axis = OPERATIONS[operation], class_axis(group)
    alone = divisible(record, group)
    inputs = {k: v[i : i + 1] if alone else v for k, v in group.inputs.items()}
    index = (0,) if alone else tuple(map(int, np.unravel_index(i, group.shape)))
    expected = {
        name: _row(e.hi, group.shape, axis, i) for name, e in group.expected.items()
    }
    if group.policy == "bad_value":
        expected = {
            name: _row(_nan_like(group, name), group.shape, axis, i)
            for name in refused(record)
        }
        smooth = differentiable(record, group)
    else:
        smooth = gradients(group)
        totals = (k for k in values(group) if k in group.totals)
        expected |= {k: group.totals[k].hi.ravel().tolist() for k in totals}
    return Case(
        operation=operation,
        inputs=inputs,
        arrays=dict(group.arrays),
        params=dict(group.params),
        kinds=dict(group.kinds),
        expected=expected,
        index=index,
        axis=axis,
        exact_in=group.exact_in,
        smooth=tuple(name.removeprefix("grad_") for name in smooth),
        flags=group.flags[i],
    )


def _nan_like(group: Group, output: str) -> Array:
    argument = group.inputs.get(output.removeprefix("grad_"))
    return np.full(group.shape if argument is None else argument.shape, np.nan)


def _row(numbers: Array, shape: tuple[int, ...], axis: int, i: int) -> list[float]:
    """The numbers that belong to a point."""
    if numbers.ndim > len(shape):
        return (
            np.moveaxis(numbers, axis, -1).reshape(-1, numbers.shape[axis])[i].tolist()
        )
    return [float(numbers.ravel()[i])]


def _sum(operation: str, case: SumCase) -> Case:
    known = {k: e for k, e in case.expected.items() if k != "normalizer"}
    smooth = (*case.slopes, *(k for k in known if k.startswith("grad_")))
    return Case(
        operation=operation,
        inputs=dict(case.points),
        arrays=dict(case.arrays),
        params=dict(case.params),
        kinds=dict(case.kinds),
        expected={k: e.hi.ravel().tolist() for k, e in known.items()},
        index=(),
        axis=class_axis(case),
        exact_in=case.exact_in,
        smooth=tuple(name.removeprefix("grad_") for name in smooth),
        repeat=case.tile,
        flags=case.flags,
    )

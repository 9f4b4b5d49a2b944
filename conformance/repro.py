"""Short scripts that reproduce one case outside the harness."""

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from conformance import vectors
from conformance.adapters.protocol import Array
from conformance.adapters.resolve import IMPLEMENTATIONS
from conformance.errors import UsageError
from conformance.profiles.unit import SERVES
from conformance.registry import OPERATIONS
from conformance.vectors import Group, SumCase

TRANSFORMS = {
    "numpy": ("eager",),
    "torch": ("eager", "compile", "vmap"),
    "jax": ("eager", "jit", "vmap"),
}
ANY_TRANSFORM = ("eager", "jit", "compile", "vmap")
WRAPPERS = {
    ("torch", "compile"): "torch.compile(run, fullgraph=True)",
    ("torch", "vmap"): "torch.func.vmap(run, in_dims={axes})",
    ("jax", "jit"): "jax.jit(run)",
    ("jax", "vmap"): "jax.vmap(run, in_axes={axes})",
}


@dataclass(frozen=True)
class Case:
    """One point with what is needed to call the function on it."""

    operation: str
    inputs: dict[str, Array]
    arrays: dict[str, Array]
    params: dict[str, Any]
    expected: dict[str, float]
    index: tuple[int, ...]
    exact_in: str
    repeat: int = 0


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
    _check("--transform", transform, TRANSFORMS.get(impl, ANY_TRANSFORM))
    dtype = dtype or ("float32" if "float32" in allowed else "float64")
    _check("--dtype", dtype, allowed)
    if impl.startswith("py:"):
        return "\n".join(_request_lines(case, impl, dtype, transform)) + "\n"
    _check("--impl", impl, (*IMPLEMENTATIONS, "py:package.module:attribute"))
    if transform == "vmap" and case.params.get("class_axis", -1) > 0:
        case.params["class_axis"] -= 1  # the first axis is the mapped one
    lines = {"numpy": _numpy_lines, "torch": _torch_lines, "jax": _jax_lines}[impl]
    axes = tuple(0 if name in case.inputs else None for name in _arguments(case))
    wrapper = WRAPPERS.get((impl, transform), "").format(axes=axes)
    return "\n".join(lines(case, dtype, wrapper)) + "\n"


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
    flat = len(group.shape) == 1
    inputs = {k: v[i : i + 1] if flat else v for k, v in group.inputs.items()}
    index = (0,) if flat else tuple(map(int, np.unravel_index(i, group.shape)))
    expected = {k: float(e.hi.ravel()[i]) for k, e in group.expected.items()}
    if group.policy == "bad_value":
        expected = {"value": np.nan, "grad_logits": np.nan}
    params, arrays = dict(group.params), dict(group.arrays)
    return Case(operation, inputs, arrays, params, expected, index, group.exact_in)


def _sum(operation: str, case: SumCase) -> Case:
    period = _period(case)
    return Case(
        operation,
        {k: v[:period] for k, v in case.inputs.items()},
        dict(case.arrays),
        dict(case.params),
        {k: float(e.hi) for k, e in case.expected.items() if k != "normalizer"},
        (),
        case.exact_in,
        case.tile,
    )


def _period(case: SumCase) -> int:
    """Length of the points that a reduction repeats."""
    for period in range(1, case.tile):
        tiled = (np.resize(v[:period], case.tile) for v in case.inputs.values())
        if all(map(np.array_equal, tiled, case.inputs.values())):
            return period
    return case.tile


def _numbers(array: Array) -> str:
    if array.ndim == 0:
        return f'h("{float(array).hex()}")'
    return "[" + ", ".join(f'h("{float(v).hex()}")' for v in array.ravel()) + "]"


def _numpy_array(array: Array, repeat: int = 0) -> str:
    text = f"np.array({_numbers(array)})"
    if repeat and array.ndim:
        return f"np.resize({text}, {repeat})"
    return text if array.ndim < 2 else f"{text}.reshape{array.shape}"


def _call(case: Case, last: str, *, function: str = "") -> str:
    """The call of the function on variables of its arguments' names."""
    keywords = [f"{k}={k}" for k in _arguments(case)[2:]]
    keywords += [f"{k}={v!r}" for k, v in case.params.items()]
    arguments = ", ".join(["logits", "labels", *keywords, last])
    return f"{function or case.operation}({arguments})"


def _loss(case: Case) -> str:
    """The call whose output is differentiated."""
    return _call(case, 'reduction="sum"' if case.repeat else 'reduction="none"')


def _arguments(case: Case) -> list[str]:
    rest = [k for k in case.inputs if k not in ("logits", "labels")]
    return ["logits", "labels", *rest, *case.arrays]


def _prints(case: Case, actual: dict[str, str]) -> list[str]:
    lines = []
    if any(np.isnan(v) for v in case.expected.values()):
        lines.append("# NaN is expected; raising ValueError would do as well.")
    return lines + [
        f'print("{name}", float({text}), "expected", h("{case.expected[name].hex()}"))'
        for name, text in actual.items()
        if name in case.expected
    ]


def _element(case: Case, argument: str) -> str:
    """Subscript of the element in question, in what is shaped like an argument."""
    return f"[{', '.join(map(str, case.index))}]" if argument in case.inputs else ""


def _values(case: Case) -> dict[str, str]:
    if case.repeat:
        return {"sum": "value", "mean": _call(case, 'reduction="mean"')}
    return {"value": f"value{_element(case, 'logits')}"}


def _numpy_lines(case: Case, _dtype: str, _wrapper: str) -> list[str]:
    every = {**case.inputs, **case.arrays}
    gradient = f"{case.operation}_grad"
    grads = {}
    for name in _arguments(case):
        call = _call(case, f'argument="{name}"', function=gradient)
        grads[f"grad_{name}"] = call + _element(case, name)
    return [
        "import numpy as np",
        f"from refimpl import {case.operation}, {gradient}",
        "h = float.fromhex",
        *(f"{k} = {_numpy_array(v, case.repeat)}" for k, v in every.items()),
        f"value = {_loss(case)}",
        *_prints(case, {**_values(case), **grads}),
    ]


def _torch_lines(case: Case, dtype: str, wrapper: str) -> list[str]:
    every = {**case.inputs, **case.arrays}
    names = ", ".join(_arguments(case))
    grads = {f"grad_{k}": f"{k}.grad{_element(case, k)}" for k in every}
    return [
        "import numpy as np",
        "import torch",
        f"from torch_impl import {case.operation}",
        "h = float.fromhex",
        *(
            f"{k} = torch.tensor({_numpy_array(v, case.repeat)}, dtype=torch.{dtype}, "
            "requires_grad=True)"
            for k, v in every.items()
        ),
        f"run = lambda {names}: {_loss(case)}",
        *([f"run = {wrapper}"] if wrapper else []),
        f"value = run({names})",
        "value.sum().backward()",
        *_prints(case, {**_values(case), **grads}),
    ]


def _jax_lines(case: Case, dtype: str, wrapper: str) -> list[str]:
    every = {**case.inputs, **case.arrays}
    names = _arguments(case)
    grads = {f"grad_{k}": f"grads[{i}]{_element(case, k)}" for i, k in enumerate(names)}
    return [
        "import jax, numpy as np",
        f'jax.config.update("jax_enable_x64", {dtype == "float64"})',
        f"from jax_impl import {case.operation}",
        "h = float.fromhex",
        *(
            f"{k} = jax.numpy.array({_numpy_array(v, case.repeat)}, dtype={dtype!r})"
            for k, v in every.items()
        ),
        f"run = lambda {', '.join(names)}: {_loss(case)}",
        *([f"run = {wrapper}"] if wrapper else []),
        f"value, pull = jax.vjp(run, {', '.join(names)})",
        "grads = pull(jax.numpy.ones_like(value))",
        *_prints(case, {**_values(case), **grads}),
    ]


def _request_lines(case: Case, impl: str, dtype: str, transform: str) -> list[str]:
    module, _, attribute = impl.removeprefix("py:").rpartition(":")
    want = ["value", *(k for k in case.expected if k.startswith("grad_"))]
    parts = {
        name: "{"
        + ", ".join(f'"{k}": {_numpy_array(v, n)}' for k, v in d.items())
        + "}"
        for name, d, n in (
            ("inputs", case.inputs, case.repeat),
            ("arrays", case.arrays, 0),
        )
    }
    expected = ", ".join(f'"{k}": h("{v.hex()}")' for k, v in case.expected.items())
    return [
        "import numpy as np",
        "from conformance.adapters import Request",
        f"from {module} import {attribute} as adapter",
        "h = float.fromhex",
        f"inputs = {parts['inputs']}",
        f"arrays = {parts['arrays']}",
        f"request = Request({case.operation!r}, inputs, {case.params!r}, arrays, "
        f"dtype={dtype!r}, reduction={'sum' if case.repeat else 'none'!r}, "
        f"transform={transform!r}, "
        f"want={tuple(want)!r})",
        "adapter.start()",
        "print(adapter.eval(request))",
        f'print("expected", {{{expected}}})',
    ]

"""Lines of the scripts that reproduce a case, for each framework."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance import clauses
from conformance.adapters.functions import STATE
from conformance.adapters.protocol import Array
from conformance.registry import OPERATIONS, Operation

TORCH_WRAPPERS = {
    "compile": "run = torch.compile(run, fullgraph=True)",
    "vmap": "run = torch.func.vmap(run, in_dims={axes})",
    "checkpoint": "again, run = run, lambda *a: "
    "torch.utils.checkpoint.checkpoint(again, *a, use_reentrant=False)",
    "autocast": 'run = torch.autocast("cpu", torch.bfloat16)(run)',
    "export": "Module = type('Module', (torch.nn.Module,), "
    "{{'forward': lambda self, {names}: run({names})}})\n"
    "exported = torch.export.export(Module(), ({names},)).module()",
}
JAX_WRAPPERS = {
    "jit": "run = jax.jit(run)",
    "vmap": "run = jax.vmap(run, in_axes={axes})",
    "checkpoint": "run = jax.checkpoint(run)",
}
# Not constant, along which a softmax does not change.
DIRECTION = [1.0, 2.0, 4.0]
RETURNED = {
    "loss": "value",
    "loss_and_state": "value, (counts, updates)",
    "selection": "indices, mask",
}


@dataclass(frozen=True)
class Case:
    """One point or sum with what is needed to call the function on it.

    Attributes:
        expected: Numbers of each output at the point, or of the whole call.
        index: Subscript of the point in the output.
        axis: Where an argument with classes has more than the output.
        smooth: Arguments to differentiate with respect to.
        repeat: Number of elements of a sum, to which the inputs are repeated.
        flags: Known bugs that it shows.
    """

    operation: str
    inputs: dict[str, Array]
    arrays: dict[str, Array]
    params: dict[str, Any]
    kinds: dict[str, str]
    expected: dict[str, list[float]]
    index: tuple[int, ...]
    axis: int
    exact_in: str
    smooth: tuple[str, ...]
    repeat: int | None = None
    flags: tuple[str, ...] = ()

    @property
    def record(self) -> Operation:
        """What the suite knows about the operation."""
        return OPERATIONS[self.operation]

    @property
    def names(self) -> list[str]:
        """All arrays, positional ones first."""
        positional = self.record.positional
        rest = [k for k in self.inputs if k not in positional]
        return [*positional, *rest, *self.arrays]

    @property
    def every(self) -> dict[str, Array]:
        """All arrays by name."""
        return {**self.inputs, **self.arrays}


def asked_line(case: Case) -> str:
    """The clauses of the specification that the case asks about, as a comment."""
    asked = clauses.of_point(case.operation, case.expected, case.flags)
    words = [f"{k} ({', '.join(v)})" if v else k for k, v in asked.items()]
    return f"# {'; '.join(words)}"


def numpy_lines(case: Case, _dtype: str, _transform: str) -> list[str]:
    """A script for the reference."""
    gradient = f"{case.operation}_grad"
    grads = {
        f"grad_{name}": _call(case, f'argument="{name}"', function=gradient)
        for name in case.smooth
    }
    names = f"{case.operation}, {gradient}" if grads else case.operation
    return [
        "import numpy as np",
        f"from refimpl import {names}",
        *_show("np.ravel(np.asarray(actual, float))"),
        *(f"{k} = {_array(case, k)}" for k in case.names),
        f"{RETURNED[case.record.returns]} = {_loss(case)}",
        *_prints(case, {**_values(case), **grads}),
    ]


def torch_lines(case: Case, dtype: str, transform: str) -> list[str]:
    """A script for PyTorch."""
    names = ", ".join(case.names)
    types = {"index": "int64", "mask": "bool"}
    backward = case.smooth and transform not in ("jvp", "hessian", "export")
    lines = [
        "import numpy as np",
        "import torch",
        f"from torch_impl import {case.operation}",
        *_show("torch.as_tensor(actual).detach().double().ravel().tolist()"),
    ]
    for k in case.names:
        kind = types.get(case.kinds.get(k, ""), dtype)
        leaf = ", requires_grad=True" if backward and k in case.smooth else ""
        lines.append(f"{k} = torch.tensor({_array(case, k)}, dtype=torch.{kind}{leaf})")
    lines.append(f"run = lambda {names}: {_loss(case)}")
    found = _values(case)
    if transform in TORCH_WRAPPERS:
        lines += [TORCH_WRAPPERS[transform].format(axes=_axes(case), names=names)]
    runs = "exported" if transform == "export" else "run"
    if transform not in ("jvp", "hessian"):
        lines.append(f"{RETURNED[case.record.returns]} = {runs}({names})")
    if backward:
        lines.append("value.sum().backward()")
        found |= {f"grad_{k}": f"{k}.grad" for k in case.smooth}
    if transform in ("jvp", "hessian"):
        lines += _directed(case, transform, "torch.func", "torch.tensor")
        found = {"jvp": "jvp"} if transform == "jvp" else {"hvp": "hvp"}
    return [*lines, *_prints(case, found)]


def jax_lines(case: Case, dtype: str, transform: str) -> list[str]:
    """A script for JAX."""
    names = ", ".join(case.names)
    types = {"index": "int", "mask": "bool"}
    lines = [
        "import jax, numpy as np",
        f'jax.config.update("jax_enable_x64", {dtype == "float64"})',
        f"from jax_impl import {case.operation}",
        *_show("np.ravel(np.asarray(actual, float))"),
    ]
    for k in case.names:
        kind = types.get(case.kinds.get(k, ""), dtype)
        lines.append(f"{k} = jax.numpy.array({_array(case, k)}).astype('{kind}')")
    lines.append(f"run = lambda {names}: {_loss(case)}")
    found = _values(case)
    if transform in JAX_WRAPPERS:
        lines.append(JAX_WRAPPERS[transform].format(axes=_axes(case)))
    if transform in ("jvp", "hessian"):
        lines += _directed(case, transform, "jax", "jax.numpy.array")
        found = {"jvp": "jvp"} if transform == "jvp" else {"hvp": "hvp"}
    elif case.smooth and case.record.returns == "loss":
        lines.append(f"value, pull = jax.vjp(run, {names})")
        lines.append("grads = pull(jax.numpy.ones_like(value))")
    elif case.smooth:
        state = "(counts, updates)"
        lines.append(f"value, pull, {state} = jax.vjp(run, {names}, has_aux=True)")
        lines.append("grads = pull(jax.numpy.ones_like(value))")
    else:
        lines.append(f"{RETURNED[case.record.returns]} = run({names})")
    if transform not in ("jvp", "hessian"):
        positions = {k: case.names.index(k) for k in case.smooth}
        found |= {f"grad_{k}": f"grads[{i}]" for k, i in positions.items()}
    return [*lines, *_prints(case, found)]


def request_lines(case: Case, impl: str, dtype: str, transform: str) -> list[str]:
    """A script for any adapter."""
    want = [
        "value" if name in ("sum", "mean") else name
        for name in case.expected
        if name != "mean"
    ]
    parts = [
        "{" + ", ".join(f'"{k}": {_array(case, k)}' for k in names) + "}"
        for names in (case.inputs, case.arrays)
    ]
    expected = {k: v if len(v) > 1 else v[0] for k, v in case.expected.items()}
    return [
        "import numpy as np",
        "from conformance.adapters import Request, resolve",
        f"adapter = resolve({impl!r})",
        "h, nan, inf = float.fromhex, np.nan, np.inf",
        f"inputs = {parts[0]}",
        f"arrays = {parts[1]}",
        f"request = Request({case.operation!r}, inputs, {case.params!r}, arrays, "
        f"positional={case.record.positional!r}, kinds={case.kinds!r}, "
        f"returns={case.record.returns!r}, dtype={dtype!r}, "
        f"reduction={'none' if case.repeat is None else 'sum'!r}, "
        f"transform={transform!r}, want={tuple(dict.fromkeys(want))!r})",
        "adapter.start()",
        "print(adapter.eval(request))",
        f'print("expected", {expected!r})',
        "adapter.stop()",
    ]


def _show(numbers: str) -> list[str]:
    return [
        "h = float.fromhex",
        "show = lambda name, actual, *expected: print("
        f'name, *{numbers}, "expected", *map(h, expected))',
    ]


def _prints(case: Case, actual: dict[str, str]) -> list[str]:
    lines = []
    expected = dict(case.expected)
    if any(np.isnan(v).any() for v in expected.values()):
        lines.append("# NaN is expected; raising ValueError would do as well.")
    first = case.record.positional[0]
    if f"grad_{first}" in expected:
        direction = np.resize(DIRECTION, case.inputs[first].shape)
        along = direction[_place(case, f"grad_{first}")].ravel()
        expected["jvp"] = [float(along @ expected[f"grad_{first}"])]
    expected["hvp"] = []
    for name, text in actual.items():
        if name in expected:
            bits = "".join(f', "{v.hex()}"' for v in expected[name])
            lines.append(f'show("{name}", {text}{_subscript(case, name)}{bits})')
    return lines


def _subscript(case: Case, output: str) -> str:
    """Subscript of the point in an output."""
    place = _place(case, output)
    texts = (":" if isinstance(at, slice) else str(at) for at in place)
    return f"[{', '.join(texts)}]" if place else ""


def _place(case: Case, output: str) -> tuple[Any, ...]:
    argument = output.removeprefix("grad_")
    if argument == "hvp":
        argument = case.record.positional[0]
    pointwise = output in ("value", "mask", "jvp") or argument in case.inputs
    if not pointwise:
        return ()
    places: list[Any] = list(case.index)
    array = case.inputs.get(argument)
    if places and array is not None and array.ndim > len(places):
        places.insert(case.axis % array.ndim, slice(None))
    return tuple(places)


def _values(case: Case) -> dict[str, str]:
    if case.repeat is not None:
        mean = _call(case, 'reduction="mean"')
        state = case.record.returns == "loss_and_state"
        found = {"sum": "value", "mean": f"{mean}[0]" if state else mean}
    else:
        found = {"value": "value", "mask": "mask", "indices": "indices"}
    return {**found, **{name: name.removeprefix("state_") for name in STATE}}


def _loss(case: Case) -> str:
    """The call whose output is differentiated."""
    if case.record.returns == "selection":
        return _call(case, "")
    return _call(
        case, 'reduction="sum"' if case.repeat is not None else 'reduction="none"'
    )


def _call(case: Case, last: str, *, function: str = "") -> str:
    """The call of the function on variables of its arguments' names."""
    named = [k for k in case.names if k not in case.record.positional]
    words = [f"{k}={k}" for k in named if k not in STATE]
    if STATE[0] in named:
        words.append(f"state=({', '.join(STATE)})")
    words += [f"{k}={v!r}" for k, v in case.params.items()]
    arguments = ", ".join(filter(None, [*case.record.positional, *words, last]))
    return f"{function or case.operation}({arguments})"


def _directed(case: Case, transform: str, module: str, array: str) -> list[str]:
    """Derivatives along a direction."""
    first = case.names[0]
    direction = f"np.resize({DIRECTION}, {first}.shape)"
    alone = f"lambda {first}: run({', '.join(case.names)})"
    if case.record.returns == "loss_and_state":
        alone += "[0]"
    lines = [f"direction = {array}({direction}, dtype={first}.dtype)"]
    along = f"({first},), (direction,)"
    if transform == "jvp":
        return [*lines, f"value, jvp = {module}.jvp({alone}, {along})"]
    gradient = f"{module}.grad({alone.replace(': ', ': (', 1)}).sum())"
    return [*lines, f"hvp = {module}.jvp({gradient}, {along})[1]"]


def _axes(case: Case) -> tuple[Any, ...]:
    return tuple(0 if name in case.inputs else None for name in case.names)


def _array(case: Case, name: str) -> str:
    """NumPy text of an argument, typed and repeated."""
    array = case.every[name]
    kind = {"index": "int", "mask": "bool"}.get(case.kinds.get(name, ""), "")
    typed = f", {kind}" if kind else ""
    text = f"np.array({_numbers(array, kind)}{typed})"
    if case.repeat is None or name not in case.inputs:
        return text
    return f"{text}[np.arange({case.repeat}) % {len(array)}]"


def _numbers(array: Array, kind: str) -> str:
    if array.ndim:
        return "[" + ", ".join(_numbers(part, kind) for part in array) + "]"
    return str(int(array)) if kind else f'h("{float(array).hex()}")'

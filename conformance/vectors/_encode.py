"""Text of the vector files, from the registry and the oracle."""

import base64
import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from conformance import oracle
from conformance.families import GroupSpec, Points, Setting, SumSpec
from conformance.registry import OPERATIONS, Operation

SPEC = "1.0.0"

Progress = Callable[[str], None]
Stored = oracle.Expected | list[oracle.Expected]
Json = dict[str, Any]


def hex_bits(value: float) -> str:
    """IEEE-754 bits of a double, big-endian."""
    return struct.pack(">d", value).hex()


def identity(path: str, content: Json) -> str:
    """A readable path and ten characters that depend on the content alone."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).digest()
    return f"{path}#{base64.b32encode(digest)[:10].decode().lower()}"


def _bits(value: Any) -> Any:
    """Hex bits of a number, or of each of a list."""
    if isinstance(value, list):
        return [_bits(v) for v in value]
    return hex_bits(float(value))


def _arguments(chosen: Setting) -> Json:
    return {
        "params": dict(chosen.params),
        "arrays": {k: _bits(values.tolist()) for k, values in chosen.arrays.items()},
    }


def _approximate(value: float) -> float:
    return float(f"{value:.3e}")


def _output(expected: Stored) -> Json:
    several = isinstance(expected, list)
    every = expected if isinstance(expected, list) else [expected]
    columns: Json = {
        "bits": [[hex_bits(e.hi), hex_bits(e.lo)] for e in every],
        "scale": [e.scale for e in every],
    }
    if np.isfinite([e.hi for e in every]).all():
        columns["approx"] = [_approximate(e.hi) for e in every]
    return columns if several else {k: v[0] for k, v in columns.items()}


def _readable(inputs: Mapping[str, Any]) -> str:
    short = {
        "labels": "y",
        "heatmap": "y",
        "targets": "y",
        "logits": "x",
        "probs": "p",
        "predictions": "x",
        "losses": "l",
        "sample_weight": "w",
    }

    def text(value: Any) -> str:
        return (
            ",".join(f"{v:g}" for v in value)
            if isinstance(value, list)
            else f"{value:g}"
        )

    return ";".join(f"{s}={text(inputs[k])}" for k, s in short.items() if k in inputs)


def _flags(operation: Operation, case: Json, inputs: Mapping[str, Any]) -> list[str]:
    known = {**oracle.defaults(operation.name), **case, **inputs}
    return sorted(flag for flag, rule in operation.flags.items() if rule(known))


def _per_element(operation: Operation, spec: Points) -> list[Json]:
    """Array arguments as each example sees them.

    Where examples have no class axis, an array along one gives each its own weight.
    """
    count = int(np.prod(spec.shape))
    arguments: list[Json] = [{} for _ in range(count)]
    for name, weights in spec.setting.arrays.items():
        values = [weights.tolist()] * count
        if weights.ndim and operation.form == "pointwise":
            axis = spec.class_axis % len(spec.shape)
            others = [i for i in range(len(spec.shape)) if i != axis]
            spread = np.broadcast_to(np.expand_dims(weights, others), spec.shape)
            values = spread.ravel().tolist()
        for own, value in zip(arguments, values, strict=True):
            own[name] = value
    return arguments


def _rows(operation: Operation, spec: Points) -> tuple[list[Json], list[Json]]:
    """Inputs of every example, and all its arguments."""
    inputs = list(spec.points())
    own = _per_element(operation, spec)
    return inputs, [
        {**spec.setting.params, **arrays, **row}
        for arrays, row in zip(own, inputs, strict=True)
    ]


def _points(
    operation: Operation, spec: GroupSpec, path: str
) -> tuple[list[Json], dict[str, Stored]]:
    given = _arguments(spec.setting)
    case = {
        **spec.setting.params,
        "family": spec.family,
        "per_class": len(spec.shape) > 1,
    }
    smooth = set(spec.inputs) - set(spec.kinds)
    outputs = [n for n in operation.outputs if n[:5] != "grad_" or n[5:] in smooth]
    inputs, arguments = _rows(operation, spec)
    expected, totals = [{} for _ in inputs], {}
    if spec.policy == "value":
        expected, totals = oracle.expect(operation.name, arguments, outputs)
    points = []
    for i, (row, results) in enumerate(zip(inputs, expected, strict=True)):
        # Equal elements of a call may differ in what the call makes of them.
        place = f"i={i};" if operation.form == "coupled" else ""
        bits = {name: _bits(v) for name, v in row.items()}
        content = {"operation": operation.name, **given, "inputs": bits}
        points.append(
            {
                "id": identity(f"{path};{place}{_readable(row)}", content),
                "inputs": bits,
                "flags": _flags(operation, case, row),
                "outputs": {name: _output(e) for name, e in results.items()},
            }
        )
    return points, totals


def _group(operation: Operation, spec: GroupSpec) -> Json:
    path = f"{operation.name}/{spec.family}/{spec.label}"
    points, totals = _points(operation, spec, path)
    return {
        "path": path,
        "family": spec.family,
        "exact_in": spec.exact_in,
        **_arguments(spec.setting),
        "kinds": dict(spec.kinds),
        "shape": list(spec.shape),
        "policy": spec.policy,
        "totals": {name: _output(e) for name, e in totals.items()},
        "points": points,
    }


def _sum_flags(operation: Operation, spec: SumSpec, rows: list[Json]) -> list[str]:
    case = {
        **spec.setting.params,
        **spec.setting.arrays,
        "family": spec.family,
        "per_class": False,
        "tile": spec.tile,
    }
    return sorted({flag for row in rows for flag in _flags(operation, case, row)})


def _sum(operation: Operation, spec: SumSpec) -> Json:
    given = _arguments(spec.setting)
    arrays = {k: v.tolist() for k, v in spec.setting.arrays.items()}
    rows = list(spec.points())
    arguments = [{**spec.setting.params, **arrays, **row} for row in rows]
    gradients = [f"grad_{k}" for k in arrays if k in operation.array_arguments]
    judged = f"grad_{operation.positional[0]}"
    elements, expected = oracle.expect_sum(
        operation.name, arguments, spec.tile, gradients
    )
    points = [
        {
            "inputs": {name: _bits(v) for name, v in row.items()},
            "outputs": {judged: _output(oracle.encoded(outputs[judged]))},
        }
        for row, outputs in zip(rows, elements, strict=True)
    ]
    content = {
        "operation": operation.name,
        **given,
        "inputs": [p["inputs"] for p in points],
        "tile": spec.tile,
    }
    return {
        "id": identity(f"{operation.name}/{spec.family}/{spec.label}", content),
        "family": spec.family,
        "exact_in": spec.exact_in,
        **given,
        "kinds": dict(spec.kinds),
        "tile": spec.tile,
        "flags": _sum_flags(operation, spec, rows),
        "points": points,
        "outputs": {name: _output(e) for name, e in expected.items()},
    }


def document(operation: Operation, progress: Progress) -> Json:
    """Everything the oracle has to say about an operation."""
    groups, sums = [], []
    for spec in operation.groups():
        groups.append(_group(operation, spec))
        progress(groups[-1]["path"])
    for spec in operation.sum_cases():
        sums.append(_sum(operation, spec))
        progress(sums[-1]["id"])
    return {
        "spec": SPEC,
        "operation": operation.name,
        "groups": sorted(groups, key=lambda g: g["path"]),
        "sums": sorted(sums, key=lambda s: s["id"]),
    }


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _with_points(case: Json) -> str:
    """One object with its points on lines of their own, points last."""
    head = _compact({k: v for k, v in case.items() if k != "points"})
    points = ",\n".join(_compact(p) for p in case["points"])
    return f'{head[:-1]},"points":[\n{points}]}}'


def text(document: Json) -> str:
    """The file: one point a line, so that differences can be read."""
    groups = ",\n".join(_with_points(g) for g in document["groups"])
    sums = ",\n".join(_with_points(s) for s in document["sums"])
    return (
        f'{{"operation":{_compact(document["operation"])},'
        f'"spec":{_compact(document["spec"])},\n'
        f'"groups":[\n{groups}],\n"sums":[\n{sums}]}}\n'
    )


def generate(progress: Progress) -> dict[str, str]:
    """Every vector file by name."""
    return {
        f"{name}.json": text(document(operation, progress))
        for name, operation in OPERATIONS.items()
    }

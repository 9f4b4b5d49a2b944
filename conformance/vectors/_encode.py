"""Text of the vector files, from the registry and the oracle."""

import base64
import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from conformance import oracle
from conformance.families import GroupSpec, Setting, SumSpec
from conformance.registry import OPERATIONS, Operation

SPEC = "1.0.0"

Progress = Callable[[str], None]
Json = dict[str, Any]


def hex_bits(value: float) -> str:
    """IEEE-754 bits of a double, big-endian."""
    return struct.pack(">d", value).hex()


def identity(path: str, content: Json) -> str:
    """A readable path and ten characters that depend on the content alone."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).digest()
    return f"{path}#{base64.b32encode(digest)[:10].decode().lower()}"


def _array(values: np.ndarray) -> Any:
    """Hex bits of an array argument: a list, or one string for a scalar."""
    if values.ndim == 0:
        return hex_bits(float(values))
    return [hex_bits(v) for v in values.tolist()]


def _arguments(chosen: Setting) -> Json:
    return {
        "params": dict(chosen.params),
        "arrays": {name: _array(values) for name, values in chosen.arrays.items()},
    }


def _output(expected: oracle.Expected) -> Json:
    output: Json = {
        "bits": [hex_bits(expected.hi), hex_bits(expected.lo)],
        "scale": expected.scale,
    }
    if np.isfinite(expected.hi):
        output["approx"] = float(f"{expected.hi:.3e}")
    return output


def _readable(inputs: Mapping[str, float]) -> str:
    short = {"labels": "y", "logits": "x", "sample_weight": "w"}
    return ";".join(f"{s}={inputs[k]:g}" for k, s in short.items() if k in inputs)


def _flags(operation: Operation, case: Json, inputs: Mapping[str, float]) -> list[str]:
    known = {**oracle.DEFAULTS, **case, **inputs}
    return sorted(flag for flag, rule in operation.flags.items() if rule(known))


def _class_weights(spec: GroupSpec) -> np.ndarray | None:
    """The per-class weight of every element, spread over the logits' shape."""
    weights = spec.setting.arrays.get("pos_weight")
    if weights is None:
        return None
    shape = np.array(spec.inputs["logits"].shape)
    if weights.ndim:
        axis = spec.setting.params.get("class_axis", -1)
        others = [i for i in range(shape.size) if i != axis % shape.size]
        weights = np.expand_dims(weights, others)
    return np.broadcast_to(weights, shape).ravel()


def _points(operation: Operation, spec: GroupSpec, path: str) -> list[Json]:
    given = _arguments(spec.setting)
    weights = _class_weights(spec)
    case = {
        **spec.setting.params,
        "family": spec.family,
        "per_class": spec.inputs["logits"].ndim > 1,
    }
    outputs = ["value", *(f"grad_{name}" for name in spec.inputs)]
    flat = {name: values.ravel().tolist() for name, values in spec.inputs.items()}
    points = []
    for i in range(len(flat["logits"])):
        inputs = {name: values[i] for name, values in flat.items()}
        bits = {name: hex_bits(v) for name, v in inputs.items()}
        content = {"operation": operation.name, **given, "inputs": bits}
        point: Json = {
            "id": identity(f"{path};{_readable(inputs)}", content),
            "inputs": bits,
            "flags": _flags(operation, case, inputs),
            "outputs": {},
        }
        if spec.policy == "value":
            arguments = {**spec.setting.params, **inputs}
            if weights is not None:
                arguments["pos_weight"] = float(weights[i])
            expected = oracle.expect(operation.name, arguments, outputs)
            point["outputs"] = {k: _output(e) for k, e in expected.items()}
        points.append(point)
    return points


def _group(operation: Operation, spec: GroupSpec) -> Json:
    path = f"{operation.name}/{spec.family}/{spec.label}"
    return {
        "path": path,
        "family": spec.family,
        "exact_in": spec.exact_in,
        **_arguments(spec.setting),
        "shape": list(spec.inputs["logits"].shape),
        "policy": spec.policy,
        "points": _points(operation, spec, path),
    }


def _sum(operation: Operation, spec: SumSpec) -> Json:
    given = _arguments(spec.setting)
    scalars = {k: float(v) for k, v in spec.setting.arrays.items()}
    flat = {name: values.tolist() for name, values in spec.inputs.items()}
    rows = [
        dict(zip(flat, row, strict=True)) for row in zip(*flat.values(), strict=True)
    ]
    arguments = [{**spec.setting.params, **scalars, **row} for row in rows]
    points = [
        {
            "inputs": {name: hex_bits(v) for name, v in row.items()},
            "outputs": {
                "grad_logits": _output(
                    oracle.expect(operation.name, a, ["grad_logits"])["grad_logits"]
                )
            },
        }
        for row, a in zip(rows, arguments, strict=True)
    ]
    content = {
        "operation": operation.name,
        **given,
        "inputs": [p["inputs"] for p in points],
        "tile": spec.tile,
    }
    case = {**spec.setting.params, **scalars, "family": spec.family, "per_class": False}
    case["tile"] = spec.tile
    flags = {flag for row in rows for flag in _flags(operation, case, row)}
    expected = oracle.expect_sum(
        operation.name, arguments, spec.tile, [f"grad_{name}" for name in scalars]
    )
    return {
        "id": identity(f"{operation.name}/{spec.family}/{spec.label}", content),
        "family": spec.family,
        "exact_in": spec.exact_in,
        **given,
        "tile": spec.tile,
        "flags": sorted(flags),
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

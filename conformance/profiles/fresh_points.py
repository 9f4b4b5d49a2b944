"""Points of any operation that stand in no vector, and their truth."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.adapters.protocol import Array
from conformance.registry import OPERATIONS
from conformance.vectors import Expected, Group, load

POINTS = 64
SEED = 20261128
# Beyond this distance from an edge no bin changes by rounding.
CLEAR_OF_EDGES = 1e-3


@cache
def plainest(operation: str) -> Group:
    """Returns the group with the fewest arguments, of usual points if there are any.

    Args:
        operation: Name of the operation.

    Returns:
        A group with one axis of examples, and indices where there are classes.
    """

    def cost(group: Group) -> tuple[int, bool, str]:
        given = len(group.inputs) + len(group.arrays) + len(group.params)
        usual = group.family == "basic" and group.exact_in == "bfloat16"
        return given, not usual, group.path

    return min((g for g in load(operation).groups if _drawable(g)), key=cost)


def _drawable(group: Group) -> bool:
    """Whether its points are independent draws: probabilities of classes are not."""
    flat = all(v.ndim < 2 or k == "logits" for k, v in group.inputs.items())
    known = flat and not set(group.inputs) - set(DRAWS)
    return known and group.policy == "value" and len(group.shape) == 1


@cache
def drawn(path: str) -> Group:
    """Draws points for the call of a group.

    Args:
        path: Path of a group of the vectors.

    Returns:
        A group with other points and their truth, from the 50-digit oracle.
    """
    # Only here, since readers of vectors may lack what the oracle needs.
    from conformance import oracle

    operation = path.split("/")[0]
    plain = next(group for group in load(operation).groups if group.path == path)
    coupled = OPERATIONS[operation].form == "coupled"
    size = plain.shape[0] if coupled else POINTS
    inputs = _inputs(plain, size)
    given = {**plain.params, **{k: v.tolist() for k, v in plain.arrays.items()}}
    points = [
        {**given, **{name: array[i].tolist() for name, array in inputs.items()}}
        for i in range(size)
    ]
    found, totals = oracle.expect(operation, points, plain.expected)
    return replace(
        plain,
        path=f"{operation}/fresh/{plain.path.split('/')[-1]}",
        family="fresh",
        exact_in="float32",
        shape=(size,),
        ids=tuple(f"fresh point {_readable(inputs, i)}" for i in range(size)),
        flags=((),) * size,
        inputs=inputs,
        expected={name: _column([row[name] for row in found]) for name in found[0]},
        totals={name: _column(output) for name, output in totals.items()},
    )


def _column(outputs: Any) -> Expected:
    """Arrays of what the oracle says of every point."""
    parts = (
        np.array(_each(outputs, name), np.float64) for name in ("hi", "lo", "scale")
    )
    return Expected(*parts)


def _each(outputs: Any, name: str) -> Any:
    if isinstance(outputs, list):
        return [_each(one, name) for one in outputs]
    return getattr(outputs, name)


def _readable(inputs: Mapping[str, Array], i: int) -> str:
    return ", ".join(f"{name}={array[i].tolist()}" for name, array in inputs.items())


def _inputs(plain: Group, size: int) -> dict[str, Array]:
    """Draws the inputs of a call, each exact in float32."""
    generator = np.random.default_rng([SEED, *plain.path.encode()])
    pool: dict[str, Array] = {}
    for name, array in plain.inputs.items():
        numbers = DRAWS[name](generator, plain, (8 * size, *array.shape[1:]))
        pool[name] = np.asarray(numbers).astype(np.float32).astype(np.float64)
    clear = np.flatnonzero(_clear_of_edges(plain, pool))[:size]
    return {name: numbers[clear] for name, numbers in pool.items()}


def _clear_of_edges(plain: Group, inputs: Mapping[str, Array]) -> NDArray[np.bool_]:
    """Where rounding cannot move a gradient norm into another bin."""
    bins = plain.params.get("bins", 10)
    if plain.path.startswith("ghmc_loss/"):
        norm = np.abs(1 / (1 + np.exp(-inputs["logits"])) - inputs["labels"])
    elif plain.path.startswith("ghmr_loss/"):
        distance = np.abs(inputs["predictions"] - inputs["targets"])
        norm = distance / np.hypot(distance, plain.params.get("mu", 0.02))
    else:
        return np.ones(len(next(iter(inputs.values()))), bool)
    return np.abs(norm * bins - np.rint(norm * bins)) > CLEAR_OF_EDGES


Shape = tuple[int, ...]


def _logits(generator: np.random.Generator, _plain: Group, shape: Shape) -> Array:
    return generator.uniform(-16.0, 16.0, shape)


def _labels(generator: np.random.Generator, plain: Group, shape: Shape) -> Array:
    if "labels" in plain.kinds:
        classes = plain.inputs["logits"].shape[-1]
        return generator.integers(0, classes, shape).astype(np.float64)
    soft = generator.uniform(0.0, 1.0, shape)
    return np.where(generator.uniform(size=shape) < 0.5, np.rint(soft), soft)


def _shares(generator: np.random.Generator, _plain: Group, shape: Shape) -> Array:
    return generator.uniform(0.01, 0.99, shape)


def _heights(generator: np.random.Generator, _plain: Group, shape: Shape) -> Array:
    heights = generator.uniform(0.0, 1.0, shape)
    return np.where(heights > 0.75, 1.0, heights)


def _sizes(generator: np.random.Generator, _plain: Group, shape: Shape) -> Array:
    return generator.uniform(-3.0, 3.0, shape)


DRAWS: Mapping[str, Callable[[np.random.Generator, Group, Shape], Array]] = {
    "logits": _logits,
    "labels": _labels,
    "probs": _shares,
    "heatmap": _heights,
    "predictions": _sizes,
    "targets": _sizes,
    "losses": _sizes,
}

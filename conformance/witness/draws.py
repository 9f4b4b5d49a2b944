"""Random calls on which a framework and its peer are compared.

All randomness comes from ``SEED``: the draws of a form do not depend on which others
are asked.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from conformance.adapters import Request
from conformance.adapters.protocol import Array

SEED = 20240
BCE, FOCAL = "binary_cross_entropy_with_logits", "sigmoid_focal_loss"
PROBS, CE = "binary_cross_entropy", "cross_entropy"
# Beyond this the peers lose digits that ours keep; see the departures.
LARGEST_LOGIT = 8.0
SMALLEST_PROBABILITY = 1e-3
# optax leaves reductions to the caller.
REDUCTIONS = {"torch": ("none", "sum", "mean"), "jax": ("none",)}
IGNORED = (-100, -1, 255)


@dataclass(frozen=True)
class Form:
    """What a call looks like, without its numbers.

    Attributes:
        operation: Name of the operation.
        shape: Shape of the first input.
        options: Names of the optional arguments that are given; ``"where"`` excludes
            classes.
        class_axis: Where the classes lie.
        labels: ``"index"``, or what the floating labels are: ``"soft"``.
        reduction: Reduction asked for.
        traced: Whether numbers are handed over as arrays.
    """

    operation: str
    shape: tuple[int, ...]
    options: tuple[str, ...] = ()
    class_axis: int = -1
    labels: str = "soft"
    reduction: str = "none"
    traced: bool = False

    def __str__(self) -> str:
        options = ",".join(self.options) or "plain"
        return f"{self.shape} axis={self.class_axis} {self.labels} {options}"


@dataclass(frozen=True, eq=False)
class Draw:
    """One call, and the size of what is computed in it.

    Attributes:
        id: Names the draw for ever.
        request: The call.
        scale: Size that the rounding of each output is measured by.
    """

    id: str
    request: Request
    scale: Mapping[str, Array]


@dataclass
class _Numbers:
    """The arguments of a call; scale and divisor as a loss without reduction has."""

    inputs: dict[str, Array]
    named: dict[str, Any]
    arrays: dict[str, Array]
    scale: Array
    divisor: float


def forms(
    framework: str, operation: str, labels: str, reduction: str, count: int
) -> Iterator[Form]:
    """Yields the forms of the calls on which a peer is asked.

    Args:
        framework: ``"torch"``: forms are drawn, each call has its own. ``"jax"``:
            forms are few and take turns, since each is compiled.
        operation: Name of the operation.
        labels: ``"soft"`` or ``"index"``.
        reduction: Reduction asked for.
        count: Number of forms.

    Yields:
        Forms; none where the peer has no such operation.
    """
    usual: dict[str, Any] = {
        "operation": operation,
        "labels": labels,
        "reduction": reduction,
    }
    if framework == "jax":
        fixed = _JAX_FORMS.get((operation, labels), ())
        for i in range(count if fixed else 0):
            options, shape, axis = fixed[i % len(fixed)]
            yield Form(
                shape=shape, options=options, class_axis=axis, traced=True, **usual
            )
        return
    generator = _generator("forms", framework, operation, labels, reduction)
    known = _TORCH_OPTIONS.get((operation, labels))
    for _ in range(count if known is not None else 0):
        options = tuple(o for o in known or () if generator.random() < 0.5)
        rank = generator.integers(1, 5)
        shape = tuple(int(n) for n in generator.integers(1, 6, rank))
        yield Form(
            shape=shape,
            options=options,
            class_axis=int(generator.integers(-rank, rank)),
            **usual,
        )


def draws(
    framework: str, operation: str, labels: str, reduction: str, count: int
) -> Iterator[Draw]:
    """Yields random calls.

    Args:
        framework: ``"torch"`` or ``"jax"``.
        operation: Name of the operation.
        labels: ``"soft"`` or ``"index"``.
        reduction: Reduction asked for.
        count: Number of calls; fewer are the first of more.

    Yields:
        Calls with their sizes.
    """
    path = (framework, operation, labels, reduction)
    generator = _generator("numbers", *path)
    for i, form in enumerate(forms(*path, count)):
        numbers = _DRAW[operation](generator, form)
        yield Draw(
            f"{operation}/witness/{framework};{labels};{reduction}#{i} {form}",
            _request(form, numbers),
            _scales(form, numbers),
        )


def _generator(*path: str) -> Generator:
    return np.random.default_rng([SEED, *"/".join(path).encode()])


def _request(form: Form, numbers: _Numbers) -> Request:
    first, labels = numbers.inputs
    as_arrays = {k: np.asarray(v) for k, v in numbers.named.items() if form.traced}
    # Of optax's focal loss the gradient of hard labels is a departure; that of the
    # label of an excluded class is infinite.
    fixed = form.labels == "index" or "where" in form.options
    fixed |= form.traced and form.operation == FOCAL
    gradients = [first] if fixed else [first, labels]
    own_axis = form.operation in (BCE, CE) and form.class_axis != -1
    # Peers of probabilities divide by their number, whatever the weights.
    by_count = form.operation == CE and form.labels == "soft"
    return Request(
        operation=form.operation,
        inputs=numbers.inputs,
        params={
            **({} if form.traced else numbers.named),
            **({"class_axis": form.class_axis} if own_axis else {}),
            **({"normalizer": "count"} if by_count else {}),
        },
        arrays={**numbers.arrays, **as_arrays},
        reduction=form.reduction,
        transform="jit" if form.traced else "eager",
        positional=(first, labels),
        kinds={labels: "index"} if form.labels == "index" else {},
        want=("value", *(f"grad_{name}" for name in gradients)),
    )


def _scales(form: Form, numbers: _Numbers) -> dict[str, Array]:
    first, labels = numbers.inputs
    divisor = numbers.divisor if form.reduction == "mean" else 1.0
    each = numbers.scale / divisor
    value = each if form.reduction == "none" else np.asarray(np.sum(each))
    if form.operation == CE:
        each = np.expand_dims(each, form.class_axis)
    each = np.broadcast_to(each, form.shape)
    return {"value": value, f"grad_{first}": each, f"grad_{labels}": each}


def _logits(generator: Generator, shape: tuple[int, ...]) -> Array:
    return np.clip(generator.normal(0, 3, shape), -LARGEST_LOGIT, LARGEST_LOGIT)


def _binary_labels(generator: Generator, shape: tuple[int, ...]) -> Array:
    hard = generator.integers(0, 2, shape).astype(float)
    return np.where(generator.random(shape) < 0.3, generator.random(shape), hard)


def _weights(generator: Generator, shape: tuple[int, ...]) -> Array:
    return np.exp(generator.uniform(np.log(0.05), np.log(20), shape))


def _sample_weight(generator: Generator, form: Form) -> Array:
    # A tenth of the examples is switched off.
    kept = generator.random(form.shape) > 0.1
    return kept * generator.uniform(0.1, 3, form.shape)


def _draw_bce(generator: Generator, form: Form) -> _Numbers:
    x, y = _logits(generator, form.shape), _binary_labels(generator, form.shape)
    arrays, scale = {}, 1 + np.abs(x)
    if "pos_weight" in form.options:
        classes = form.shape[form.class_axis]
        one_each = generator.random() < 0.5
        w = arrays["pos_weight"] = _weights(generator, (classes,) if one_each else ())
        scale = scale * np.maximum(1, _along(w, form))
    if "sample_weight" in form.options:
        arrays["sample_weight"] = _sample_weight(generator, form)
        scale = scale * arrays["sample_weight"]
    inputs = {"logits": x, "labels": y}
    return _Numbers(inputs, {}, arrays, scale, prod(form.shape))


def _along(weight: Array, form: Form) -> Array:
    if not weight.ndim:
        return weight
    shape = [1] * len(form.shape)
    shape[form.class_axis] = -1
    return weight.reshape(shape)


def _draw_probabilities(generator: Generator, form: Form) -> _Numbers:
    low = SMALLEST_PROBABILITY
    p = generator.uniform(low, 1 - low, form.shape)
    y = _binary_labels(generator, form.shape)
    # 1 - p has the absolute error of p, and both losses divide by it.
    arrays, scale = {}, 1 / (p * (1 - p))
    if "sample_weight" in form.options:
        arrays["sample_weight"] = _sample_weight(generator, form)
        scale = scale * arrays["sample_weight"]
    inputs = {"probs": p, "labels": y}
    return _Numbers(inputs, {}, arrays, scale, prod(form.shape))


def _draw_focal(generator: Generator, form: Form) -> _Numbers:
    x, y = _logits(generator, form.shape), _binary_labels(generator, form.shape)
    usual = generator.choice([0.0, 0.5, 1.0, 2.0, generator.uniform(0, 5)])
    drawn = {"gamma": float(usual), "alpha": float(generator.random())}
    named = {k: v for k, v in drawn.items() if k in form.options}
    # Twice (1 + gamma): once for the power, once for the factor of its derivative.
    scale = (1 + named.get("gamma", 2.0)) ** 2 * (1 + np.abs(x))
    return _Numbers({"logits": x, "labels": y}, named, {}, scale, prod(form.shape))


def _draw_cross_entropy(generator: Generator, form: Form) -> _Numbers:
    axis, classes = form.class_axis, form.shape[form.class_axis]
    rows = tuple(int(n) for n in np.delete(form.shape, axis))
    index: NDArray[Any] = np.asarray(generator.integers(0, classes, rows))
    x = _logits(generator, form.shape)
    spread = np.ptp(x, axis=axis) + 1 + np.log(classes)
    named, arrays, weight = {}, {}, np.ones(classes)
    if "class_weights" in form.options:
        weight = arrays["class_weights"] = _weights(generator, (classes,))
    if "label_smoothing" in form.options:
        named["label_smoothing"] = float(generator.uniform(0, 0.9))
    y = _one_hot(index, classes, axis)
    if form.labels == "soft":
        share = np.expand_dims(generator.random(rows), axis)
        other = np.asarray(generator.integers(0, classes, rows))
        y = share * y + (1 - share) * _one_hot(other, classes, axis)
    if "where" in form.options:
        # Excluded are classes without a share of the label.
        x = np.where((y == 0) & (generator.random(form.shape) < 0.3), -np.inf, x)
    scale = spread * weight.max()
    inputs = {"logits": x, "labels": y}
    if form.labels == "soft":
        return _Numbers(inputs, named, arrays, scale, prod(rows))
    if "ignore_index" in form.options:
        named["ignore_index"] = _ignore(generator, index, classes)
    inputs["labels"] = index
    kept = index != named.get("ignore_index", -100)
    divisor = float(np.sum(weight[np.where(kept, index, 0)] * kept))
    return _Numbers(inputs, named, arrays, scale, divisor)


def _ignore(generator: Generator, index: NDArray[Any], classes: int) -> int:
    """Marks some examples as ignored, but not all: that is a departure."""
    ignored = int(generator.choice([*IGNORED, classes - 1]))
    if classes == 1 and ignored == 0:
        ignored = IGNORED[0]
    first = index.flat[0]
    index[generator.random(index.shape) < 0.3] = ignored
    index.flat[0] = 0 if first == ignored else first
    return ignored


def _one_hot(index: NDArray[Any], classes: int, axis: int) -> Array:
    return np.moveaxis(np.eye(classes)[index], -1, axis)


_DRAW: Mapping[str, Callable[[Generator, Form], _Numbers]] = {
    BCE: _draw_bce,
    PROBS: _draw_probabilities,
    FOCAL: _draw_focal,
    CE: _draw_cross_entropy,
}
_TORCH_OPTIONS = {
    (BCE, "soft"): ("pos_weight", "sample_weight"),
    (PROBS, "soft"): ("sample_weight",),
    (FOCAL, "soft"): ("alpha", "gamma"),
    (CE, "soft"): ("class_weights", "label_smoothing"),
    (CE, "index"): ("class_weights", "label_smoothing", "ignore_index"),
}
# Options, shape and class axis.
_JAX_FORMS: Mapping[tuple[str, str], tuple[Any, ...]] = {
    (BCE, "soft"): (((), (64, 4), -1),),
    (FOCAL, "soft"): ((("alpha", "gamma"), (64, 4), -1),),
    (CE, "soft"): (
        (("where",), (64, 5), -1),
        (("label_smoothing",), (16, 5, 4), 1),
    ),
    (CE, "index"): (
        (("where",), (64, 5), -1),
        (("label_smoothing",), (16, 5, 4), 1),
    ),
}

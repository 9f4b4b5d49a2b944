"""Small trainings, one for each operation: data, model and steps are the harness's own.

Everything is NumPy in float64 but the loss, so whoever can answer for the gradient of a
sum can be trained with, in any framework and language. Plain gradient descent, whose
steps are proportional to the gradient, hides no factor.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from conformance.adapters import (
    NotImplementedOperation,
    Outputs,
    Request,
    Response,
)
from conformance.adapters.protocol import Array
from conformance.profiles.calls import STATE, Call
from conformance.profiles.derailed import (
    DerailedError,
    check_gradient,
    check_mask,
    check_state,
)
from conformance.profiles.points import (
    ADAPTIVE,
    BCE,
    CE,
    FOCAL,
    GHMC,
    GHMR,
    HEATMAP,
    MINING,
    PROBS,
    SOFTMAX,
)
from conformance.profiles.unit import WIDTH
from refimpl.mlp import Parameters, init_mlp, mlp, mlp_grad

SEED = 20240611
STEPS = 40
FEATURES, HIDDEN, CLASSES = 4, 8, 4
# Of the examples, one in six is positive; of the classes, each is half of the last.
POSITIVES = WIDTH // 6
# Of a gradient harmonised loss, by default.
BINS = 10
# How much more the mined examples count.
MINED = 0.3


@dataclass(frozen=True)
class Course:
    """A training with one operation.

    Attributes:
        operation: Name of the operation.
        rate: Learning rate.
        options: Keyword arguments of the loss; arrays are handed over as arrays.
        outputs: Numbers that the model gives for an example.
    """

    operation: str
    rate: float
    options: Mapping[str, Any] = field(default_factory=dict)
    outputs: int = 1

    def plain(self) -> "Course":
        """The same with as few arguments as the operation takes."""
        needed = {"pos_weight"} if self.operation == ADAPTIVE else set()
        return replace(
            self, options={k: v for k, v in self.options.items() if k in needed}
        )


COURSES = {
    course.operation: course
    for course in (
        Course(BCE, 0.5, {"pos_weight": np.array(3.0), "label_smoothing": 0.125}),
        Course(FOCAL, 2.0, {"alpha": 0.25, "gamma": 1.5}),
        Course(ADAPTIVE, 0.5, {"pos_weight": np.array(5.0), "gamma": 2.0}),
        Course(PROBS, 0.5),
        Course(HEATMAP, 0.5),
        Course(CE, 0.5, {"class_weights": np.array([1.0, 2, 5, 0.25])}, CLASSES),
        Course(SOFTMAX, 0.5, {"gamma": 1.5}, CLASSES),
        Course(GHMC, 0.05, {"momentum": 0.75}),
        # Not the default of mu, with which a step leaps over what is to be learned.
        Course(GHMR, 0.02, {"momentum": 0.75, "mu": 0.5}),
        Course(MINING, 0.5, {"fraction": 0.2}),
    )
}


class UnansweredError(Exception):
    """The implementation gave no gradient."""

    def __init__(self, response: Response) -> None:
        super().__init__(repr(response))
        self.response = response


def first_parameters(course: Course) -> Parameters:
    """Draws the weights that every training with the operation begins with."""
    generator = np.random.default_rng([SEED, 1])
    return init_mlp(generator, (FEATURES, HIDDEN, course.outputs))


def walk(
    course: Course,
    parameters: Parameters,
    dtype: str,
    ask: Callable[[Request], Response],
    form: Mapping[str, str],
) -> tuple[list[Array], list[float]]:
    """Trains.

    Args:
        course: What with.
        parameters: First weights.
        dtype: Dtype in which the loss is asked for.
        ask: Who answers for the loss.
        form: Device and transform of the requests.

    Returns:
        All parameters in one row and the mean loss, after every step.

    Raises:
        UnansweredError: The implementation did not answer.
        DerailedError: It did, but not so that the training can go on.
    """
    features, targets = _data(course)
    state: dict[str, Array] = {}
    rows, losses = [], []
    for step in range(1, STEPS + 1):
        output, inputs = mlp(parameters, features)
        try:
            loss, slope, state = _step(course, output, targets, dtype, ask, form, state)
        except DerailedError as error:
            raise DerailedError(f"after step {step} of {STEPS} {error}") from error
        steps = mlp_grad(parameters, inputs, slope / len(features))
        parameters = [
            p - course.rate * g for p, g in zip(parameters, steps, strict=True)
        ]
        rows.append(np.concatenate([p.ravel() for p in parameters]))
        losses.append(loss)
    return rows, losses


def _data(course: Course) -> tuple[Array, Array]:
    """Clouds around one centre for each class, and what is to be learned of them."""
    generator = np.random.default_rng([SEED, 0])
    if course.outputs == 1:
        labels = (np.arange(WIDTH) < POSITIVES).astype(float)
    else:
        labels = np.floor(np.log2(np.arange(WIDTH) + 1) * CLASSES / 10).astype(float)
    centres = generator.normal(size=(CLASSES, FEATURES))
    features = generator.normal(size=(WIDTH, FEATURES)) + centres[labels.astype(int)]
    if course.operation == HEATMAP:
        # Peaks, and heights that fall off towards 0 around them.
        labels = np.where(labels == 1, 1.0, np.arange(WIDTH) % 8 / 16)
    if course.operation == GHMR:
        labels = np.tanh(features[:, 0]) + labels
    return features, labels


def _step(
    course: Course,
    output: Array,
    targets: Array,
    dtype: str,
    ask: Callable[[Request], Response],
    form: Mapping[str, str],
    state: Mapping[str, Array],
) -> tuple[float, Array, dict[str, Array]]:
    """The mean loss, the gradient of its sum for the model's output, and the state."""
    z = output[:, 0] if course.outputs == 1 else output
    if course.operation == MINING:
        # Binary cross-entropy, in which the mined examples count more.
        losses = _rounded(np.logaddexp(0, z) - targets * z, dtype)
        found = _answer(
            Call(MINING, {"losses": losses}, course.options), dtype, ask, form
        )
        mask = found["mask"]
        check_mask(mask, losses)
        weight = 1 + MINED * len(z) / mask.sum() * mask
        slope = weight * (1 / (1 + np.exp(-z)) - targets)
        return float((weight * losses).mean()), slope[:, None], {}
    first, second = {
        PROBS: ("probs", "labels"),
        HEATMAP: ("logits", "heatmap"),
        GHMR: ("predictions", "targets"),
    }.get(course.operation, ("logits", "labels"))
    p = 1 / (1 + np.exp(-z))
    given = _rounded(p if course.operation == PROBS else z, dtype)
    labels = targets.astype(np.int64) if course.outputs > 1 else targets
    call = Call(course.operation, {first: given, second: labels}, course.options)
    found = _answer(call(**state), dtype, ask, form)
    slope = found[f"grad_{first}"]
    check_gradient(slope, given)
    if course.operation == PROBS:
        slope = slope * p * (1 - p)
    loss = float(found["value"].mean())
    kept: dict[str, Any] = {name: found[name] for name in STATE if name in found}
    check_state(kept, BINS)
    if STATE[1] in kept:
        kept[STATE[1]] = kept[STATE[1]].astype(np.int64)
    return loss, slope.reshape(output.shape), kept


def _rounded(numbers: Array, dtype: str) -> Array:
    """The numbers of a dtype that are nearest, so that all are asked for the same."""
    return np.asarray(numbers.astype(dtype), np.float64)


def _answer(
    call: Call,
    dtype: str,
    ask: Callable[[Request], Response],
    form: Mapping[str, str],
) -> dict[str, Array]:
    want = call.outputs
    response = ask(call.request(dtype, form["device"], want, form["transform"]))
    if not isinstance(response, Outputs):
        raise UnansweredError(response)
    for name in want:
        if name not in response.arrays:
            raise UnansweredError(NotImplementedOperation(f"no {name}"))
    return response.arrays

"""What the reference gives for the inputs that entries state.

An input is a list of arguments and words, as in
``x = 17, y = 1, gamma = 2, float32, gradient of the label``.
"""

import json
import re

import numpy as np

import refimpl

BCE, FOCAL = "binary_cross_entropy_with_logits", "sigmoid_focal_loss"
CE, SOFTMAX = "cross_entropy", "softmax_focal_loss"
ARGUMENTS = {"x": "logits", "p": "probs", "y": "labels"}
# By what the loss is differentiated.
GRADIENTS = {
    "gradient": "",
    "gradient of the second example": "",
    "second derivative": "",
    "gradient of the label": "labels",
    "gradient of gamma": "gamma",
}
NEUTRAL = {"float16", "bfloat16", "float32", "float64", "no alpha", "sum over classes"}
STEP = 1e-3


def reference(stated, operations):
    """Returns the number that is specified for an input."""
    parts = re.split(r", (?=[a-z])", stated)
    named = dict(part.split(" = ") for part in parts if " = " in part)
    words = {part for part in parts if " = " not in part}
    unknown = words - {*GRADIENTS, *NEUTRAL, "mean", "sum"}
    if unknown:
        raise ValueError(f"{stated}: cannot read {unknown}")
    given = {ARGUMENTS.get(name, name): _read(text) for name, text in named.items()}
    operation = _operation(given, operations)
    return _asked(operation, _shaped(operation, given), words)


def _read(text):
    for old, new in (("(", "["), (")", "]"), ("inf", "Infinity"), ("nan", "NaN")):
        text = text.replace(old, new)
    return json.loads(text)


def _operation(given, operations):
    if "probs" in given:
        return "binary_cross_entropy"
    several = isinstance(given["logits"], list) and given["logits"] != []
    plain, focal = (CE, SOFTMAX) if several else (BCE, FOCAL)
    ordered = (focal, plain) if "gamma" in given else (plain, focal)
    # Over no examples, shapes are alike.
    return next(name for name in (*ordered, SOFTMAX) if name in operations)


def _shaped(operation, given):
    """Makes arrays: examples of classes, and class indices of labels."""
    first = "probs" if "probs" in given else "logits"
    x, y = (np.array(given[name], float) for name in (first, "labels"))
    if operation in (CE, SOFTMAX):
        x = x.reshape(-1, x.shape[-1] or 3)
        y = y.reshape(x.shape) if y.size == x.size else y.reshape(-1).astype(int)
    if operation == SOFTMAX and y.ndim == 2:
        # It takes indices alone; an example without a label is ignored.
        y = np.where(y.any(1), y.argmax(1), -100)
    return {**given, first: x, "labels": y}


def _asked(operation, given, words):
    first = "probs" if "probs" in given else "logits"
    x, y = given.pop(first), given.pop("labels")
    for name in given.keys() & {"class_weights", "sample_weight"}:
        given[name] = np.array(given[name], float)
    loss = getattr(refimpl, operation)
    gradient = getattr(refimpl, f"{operation}_grad")
    derived = words & {*GRADIENTS}
    if not derived:
        return float(
            loss(x, y, reduction="mean" if "mean" in words else "sum", **given)
        )
    (word,) = derived
    argument = GRADIENTS[word] or first
    place = "second" in word and "example" in word

    def slope(shift):
        return np.atleast_1d(gradient(x + shift, y, argument=argument, **given))

    if word == "second derivative":
        near, far = (slope(d)[0] - slope(-d)[0] for d in (STEP, 2 * STEP))
        return float((8 * near - far) / (12 * STEP))
    found = slope(0.0)
    found = found[1].ravel()[0] if place else found.ravel()[0]
    if "mean" in words:
        found /= loss(x, y, reduction="parts", **given)[1]
    return float(found)

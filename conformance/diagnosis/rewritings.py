"""Calls that differ from what was asked in one thing that people get wrong.

The reference answers them; where its answer is what came back, number by number, the
difference is named.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conformance.diagnosis.evidence import Evidence
from conformance.vectors import Array, SumCase, class_axis

Chain = Callable[[Array], Array]


@dataclass(frozen=True)
class Rewriting:
    """A call like the one that was asked, but for one thing.

    Attributes:
        words: What is different.
        changes: Arguments with other values; None takes one away.
        factor: What every element of the loss is multiplied by besides.
        chain: From the gradient of the changed first argument to that of the original.
        operation: The operation, if it is another one.
    """

    words: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    factor: Array | float = 1.0
    chain: Chain | None = None
    operation: str = ""


Rewritings = Iterator[Rewriting]


def rewritings(evidence: Evidence) -> Rewritings:
    """Yields every rewriting of what was asked.

    Args:
        evidence: Of one output.
    """
    case, record = evidence.unit.case, evidence.unit.record
    arguments = {**case.params, **case.arrays, **case.inputs}
    for name, rewrite in BY_ARGUMENT.items():
        if name in arguments:
            yield from rewrite(evidence, arguments[name], arguments)
    if "gamma" in record.hyperparameters:
        yield from _gamma(float(arguments.get("gamma", 2.0)))
    if "alpha" in record.hyperparameters and "alpha" not in arguments:
        yield from _absent_alpha(record.name)
    for name in ("debias", "average_over", "modulator", "smoothing"):
        if name in record.hyperparameters:
            yield from _other_choice(evidence, name, arguments)
    if record.form == "rowwise":
        yield from _rows(evidence, arguments)
    elif record.positional[0] in ("logits", "probs"):
        yield from _scores(evidence, arguments)


def _alpha(evidence: Evidence, alpha: Any, arguments: Mapping[str, Any]) -> Rewritings:
    a = float(alpha)
    if evidence.unit.operation != "sigmoid_focal_loss":
        for other in (a + 1, a - 1, 1.0, 0.0):
            if other >= 0 and other != a:
                yield Rewriting(
                    f"alpha = {other:g} in place of {a:g}", {"alpha": other}
                )
        return
    y, off = arguments["labels"], {"alpha": None}
    own = a * y + (1 - a) * (1 - y)
    swapped = f"1 - alpha = {1 - a:g} for positives in place of alpha = {a:g}"
    yield Rewriting(f"a loss without alpha = {a:g}", off)
    yield Rewriting(swapped, {"alpha": 1 - a})
    yield Rewriting(f"alpha = {a:g} on both sides", off, a)
    yield Rewriting(f"1 - alpha = {1 - a:g} on both sides", off, 1 - a)
    yield Rewriting(f"alpha = {a:g} on positives alone", off, a * y + (1 - y))
    yield Rewriting("alpha_t squared", off, own**2)


def _absent_alpha(operation: str) -> Rewritings:
    if operation == "sigmoid_focal_loss":
        yield Rewriting("alpha = 0.25, which is off by default", {"alpha": 0.25})


def _pos_weight(
    evidence: Evidence, weight: Any, arguments: Mapping[str, Any]
) -> Rewritings:
    w = np.asarray(weight, float)
    spread = w
    if w.ndim:
        shape = [1] * len(evidence.unit.case.shape)
        shape[arguments.get("class_axis", -1)] = w.size
        spread = w.reshape(shape)
        if arguments.get("class_axis", -1) != -1:
            yield Rewriting("pos_weight along the last axis", {"class_axis": -1})
    one, shown = np.ones_like(w), f"{w:g}" if not w.ndim else "of each class"
    yield Rewriting(f"a loss without pos_weight {shown}", {"pos_weight": one})
    yield Rewriting(f"pos_weight {shown} on both terms", {"pos_weight": one}, spread)
    yield Rewriting(f"pos_weight {shown} squared", {"pos_weight": w**2})
    if (w > 0).all():
        yield Rewriting(f"1 / pos_weight {shown}", {"pos_weight": 1 / w})
        other = f"pos_weight {shown} on the term of the negatives"
        yield Rewriting(other, {"pos_weight": 1 / w}, spread)


def _sample_weight(_: Evidence, weight: Any, __: Mapping[str, Any]) -> Rewritings:
    yield Rewriting("a loss without sample_weight", {"sample_weight": None})
    yield Rewriting("sample_weight squared", {"sample_weight": np.square(weight)})
    total = float(np.sum(weight))
    if total:
        mean = total / np.size(weight)
        words = f"sample_weight over its mean {mean:.4g}"
        yield Rewriting(words, {"sample_weight": weight / mean})


def _class_weights(
    evidence: Evidence, weight: Any, arguments: Mapping[str, Any]
) -> Rewritings:
    w = np.asarray(weight, float)
    total = float(w.sum())
    yield Rewriting("a loss without class_weights", {"class_weights": None})
    yield Rewriting("class_weights squared", {"class_weights": w**2})
    yield Rewriting(
        f"class_weights over their sum {total:g}", {"class_weights": w / total}
    )
    yield Rewriting(
        f"class_weights over their mean {total / w.size:.4g}",
        {"class_weights": w * w.size / total},
    )
    if (w > 0).all():
        yield Rewriting("1 / class_weights", {"class_weights": 1 / w})
    labels, record = arguments["labels"], evidence.unit.record
    if "sample_weight" in record.array_arguments and labels.ndim == len(
        evidence.unit.case.shape
    ):
        own = w[np.clip(labels, 0, w.size - 1).astype(int)]
        own = own * arguments.get("sample_weight", 1.0)
        words = "the smoothed loss times the weight of the label"
        yield Rewriting(words, {"class_weights": None, "sample_weight": own})


def _gamma(gamma: float) -> Rewritings:
    for other in dict.fromkeys((0.0, gamma - 1, gamma + 1, gamma / 2, 2 * gamma, 2.0)):
        if other >= 0 and other != gamma:
            yield Rewriting(
                f"gamma = {other:g} in place of {gamma:g}", {"gamma": other}
            )


def _beta(_: Evidence, beta: Any, __: Mapping[str, Any]) -> Rewritings:
    b = float(beta)
    for other in (0.0, b - 1, b + 1):
        if other >= 0 and other != b:
            yield Rewriting(f"beta = {other:g} in place of {b:g}", {"beta": other})


def _smoothing(_: Evidence, share: Any, __: Mapping[str, Any]) -> Rewritings:
    s = float(share)
    yield Rewriting(f"a loss without label_smoothing = {s:g}", {"label_smoothing": 0.0})
    for other, words in ((2 * s, "twice"), (s / 2, "half")):
        if 0 < other < 1:
            yield Rewriting(
                f"{words} label_smoothing = {s:g}", {"label_smoothing": other}
            )


def _momentum(_: Evidence, momentum: Any, __: Mapping[str, Any]) -> Rewritings:
    words = f"counts that are not averaged, with momentum = {momentum:g}"
    yield Rewriting(words, {"momentum": 0.0})


OTHER = {
    "debias": {
        True: (False, "an average that starts at 0: 1/(1 - m) in the first batch"),
        False: (True, "a debiased average, divided by 1 - m^t"),
    },
    "average_over": {
        "nonempty": ("bins", "the average over all bins, also the empty ones"),
        "bins": ("nonempty", "the average over the bins that are not empty"),
    },
    "modulator": {
        "probability": ("weighted_loss", "a modulator from the weighted loss"),
        "weighted_loss": ("probability", "a modulator from the probability"),
    },
    "smoothing": {
        "uniform": ("off_target", "s/(K - 1) on the other classes, not s/K on all"),
        "off_target": ("uniform", "s/K on all classes, not s/(K - 1) on the others"),
    },
}


def _other_choice(
    evidence: Evidence, name: str, arguments: Mapping[str, Any]
) -> Rewritings:
    default = evidence.unit.record.hyperparameters[name][0]
    chosen, words = OTHER[name][arguments.get(name, default)]
    yield Rewriting(words, {name: chosen})


def _scores(evidence: Evidence, arguments: Mapping[str, Any]) -> Rewritings:
    """What is mistaken for what, where an element has one score."""
    first, second = evidence.unit.record.positional
    x, y = arguments[first], arguments[second]
    if first == "probs":
        yield Rewriting(
            "probabilities taken as logits",
            {"probs": None, "logits": x},
            operation="binary_cross_entropy_with_logits",
        )
        yield Rewriting("labels 1 - y", {second: 1 - y})
        return
    p = 1 / (1 + np.exp(-x))
    yield Rewriting(
        "a sigmoid taken twice", {first: p}, chain=lambda g: g * p * (1 - p)
    )
    if second == "labels":
        yield Rewriting("labels 1 - y", {second: 1 - y})
    yield Rewriting("logits of the other sign", {first: -x}, chain=lambda g: -g)


def _rows(evidence: Evidence, arguments: Mapping[str, Any]) -> Rewritings:
    """What is mistaken for what, where an example has classes."""
    x, y, case = arguments["logits"], arguments["labels"], evidence.unit.case
    axis = class_axis(case)
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    p = e / e.sum(axis=axis, keepdims=True)
    yield Rewriting(
        "a softmax taken twice",
        {"logits": p},
        chain=lambda g: p * (g - (g * p).sum(axis=axis, keepdims=True)),
    )
    yield Rewriting("logits of the other sign", {"logits": -x}, chain=lambda g: -g)
    if y.ndim == x.ndim:
        return
    classes, ignored = x.shape[axis], y == arguments.get("ignore_index", -100)
    for words, labels in (
        ("labels counted from 1", y - 1),
        ("labels one too high", y + 1),
        ("classes in reverse", classes - 1 - y),
    ):
        yield Rewriting(words, {"labels": np.where(ignored, y, labels % classes)})


BY_ARGUMENT: Mapping[str, Callable[[Evidence, Any, Mapping[str, Any]], Rewritings]] = {
    "alpha": _alpha,
    "beta": _beta,
    "pos_weight": _pos_weight,
    "sample_weight": _sample_weight,
    "class_weights": _class_weights,
    "label_smoothing": _smoothing,
    "momentum": _momentum,
}


def tiled(evidence: Evidence) -> bool:
    """Whether the case is too long to be asked again and again."""
    case = evidence.unit.case
    return isinstance(case, SumCase) and case.tile > LONGEST


# Longer sums are failed by what fails shorter ones.
LONGEST = 1100

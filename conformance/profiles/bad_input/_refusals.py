"""Arguments that must be refused by name, whatever the numbers in them.

The texts are those of the project's own implementations, the same in all of them; from
others the kind of exception is enough.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from conformance.profiles.calls import Call
from conformance.profiles.points import (
    INDEX,
    PROBABILITIES,
    ROWS,
    adaptive,
    bce,
    ce,
    focal,
    ghmc,
    ghmr,
    heatmap,
    mining,
    probs,
    softmax,
)

TYPE, VALUE = "TypeError", "ValueError"
FLOATING = "must have dtype float16, bfloat16, float32 or float64"
SCALAR = "must be a number or a 0-d array"
INTEGER = "must be an integer"
# Bad number, and what is expected instead.
EXPONENT = ((-1.0, "finite and >= 0"), (np.nan, "finite and >= 0"))
WEIGHT = ((-1.0, "finite and >= 0"), (np.inf, "finite and >= 0"))
SHARE = ((1.0, "in [0, 1)"), (-0.125, "in [0, 1)"))
PORTION = ((1.5, "in [0, 1]"), (-0.25, "in [0, 1]"))
POSITIVE = ((0.0, "finite and > 0"), (-0.5, "finite and > 0"))
CHOICES = {
    "reduction": "'none', 'sum', 'mean', 'parts'",
    "modulator": "'probability', 'weighted_loss'",
    "smoothing": "'uniform', 'off_target'",
    "normalizer": "'weights', 'count'",
    "average_over": "'nonempty', 'bins'",
}


class Refusal(NamedTuple):
    """A call, and how it must be refused.

    Attributes:
        call: The call.
        name: What is wrong with it, in a few words.
        error: Name of the exception.
        text: Its text.
    """

    call: Call
    name: str
    error: str
    text: str


def choice(call: Call, name: str) -> Iterator[Refusal]:
    """A word that is none of those known, and something that is no word."""
    for bad in ("other", 1):
        text = f"{name} must be one of {CHOICES[name]}, got {bad!r}."
        yield Refusal(call(**{name: bad}), f"{name} {bad}", VALUE, text)


def number(
    call: Call, name: str, bad: tuple[tuple[float, str], ...]
) -> Iterator[Refusal]:
    """Numbers out of range, and what is no number."""
    for value, expected in bad:
        text = f"{name} must be {expected}, got {value!r}."
        yield Refusal(call(**{name: value}), f"{name} {value}", VALUE, text)
    expected = "must be a number or an array" if name == "pos_weight" else SCALAR
    text = f"{name} {expected}, got '0.5'."
    yield Refusal(call(**{name: "0.5"}), f"{name} as text", TYPE, text)
    if name != "pos_weight":
        several = call(**{name: np.full(3, 0.5)})
        text = f"{name} {SCALAR}, got an array of shape (3,)."
        yield Refusal(several, f"{name} as three numbers", TYPE, text)


def scores(call: Call, name: str) -> Iterator[Refusal]:
    """What is no array of floating-point numbers."""
    array = call.inputs[name]
    for what, dtype in (("integers", np.int64), ("complex numbers", np.complex128)):
        text = f"{name} {FLOATING}, got {np.dtype(dtype)}."
        yield Refusal(call(**{name: array.astype(dtype)}), f"{name} {what}", TYPE, text)
    yield as_list(call, name)


def as_list(call: Call, name: str, also: str = "") -> Refusal:
    """A list, which no framework's array functions take."""
    text = f"{name} must be an array{also}, got list."
    return Refusal(call(**{name: [1.0, 0.5]}), f"{name} as a list", TYPE, text)


def pair(call: Call) -> Iterator[Refusal]:
    """Scores and labels that do not belong together."""
    first, second = call.inputs
    labels = call.inputs[second]
    yield from scores(call, first)
    for what, shape in (("one more axis", (12, 1)), ("two axes", (3, 4))):
        text = f"{first} and {second} must have the same shape, got (12,) and {shape}."
        bad = call(**{second: labels.reshape(shape)})
        yield Refusal(bad, f"{second} with {what}", VALUE, text)
    shorter = f"{first} and {second} must have the same shape, got (12,) and (6,)."
    yield Refusal(call(**{second: labels[:6]}), f"fewer {second}", VALUE, shorter)
    text = f"{second} must be real, got complex128."
    yield Refusal(
        call(**{second: labels.astype(np.complex128)}), f"{second} complex", TYPE, text
    )
    yield as_list(call, second)


def weight(call: Call, name: str, shape: tuple[int, ...]) -> Iterator[Refusal]:
    """A weight of each example that is not one of each example."""
    for bad in ((shape[0] - 1,), (shape[0], 1)):
        text = f"{name} must have shape {shape}, got {bad}."
        yield Refusal(call(**{name: np.ones(bad)}), f"{name} shape {bad}", VALUE, text)
    text = f"{name} must be an array or None, got float."
    yield Refusal(call(**{name: 2.0}), f"{name} as a number", TYPE, text)
    yield as_list(call, name, " or None")


def mask(call: Call, name: str) -> Iterator[Refusal]:
    """A mask that is none, or of something else."""
    text = f"{name} must be boolean, got float64."
    yield Refusal(call(**{name: np.ones(12)}), f"{name} of numbers", TYPE, text)
    text = f"{name} must have shape (12,), got (6,)."
    yield Refusal(call(**{name: np.ones(6, bool)}), f"shorter {name}", VALUE, text)
    yield as_list(call, name, " or None")


def class_axis(call: Call) -> Iterator[Refusal]:
    """An axis that the logits do not have."""
    shape = call.inputs["logits"].shape
    for bad in (len(shape), -len(shape) - 1):
        text = (
            f"class_axis must be in [{-len(shape)}, {len(shape) - 1}] "
            f"for logits of shape {shape}, got {bad}."
        )
        yield Refusal(call(class_axis=bad), f"class_axis {bad}", VALUE, text)
    for other in (0.0, True):
        text = f"class_axis {INTEGER}, got {other!r}."
        yield Refusal(call(class_axis=other), f"class_axis {other}", TYPE, text)


def pos_weight(call: Call) -> Iterator[Refusal]:
    """A weight that is neither one number nor one of each class."""
    yield from number(call, "pos_weight", WEIGHT)
    for shape in ((5,), (12, 1)):
        text = (
            "pos_weight must be a scalar or have shape (12,), one value per class "
            f"along class_axis=-1, got shape {shape}."
        )
        bad = call(pos_weight=np.ones(shape))
        yield Refusal(bad, f"pos_weight shape {shape}", VALUE, text)


def classes(call: Call) -> Iterator[Refusal]:
    """Labels, weights and options that do not fit the classes."""
    yield from scores(call, "logits")
    yield Refusal(
        call(logits=np.array(0.5), labels=np.array(0)),
        "logits without axes",
        VALUE,
        "logits must have a class axis, got shape ().",
    )
    yield as_list(call, "labels")
    for bad in (INDEX[:3], INDEX[:, None]):
        text = (
            "labels must have shape (6,) as class indices for logits of shape (6, 4) "
            f"with class_axis=-1, got {bad.shape}."
        )
        yield Refusal(call(labels=bad), f"labels shape {bad.shape}", VALUE, text)
    for shape in ((3,), (1, 4)):
        text = f"class_weights must have shape (4,), one value per class, got {shape}."
        bad = call(class_weights=np.ones(shape))
        yield Refusal(bad, f"class_weights shape {shape}", VALUE, text)
    yield as_list(call, "class_weights", " or None")
    text = f"ignore_index {INTEGER}, got -100.0."
    yield Refusal(call(ignore_index=-100.0), "ignore_index as a float", TYPE, text)
    yield from class_axis(call)
    yield from choice(call, "normalizer")


def kinds_of_labels() -> Iterator[Refusal]:
    """Labels that are neither indices nor probabilities, or not those they say."""
    kinds = "class indices (integers) or probabilities (floating)"
    for labels in (INDEX == 1, PROBABILITIES.astype(np.complex128)):
        text = f"labels must be {kinds}, got {labels.dtype}."
        yield Refusal(ce(labels=labels), f"labels {labels.dtype}", TYPE, text)
    hint = " Class indices must be integers."
    for labels, also in ((PROBABILITIES[:, :3], ""), (INDEX.astype(float), hint)):
        text = (
            "labels must have shape (6, 4) as probabilities for logits of shape (6, 4) "
            f"with class_axis=-1, got {labels.shape}.{also}"
        )
        name = f"probabilities shape {labels.shape}"
        yield Refusal(ce(labels=labels), name, VALUE, text)
    for labels in (INDEX == 1, PROBABILITIES):
        text = f"labels must be class indices (integers), got {labels.dtype}."
        yield Refusal(softmax(labels=labels), f"labels {labels.dtype}", TYPE, text)


def density(call: Call) -> Iterator[Refusal]:
    """Options of a gradient density that make no sense."""
    text = "bins must be >= 1, got 0."
    yield Refusal(call(bins=0), "bins 0", VALUE, text)
    for bad in (2.5, True):
        yield Refusal(
            call(bins=bad), f"bins {bad}", TYPE, f"bins {INTEGER}, got {bad}."
        )
    yield from number(call, "momentum", SHARE)
    yield from choice(call, "average_over")
    yield from mask(call, "sample_mask")
    flags: tuple[tuple[str, Any, str], ...] = (
        ("debias", 1, "True or False"),
        ("reduce_counts", 3, "None or callable"),
        ("state", 3.0, "None or a pair (counts, updates)"),
    )
    for name, bad, expected in flags:
        text = f"{name} must be {expected}, got {bad}."
        yield Refusal(call(**{name: bad}), f"{name} as a number", TYPE, text)
    for name, counts in (("counts", 3), ("updates", 10)):
        state = {"state_counts": np.zeros(counts), "state_updates": np.zeros(3, int)}
        text = f"state {name} must have shape (10,), one value per bin, got (3,)."
        yield Refusal(call(**state), f"state {name} of fewer bins", VALUE, text)


def selection() -> Iterator[Refusal]:
    """Losses that cannot be ranked, and shares of them."""
    yield from scores(mining, "losses")
    for shape in ((12, 1), ()):
        text = f"losses must have one axis, got shape {shape}."
        losses = np.resize(mining.inputs["losses"], shape)
        yield Refusal(mining(losses=losses), f"losses shape {shape}", VALUE, text)
    for bad in (0.0, -0.25, 1.5, np.nan):
        text = f"fraction must be in (0, 1], got {bad!r}."
        yield Refusal(mining(fraction=bad), f"fraction {bad}", VALUE, text)
    text = "fraction must be a number, got '0.5'."
    yield Refusal(mining(fraction="0.5"), "fraction as text", TYPE, text)


def refusals() -> Iterator[Refusal]:
    """Yields every call that must be refused."""
    for call in (bce, focal, adaptive, probs, heatmap, ghmc, ghmr):
        yield from pair(call)
        yield from choice(call, "reduction")
    for call in (bce, focal):
        yield from class_axis(call)
        yield from weight(call, "sample_weight", (12,))
    yield from weight(probs, "sample_weight", (12,))
    for call in (bce, focal, adaptive):
        yield from pos_weight(call)
    for call in (bce, ce):
        yield from number(call, "label_smoothing", SHARE)
    for call in (focal, adaptive, softmax):
        yield from number(call, "gamma", EXPONENT)
    yield from number(focal, "alpha", PORTION)
    for name in ("alpha", "beta"):
        yield from number(heatmap, name, EXPONENT)
    yield from mask(heatmap, "pos_mask")
    yield from choice(adaptive, "modulator")
    for call in (ce, softmax):
        yield from classes(call)
        yield from choice(call, "reduction")
    yield from weight(ce, "sample_weight", ROWS.shape[:1])
    yield from choice(ce, "smoothing")
    yield from kinds_of_labels()
    for call in (ghmc, ghmr):
        yield from density(call)
    yield from number(ghmr, "mu", POSITIVE)
    yield from selection()

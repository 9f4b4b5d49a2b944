"""What half precision does to the numbers of a training."""

import math

import numpy as np
from scipy.special import expit

from conformance.doctor.checks.forms import FORMS
from conformance.doctor.checks.labels import BAD_LABELS
from conformance.doctor.findings import Seen, Severity, check
from conformance.scores import Array, Scores
from refimpl.bce import binary_cross_entropy_with_logits
from refimpl.cross_entropy import cross_entropy

LARGEST = 65504.0
# Half of the smallest subnormal float16: what is below becomes 0.
VANISHING = 2.0**-25
TINY = 1e-30
# Half of the distance from 1 to the next number below it: subtracted, it leaves 1.
UNIT = {"float16": 2.0**-12, "bfloat16": 2.0**-9, "float32": 2.0**-25}
SMALLEST = {"float16": 2.0**-24, "bfloat16": 2.0**-133, "float32": 2.0**-149}
# Share of gradients of negatives from which on it matters that they vanish.
LOST = 0.5


@check(
    "half-precision-overflow",
    Severity.WRONG,
    title="The scaled loss overflows float16",
    cause="Loss, scale and weight multiply, and float16 ends at 65504.",
    remedy="Compute the loss in float32, lower the scale, or train in bfloat16.",
    reference="claim D8",
    after=("nonfinite-scores", *BAD_LABELS, "bad-weights"),
)
def half_precision_overflow(scores: Scores) -> Seen | None:
    """The largest loss of a step times the scale, in float16."""
    scale = scores.told.get("loss_scale")
    # Scaling is there for float16; bfloat16 has the range of float32.
    if scale is None or scores.told.get("dtype", "float16") != "float16":
        return None
    losses = scores.told.get("losses")
    if losses is not None and np.isfinite(losses).any():
        loss, name = float(losses[np.isfinite(losses)].max()), "the highest loss"
    else:
        loss, name = float(np.mean(_losses(scores))), "the weighted mean loss"
    product = loss * scale
    if not product > LARGEST:
        return None
    highest = _power_below(LARGEST / loss)
    keep = f"keep the scale at {highest:g} or below, " if highest >= 1 else ""
    return Seen(
        f"{scale:g} times {name}, {loss:.4g}, is {product:.4g}, above 65504.",
        {"product": product, "loss": loss, "loss_scale": scale},
        f"Compute the loss in float32, {keep}or train in bfloat16.",
    )


def _power_below(value: float) -> float:
    """The highest power of two that is not above a positive number."""
    return 2.0 ** math.floor(math.log2(value)) if 0 < value < math.inf else value


def _losses(scores: Scores) -> Array:
    """Losses of the examples with the weights that the file tells."""
    told = scores.told
    if scores.task == "multiclass":
        labels = scores.labels.astype(np.int64)
        values = scores.values
        if scores.kind == "probabilities":
            values = np.log(np.clip(values, VANISHING, None))
        weights = told.get("class_weights")
        return cross_entropy(
            values, labels, class_weights=weights, reduction="none", normalizer="count"
        )
    return binary_cross_entropy_with_logits(
        scores.logits, scores.truth, pos_weight=told.get("pos_weight"), reduction="none"
    )


@check(
    "epsilon-vanishes",
    Severity.WRONG,
    title="The epsilon is lost in this precision",
    cause="An epsilon that float32 keeps is rounded away in 1 - epsilon, or "
    "is 0 itself: the logarithm of 0 is back.",
    remedy="Use the loss of logits, which needs no epsilon, and compute it in float32.",
    reference="ASL #53; claim D3",
)
def epsilon_vanishes(scores: Scores) -> Seen | None:
    """An epsilon below the rounding of its type."""
    epsilon, dtype = scores.told.get("epsilon"), scores.told.get("dtype")
    if epsilon is None or dtype not in UNIT or not epsilon > 0:
        return None
    if epsilon > UNIT[dtype]:
        return None
    lost = f"1 - {epsilon:g} is 1"
    if epsilon <= SMALLEST[dtype] / 2:
        lost += f", and {epsilon:g} itself is 0"
    return Seen(
        f"In {dtype}, {lost}: 1 notices only what is above {UNIT[dtype]:.2g}.",
        {"epsilon": epsilon, "least": UNIT[dtype]},
    )


@check(
    "gradient-underflow",
    Severity.WARNING,
    title="Gradients of easy negatives are 0 in float16",
    cause="The gradient of a mean is divided by the number of elements, and float16 "
    "ends at 6e-8.",
    remedy="Scale the loss.",
    reference="PyTorch, loss scaling: https://pytorch.org/docs/stable/amp.html",
    after=(*FORMS, *BAD_LABELS, "bad-weights"),
)
def gradient_underflow(scores: Scores) -> Seen | None:
    """Gradients of negatives that round to 0, each divided by the batch."""
    told = scores.told
    if scores.task == "multiclass" or told.get("dtype") != "float16":
        return None
    batch = told.get("batch_size", float(scores.values.size))
    scale = told.get("loss_scale", 1.0)
    slopes = expit(scores.logits[~scores.truth]) * scale / batch
    if not slopes.size:
        return None
    lost = float((slopes <= VANISHING).mean())
    if lost < LOST:
        return None
    # So that the gradient of one negative in a hundred is lost, unless losses overflow.
    needed = VANISHING * scale / max(float(np.quantile(slopes, 0.01)), TINY)
    most = LARGEST / max(float(np.mean(_losses(scores))), TINY)
    power = _power_below(min(2 * needed, most))
    return Seen(
        f"{lost:.1%} of the gradients of negatives round to 0: they are "
        f"{np.median(slopes):.2g} in the middle, divided by {batch:g} elements, and "
        f"scaled by {scale:g}.",
        {"lost": lost, "batch_size": batch, "loss_scale": scale},
        f"Scale the loss by {power:g}, or train in bfloat16.",
    )

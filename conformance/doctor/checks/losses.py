"""What the losses of the training steps tell."""

import math

import numpy as np
from numpy.typing import NDArray

from conformance.diagnosis.clamps import explain_number
from conformance.doctor.findings import Seen, Severity, check
from conformance.doctor.statistics import entropy
from conformance.scores import Array, Scores

# A loss that repeats to this is the same.
SAME = 1e-6
# Times that a loss must come back: three of a real training agree by no chance. Losses
# that were rounded do, and then those beside it come back likewise.
TIMES, SHARE = 3, 1e-3
# How many on either side, and their greatest relative distance.
NEXT, NEAR = 5, 0.01
# Steps without which nothing can be said, and the range of what does not move.
STEPS, STUCK = 10, 1e-3


@check(
    "nonfinite-losses",
    Severity.WRONG,
    title="Losses are NaN or infinite",
    cause="An overflow in half precision, a logarithm of 0, or a large weight.",
    remedy="Use the loss of logits, and skip steps whose gradient is not finite. "
    "Clipping does not cure it: a NaN stays a NaN.",
    reference="claim A9; kornia #918, optax #1267",
)
def nonfinite_losses(scores: Scores) -> Seen | None:
    """The first step from which on losses are no numbers."""
    losses = scores.told.get("losses")
    if losses is None or np.isfinite(losses).all():
        return None
    bad = ~np.isfinite(losses)
    return Seen(
        f"{bad.sum()} of {losses.size} losses are not finite, the first at step "
        f"{int(bad.argmax()) + 1}.",
        {"bad": int(bad.sum()), "step": int(bad.argmax()) + 1},
    )


@check(
    "magic-loss",
    Severity.WRONG,
    title="The loss ends at a clamp",
    cause="A logarithm was kept above some epsilon. Where it is, the gradient is 0: "
    "the examples that are most wrong teach nothing.",
    remedy="Use the loss of logits, which needs no clamp.",
    reference="claim D3; conformance diagnose NUMBER",
)
def magic_loss(scores: Scores) -> Seen | None:
    """A number that comes back, and that a known clamp leaves."""
    found = repeated(_finite(scores))
    known = [(value, times, explain_number(value)) for value, times in found]
    known = [one for one in known if one[2]]
    if not known:
        return None
    value, times, words = max(known, key=lambda one: one[1])
    return Seen(
        f"{times} steps have the same loss. {' '.join(words)}.",
        {"loss": value, "times": times},
    )


@check(
    "stuck-loss",
    Severity.WRONG,
    title="The loss does not move",
    cause="Nothing is learned: a gradient of 0, a learning rate of 0 (a warm-up of "
    "epoch / 10 has it in the whole first epoch), or parameters that the optimiser "
    "does not have.",
    remedy="See whether gradients and updates are 0, and start warm-up at 1 / 10.",
    reference="claim D10; ocannl #523",
    after=("magic-loss", "nonfinite-losses"),
)
def stuck_loss(scores: Scores) -> Seen | None:
    """Losses within a thousandth of each other."""
    losses = _finite(scores)
    if losses.size < STEPS:
        return None
    middle, spread = float(np.median(losses)), float(np.ptp(losses))
    if spread > STUCK * abs(middle):
        return None
    return Seen(
        f"{losses.size} losses are all {middle:.4g}, within {spread:.2g}. "
        f"{_guess(scores, middle)}".rstrip(),
        {"loss": middle, "range": spread},
    )


def _guess(scores: Scores, loss: float) -> str:
    """Names the guess without knowledge that costs this much."""
    for name, value in ignorant(scores).items():
        if abs(loss - value) <= 0.01 * value:
            return f"It is {name}."
    return ""


def ignorant(scores: Scores) -> dict[str, float]:
    """Losses of guesses without knowledge, by what they are.

    Args:
        scores: With labels, which tell the rate of positives.
    """
    if scores.task == "multiclass":
        words = f"log {scores.classes}, the loss of the same probability for all"
        return {words: math.log(scores.classes)}
    known = {"log 2, the loss of a probability of one half for all": math.log(2.0)}
    if scores.task == "binary":
        rate = scores.columns[0].rate
        known["the loss of guessing the rate of positives for all"] = entropy(rate)
    return known


def repeated(losses: Array) -> list[tuple[float, int]]:
    """Finds losses that come back.

    Args:
        losses: Finite, in any order.

    Returns:
        Each that comes much oftener than those beside it, and how often.
    """
    if not losses.size:
        return []
    ordered = np.sort(losses)
    gaps = np.diff(ordered) > SAME * np.abs(ordered[1:])
    starts = np.flatnonzero(np.append(True, gaps))
    times = np.diff(np.append(starts, ordered.size))
    values = ordered[starts + times // 2]
    often = times >= np.maximum(TIMES * _beside(values, times), SHARE * losses.size)
    return [(float(values[k]), int(times[k])) for k in np.flatnonzero(often)]


def _beside(values: Array, times: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often the next values come, at most; 1 where none is near."""
    most = np.ones_like(times)
    for step in range(1, NEXT + 1):
        near = values[step:] - values[:-step] <= NEAR * np.abs(values[step:])
        lower, upper = times[:-step] * near, times[step:] * near
        most[:-step] = np.maximum(most[:-step], upper)
        most[step:] = np.maximum(most[step:], lower)
    return most


def _finite(scores: Scores) -> Array:
    losses = scores.told.get("losses", np.empty(0)).ravel()
    return losses[np.isfinite(losses)]

"""Whether scores are what the file calls them."""

import math
from collections.abc import Mapping

import numpy as np
from scipy.special import expit

from conformance.doctor.checks.labels import BAD_LABELS
from conformance.doctor.findings import Seen, Severity, by_class, check
from conformance.doctor.statistics import (
    CHANCE,
    better,
    mean_shift,
    refuted,
)
from conformance.scores import Array, Scores

SIGMOID_OF_ONE = float(expit(1.0))
# Rounding of float16 next to 1, for what was computed in half precision.
ROUNDING = 1e-3
# Of the sum of a row, for a float16 softmax over many classes.
SUMS = 1e-2
FORMS = (
    "nonfinite-scores",
    "hard-predictions",
    "percentages-as-probabilities",
    "log-probabilities-as-probabilities",
    "logits-as-probabilities",
    "log-probabilities-as-logits",
    "probabilities-as-logits",
    "double-sigmoid",
    "double-softmax",
    "rows-do-not-sum-to-one",
)


@check(
    "nonfinite-scores",
    Severity.WRONG,
    title="Scores are NaN or infinite",
    cause="A diverged training, an overflow in half precision, or a logarithm of 0.",
    remedy="Find the first step with a gradient that is not finite. Clipping does not "
    "cure it: a NaN stays a NaN.",
    reference="claim A9",
)
def nonfinite_scores(scores: Scores) -> Seen | None:
    """NaN or infinity among the scores."""
    nans = int(np.isnan(scores.values).sum())
    infinite = int(np.isinf(scores.values).sum())
    if not nans + infinite:
        return None
    rows = ~np.isfinite(scores.values.reshape(len(scores.values), -1)).all(axis=1)
    return Seen(
        f"{nans} scores are NaN and {infinite} infinite, in {rows.sum()} of "
        f"{rows.size} examples; the first is example {int(rows.argmax())}.",
        {"nan": nans, "infinite": infinite, "examples": int(rows.sum())},
    )


@check(
    "hard-predictions",
    Severity.WRONG,
    title="Predictions instead of scores",
    cause="The file holds decisions, after a threshold or an argmax.",
    remedy="Save the scores from before the decision: nothing of calibration, "
    "thresholds or ranking can be seen in decisions.",
    reference="field scikit-learn #26193",
    after=("nonfinite-scores",),
)
def hard_predictions(scores: Scores) -> Seen | None:
    """Only 0 and 1 among the scores."""
    values = np.unique(scores.values)
    if not np.array_equal(values, (0.0, 1.0)):
        return None
    return Seen(
        f"All {scores.values.size} {scores.kind} are exactly 0 or 1.",
        {"ones": float(scores.values.mean())},
    )


def _readings(scores: Scores) -> Mapping[str, Array]:
    """What numbers outside [0, 1] may be, as the probabilities that they then mean."""
    values = scores.values
    found: dict[str, Array] = {}
    if values.max() <= ROUNDING:
        found["log-probabilities-as-probabilities"] = np.exp(np.minimum(values, 0.0))
    if values.min() >= 0 and values.max() <= 100:
        found["percentages-as-probabilities"] = values / 100
    if scores.task == "multiclass":
        return {name: p for name, p in found.items() if _off(p) <= SUMS}
    return found | {"logits-as-probabilities": expit(values)}


def _off(probabilities: Array) -> float:
    """How far the typical row is from a sum of one."""
    return float(np.median(np.abs(probabilities.sum(axis=1) - 1)))


def _outside(scores: Scores, name: str) -> Seen | None:
    """Sees probabilities outside [0, 1], if ``name`` is what they most likely are."""
    values = scores.values
    outside = (values < -ROUNDING) | (values > 1 + ROUNDING)
    if scores.kind != "probabilities" or not outside.any():
        return None
    readings = _readings(scores)
    likely = max(
        readings,
        key=lambda own: better(readings[own], scores.probabilities, scores.truth),
        default="logits-as-probabilities",
    )
    if likely != name:
        return None
    return Seen(
        f"{outside.mean():.1%} of the probabilities are outside [0, 1]: they run from "
        f"{values.min():.4g} to {values.max():.4g}.",
        {
            "outside": float(outside.mean()),
            "low": float(values.min()),
            "high": float(values.max()),
        },
    )


@check(
    "percentages-as-probabilities",
    Severity.WRONG,
    title="Per cent instead of probabilities",
    cause="Scores were multiplied by 100 for people.",
    remedy="Divide them by 100.",
    reference="claim D1: BCE needs probabilities",
    after=("nonfinite-scores",),
)
def percentages_as_probabilities(scores: Scores) -> Seen | None:
    """Scores in [0, 100] that are likelier as per cent than as logits."""
    return _outside(scores, "percentages-as-probabilities")


@check(
    "log-probabilities-as-probabilities",
    Severity.WRONG,
    title="Log-probabilities instead of probabilities",
    cause="The model ends in a log-softmax or log-sigmoid.",
    remedy="Take the exponential, or save them as logits of a softmax.",
    reference="claim D1: BCE needs probabilities",
    after=("nonfinite-scores",),
)
def log_probabilities_as_probabilities(scores: Scores) -> Seen | None:
    """Scores below 0 that are likelier as logarithms than as logits."""
    return _outside(scores, "log-probabilities-as-probabilities")


@check(
    "logits-as-probabilities",
    Severity.WRONG,
    title="Logits instead of probabilities",
    cause="The sigmoid or softmax was forgotten. A BCE of probabilities then raises "
    "on a CPU and stops a GPU with an assertion.",
    remedy="Save them as logits, and train with the loss that takes logits.",
    reference="claim D1",
    after=("nonfinite-scores",),
)
def logits_as_probabilities(scores: Scores) -> Seen | None:
    """Scores outside [0, 1] that are nothing else."""
    return _outside(scores, "logits-as-probabilities")


@check(
    "log-probabilities-as-logits",
    Severity.WRONG,
    title="Log-probabilities instead of logits",
    cause="The sigmoid of log p is p / (1 + p), at most one half: nothing passes.",
    remedy="Save the output before the log-sigmoid, or its exponential as "
    "probabilities.",
    reference="claim D1: the fused form needs logits",
    after=("nonfinite-scores", *BAD_LABELS),
)
def log_probabilities_as_logits(scores: Scores) -> Seen | None:
    """No logit above 0, and labels that the exponential explains much better."""
    if scores.task == "multiclass" or scores.kind != "logits":
        return None
    if scores.values.max() > 0:
        return None
    times = better(np.exp(scores.values), scores.probabilities, scores.truth)
    if times < -math.log(CHANCE) * scores.classes:
        return None
    return Seen(
        f"All logits are below 0, the highest is {scores.values.max():.4g}; as "
        f"log-probabilities they make the labels e^{times:.0f} times more probable.",
        {"high": float(scores.values.max()), "log_likelihood_ratio": times},
    )


@check(
    "probabilities-as-logits",
    Severity.WRONG,
    title="Probabilities fed to a loss of logits",
    cause="The model ends in a sigmoid or softmax, and the loss applies another: its "
    "output cannot leave [0, 1], so the gradient dies and nothing gets confident.",
    remedy="Remove the last activation of the model, or save as probabilities.",
    reference="claim B5; claim D1",
    after=("nonfinite-scores", "hard-predictions", *BAD_LABELS),
)
def probabilities_as_logits(scores: Scores) -> Seen | None:
    """All logits in [0, 1], and labels that refute what these mean."""
    values = scores.values
    low, high = float(values.min()), float(values.max())
    if scores.kind != "logits" or low < 0 or high > 1 or low == high:
        return None
    text = f"All logits are in [0, 1], from {low:.4g} to {high:.4g}"
    numbers = {"low": low, "high": high}
    if scores.task == "multiclass":
        off = float(np.abs(values.sum(axis=1) - 1).max())
        if off > SUMS:
            return None
        return Seen(f"{text}, and every row sums to 1.", {**numbers, "off": off})
    inner = values.reshape(len(values), -1)
    if not any(refuted(c, inner[:, k]) for k, c in enumerate(scores.columns)):
        return None
    return Seen(f"{text}; {_means(scores)}.", numbers)


def _means(scores: Scores) -> str:
    said = {
        k: f"as logits they mean a probability of {column.probabilities.mean():.3f}, "
        f"and {column.rate:.3f} are positive"
        for k, column in enumerate(scores.columns)
    }
    return by_class(scores, said)


@check(
    "double-sigmoid",
    Severity.WRONG,
    title="A sigmoid of a sigmoid",
    cause="The model ends in a sigmoid, and another was applied by the loss or for "
    "these scores: the sigmoid of [0, 1] is [0.5, 0.7311].",
    remedy="Apply the sigmoid once. If the loss applied the other, train again on "
    "logits.",
    reference="claim B5; claim D1",
    after=("nonfinite-scores", *BAD_LABELS),
)
def double_sigmoid(scores: Scores) -> Seen | None:
    """All probabilities in [0.5, 0.7311], and labels that refute them."""
    p = scores.values
    low, high = float(p.min()), float(p.max())
    inside = low >= 0.5 - ROUNDING and high <= SIGMOID_OF_ONE + ROUNDING
    if scores.task == "multiclass" or scores.kind != "probabilities" or not inside:
        return None
    if low == high:
        return None
    columns = scores.columns
    inner = [np.clip(column.logits, 0.0, 1.0) for column in columns]
    if not any(map(refuted, columns, inner)):
        return None
    rates = {
        k: f"{column.rate:.3f} are positive, not {column.probabilities.mean():.3f}"
        for k, column in enumerate(columns)
    }
    return Seen(
        f"All probabilities are in [0.5, 0.7311], from {low:.4f} to {high:.4f}; "
        f"{by_class(scores, rates)}.",
        {"low": low, "high": high},
    )


@check(
    "double-softmax",
    Severity.WRONG,
    title="A softmax of a softmax",
    cause="The model ends in a softmax, and another was applied by the loss or for "
    "these scores: of K classes none then gets more than e / (e + K - 1).",
    remedy="Apply the softmax once. If the loss applied the other, train again on "
    "logits.",
    reference="claim D1",
    after=("nonfinite-scores", *BAD_LABELS),
)
def double_softmax(scores: Scores) -> Seen | None:
    """Rows that are the softmax of a row of probabilities, and labels that refute it.

    Adding a constant to a row of logarithms to make its sum 1 gives the inner row.
    """
    p = scores.values
    if scores.task != "multiclass" or scores.kind != "probabilities" or p.min() <= 0:
        return None
    logs = np.log(p)
    inner = logs + (1 - logs.sum(axis=1, keepdims=True)) / scores.classes
    spread = np.ptp(p, axis=1).max()
    if inner.min() < -SUMS or inner.max() > 1 + SUMS or spread < ROUNDING:
        return None
    best = p.argmax(axis=1)
    confidence = p.max(axis=1)
    right = scores.labels == best
    odds = np.log(confidence) - np.log1p(-confidence)
    if not mean_shift(odds, right).significant:
        return None
    most = math.e / (math.e + scores.classes - 1)
    return Seen(
        f"No probability is above {confidence.max():.4f}, where a softmax of a softmax "
        f"ends at {most:.4f}; the mean confidence is {confidence.mean():.3f} and "
        f"{right.mean():.1%} are right.",
        {
            "high": float(confidence.max()),
            "limit": most,
            "confidence": float(confidence.mean()),
            "accuracy": float(right.mean()),
        },
    )


@check(
    "rows-do-not-sum-to-one",
    Severity.WRONG,
    title="Rows of probabilities do not sum to 1",
    cause="A sigmoid for each class where the classes exclude each other, or some "
    "classes were cut off.",
    remedy="Use a softmax; or give the labels as (N, C) of 0 and 1 if several can be "
    "true.",
    reference="specification: probabilities sum to 1 along the class axis",
    after=(
        "nonfinite-scores",
        "hard-predictions",
        "percentages-as-probabilities",
        "log-probabilities-as-probabilities",
        "logits-as-probabilities",
    ),
)
def rows_do_not_sum_to_one(scores: Scores) -> Seen | None:
    """Sums beyond rounding."""
    if scores.task != "multiclass" or scores.kind != "probabilities":
        return None
    sums = scores.values.sum(axis=1)
    off = np.abs(sums - 1) > SUMS
    if not off.any():
        return None
    return Seen(
        f"{off.mean():.1%} of the rows do not sum to 1: sums run from "
        f"{sums.min():.4g} to {sums.max():.4g}.",
        {"off": float(off.mean()), "low": float(sums.min()), "high": float(sums.max())},
    )

"""Whether the mean probability is the base rate, and which one factor moved it."""

from functools import lru_cache

import numpy as np
from scipy.special import expit, softmax

from conformance.doctor.balance import balance, sampled, used_weights
from conformance.doctor.checks.ranking import UNREADABLE
from conformance.doctor.findings import Seen, Severity, by_class, check, sentence
from conformance.doctor.posterior import declared
from conformance.doctor.statistics import SIGMAS, Shift, mean_shift, surprise
from conformance.scores import Array, Scores, against_rest

# Odds that are wrong by a quarter matter to whoever reads a probability.
MATTERS = np.log(1.25)
# Of a shift that a factor explains: models are not exact.
ALIKE, NEAR = np.log(1.15), 3.0
# Times the loss that probabilities expect of themselves. A long training ends near 4;
# no shift explains a model that is surer of itself, as after a second sigmoid.
TOO_SURE = 5.0
SMALLEST = np.finfo(np.float64).tiny
EXPLAINED = (*UNREADABLE, "reversed-scores")


@lru_cache(maxsize=1)
def _shifts(scores: Scores) -> dict[int, Shift]:
    """Classes whose mean probability is off, beyond chance and by what matters."""
    found = {
        k: mean_shift(column.logits, column.truth)
        for k, column in enumerate(scores.columns)
        if column.positives and column.negatives
    }
    return {
        k: shift
        for k, shift in found.items()
        if shift.significant and abs(shift.logit) >= MATTERS
    }


@lru_cache(maxsize=1)
def _accounted(scores: Scores) -> bool:
    """Whether what the file tells of the loss explains all of its shifts."""
    logits = declared(scores)
    if logits is None:
        return False
    corrected = logits.reshape(len(logits), -1)
    for k in _shifts(scores):
        left = mean_shift(corrected[:, k], scores.columns[k].truth)
        if left.significant and abs(left.logit) > ALIKE + SIGMAS * left.error:
            return False
    return True


def _undone(scores: Scores, power: int) -> tuple[Array, Array]:
    """Undoes balancing weights, to a power: what is left, and the weights."""
    factors = balance(scores).expected ** power
    if scores.task != "multiclass":
        return scores.logits.reshape(-1, scores.classes) - np.log(factors), factors
    logits = scores.values
    if scores.kind == "probabilities":
        logits = np.log(np.clip(logits, SMALLEST, None))
    logits = logits + power * np.log(np.maximum(scores.counts, 1))
    return against_rest(logits, np.asarray(softmax(logits, axis=1))), factors


def _explained(scores: Scores, power: int) -> dict[int, tuple[Shift, Shift, float]]:
    """Shifts that balancing weights explain: each, what is left of it, the weight."""
    shifts = _shifts(scores)
    if not shifts or not scores.counts.all():
        # Nothing balances a class that is absent.
        return {}
    logits, factors = _undone(scores, power)
    found = {}
    for k, shift in shifts.items():
        left = mean_shift(logits[:, k], scores.columns[k].truth)
        within = ALIKE + NEAR * shift.error
        # A factor near 1 would explain what is nearly right.
        if not abs(left.logit) <= within < abs(shift.logit - left.logit):
            continue
        if surprise(expit(logits[:, k]), scores.columns[k].truth) <= TOO_SURE:
            found[k] = shift, left, float(factors[k])
    # Classes that exclude each other are shifted all by one cause.
    return found if scores.task != "multiclass" or found.keys() == shifts.keys() else {}


def _say(
    scores: Scores, found: dict[int, tuple[Shift, Shift, float]], what: str
) -> Seen:
    said, numbers = {}, {}
    for k, (shift, left, factor) in found.items():
        said[k] = (
            f"{_off(scores, k, shift)}; without {what}, {factor:.4g}, it is "
            f"{-left.logit:+.2f}"
        )
        name = scores.names[k]
        numbers |= {f"shift {name}": -shift.logit, f"error {name}": shift.error}
        numbers |= {f"factor {name}": factor, f"left {name}": -left.logit}
    return Seen(sentence(by_class(scores, said)), numbers)


def _off(scores: Scores, k: int, shift: Shift) -> str:
    column = scores.columns[k]
    return (
        f"the mean probability is {column.probabilities.mean():.3g} and the base rate "
        f"{column.rate:.3g}: logits are {-shift.logit:+.2f} +- {shift.error:.2f} off"
    )


@check(
    "double-correction-measured",
    Severity.WRONG,
    title="Logits are shifted by twice the imbalance",
    cause="Two corrections of the same imbalance multiply, such as a sampler and a "
    "weight.",
    remedy="Keep one of the two.",
    reference="claim C5",
    after=(*EXPLAINED, "double-correction"),
)
def double_correction_measured(scores: Scores) -> Seen | None:
    """A shift by the square of what balances the classes."""
    if _accounted(scores):
        return None
    found = _explained(scores, 2)
    return _say(scores, found, "the square of the balancing weight") if found else None


@check(
    "weighted-probabilities",
    Severity.INFO,
    title="Probabilities are those of the weighted loss",
    cause="A loss with weights, smoothing or focusing has another minimiser than the "
    "posterior: pos_weight w moves logits by log w.",
    remedy="Before they are read as probabilities, calibrate them with refimpl.links; "
    "or decide by a threshold that was searched on them.",
    reference="jrzaurin/LightGBM-with-Focal-Loss #2; claim B3",
    after=(*EXPLAINED, "double-correction", "inverted-pos-weight"),
)
def weighted_probabilities(scores: Scores) -> Seen | None:
    """A shift that what the file tells of the loss explains."""
    shifts = _shifts(scores)
    # Whoever has thresholds reads no probabilities.
    if not shifts or "thresholds" in scores.told or not _accounted(scores):
        return None
    said = {k: _off(scores, k, shift) for k, shift in shifts.items()}
    numbers = {f"shift {scores.names[k]}": -s.logit for k, s in shifts.items()}
    return Seen(
        f"{sentence(by_class(scores, said))} The link of the loss accounts for that.",
        numbers,
    )


@check(
    "undeclared-weights",
    Severity.WARNING,
    title="Logits are shifted by the imbalance",
    cause="The model was trained with pos_weight, class weights or a balanced sampler, "
    "and its probabilities were not corrected.",
    remedy="Correct them: posterior = refimpl.links.binary_cross_entropy_posterior("
    "logits, pos_weight=w), or prior_shift for a sampler; and tell the weights.",
    reference="jrzaurin/LightGBM-with-Focal-Loss #2; claim B3",
    after=(*EXPLAINED, "double-correction", "double-correction-measured"),
)
def undeclared_weights(scores: Scores) -> Seen | None:
    """A shift by what balances the classes, and no word of weights."""
    if used_weights(scores) is not None or sampled(scores) is not None:
        return None
    found = _explained(scores, 1)
    return _say(scores, found, "the balancing weight") if found else None


@check(
    "undeclared-inversion",
    Severity.WRONG,
    title="Logits are shifted by the inverse of the imbalance",
    cause="The model was trained with an inverted pos_weight, or the correction of a "
    "weight was made twice.",
    remedy="Use pos_weight = N_neg / N_pos, or correct once.",
    reference="claim B1",
    after=(*EXPLAINED, "inverted-pos-weight", "inverted-class-weights"),
)
def undeclared_inversion(scores: Scores) -> Seen | None:
    """A shift by the inverse of what balances the classes."""
    if _accounted(scores):
        return None
    found = _explained(scores, -1)
    return _say(scores, found, "the inverse of the balancing weight") if found else None


@check(
    "mean-probability-off",
    Severity.WARNING,
    title="The mean probability is not the base rate",
    cause="Another distribution of classes than in training, a loss that moves "
    "probabilities, or a model that is not trained to its end, or is too sure of "
    "itself, as naive Bayes and what was trained behind a second sigmoid.",
    remedy="Calibrate on validation data, or correct the prior with "
    "refimpl.links.prior_shift.",
    reference="jrzaurin/LightGBM-with-Focal-Loss #2",
    after=(
        *EXPLAINED,
        "no-skill",
        "bad-weights",
        "inverted-pos-weight",
        "inverted-class-weights",
        "double-correction",
        "double-correction-measured",
        "weighted-probabilities",
        "undeclared-weights",
        "undeclared-inversion",
    ),
)
def mean_probability_off(scores: Scores) -> Seen | None:
    """A shift that no single factor explains."""
    shifts = _shifts(scores)
    if not shifts or _accounted(scores):
        return None
    said = {k: _off(scores, k, shift) for k, shift in shifts.items()}
    return Seen(
        sentence(by_class(scores, said)),
        {f"shift {scores.names[k]}": -s.logit for k, s in shifts.items()},
    )

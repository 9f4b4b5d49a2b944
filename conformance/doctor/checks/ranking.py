"""How well scores order the examples, and what decisions make of that."""

import numpy as np

from conformance.doctor.checks.forms import FORMS
from conformance.doctor.checks.labels import BAD_LABELS
from conformance.doctor.findings import Seen, Severity, by_class, check, sentence
from conformance.doctor.statistics import SIGMAS, auroc_sigmas, f1, f1_gain, skilled
from conformance.scores import Column, Scores
from refimpl.thresholds import search_threshold

UNREADABLE = (*FORMS, *BAD_LABELS, "constant-scores")
# An AUROC whose upper end is below this is no use to anybody.
USELESS = 0.55
# F1 below this share of the best is much lower.
MUCH_LOWER = 0.75


@check(
    "reversed-scores",
    Severity.WRONG,
    title="Scores order the classes the wrong way round",
    cause="The column of the other class was saved, labels were swapped, or a "
    "distance was taken for a score.",
    remedy="Use the other column, 1 - p or -logit; then see which of scores and labels "
    "is named wrongly.",
    reference="claim A2",
    after=UNREADABLE,
)
def reversed_scores(scores: Scores) -> Seen | None:
    """AUROC below one half by more than chance."""
    found = {
        k: column
        for k, column in enumerate(scores.columns)
        if auroc_sigmas(column) < -SIGMAS
    }
    if not found:
        return None
    said = {
        k: f"AUROC is {column.auroc:.3f}, {-auroc_sigmas(column):.1f} standard errors "
        "below one half"
        for k, column in found.items()
    }
    lowest = min(column.auroc for column in found.values())
    return Seen(sentence(by_class(scores, said)), {"auroc": lowest})


@check(
    "no-skill",
    Severity.WARNING,
    title="Scores know nothing of the labels",
    cause="Rows of scores and labels that do not belong together, a loss that was "
    "broadcast, or a model that did not learn.",
    remedy="See whether scores and labels are in the same order, then whether the loss "
    "falls on a few examples.",
    reference="NeMo Automodel #3701: parity of models that do not train",
    after=(*UNREADABLE, "reversed-scores"),
)
def no_skill(scores: Scores) -> Seen | None:
    """AUROC that is one half, within a small error."""
    said, numbers = {}, {}
    for k, column in enumerate(scores.columns):
        sigmas = auroc_sigmas(column)
        if not sigmas or abs(sigmas) >= SIGMAS:
            continue
        error = (column.auroc - 0.5) / sigmas
        if column.auroc + SIGMAS * error < USELESS:
            said[k] = (
                f"AUROC is {column.auroc:.3f}, with a standard error of {error:.3f}"
            )
            numbers[f"auroc {column.name}"] = column.auroc
    return Seen(sentence(by_class(scores, said)), numbers) if said else None


@check(
    "all-negative-predictions",
    Severity.WRONG,
    title="Nothing is predicted, although the scores are good",
    cause="Positives are rare, so that a probability of one half is never reached: "
    "AUROC looks fine, and recall and F1 are 0.",
    remedy="Search the threshold on validation data.",
    reference="claim B3",
    after=(*UNREADABLE, "inverted-pos-weight", "inverted-class-weights"),
)
def all_negative_predictions(scores: Scores) -> Seen | None:
    """No example of a class passes, of which the scores know much."""
    found = [
        (k, column)
        for k, column in enumerate(scores.columns)
        if not column.predicted.any() and skilled(column)
    ]
    return _decisions(scores, found, "no example passes")


@check(
    "all-positive-predictions",
    Severity.WRONG,
    title="Everything is predicted, although the scores are good",
    cause="Positives were made too heavy, or the threshold is on another scale.",
    remedy="Search the threshold on validation data, and see the weights.",
    reference="claim C5",
    after=(*UNREADABLE, "double-correction"),
)
def all_positive_predictions(scores: Scores) -> Seen | None:
    """All examples pass as a class that is the smaller one."""
    found = [
        (k, column)
        for k, column in enumerate(scores.columns)
        if column.predicted.all() and column.rate < 0.5 and skilled(column)
    ]
    return _decisions(scores, found, "all examples pass")


def _decisions(
    scores: Scores, found: list[tuple[int, Column]], what: str
) -> Seen | None:
    if not found:
        return None
    said, numbers, advice = {}, {}, {}
    for k, column in found:
        best = search_threshold(column.probabilities, column.truth)
        said[k] = (
            f"{what}, and AUROC is {column.auroc:.3f}; at {best.value:.4g} F1 is "
            f"{best.score:.3f}, not {f1(column.truth, column.predicted):.3f}"
        )
        advice[k] = f"{best.value:.4g}"
        numbers[f"auroc {column.name}"] = column.auroc
        numbers[f"threshold {column.name}"] = best.value
        numbers[f"f1 {column.name}"] = best.score
    return Seen(
        sentence(by_class(scores, said)),
        numbers,
        f"Decide at a threshold from validation data; here {by_class(scores, advice)}.",
    )


@check(
    "threshold-far-from-best",
    Severity.WARNING,
    title="Another threshold has a much better F1",
    cause="One half is the best threshold for accuracy only: for F1 it is half of the "
    "best F1, and a weighted loss moves it by log w. A threshold holds only for the "
    "probabilities that it was searched on: not for those before calibration.",
    remedy="Search the threshold on validation data, for each class.",
    reference="claim B3; Lipton et al., 2014: https://arxiv.org/abs/1402.1892",
    after=(
        *UNREADABLE,
        "inverted-pos-weight",
        "double-correction",
        "reversed-scores",
        "no-skill",
        "all-negative-predictions",
        "all-positive-predictions",
        "double-correction-measured",
        "undeclared-weights",
        "undeclared-inversion",
    ),
)
def threshold_far_from_best(scores: Scores) -> Seen | None:
    """F1 at the threshold in use against one that was searched on other examples."""
    if scores.task == "multiclass":
        return None
    said, numbers, advice = {}, {}, {}
    in_use = np.broadcast_to(scores.told.get("thresholds", 0.5), scores.classes)
    for k, column in enumerate(scores.columns):
        gain, error = _gain_elsewhere(column)
        if gain < SIGMAS * error or not gain:
            continue
        own = f1(column.truth, column.predicted)
        best = search_threshold(column.probabilities, column.truth)
        if own < MUCH_LOWER * best.score:
            said[k] = (
                f"F1 is {own:.3f} at {in_use[k]:.4g}, and {best.score:.3f} at "
                f"{best.value:.4g}; on "
                f"examples that were not searched, {gain:.3f} +- {error:.3f} more"
            )
            advice[k] = f"{best.value:.4g}"
            numbers[f"threshold {column.name}"] = best.value
            numbers[f"f1 {column.name}"] = best.score
    if not said:
        return None
    return Seen(
        sentence(by_class(scores, said)),
        numbers,
        f"Decide at a threshold from validation data; here {by_class(scores, advice)}.",
    )


def _gain_elsewhere(column: Column) -> tuple[float, float]:
    """Gain of F1 on each half by the threshold of the other, and its error."""
    instead = np.zeros_like(column.predicted)
    half = np.arange(column.truth.size) % 2 == 0
    for searched, own in ((half, ~half), (~half, half)):
        if not column.truth[searched].any():
            return 0.0, 0.0
        cut = search_threshold(column.probabilities[searched], column.truth[searched])
        instead[own] = column.probabilities[own] >= cut.value
    return f1_gain(column.truth, column.predicted, instead)

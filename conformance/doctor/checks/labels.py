"""Whether labels are what losses and metrics expect."""

import numpy as np

from conformance.doctor.findings import (
    Seen,
    Severity,
    by_class,
    check,
    listed,
    sentence,
)
from conformance.scores import Scores

CODINGS = {
    (-1.0, 1.0): "-1 and 1, as for a hinge loss or an SVM",
    (1.0, 2.0): "1 and 2, which count the classes from one",
    (0.0, 255.0): "0 and 255, as in a mask that was read from an image",
    (0.0, 2.0): "0 and 2",
    (0.0, 100.0): "0 and 100, in per cent",
}
BAD_LABELS = (
    "nonfinite-labels",
    "labels-not-binary",
    "class-indices-from-one",
    "class-indices-out-of-range",
)


@check(
    "nonfinite-labels",
    Severity.WRONG,
    title="Labels are NaN or infinite",
    cause="A join or a reader left gaps, or a division made them.",
    remedy="Drop the examples, or mask them in the loss and here.",
    reference="pytorch #135546, xla #4552",
)
def nonfinite_labels(scores: Scores) -> Seen | None:
    """NaN or infinity among the labels."""
    bad = int((~np.isfinite(scores.labels)).sum())
    if not bad:
        return None
    return Seen(
        f"{bad} of {scores.labels.size} labels are NaN or infinite.", {"bad": bad}
    )


@check(
    "labels-not-binary",
    Severity.WRONG,
    title="Labels are not 0 and 1",
    cause="Binary cross entropy takes y as a share: with other codes the loss has no "
    "minimum, or a false one, and says nothing.",
    remedy="Map the labels to 0 and 1 before the loss and before metrics.",
    reference="optax #1185, pytorch #135546",
    after=("nonfinite-labels",),
)
def labels_not_binary(scores: Scores) -> Seen | None:
    """Codes such as -1 and 1; shares are another finding."""
    values = scores.label_values
    outside = (values < 0) | (values > 1)
    if scores.task == "multiclass" or not outside.any():
        return None
    shown = listed(f"{value:g}" for value in values)
    coding = CODINGS.get(tuple(values.tolist()))
    text = f"Labels are {coding}." if coding else f"Labels take the values {shown}."
    share = float(((scores.labels < 0) | (scores.labels > 1)).mean())
    return Seen(
        f"{text} {share:.1%} of them are outside [0, 1].",
        {"low": values[0], "high": values[-1], "outside": share},
    )


@check(
    "soft-labels",
    Severity.INFO,
    title="Labels are shares, not 0 and 1",
    cause="Smoothing, mix-up or several annotators.",
    remedy="Give hard labels for metrics: here 0.5 and more counts as positive.",
    reference="kornia, MONAI, torchvision and smp disagree on soft labels; claim C4",
    after=BAD_LABELS,
)
def soft_labels(scores: Scores) -> Seen | None:
    """Labels between 0 and 1."""
    if scores.task == "multiclass":
        return None
    soft = (scores.labels > 0) & (scores.labels < 1)
    if not soft.any():
        return None
    example = float(scores.labels[soft][0])
    return Seen(
        f"{soft.mean():.1%} of the labels are between 0 and 1, such as {example:g}.",
        {"soft": float(soft.mean())},
    )


@check(
    "class-indices-from-one",
    Severity.WRONG,
    title="Class indices count from one",
    cause="The last class is out of range and the first is never met; whatever wraps "
    "or clamps it trains every class as its neighbour.",
    remedy="Subtract 1 from the labels.",
    reference="optax #1185, keras #23664",
    after=("nonfinite-labels",),
)
def class_indices_from_one(scores: Scores) -> Seen | None:
    """Labels 1 … K for K columns of scores."""
    if scores.task != "multiclass":
        return None
    values = scores.label_values
    if not (values[0] >= 1 and values[-1] == scores.classes):
        return None
    last = int((scores.labels == scores.classes).sum())
    return Seen(
        f"Labels run from {values[0]:g} to {values[-1]:g}, and there are "
        f"{scores.classes} classes: indices are 0 to {scores.classes - 1}. {last} "
        "examples are out of range.",
        {"low": values[0], "high": values[-1], "outside": last},
    )


@check(
    "class-indices-out-of-range",
    Severity.WRONG,
    title="Class indices out of range",
    cause="A label for 'unknown', another list of classes, or a head that is too "
    "small. Some libraries wrap -1 to the last class without a word.",
    remedy="Drop these examples, or label them with ignore_index (-100).",
    reference="optax #1185, pytorch #135546",
    after=("nonfinite-labels", "class-indices-from-one"),
)
def class_indices_out_of_range(scores: Scores) -> Seen | None:
    """Indices that are no class, or no integers."""
    if scores.task != "multiclass":
        return None
    known = np.isin(scores.labels, np.arange(scores.classes))
    if known.all():
        return None
    shown = listed(f"{value:g}" for value in np.unique(scores.labels[~known]))
    return Seen(
        f"{(~known).sum()} labels are none of 0 to {scores.classes - 1}: {shown}.",
        {"outside": int((~known).sum())},
    )


@check(
    "class-without-positives",
    Severity.WARNING,
    title="A class without positives",
    cause="A split that is not stratified, or a class that is too rare for this part.",
    remedy="Stratify the split. The weight of such a class ends at its cap (100), and "
    "its recall, F1 and AUROC are undefined: leave it out of macro means.",
    reference="claim B6",
    after=BAD_LABELS,
)
def class_without_positives(scores: Scores) -> Seen | None:
    """No example of a class, here or in the training part."""
    said = {}
    for k, column in enumerate(scores.columns):
        if not column.positives:
            said[k] = f"none of {column.truth.size} examples is positive"
        elif "class_counts" in scores.told:
            counts = scores.counts[k]
            if not np.atleast_1d(counts)[-1]:
                said[k] = "no training example is positive"
    if not said:
        return None
    return Seen(sentence(by_class(scores, said)), {"classes": len(said)})


@check(
    "class-without-negatives",
    Severity.WARNING,
    title="A class without negatives",
    cause="A filter that kept positives only, or labels that are not what they seem.",
    remedy="Evaluate on data as they come: without negatives every score is right.",
    reference="claim B6",
    after=BAD_LABELS,
)
def class_without_negatives(scores: Scores) -> Seen | None:
    """Only examples of a class."""
    said = {
        k: f"all {column.truth.size} examples are positive"
        for k, column in enumerate(scores.columns)
        if not column.negatives
    }
    if not said:
        return None
    return Seen(sentence(by_class(scores, said)), {"classes": len(said)})

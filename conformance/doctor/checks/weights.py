"""Whether the weights that were used are those that the counts ask for."""

import math
from typing import NamedTuple

import numpy as np

from conformance.doctor.balance import (
    FACTOR,
    Balance,
    balance,
    class_counts,
    sampled,
    used_pos_weight,
    used_weights,
)
from conformance.doctor.findings import (
    Seen,
    Severity,
    by_class,
    check,
    listed,
    sentence,
)
from conformance.scores import Array, Mask, Scores
from refimpl.weights import effective_number, explain_weights, inverse_frequency

WEIGHTS = ("pos_weight", "class_weights", "sampler_weights", "sample_weight")
# Labels from which counts cannot be taken.
MISCOUNTED = (
    "nonfinite-labels",
    "class-indices-from-one",
    "class-indices-out-of-range",
)
# Weights that differ by less have no effect.
NO_EFFECT = 1.1


@check(
    "bad-weights",
    Severity.WRONG,
    title="Weights that are no weights",
    cause="A division by a count of 0, a logarithm, or a difference. A negative "
    "weight rewards errors; a class of weight 0 is never learned.",
    remedy="Compute weights from counts with refimpl.weights: they are finite and "
    "above 0 there, for empty classes too.",
    reference="class-balanced-loss #3, balanced-loss #12",
)
def bad_weights(scores: Scores) -> Seen | None:
    """NaN, infinite or negative weights, and classes of weight 0."""
    said, numbers = [], {}
    for name in WEIGHTS:
        weights = scores.told.get(name)
        if weights is None:
            continue
        kinds = {
            "NaN": np.isnan(weights),
            "infinite": np.isinf(weights),
            "negative": weights < 0,
        }
        # A weight of 0 masks an example, which is common use.
        if name in ("pos_weight", "class_weights") or not weights.any():
            kinds["0"] = weights == 0
        for kind, bad in kinds.items():
            if bad.any():
                said.append(f"{int(bad.sum())} of {bad.size} {name} are {kind}")
                numbers[f"{name} {kind}"] = int(bad.sum())
    return Seen(sentence("; ".join(said)), numbers) if said else None


class _Compared(NamedTuple):
    """Weights of positives and their logarithms, shaped (C,)."""

    balance: Balance
    used: Array
    log_used: Array
    log_expected: Array

    def seen(self, scores: Scores, wrong: Mask) -> Seen | None:
        """Says what is used where it is wrong, and what is asked for."""
        if not wrong.any():
            return None
        said, numbers = {}, {}
        for k in map(int, np.flatnonzero(wrong)):
            negatives, positives = self.balance.counts[k]
            used, expected = float(self.used[k]), float(self.balance.expected[k])
            said[k] = (
                f"pos_weight is {used:.4g}, and {negatives} negatives to {positives} "
                f"positives ask for {expected:.4g}"
            )
            numbers |= {f"used {scores.names[k]}": used}
            numbers |= {f"expected {scores.names[k]}": expected}
        right = ", ".join(f"{weight:.4g}" for weight in self.balance.expected)
        remedy = f"Use pos_weight = {right}."
        return Seen(sentence(by_class(scores, said)), numbers, remedy)


def _compared(scores: Scores) -> _Compared | None:
    used = used_pos_weight(scores)
    if used is None:
        return None
    found = balance(scores)
    log_used = np.log(used)
    # With or without the cap on it.
    full = found.counts[:, 0] / np.maximum(found.counts[:, 1], 1)
    ends = np.log(found.expected), np.log(np.maximum(full, found.expected))
    return _Compared(found, used, log_used, np.clip(log_used, *ends))


@check(
    "inverted-pos-weight",
    Severity.WRONG,
    title="pos_weight is inverted",
    cause="N_pos / N_neg was written for N_neg / N_pos: positives count less, not "
    "more, and the model predicts none.",
    remedy="Use pos_weight = N_neg / N_pos.",
    reference="claim B1; claim A4",
    after=("bad-weights", *MISCOUNTED),
)
def inverted_pos_weight(scores: Scores) -> Seen | None:
    """Closer to the inverse of the expected weight than half way to no weight."""
    found = _compared(scores)
    if found is None:
        return None
    used, expected = found.log_used, found.log_expected
    inverse = np.abs(used + expected) < np.abs(used - expected) / 2
    return found.seen(scores, inverse & (np.abs(expected) > found.balance.margin))


@check(
    "pos-weight-differs",
    Severity.WARNING,
    title="pos_weight is not that of the counts",
    cause="A number from another data set or an article, a total count in the place "
    "of the negatives, or a rule that only rises. A smaller weight, such as the "
    "square root, can be meant.",
    remedy="Use pos_weight = N_neg / N_pos.",
    reference="claims A2 and B3",
    after=("bad-weights", "inverted-pos-weight", *MISCOUNTED),
)
def pos_weight_differs(scores: Scores) -> Seen | None:
    """Neither the expected weight, nor none."""
    found = _compared(scores)
    if found is None:
        return None
    apart = np.abs(found.log_used - found.log_expected) > found.balance.margin
    return found.seen(scores, apart & (found.used != 1))


@check(
    "inverted-class-weights",
    Severity.WRONG,
    title="Class weights rise with the counts",
    cause="Frequencies were taken for their inverse: common classes count more.",
    remedy="Use weights that fall with the counts.",
    reference="claim C1; Cui #3",
    after=("bad-weights", "inverted-pos-weight", "pos-weight-differs", *MISCOUNTED),
)
def inverted_class_weights(scores: Scores) -> Seen | None:
    """The commonest class weighs more than the rarest, and so along the counts."""
    weights, counts = scores.told.get("class_weights"), class_counts(scores)
    if weights is None or counts is None or (counts > 0).sum() < 2:
        return None
    seen = counts > 0
    logs, sizes = np.log(weights[seen]), np.log(counts[seen])
    error = 0.0 if "class_counts" in scores.told else 5 / math.sqrt(counts[seen].min())
    if np.ptp(sizes) <= math.log(FACTOR) + error or np.ptp(logs) <= math.log(FACTOR):
        return None
    slope = float(np.polyfit(sizes, logs, 1)[0])
    if slope <= 0 or float(np.corrcoef(sizes, logs)[0, 1]) < 0.5:
        return None
    expected = inverse_frequency(counts)
    right = listed(f"{weight:.4g}" for weight in expected)
    shown = listed(f"{w:.4g} for {n}" for w, n in zip(weights, counts, strict=True))
    return Seen(
        f"Weights by counts: {shown}; they rise as count^{slope:.2f}.",
        {"slope": slope},
        f"Use weights that fall with the counts: inverse frequencies are {right}.",
    )


@check(
    "double-correction",
    Severity.WRONG,
    title="Sampler and weights correct twice",
    cause="Drawing rare classes more often and weighing them more multiply: the model "
    "learns a world in which the rare class is the common one.",
    remedy="Keep one of the two.",
    reference="claim C5",
    after=("bad-weights", *MISCOUNTED),
)
def double_correction(scores: Scores) -> Seen | None:
    """The rarer side ends as the commoner one, by both together."""
    shares, weights = sampled(scores), used_weights(scores)
    if shares is None or weights is None:
        return None
    counts = scores.counts.reshape(shares.shape)
    said, numbers = {}, {}
    for k, (count, share, weight) in enumerate(
        zip(counts, shares, weights, strict=True)
    ):
        if not count.all() or not (share * weight).all():
            continue
        effective = share * weight / (share * weight).sum()
        rare, common = int(count.argmin()), int(count.argmax())
        prior = count / count.sum()
        drawn = share[rare] / share[common] > FACTOR * count[rare] / count[common]
        weighed = weight[rare] / weight[common] > FACTOR
        if drawn and weighed and effective[rare] > FACTOR * effective[common]:
            said[k] = (
                f"the rarest class is {prior[rare]:.2%} of the data, {share[rare]:.1%} "
                f"of what is drawn, and {effective[rare]:.1%} of the loss"
            )
            numbers[f"prior {k}"] = float(prior[rare])
            numbers[f"drawn {k}"] = float(share[rare])
            numbers[f"effective {k}"] = float(effective[rare])
    if not said:
        return None
    clauses = by_class(scores, said) if len(said) > 1 else next(iter(said.values()))
    return Seen(sentence(clauses), numbers)


@check(
    "beta-without-effect",
    Severity.WARNING,
    title="beta has no effect at these counts",
    cause="The effective number of samples ends at 1 / (1 - beta): all classes with "
    "many more examples weigh the same.",
    remedy="Choose beta nearer to 1: 1 - 1 / N of the commonest class is nearly the "
    "inverse frequency.",
    reference="Cui #3",
    after=MISCOUNTED,
)
def beta_without_effect(scores: Scores) -> Seen | None:
    """Effective numbers that are all the same, of counts that are not."""
    beta, counts = scores.told.get("beta"), class_counts(scores)
    if beta is None or counts is None or not 0 <= beta <= 1:
        return None
    seen = counts[counts > 0]
    if seen.size < 2 or seen.max() < FACTOR * seen.min():
        return None
    weights = effective_number(seen, beta=beta)
    ratio, wanted = float(weights.max() / weights.min()), float(seen.max() / seen.min())
    if ratio >= NO_EFFECT:
        return None
    notes = explain_weights(seen, weights, beta=beta).notes
    told = [note for note in notes if note.startswith("beta")]
    return Seen(
        f"With beta = {beta:g} the weights differ by a factor of {ratio:.4g} where the "
        f"counts differ by {wanted:.4g}. {' '.join(told)}".rstrip(),
        {"beta": beta, "weights": ratio, "counts": wanted},
        f"Choose beta nearer to 1, such as {1 - 1 / seen.max():.6g}.",
    )


@check(
    "element-weight",
    Severity.WARNING,
    title="One weight for all examples",
    cause="weight was meant for pos_weight, or for weights of classes. It scales all "
    "terms of the loss alike, and an optimiser such as Adam divides it out again.",
    remedy="Use pos_weight, which multiplies the positive term alone.",
    reference="claim B2; claim D7",
    after=("bad-weights",),
)
def element_weight(scores: Scores) -> Seen | None:
    """A sample_weight, or class weights, that are constant and not 1."""
    for name in ("sample_weight", "class_weights"):
        weights = scores.told.get(name)
        if weights is None or np.ptp(weights) or weights.flat[0] == 1:
            continue
        value = float(weights.flat[0])
        return Seen(
            f"{name} is {value:g} for all.", {"weight": value}, _instead(scores)
        )
    return None


def _instead(scores: Scores) -> str:
    """Says which weights balance the classes; empty where nothing was counted."""
    counts = class_counts(scores)
    if scores.task != "multiclass":
        shown = listed(f"{weight:.4g}" for weight in balance(scores).expected)
        return f"Use pos_weight = {shown}, which multiplies positives alone."
    if counts is None or not counts.any():
        return ""
    shown = listed(f"{weight:.4g}" for weight in inverse_frequency(counts))
    return f"Use class weights that differ: inverse frequencies are {shown}."

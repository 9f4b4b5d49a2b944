"""Scores that are what the file calls them, and still lack something."""

import numpy as np
from numpy.typing import NDArray

from conformance.doctor.checks.forms import FORMS
from conformance.doctor.findings import Seen, Severity, by_class, check, sentence
from conformance.scores import Array, Scores

# Of the size of a score: less is the rounding of float32.
CONSTANT = 1e-5
# Share of scores that occur before, from which on ties matter.
TIED = 0.1
# Votes of a forest or of neighbours, of which shares are taken.
VOTES = 1000


@check(
    "column-against-vector",
    Severity.WARNING,
    title="Shapes (N, 1) and (N,)",
    cause="A head with one output was not squeezed. Subtracted or multiplied, the two "
    "broadcast to (N, N): a loss then compares every score with every label, and "
    "learns the base rate only.",
    remedy="Squeeze the last axis of the logits, or add one to the labels.",
    reference="pytorch #1939, #82496; optax still broadcasts",
)
def column_against_vector(scores: Scores) -> Seen | None:
    """One of scores and labels has an axis of length 1 that the other lacks."""
    values, labels = scores.shapes
    if scores.task != "binary" or len(values) == len(labels):
        return None
    return Seen(
        sentence(f"{scores.kind} are shaped {values} and labels {labels}"),
        {"scores_axes": len(values), "labels_axes": len(labels)},
    )


@check(
    "constant-scores",
    Severity.WRONG,
    title="Scores are constant",
    cause="A dead output: a head that is not trained, a saturated activation, a "
    "gradient of 0, or a loss that was broadcast.",
    remedy="See whether the gradient of the last layer is 0, and whether inputs "
    "differ; then initialise again with a smaller learning rate.",
    reference="NeMo Automodel #3701: parity of models that do not train",
    after=("nonfinite-scores",),
)
def constant_scores(scores: Scores) -> Seen | None:
    """A class whose scores are all the same."""
    columns = scores.values.reshape(len(scores.values), -1)
    said = {
        k: f"all {len(own)} scores are {own[0]:.6g}"
        for k, own in enumerate(columns.T)
        if len(own) > 1 and np.ptp(own) <= CONSTANT * np.abs(own).max()
    }
    if not said:
        return None
    return Seen(sentence(by_class(scores, said)), {"classes": len(said)})


@check(
    "saturated-probabilities",
    Severity.WRONG,
    title="Probabilities of exactly 0 or 1 that are wrong",
    cause="1 - p was rounded away, or a link was given logits beyond what smoothed "
    "labels allow. The loss of these examples is infinite, or ends at a clamp without "
    "any gradient: 100 in torch.nn.BCELoss, 16.118 where p is kept above 1e-7, 15.94 "
    "above the epsilon of float32.",
    remedy="Save and train on logits.",
    reference="claims B5, D2 and D3",
    after=(*FORMS, "constant-scores"),
)
def saturated_probabilities(scores: Scores) -> Seen | None:
    """Certainties on the wrong side."""
    if scores.kind != "probabilities":
        return None
    truth = scores.truth
    if _votes(scores.values):
        # Nobody voted for it: coarse, and no certainty that was computed.
        return None
    missed = int((truth & (scores.values <= 0)).sum())
    invented = int((~truth & (scores.values >= 1)).sum())
    if not missed + invented:
        return None
    return Seen(
        f"{missed} positives have probability 0 and {invented} negatives 1, of "
        f"{truth.size} in {scores.stored}.",
        {"missed": missed, "invented": invented},
    )


@check(
    "quantised-scores",
    Severity.WARNING,
    title="Scores are coarse",
    cause="They were computed or saved in half precision or rounded, or they are "
    "shares of votes, of a forest or of neighbours.",
    remedy="Compute the last layer and save in float32: ties cannot be ordered, and "
    "no threshold lies between them. Of n votes take (votes + 1) / (n + 2), or more "
    "votes: a share of 0 has an infinite loss.",
    reference="GLiNER2 #155; scikit-learn #4996",
    after=(*FORMS, "constant-scores"),
)
def quantised_scores(scores: Scores) -> Seen | None:
    """Many ties between numbers that fit a narrower type."""
    type_ = _narrow(scores.values)
    columns = scores.values.reshape(len(scores.values), -1)
    distinct = {k: np.unique(own).size for k, own in enumerate(columns.T)}
    said = {
        k: f"{own} values for {len(columns)} examples"
        for k, own in distinct.items()
        if 1 < own < (1 - TIED) * len(columns)
    }
    if not type_ or not said:
        return None
    return Seen(
        f"All scores fit {type_}: {by_class(scores, said)}.",
        {"distinct": min(distinct.values()), "examples": len(columns)},
    )


def _narrow(values: Array) -> str:
    """The narrow type that holds all of the values, if one does."""
    if np.array_equal(values, np.round(values, 3)):
        return "three decimals"
    if votes := _votes(values):
        return f"shares of {votes} votes"
    single = values.astype(np.float32)
    if not np.array_equal(single, values):
        return ""
    bits: NDArray[np.uint32] = single.view(np.uint32)
    if not (bits & 0xFFFF).any():
        return "bfloat16"
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    return "float16" if np.array_equal(half, values) else ""


def _votes(values: Array) -> int:
    """Of how many votes all values are shares; 0 where there are too many or none."""
    distinct = np.unique(values)
    if distinct.size > VOTES + 1:
        return 0
    counts = np.arange(1, VOTES + 1)[:, None] * distinct
    # Of float32: a thousand times its rounding.
    whole = (np.abs(counts - np.round(counts)) <= 1e-4).all(axis=1)
    return int(whole.argmax()) + 1 if whole.any() else 0

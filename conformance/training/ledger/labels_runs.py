"""Claims B1, B3 and B4: what training on several labels shows."""

import numpy as np

from conformance.training.claims import inverted_pos_weight
from conformance.training.ledger.claim import (
    Claim,
    Evidence,
    Note,
    Verdict,
    fails,
    holds,
    holds_when,
    undetermined,
)
from conformance.training.ledger.contrasts import (
    Row,
    contrast,
    differences,
    enough,
    higher,
    levels,
    ranged,
    ratios,
    unsteadier,
    where,
)
from conformance.training.ledger.runs import Runs
from conformance.training.ledger.wording import numbers
from refimpl.links import binary_cross_entropy_posterior

RECIPE = "multilabel"
# Positive rates of the article.
RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
# A model that finds at most one positive in a hundred predicts none.
NONE = 0.01
# Macro F1 that a cure should bring, at the least.
CURE = 0.05


def _inverted(runs: Runs) -> Evidence:
    weights = [float(inverted_pos_weight(_of_rate(rate))[0]) for rate in RATES]
    return {
        "positive rates": list(RATES),
        "inverted weights": weights,
        "posterior that passes 0.5": [
            float(binary_cross_entropy_posterior(0.0, pos_weight=w)) for w in weights
        ],
        "recall at 0.5, inverted": levels(
            runs, RECIPE, "macro_recall_half", "inverted"
        ),
        "recall at 0.5, correct": levels(runs, RECIPE, "macro_recall_half", "correct"),
        "predictions above 0.5, inverted": levels(
            runs, RECIPE, "fraction_above_half", "inverted"
        ),
    }


def _of_rate(rate: float) -> np.ndarray:
    return (np.arange(100) < 100 * rate)[:, None]


def _judge_inverted(found: Evidence) -> Verdict:
    recall: list[Row] = found["recall at 0.5, inverted"]
    right, passing = (
        [row["mean"] for row in found[name]]
        for name in ("recall at 0.5, correct", "predictions above 0.5, inverted")
    )
    told = (
        f"Inverted weights {numbers(found['inverted weights'], 2)} let a posterior "
        f"pass from {numbers(found['posterior that passes 0.5'], 3)} on. Recall at 0.5 "
        f"is "
        f"{ranged([row['mean'] for row in recall])}, with the correct weight "
        f"{ranged(right)}; {ranged(passing, '{:.4f}')} of all predictions pass."
    )
    shown, others = where(recall, lambda row: row["high"] <= NONE)
    if not others:
        return holds(told)
    if shown:
        return holds_when(f"trained on {' or '.join(shown)}", told)
    return fails(told)


def _cure(runs: Runs) -> Evidence:
    half, searched = "macro_f1_half", "macro_f1_searched"
    parts = {
        "both": ("plain", "correct", half, searched),
        "thresholds alone": ("plain", "plain", half, searched),
        "one threshold for all labels": ("plain", "plain", half, "macro_f1_global"),
        "weights alone": ("plain", "correct", half, half),
        "weights after thresholds": ("plain", "correct", searched, searched),
    }
    return {
        name: contrast(
            runs, RECIPE, after, first=first, second=second, first_measure=before
        )
        for name, (first, second, before, after) in parts.items()
    }


def _judge_cure(found: Evidence) -> Verdict:
    gains = ", ".join(f"{name} {differences(rows)}" for name, rows in found.items())
    shares = [100 * share for share in _left(found)]
    if shares:
        left = f"{ranged(shares, '{:.0f}')} % of what the weights gain alone is left"
    else:
        left = "nothing is left, for the weights alone gain nothing"
    told = (
        f"Macro F1 over plain training at 0.5: {gains}. Once thresholds are searched, "
        f"{left}."
    )
    return higher([found["both"]], told, asserted=CURE)


def _left(found: Evidence) -> list[float]:
    """Share of the gain by weights that thresholds leave, where there is a gain."""
    pairs = zip(found["weights after thresholds"], found["weights alone"], strict=True)
    return [after["mean"] / alone["mean"] for after, alone in pairs if alone["low"] > 0]


def _per_batch(runs: Runs) -> Evidence:
    return {
        f"per batch against {other}": contrast(
            runs,
            RECIPE,
            "macro_f1_half",
            first=other,
            second="per-batch",
            spreads=True,
        )
        for other in ("correct", "moving")
    }


def _judge_per_batch(found: Evidence) -> Verdict:
    told = "Standard deviation of macro F1 over seeds, ratio: " + "; ".join(
        f"{name} {ratios(rows)} (F1 {differences(rows)})"
        for name, rows in found.items()
    )
    names = {row["data"] for rows in found.values() for row in rows}
    shown = unsteadier(list(found.values()))
    if set(shown) == names:
        return holds(f"{told}.")
    if shown:
        return holds_when(f"trained on {' or '.join(shown)}", f"{told}.")
    if enough(row for rows in found.values() for row in rows):
        return fails(f"{told}. No test of the spreads shows a larger one.")
    return undetermined(f"{told}. These are too few seeds to tell.")


CLAIMS = (
    Claim(
        "B1",
        "An inverted pos_weight makes the model predict all zero.",
        "Recall at 0.5 and predictions above it, and what the link of the loss says.",
        _inverted,
        _judge_inverted,
        recipes=(RECIPE,),
        note=Note(
            "nothing passes 0.5",
            lambda e: all(
                row["high"] <= NONE for row in e["predictions above 0.5, inverted"]
            ),
        ),
    ),
    Claim(
        "B3",
        "The correct pos_weight and searched thresholds cure it.",
        "Macro F1 with both, with either, and of the weights after the thresholds.",
        _cure,
        _judge_cure,
        recipes=(RECIPE,),
        note=Note(
            "after the threshold search little, less than half, is left",
            lambda e: max(_left(e), default=1.0) < 0.5,
        ),
    ),
    Claim(
        "B4",
        "Weights recomputed per batch make training unstable.",
        "Spread over paired seeds against weights of the data set and moving ones.",
        _per_batch,
        _judge_per_batch,
        recipes=(RECIPE,),
    ),
)

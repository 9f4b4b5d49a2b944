"""Claims E2, E4 and E6: what training at extreme imbalance shows."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

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
    levels,
    ranged,
    rises,
    where,
)
from conformance.training.ledger.runs import MissingRunError, Runs
from conformance.training.ledger.wording import number
from refimpl import heatmap_focal_loss_grad, sigmoid_focal_loss_grad

RECIPE = "extreme"
METRICS = {"f1_half": "F1 at 0.5", "average_precision": "average precision"}
ALPHAS, GAMMAS = (0.1, 0.25, 0.5, 0.75), (0, 1, 2, 5)
# Scores closer than this are as good.
MATTERS = 0.02


def _grid(runs: Runs) -> Evidence:
    """Large against small alpha at every gamma, and the best alpha."""
    found: Evidence = {}
    for gamma in GAMMAS:
        names = {alpha: f"focal-{alpha:g}-{gamma:g}" for alpha in ALPHAS}
        for metric, title in METRICS.items():
            try:
                found[f"{title}, gamma {gamma}, alpha 0.75 - 0.25"] = contrast(
                    runs, RECIPE, metric, first=names[0.25], second=names[0.75]
                )
                means = {
                    alpha: np.mean(
                        [r["second"] for r in levels(runs, RECIPE, metric, name)]
                    )
                    for alpha, name in names.items()
                }
            except MissingRunError:
                continue
            best = max(means, key=lambda alpha: means[alpha])
            found[f"{title}, gamma {gamma}, best alpha"] = best
    if not found:
        raise MissingRunError(
            f"No run of {RECIPE} has a grid: `conformance compare {RECIPE}`."
        )
    return found


def _contrasts(found: Evidence) -> dict[str, list[Row]]:
    return {name: own for name, own in found.items() if isinstance(own, list)}


def _judge_grid(found: Evidence) -> Verdict:
    rows = _contrasts(found)
    best = "; ".join(
        f"{name.removesuffix(', best alpha')}: {own:g}"
        for name, own in found.items()
        if name.endswith("best alpha")
    )
    told = f"Best alpha of {number(ALPHAS[0])} to {number(ALPHAS[-1])}: {best}."
    shown = [name for name, own in rows.items() if not where(own, rises)[1]]
    if len(shown) == len(rows):
        return holds(told)
    if shown:
        condition = " or ".join(
            name.removesuffix(", alpha 0.75 - 0.25") for name in shown
        )
        return holds_when(f"it is {condition}", told)
    if all(row["high"] < MATTERS for own in rows.values() for row in own):
        return fails(told)
    return _mixed(rows, told)


def _mixed(rows: dict[str, list[Row]], told: str) -> Verdict:
    """Some data sets show it, or nothing is shown."""
    data = {name for own in rows.values() for name in where(own, rises)[0]}
    if data:
        return holds_when(f"trained on {' or '.join(sorted(data))}", told)
    return undetermined(f"{told} The intervals are too wide to tell.")


NEAR = 0.8


def _heat_map(runs: Runs) -> Evidence:
    """A pixel beside a peak that is predicted at 0.8, and both trainings."""
    x, h = np.array([np.log(NEAR / (1 - NEAR))]), np.array([NEAR])
    return {
        "gradient beside a peak, plain focal": float(
            sigmoid_focal_loss_grad(x, np.zeros(1), gamma=2.0)[0]
        ),
        "gradient beside a peak, penalty-reduced": float(
            heatmap_focal_loss_grad(x, h, alpha=2.0, beta=4.0)[0]
        ),
        "average precision, penalty-reduced - plain focal": contrast(
            runs,
            RECIPE,
            "average_precision",
            first="heatmap-focal",
            second="heatmap-penalty",
        ),
    }


def _judge_heat_map(found: Evidence) -> Verdict:
    rows: list[Row] = found["average precision, penalty-reduced - plain focal"]
    told = (
        "Beside a peak the plain focal loss pushes a prediction of 0.8 down by "
        f"{number(found['gradient beside a peak, plain focal'])}, the penalty-reduced "
        f"one by {number(found['gradient beside a peak, penalty-reduced'])}. Trained, "
        f"the latter's average precision is higher by {differences(rows)} "
        f"(plain: {ranged([row['first'] for row in rows])})."
    )
    if all(row["high"] < MATTERS for row in rows):
        return holds(told)
    if all(row["low"] > 0 for row in rows):
        return fails(told)
    return undetermined(f"{told} The intervals are too wide to tell.")


STRATEGIES = {"CE": "plain", "focal": "focal-0.25-2", "GHM-C": "ghm-printed"}
# Recall of positives and precision of negatives as the article reports them.
REPORTED = {"CE": (0.123, 0.998), "focal": (0.685, 0.972), "GHM-C": (0.721, 0.985)}


def _compared(runs: Runs) -> Evidence:
    found: Evidence = {
        f"recall at 0.5, {name}": levels(runs, RECIPE, "recall_half", strategy)
        for name, strategy in STRATEGIES.items()
    }
    for name, strategy in STRATEGIES.items():
        found[f"precision of negatives at 0.5, {name}"] = _of_negatives(runs, strategy)
    pairs = {"focal - CE": ("CE", "focal"), "GHM-C - focal": ("focal", "GHM-C")}
    for step, (first, second) in pairs.items():
        found[f"recall at 0.5, {step}"] = contrast(
            runs,
            RECIPE,
            "recall_half",
            first=STRATEGIES[first],
            second=STRATEGIES[second],
        )
    return found


def _of_negatives(runs: Runs, strategy: str) -> list[Row]:
    """Precision of negatives, from recall, specificity and the counts of the test."""
    rows = []
    for name, record in runs.data(RECIPE).items():
        positives, negatives = record["counts"]["test"]
        for backend, cell in sorted(runs.cells(RECIPE, name, strategy).items()):
            if "specificity_half" not in cell.metrics:
                continue
            right = cell.metrics["specificity_half"] * negatives
            missed = (1 - cell.metrics["recall_half"]) * positives
            mean = float(np.mean(right / (right + missed)))
            rows.append({"data": name, "backend": backend, "n": len(cell.seeds)})
            rows[-1]["mean"] = mean
    return rows


def _judge_compared(found: Evidence) -> Verdict:
    recalls = {
        name: [row["second"] for row in found[f"recall at 0.5, {name}"]]
        for name in STRATEGIES
    }
    told = (
        "Recall of positives "
        + ", ".join(f"{name} {ranged(own)}" for name, own in recalls.items())
        + " (asserted "
        + ", ".join(f"{own[0]:.3f}" for own in REPORTED.values())
        + "); precision of negatives "
        + ", ".join(
            _shown(found[f"precision of negatives at 0.5, {name}"], name)
            for name in STRATEGIES
        )
        + "."
    )
    steps = {
        step: found[f"recall at 0.5, {step}"]
        for step in ("focal - CE", "GHM-C - focal")
    }
    rows = [row for own in steps.values() for row in own]
    shown, others = where(rows, rises)
    if not others:
        return holds(told)
    if shown:
        return holds_when(f"trained on {' or '.join(shown)}", told)
    single = [step for step, own in steps.items() if not where(own, rises)[1]]
    if single:
        return holds_when(f"it is {' or '.join(single)} alone", told)
    if _refuted(steps):
        return fails(told)
    return undetermined(f"{told} The intervals are too wide to tell.")


def _refuted(steps: dict[str, list[Row]]) -> bool:
    """Whether some interval of every step lies below what the article reports."""
    recalls = [recall for recall, _ in REPORTED.values()]
    asserted = [after - before for before, after in pairwise(recalls)]
    return all(
        any(row["high"] < gain for row in own)
        for own, gain in zip(steps.values(), asserted, strict=True)
    )


def _shown(rows: Sequence[Row], name: str) -> str:
    return f"{name} {ranged([row['mean'] for row in rows])}" if rows else f"{name} -"


CLAIMS = (
    Claim(
        "E2",
        "The fewer the positives, the larger alpha should be.",
        "At 1 : 100, alpha 0.75 against 0.25 at every gamma over paired seeds.",
        _grid,
        _judge_grid,
        recipes=(RECIPE,),
        note=Note(
            "the paper found the opposite once gamma > 0",
            lambda e: (
                not any(
                    rises(row)
                    for name, rows in _contrasts(e).items()
                    if "gamma 2" in name
                    for row in rows
                )
            ),
        ),
    ),
    Claim(
        "E4",
        "The heat-map branch can use the plain focal loss.",
        "The gradient beside a peak, and average precision over paired seeds.",
        _heat_map,
        _judge_heat_map,
        recipes=(RECIPE,),
    ),
    Claim(
        "E6",
        "At 1 : 100 recall and precision of negatives are 12.3 / 99.8 % with CE, "
        "68.5 / 97.2 % with focal and 72.1 / 98.5 % with GHM-C.",
        "Recall of positives over paired seeds, and the precision of negatives.",
        _compared,
        _judge_compared,
        recipes=(RECIPE,),
    ),
)

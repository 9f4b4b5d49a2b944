"""Claims E2, E4 and E6: what training at extreme imbalance shows."""

from collections.abc import Callable

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
    TOO_WIDE,
    Row,
    about,
    contrast,
    differences,
    levels,
    ranged,
    refuted,
    rises,
    steadier,
    unsteadier,
    where,
)
from conformance.training.ledger.runs import MissingRunError, Runs
from conformance.training.ledger.wording import number, numbers
from refimpl import heatmap_focal_loss_grad, sigmoid_focal_loss_grad

RECIPE = "extreme"
METRICS = {"f1_half": "F1 at 0.5", "average_precision": "average precision"}
ALPHAS, GAMMAS = (0.1, 0.25, 0.5, 0.75), (1, 2, 5)
# Scores closer than this are as good.
MATTERS = 0.02


def _extreme(runs: Runs) -> Callable[[str], bool]:
    """Tells data sets with about the article's hundred negatives to a positive."""

    def rare(name: str) -> bool:
        positives, negatives = runs.data(RECIPE)[name]["counts"]["train"]
        return negatives >= 50 * positives

    return rare


def _grid(runs: Runs) -> Evidence:
    """Large against small alpha at every gamma, and the best alpha."""
    found: Evidence = {}
    rare = _extreme(runs)
    for gamma in GAMMAS:
        names = {alpha: f"focal-{alpha:g}-{gamma:g}" for alpha in ALPHAS}
        for score, title in METRICS.items():
            try:
                found[f"{title}, gamma {gamma}, alpha 0.75 - 0.25"] = contrast(
                    runs,
                    RECIPE,
                    score,
                    first=names[0.25],
                    second=names[0.75],
                    data=rare,
                )
                means = {
                    alpha: np.mean(
                        [
                            r["mean"]
                            for r in levels(runs, RECIPE, score, name, data=rare)
                        ]
                    )
                    for alpha, name in names.items()
                }
            except MissingRunError:
                continue
            best = max(means, key=lambda alpha: float(means[alpha]))
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
    told = "; ".join(
        f"by {title} the best alpha at gamma {_bests(found, title)}"
        for title in METRICS.values()
    )
    told = f"Of alpha {ALPHAS[0]} to {ALPHAS[-1]}, {told}."
    shown = [name for name, own in rows.items() if not where(own, rises)[1]]
    if len(shown) == len(rows):
        return holds(told)
    if shown:
        condition = " or ".join(
            name.removesuffix(", alpha 0.75 - 0.25") for name in shown
        )
        return holds_when(f"it is {condition}", told)
    return _mixed(rows, told)


def _bests(found: Evidence, title: str) -> str:
    names = {gamma: f"{title}, gamma {gamma}, best alpha" for gamma in GAMMAS}
    known = {gamma: found[name] for gamma, name in names.items() if name in found}
    gammas, alphas = (
        ", ".join(f"{own:g}" for own in side) for side in (known, known.values())
    )
    return f"{gammas} is {alphas}"


def _mixed(rows: dict[str, list[Row]], told: str) -> Verdict:
    """Some data sets show it, or nothing is shown."""
    data = {name for own in rows.values() for name in where(own, rises)[0]}
    if data:
        return holds_when(f"trained on {' or '.join(sorted(data))}", told)
    if refuted([(own, MATTERS) for own in rows.values()]):
        return fails(told)
    return undetermined(f"{told} {TOO_WIDE}")


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
    return undetermined(f"{told} {TOO_WIDE}")


STRATEGIES = {"CE": "plain", "focal": "focal-0.25-2", "GHM-C": "ghm-printed"}
# Recall of positives and precision of negatives as the article reports them.
REPORTED = {"CE": (0.123, 0.998), "focal": (0.685, 0.972), "GHM-C": (0.721, 0.985)}


# The figures of negatives can be no precision: see ``_largest_precision``.
QUANTITIES = {"recall": "recall_half", "specificity": "specificity_half"}
# What the figures rank higher, and by how much.
STEPS = {
    ("recall", "CE", "focal"): 0.562,
    ("recall", "focal", "GHM-C"): 0.036,
    ("specificity", "focal", "CE"): 0.026,
    ("specificity", "focal", "GHM-C"): 0.013,
}


def _largest_precision(recall: float, negatives: int = 100) -> float:
    """Precision of negatives if all are right: the missed positives are in it."""
    return negatives / (negatives + 1 - recall)


def _compared(runs: Runs) -> Evidence:
    rare = _extreme(runs)
    found: Evidence = {
        f"{quantity}, {name}": levels(runs, RECIPE, measure, strategy, data=rare)
        for quantity, measure in QUANTITIES.items()
        for name, strategy in STRATEGIES.items()
    }
    for quantity, low, high in STEPS:
        found[_named(quantity, low, high)] = contrast(
            runs,
            RECIPE,
            QUANTITIES[quantity],
            first=STRATEGIES[low],
            second=STRATEGIES[high],
            data=rare,
            spreads=quantity == "recall",
        )
    found["largest precision of negatives"] = {
        name: _largest_precision(recall) for name, (recall, _) in REPORTED.items()
    }
    return found


def _named(quantity: str, low: str, high: str) -> str:
    return f"{quantity} of {high} over {low}"


def _judge_compared(found: Evidence) -> Verdict:
    told = "; ".join(
        f"{quantity} at 0.5: "
        + ", ".join(
            f"{name} {ranged([row['mean'] for row in found[f'{quantity}, {name}']])}"
            f" (asserted {REPORTED[name][place]})"
            for name in STRATEGIES
        )
        for place, quantity in enumerate(QUANTITIES)
    )
    largest = found["largest precision of negatives"]
    possible = all(REPORTED[name][1] <= own for name, own in largest.items())
    told = (
        f"{told[0].upper()}{told[1:]}. At 1 : 100 and the asserted recalls a precision "
        f"of negatives is at most {numbers(largest.values())}"
        f"{'' if possible else ', so specificity must be meant'}."
    )
    steps = {_named(*step): found[_named(*step)] for step in STEPS}
    shown = {name: where(rows, rises)[0] for name, rows in steps.items()}
    ce, ghm = (found[_named(*step)] for step in list(STEPS)[:2])
    # Focal is said to be the least stable: above CE, and GHM-C below it.
    shown["stability"] = sorted({*unsteadier([ce])} & {*steadier([ghm])})
    names = {row["data"] for rows in steps.values() for row in rows}
    if all(set(own) == names for own in shown.values()):
        meant = "precision of negatives means their recall"
        return holds(told) if possible else holds_when(meant, told)
    if any(shown.values()):
        return holds_when(about(shown), told)
    if refuted([(found[_named(*step)], gain) for step, gain in STEPS.items()]):
        return fails(told)
    return undetermined(f"{told} {TOO_WIDE}")


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
        "Both over paired seeds, in the order of the figures, and spreads of recall.",
        _compared,
        _judge_compared,
        recipes=(RECIPE,),
    ),
)

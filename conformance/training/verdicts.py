"""From finished cells to tables and verdicts, one data set at a time."""

from dataclasses import asdict
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from conformance.training.equivalence import (
    HIGHER,
    LOWER,
    UNDETERMINED,
    Paired,
    claim_verdict,
    contrast_verdict,
    equivalence_verdicts,
    paired,
    spread_verdict,
)
from conformance.training.metrics import METRICS
from conformance.training.recipe import Recipe

# Results of seed cells: backend → strategy → what ``run_seeds`` returned.
Cells = dict[str, dict[str, dict[str, Any]]]

CONTRASTED = ("f1_half", "f1_searched")
_TURNED = {HIGHER: LOWER, LOWER: HIGHER, UNDETERMINED: UNDETERMINED}


def summary(cells: Cells) -> dict[str, Any]:
    """Returns mean and standard deviation of every metric over seeds."""
    return {
        backend: {
            strategy: {
                name: _mean_and_deviation(cell["metrics"][name]) for name in METRICS
            }
            for strategy, cell in by_strategy.items()
        }
        for backend, by_strategy in cells.items()
    }


def equivalences(cells: Cells, recipe: Recipe, margin: float) -> list[dict[str, Any]]:
    """Compares every pair of backends on the main metric, strategy by strategy.

    The strategies of one pair are one family of tests.
    """
    constants, rows = recipe.statistics, []
    for first, second in combinations(cells, 2):
        family = [
            paired(
                cells[first][strategy.name]["metrics"][constants.main_metric],
                cells[second][strategy.name]["metrics"][constants.main_metric],
                margin=margin,
                # The interval that two one-sided tests at alpha correspond to.
                level=1.0 - 2.0 * constants.alpha,
            )
            for strategy in recipe.strategies
        ]
        verdicts = equivalence_verdicts(
            family, alpha=constants.alpha, minimum_seeds=constants.minimum_seeds
        )
        rows += [
            {
                "first": first,
                "second": second,
                "strategy": strategy.name,
                "metric": constants.main_metric,
                "margin": margin,
                **_record(comparison),
                "verdict": verdict,
            }
            for strategy, comparison, verdict in zip(
                recipe.strategies, family, verdicts, strict=True
            )
        ]
    return rows


def contrasts(cells: Cells, recipe: Recipe, margin: float) -> list[dict[str, Any]]:
    """Compares every pair of strategies, seed by seed on each backend.

    ``verdict`` is about the mean and ``spread`` about the deviation over seeds, both of
    the second strategy against the first.
    """
    alpha, rows = recipe.statistics.alpha, []
    for backend, by_strategy in cells.items():
        for metric in CONTRASTED:
            values = {name: c["metrics"][metric] for name, c in by_strategy.items()}
            for first, second in combinations(values, 2):
                pair = values[first], values[second]
                contrast = paired(*pair, margin=margin, level=1.0 - alpha)
                rows.append(
                    {
                        "backend": backend,
                        "metric": metric,
                        "first": first,
                        "second": second,
                        **_record(contrast),
                        "verdict": contrast_verdict(contrast),
                        "spread": spread_verdict(*pair, alpha=alpha),
                    }
                )
    return rows


def claims(contrasted: list[dict[str, Any]], recipe: Recipe) -> list[dict[str, Any]]:
    """Judges the source's rankings on each backend and metric.

    ``mean``: better strategies have the higher metric. ``stability``: they deviate less
    over seeds. Every step of a ranking must hold by its own test, so no correction is
    due: a ranking that is reproduced passed all of its tests.
    """
    found = {}
    for row in contrasted:
        key = row["backend"], row["metric"], row["first"], row["second"]
        found[key] = row["verdict"], row["spread"]
        swapped = row["backend"], row["metric"], row["second"], row["first"]
        found[swapped] = _TURNED[row["verdict"]], _TURNED[row["spread"]]
    runs = dict.fromkeys((row["backend"], row["metric"]) for row in contrasted)
    rows = []
    for ranking in recipe.claims:
        for backend, metric in runs:
            steps = [
                found[backend, metric, worse, better]
                for better, worse in pairwise(ranking)
            ]
            rows.append(
                {
                    "claim": " > ".join(ranking),
                    "backend": backend,
                    "metric": metric,
                    "mean": claim_verdict([mean for mean, _ in steps]),
                    "stability": claim_verdict([_TURNED[s] for _, s in steps]),
                }
            )
    return rows


def _mean_and_deviation(values: list[float]) -> dict[str, float | None]:
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"mean": float(np.mean(values)), "sd": spread}


def _record(comparison: Paired) -> dict[str, float | None]:
    """Returns the numbers as JSON has them: an interval without an end is null."""
    return {
        name: value if np.isfinite(value) else None
        for name, value in asdict(comparison).items()
    }

"""From finished cells to tables and verdicts, one data set at a time."""

from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np

from conformance.training.equivalence import (
    Paired,
    claim_verdict,
    contrast_verdict,
    equivalence_verdicts,
    paired,
)
from conformance.training.metrics import METRICS
from conformance.training.recipe import Recipe

# Results of seed cells: backend → strategy → what ``run_seeds`` returned.
Cells = dict[str, dict[str, dict[str, Any]]]

CONTRASTED = ("f1_half", "f1_searched")


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
    """Compares every pair of strategies, seed by seed on each backend."""
    rows = []
    for backend, by_strategy in cells.items():
        for metric in CONTRASTED:
            for first, second in combinations(by_strategy, 2):
                contrast = paired(
                    by_strategy[first]["metrics"][metric],
                    by_strategy[second]["metrics"][metric],
                    margin=margin,
                    level=1.0 - recipe.statistics.alpha,
                )
                rows.append(
                    {
                        "backend": backend,
                        "metric": metric,
                        "first": first,
                        "second": second,
                        **_record(contrast),
                        "verdict": contrast_verdict(contrast),
                    }
                )
    return rows


def claims(contrasted: list[dict[str, Any]], recipe: Recipe) -> list[dict[str, Any]]:
    """Judges the source's ranking on each backend and metric.

    Every step of the ranking must hold by its own interval, so no correction is due: a
    ranking that is reproduced passed all of its tests.
    """
    steps = list(zip(recipe.claim[1:], recipe.claim[:-1], strict=True))
    turned = {"higher": "lower", "lower": "higher"}
    verdicts: dict[tuple[str, str], list[str]] = {}
    for row in contrasted:
        key, verdict = (row["backend"], row["metric"]), row["verdict"]
        if (row["first"], row["second"]) in steps:
            verdicts.setdefault(key, []).append(verdict)
        elif (row["second"], row["first"]) in steps:
            verdicts.setdefault(key, []).append(turned.get(verdict, verdict))
    return [
        {
            "backend": backend,
            "metric": metric,
            "claim": " > ".join(recipe.claim),
            "verdict": claim_verdict(found),
        }
        for (backend, metric), found in verdicts.items()
    ]


def _mean_and_deviation(values: list[float]) -> dict[str, float | None]:
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"mean": float(np.mean(values)), "sd": spread}


def _record(comparison: Paired) -> dict[str, float | None]:
    """Returns the numbers as JSON has them: an interval without an end is null."""
    return {
        name: value if np.isfinite(value) else None
        for name, value in asdict(comparison).items()
    }

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
from conformance.training.recipe import Recipe
from conformance.training.theory import follows, threshold_share

# Results of seed cells: backend → strategy → what ``merge`` made of its blocks.
Cells = dict[str, dict[str, dict[str, Any]]]

# Of these, more is not better; a ranking says nothing about them.
UNRANKED = {"ece", "entropy", "threshold", "fraction_above_half", "mean_probability"}

_TURNED = {HIGHER: LOWER, LOWER: HIGHER, UNDETERMINED: UNDETERMINED}


def summary(cells: Cells) -> dict[str, Any]:
    """Returns mean and standard deviation of every metric over seeds."""
    return _by_cell(cells, "metrics", _mean_and_deviation)


def theory(cells: Cells, recipe: Recipe) -> dict[str, Any]:
    """Returns mean, deviation and interval of what is compared with mathematics.

    The intervals are Student's, each at the level of the recipe's alpha. Empty where
    the posterior is not known.
    """
    level = 1.0 - recipe.statistics.alpha

    def described(values: list[float]) -> dict[str, Any]:
        # The margin is for a test that is not made here.
        mean = paired(np.zeros(len(values)), values, margin=1.0, level=level)
        ends = _record(mean)
        return {
            **_mean_and_deviation(values),
            "low": ends["low"],
            "high": ends["high"],
            "level": level,
        }

    return _by_cell(cells, "theory", described)


def followed(cells: Cells) -> dict[str, Any]:
    """Judges on each backend whether strategies follow the link of their loss.

    The first strategy that ran is the plain one: where it does not follow, nothing is
    said to depart. Empty where the posterior is not known.
    """
    return {
        backend: follows(by_strategy, next(iter(by_strategy), ""))
        for backend, by_strategy in cells.items()
    }


def shares(cells: Cells) -> dict[str, Any]:
    """Splits every strategy's gain of F1 over the first one's, on each backend.

    Empty where no strategy has a link, as of heat maps.
    """
    return {
        backend: threshold_share(by_strategy, next(iter(by_strategy)))
        if any(cell["theory"] for cell in by_strategy.values())
        else {}
        for backend, by_strategy in cells.items()
    }


def equivalences(cells: Cells, recipe: Recipe, margin: float) -> list[dict[str, Any]]:
    """Compares every pair of backends on the main metric, strategy by strategy.

    The strategies of one pair are one family of tests. Every look takes alpha divided
    by the number of looks: a false rejection at any of them is then no more probable
    than alpha, however the looks depend on each other and whichever strategies go on
    (Bonferroni over looks, Holm within). A strategy that stopped early stands in the
    family with the seeds that it has.

    Args:
        cells: After the last look of each strategy so far.
        recipe: Of the data set: its strategies, main metric and looks.
        margin: Largest mean difference that counts as none.

    Returns:
        A row for each pair and strategy. Its interval has the ``level`` that two
        one-sided tests at a single look correspond to, before Holm's correction.
    """
    constants, rows = recipe.statistics, []
    metric, alpha = constants.main_metric, constants.alpha / len(constants.looks)
    level = 1.0 - 2.0 * alpha
    for first, second in combinations(cells, 2):
        family = [
            paired(
                cells[first][strategy]["metrics"][metric],
                cells[second][strategy]["metrics"][metric],
                margin=margin,
                level=level,
            )
            for strategy in cells[first]
        ]
        verdicts = equivalence_verdicts(
            family, alpha=alpha, minimum_seeds=constants.minimum_seeds
        )
        rows += [
            {
                "first": first,
                "second": second,
                "strategy": strategy,
                "metric": metric,
                "margin": margin,
                "level": level,
                **_record(comparison),
                "verdict": verdict,
            }
            for strategy, comparison, verdict in zip(
                cells[first], family, verdicts, strict=True
            )
        ]
    return rows


def contrasts(cells: Cells, recipe: Recipe, margin: float) -> list[dict[str, Any]]:
    """Compares every pair of strategies, seed by seed on each backend.

    ``verdict`` is about the mean and ``spread`` about the deviation over seeds, both of
    the second strategy against the first, each at its own ``level``: no family is
    corrected for. Seeds count from 0, so what both strategies have is the shorter list.
    A metric that the data set's task does not have is left out.
    """
    alpha, rows = recipe.statistics.alpha, []
    for backend, by_strategy in cells.items():
        for metric in recipe.statistics.contrasted:
            values = {
                name: cell["metrics"][metric]
                for name, cell in by_strategy.items()
                if metric in cell["metrics"]
            }
            for first, second in combinations(values, 2):
                common = min(len(values[first]), len(values[second]))
                pair = values[first][:common], values[second][:common]
                contrast = paired(*pair, margin=margin, level=1.0 - alpha)
                rows.append(
                    {
                        "backend": backend,
                        "metric": metric,
                        "first": first,
                        "second": second,
                        "level": 1.0 - alpha,
                        **_record(contrast),
                        "verdict": contrast_verdict(contrast),
                        "spread": spread_verdict(*pair, alpha=alpha),
                    }
                )
    return rows


def claims(contrasted: list[dict[str, Any]], recipe: Recipe) -> list[dict[str, Any]]:
    """Judges the source's rankings on each backend and metric of which more is better.

    ``mean``: better strategies have the higher metric. ``stability``: they deviate less
    over seeds. Every step of a ranking must hold by its own test, so no correction is
    due: a ranking that is reproduced passed all of its tests. A ranking of strategies
    that did not all run on the data set is left out.
    """
    found = {}
    for row in contrasted:
        key = row["backend"], row["metric"], row["first"], row["second"]
        found[key] = row["verdict"], row["spread"]
        swapped = row["backend"], row["metric"], row["second"], row["first"]
        found[swapped] = _TURNED[row["verdict"]], _TURNED[row["spread"]]
    runs = dict.fromkeys(
        (row["backend"], row["metric"])
        for row in contrasted
        if row["metric"] not in UNRANKED
    )
    ran = {name for row in contrasted for name in (row["first"], row["second"])}
    rows = []
    for ranking in recipe.claims:
        if not ran.issuperset(ranking):
            continue
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


def _by_cell(cells: Cells, group: str, describe: Any) -> dict[str, Any]:
    return {
        backend: {
            strategy: {name: describe(values) for name, values in cell[group].items()}
            for strategy, cell in by_strategy.items()
        }
        for backend, by_strategy in cells.items()
    }


def _mean_and_deviation(values: list[float]) -> dict[str, float | None]:
    numbers = np.asarray(values, np.float64)
    spread = float(numbers.std(ddof=1)) if numbers.size > 1 else None
    return {"mean": float(numbers.mean()), "sd": spread}


def _record(comparison: Paired) -> dict[str, float | None]:
    """Returns the numbers as JSON has them: an interval without an end is null."""
    return {
        name: value if np.isfinite(value) else None
        for name, value in asdict(comparison).items()
    }

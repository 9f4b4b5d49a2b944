from dataclasses import replace

import numpy as np
import pytest

from conformance.training.metrics import METRICS
from conformance.training.verdicts import claims, contrasts, equivalences, summary

RANKING = ("adaptive-article", "dynamic", "inverse")
NOISE = np.array([0.3, -1.1, 0.8, 1.4, -0.6, -0.9, 1.0, -0.9, 0.1, -0.1])


@pytest.fixture
def ranked(recipe):
    return replace(recipe, claims=(RANKING,))


def cells(recipe, means, deviations=None, backends=("numpy", "torch")):
    """Seed cells whose every metric has these means and deviations."""
    deviations = deviations or {}
    return {
        backend: {
            strategy.name: {
                "metrics": {
                    name: list(
                        means.get(strategy.name, 0.5)
                        + deviations.get(strategy.name, 0.01)
                        * np.roll(NOISE, 3 * index)
                    )
                    for name in METRICS
                }
            }
            for index, strategy in enumerate(recipe.strategies)
        }
        for backend in backends
    }


def judged(recipe, *args):
    return claims(contrasts(cells(recipe, *args), recipe, 0.01), recipe)


def test_ranking_that_holds_is_reproduced(ranked):
    rows = judged(ranked, {"adaptive-article": 0.9, "dynamic": 0.8, "inverse": 0.7})
    assert len(rows) == 2 * 2
    assert {row["claim"] for row in rows} == {"adaptive-article > dynamic > inverse"}
    assert {row["mean"] for row in rows} == {"reproduced"}
    assert {row["stability"] for row in rows} == {"undetermined"}


def test_ranking_with_one_step_turned_is_contradicted(ranked):
    rows = judged(ranked, {"adaptive-article": 0.9, "dynamic": 0.6, "inverse": 0.7})
    assert {row["mean"] for row in rows} == {"contradicted"}


def test_equal_strategies_are_undetermined(ranked):
    assert {row["mean"] for row in judged(ranked, {})} == {"undetermined"}


@pytest.mark.parametrize(
    ("order", "expected"),
    [((1, 10, 100), "reproduced"), ((1, 100, 10), "contradicted")],
)
def test_stability_is_a_smaller_deviation(ranked, order, expected):
    deviations = {name: 1e-3 * d for name, d in zip(RANKING, order, strict=True)}
    rows = judged(ranked, {}, deviations)
    assert {row["stability"] for row in rows} == {expected}


def test_contrast_is_second_minus_first(recipe):
    rows = contrasts(cells(recipe, {"plain": 0.5, "inverse": 0.6}), recipe, 0.01)
    row = next(r for r in rows if (r["first"], r["second"]) == ("plain", "inverse"))
    assert row["mean"] == pytest.approx(0.1)
    assert row["verdict"] == "higher"


def test_equivalence_takes_the_main_metric_and_a_90_percent_interval(recipe):
    found = cells(recipe, {})
    for name in METRICS:
        if name != "f1_searched":
            found["torch"]["plain"]["metrics"][name] = [0.0] * 10
    shifted = 0.004 + 0.001 * np.roll(NOISE, 1)
    metrics = found["torch"]["plain"]["metrics"]
    metrics["f1_searched"] = list(np.add(metrics["f1_searched"], shifted))
    rows = equivalences(found, recipe, 0.01)
    assert [row["strategy"] for row in rows] == [s.name for s in recipe.strategies]
    assert {row["verdict"] for row in rows} == {"equivalent"}
    # t of 9 degrees of freedom at 95 %, one-sided: 1.8331.
    error = shifted.std(ddof=1) / np.sqrt(10)
    assert rows[0]["high"] == pytest.approx(shifted.mean() + 1.8331 * error, rel=1e-4)


def test_summary_and_records_are_plain_numbers(recipe):
    found = cells(recipe, {"plain": 0.5})
    one = summary(found)["numpy"]["plain"]["f1_half"]
    assert one == {
        "mean": pytest.approx(0.5),
        "sd": pytest.approx(0.01 * NOISE.std(ddof=1)),
    }
    for by_strategy in found.values():
        for cell in by_strategy.values():
            cell["metrics"] = {k: v[:1] for k, v in cell["metrics"].items()}
    assert summary(found)["numpy"]["plain"]["f1_half"]["sd"] is None
    assert contrasts(found, recipe, 0.01)[0]["low"] is None

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from conformance.training.metrics import METRICS_OF
from conformance.training.verdicts import (
    UNRANKED,
    claims,
    contrasts,
    equivalences,
    followed,
    shares,
    summary,
    theory,
)
from tests.conformance.training import made

RANKING = ("focal", "ratio", "plain")
ONE_LOOK = made.RECIPE.with_seeds(10)


@pytest.fixture
def ranked():
    return replace(made.RECIPE, claims=(RANKING,))


def cells(means=None, deviations=None, backends=("numpy", "torch")):
    """Seed cells whose every metric has these means and deviations."""
    means, deviations = means or {}, deviations or {}
    return {
        backend: {
            name: made.seed_cell(
                mean=means.get(name, 0.5),
                deviation=deviations.get(name, 0.01),
                index=index,
            )
            for index, name in enumerate(made.NAMES)
        }
        for backend in backends
    }


def judged(recipe, *args):
    return claims(contrasts(cells(*args), recipe, 0.01), recipe)


def set_metric(cell, name, values):
    cell["metrics"] = {**cell["metrics"], name: list(values)}


def test_ranking_that_holds_is_reproduced(ranked):
    rows = judged(ranked, {"focal": 0.9, "ratio": 0.8, "plain": 0.7})
    assert len(rows) == 2 * 2
    assert {row["claim"] for row in rows} == {"focal > ratio > plain"}
    assert {row["mean"] for row in rows} == {"reproduced"}
    assert {row["stability"] for row in rows} == {"undetermined"}


def test_ranking_with_one_step_turned_is_contradicted(ranked):
    rows = judged(ranked, {"focal": 0.9, "ratio": 0.6, "plain": 0.7})
    assert {row["mean"] for row in rows} == {"contradicted"}


def test_equal_strategies_are_undetermined(ranked):
    assert {row["mean"] for row in judged(ranked)} == {"undetermined"}


def test_ranking_of_what_did_not_run_is_left_out(ranked):
    found = cells()
    for by_strategy in found.values():
        del by_strategy["ratio"]
    assert claims(contrasts(found, ranked, 0.01), ranked) == []


def test_rankings_are_of_metrics_of_which_more_is_better(ranked):
    contrasted = ("f1_half", *sorted(UNRANKED))
    statistics = replace(ranked.statistics, contrasted=contrasted)
    ranked = replace(ranked, statistics=statistics)
    found = cells(backends=("torch",))
    for cell in found["torch"].values():
        cell["metrics"] = dict.fromkeys(contrasted, cell["metrics"]["f1_half"])
    rows = contrasts(found, ranked, 0.01)
    assert {row["metric"] for row in rows} == set(contrasted)
    assert {row["metric"] for row in claims(rows, ranked)} == {"f1_half"}


def test_more_is_better_of_all_other_metrics():
    ranked = {n for names in METRICS_OF.values() for n in names} - UNRANKED
    better = ("f1", "recall", "precision", "specificity", "accuracy", "auc", "ap")
    assert all(any(word in name for word in better) for name in ranked)
    assert {n for names in METRICS_OF.values() for n in names} > UNRANKED


@pytest.mark.parametrize(
    ("order", "expected"),
    [((1, 10, 100), "reproduced"), ((1, 100, 10), "contradicted")],
)
def test_stability_is_a_smaller_deviation(ranked, order, expected):
    deviations = {name: 1e-3 * d for name, d in zip(RANKING, order, strict=True)}
    rows = judged(ranked, {}, deviations)
    assert {row["stability"] for row in rows} == {expected}


def test_contrast_is_second_minus_first_on_the_recipes_metrics():
    rows = contrasts(cells({"plain": 0.5, "ratio": 0.6}), made.RECIPE, 0.01)
    assert {row["metric"] for row in rows} == {"f1_half", "f1_searched"}
    assert len(rows) == 2 * 2 * 3
    row = next(r for r in rows if (r["first"], r["second"]) == ("plain", "ratio"))
    assert row["mean"] == pytest.approx(0.1, abs=0.01)
    assert row["verdict"] == "higher"
    assert row["level"] == 0.95


def test_contrast_pairs_the_seeds_that_both_have():
    found = cells(backends=("torch",))
    longer = made.seed_cell(range(20), index=1, mean=0.6)
    found["torch"]["ratio"] = longer
    first, second, third = contrasts(found, ONE_LOOK, 0.01)[:3]
    assert (first["n"], second["n"], third["n"]) == (10, 10, 10)
    short = found["torch"]["plain"]["metrics"]["f1_half"]
    expected = np.subtract(longer["metrics"]["f1_half"][:10], short)
    assert first["mean"] == pytest.approx(expected.mean())


def test_contrast_leaves_out_what_a_task_does_not_measure():
    found = cells()
    for by_strategy in found.values():
        for cell in by_strategy.values():
            del cell["metrics"]["f1_half"]
    rows = contrasts(found, made.RECIPE, 0.01)
    assert [row["metric"] for row in rows] == ["f1_searched"] * 2 * 3


def test_equivalence_takes_the_main_metric_and_its_interval():
    found = cells()
    plain = found["torch"]["plain"]
    set_metric(plain, "f1_half", [0.0] * 10)
    shifted = 0.004 + 0.001 * made.noise(range(10), 9)
    set_metric(plain, "f1_searched", plain["metrics"]["f1_searched"] + shifted)
    rows = equivalences(found, ONE_LOOK, 0.01)
    assert [row["strategy"] for row in rows] == list(made.NAMES)
    assert {row["verdict"] for row in rows} == {"equivalent"}
    assert rows[0]["level"] == pytest.approx(0.9)
    # t of 9 degrees of freedom at 95 %, one-sided: 1.8331.
    error = shifted.std(ddof=1) / np.sqrt(10)
    assert rows[0]["high"] == pytest.approx(shifted.mean() + 1.8331 * error, rel=1e-4)


def test_alpha_is_shared_by_the_looks():
    """What one look would accept, the first of three does not."""
    found = cells(backends=("numpy", "torch"))
    for name in made.NAMES:
        metrics = found["torch"][name]["metrics"]
        noise = made.noise(range(10), 9)
        noise = (noise - noise.mean()) / noise.std(ddof=1)
        # p of the one-sided test is 0.01: above 0.05 / 3 / 3, below 0.05 / 3.
        t = stats.t.isf(0.01, 9)
        error = 0.01 / np.sqrt(10)
        shifted = metrics["f1_searched"] + 0.01 * noise + 0.05 - t * error
        set_metric(found["torch"][name], "f1_searched", shifted)
    rows = equivalences(found, ONE_LOOK, 0.05)
    assert [row["p_equivalent"] for row in rows] == pytest.approx([0.01] * 3)
    assert {row["verdict"] for row in rows} == {"equivalent"}
    rows = equivalences(found, made.RECIPE, 0.05)
    assert "equivalent" not in {row["verdict"] for row in rows}
    assert rows[0]["level"] == pytest.approx(1 - 0.1 / 3)


def test_summary_and_records_are_plain_numbers():
    found = cells()
    values = found["numpy"]["plain"]["metrics"]["f1_half"]
    one = summary(found)["numpy"]["plain"]["f1_half"]
    assert one == {"mean": np.mean(values), "sd": np.std(values, ddof=1)}
    for by_strategy in found.values():
        for cell in by_strategy.values():
            cell["metrics"] = {k: v[:1] for k, v in cell["metrics"].items()}
    assert summary(found)["numpy"]["plain"]["f1_half"]["sd"] is None
    assert contrasts(found, made.RECIPE, 0.01)[0]["low"] is None


def test_theory_has_intervals():
    found = cells()
    values = found["torch"]["ratio"]["theory"]["slope"]
    one = theory(found, made.RECIPE)["torch"]["ratio"]["slope"]
    interval = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (one["low"], one["high"]) == pytest.approx((interval.low, interval.high))
    assert one["level"] == 0.95
    found["torch"]["ratio"]["theory"] = {"slope": [None] * 10}
    one = theory(found, made.RECIPE)["torch"]["ratio"]["slope"]
    assert one["low"] is None
    found["torch"]["ratio"]["theory"] = {}
    assert theory(found, made.RECIPE)["torch"]["ratio"] == {}


def test_links_are_judged_beside_the_first_strategy():
    found = cells()
    for cell in found["torch"].values():
        cell["theory"]["slope"] = np.array(cell["theory"]["slope"]) - 0.5
    found["numpy"]["focal"]["theory"]["offset"] = [9.0] * 10
    found["numpy"]["ratio"]["theory"] = {}
    verdicts = {
        backend: {name: own["verdict"] for name, own in by_strategy.items()}
        for backend, by_strategy in followed(found).items()
    }
    assert verdicts == {
        "numpy": {"plain": "follows", "focal": "departs"},
        "torch": {"plain": "departs", "ratio": "undetermined", "focal": "undetermined"},
    }


def test_shares_are_of_the_gain_over_the_first_strategy():
    found = cells({"plain": 0.5, "ratio": 0.8, "focal": 0.8})
    for cell in found["torch"].values():
        cell["theory"]["f1_corrected_half"] = cell["metrics"]["f1_half"]
    corrected = found["torch"]["plain"]["metrics"]["f1_half"]
    found["torch"]["ratio"]["theory"]["f1_corrected_half"] = corrected
    found["numpy"]["focal"]["theory"] = {}
    own = shares(found)
    assert list(own["numpy"]) == ["ratio"]
    assert list(own["torch"]) == ["ratio", "focal"]
    assert own["torch"]["ratio"]["gain"]["mean"] == pytest.approx(0.3, abs=0.01)
    assert own["torch"]["ratio"]["share"]["value"] == pytest.approx(1.0)
    assert own["torch"]["focal"]["share"]["value"] == pytest.approx(0.0)


def test_without_links_there_is_neither():
    found = {"torch": {"heatmap": made.seed_cell()}}
    found["torch"]["heatmap"]["theory"] = {}
    found["torch"]["heatmap"]["metrics"] = {"f1_searched": [0.5] * 10}
    assert followed(found) == shares(found) == {"torch": {}}
    assert followed({"torch": {}}) == shares({"torch": {}}) == {"torch": {}}

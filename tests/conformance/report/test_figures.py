import json
import math
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from conformance.report.html.axes import Scale, line, thinned
from conformance.report.html.curves import FLOOR, HEIGHT, TOP, WIDTH, figures
from conformance.report.html.training import WIDE, descents, forests, panels, worst
from conformance.report.outcomes import parse
from tests.conformance.report.made import BCE, FAIL, PASS, outcome, whole


@pytest.mark.parametrize(
    ("kind", "low", "high", "labels"),
    [
        ("linear", 0, 1, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        ("linear", -0.012, 0.012, ["-0.01", "-0.005", "0", "0.005", "0.01"]),
        ("linear", 1, 240, ["50", "100", "150", "200"]),
        ("log", 0.05, 16, ["0.1", "1", "10"]),
        ("log", 2e-17, 3e-14, ["10⁻¹⁶", "10⁻¹⁵", "10⁻¹⁴"]),
        ("asinh", -50, 50, ["-10", "-1", "0", "1", "10"]),
        ("asinh", -1e4, 1e4, ["-1000", "-10", "0", "10", "1000"]),
    ],
)
def test_ticks_are_round_and_apart(kind, low, high, labels):
    ticks = Scale(low, high, 0, 400, kind).ticks(36)
    minus = "\N{MINUS SIGN}"
    assert [label.replace(minus, "-") for _, label in ticks] == labels
    places = [place for place, _ in ticks]
    assert all(b - a >= 36 for a, b in pairwise(places))


@pytest.mark.parametrize("kind", ["linear", "log", "asinh"])
def test_scale_keeps_order_and_stays_inside(kind):
    scale = Scale(1, 100, 10, 90, kind)
    assert scale(1) == 10
    assert scale(100) == 90
    assert scale(0.5) == 10
    assert scale(1e9) == 90
    assert 10 < scale(5) < scale(50) < 90


def test_one_number_lies_in_the_middle():
    assert Scale(3, 3, 0, 10)(3) == 5
    assert Scale(3, 3, 0, 10).ticks() == [(5, "3")]


def test_line_breaks_where_there_is_no_number():
    places = thinned([(0, 5), (0.5, 2), (3, math.nan), (6, 1)])
    assert places[0] == (0.5, 2)
    assert line(places) == "M0.5 2M6 1"


def drawn(results, impls=("numpy", "torch", "jax")):
    return figures(results, impls)


def test_curves_of_results_are_joined_and_the_worst_is_kept():
    results = [PASS, replace(PASS, curve=((-17.0, 3.0), (5.0, 0.25)))]
    (figure,) = drawn(results)[BCE]
    assert figure.summary == "torch float32 at most 3.00 (at -17)"
    (series,) = figure.series
    assert series.path.count("M") == 4
    assert figure.x_label == "logit"


def test_error_beyond_the_figure_lies_on_top():
    (figure,) = drawn([FAIL])[BCE]
    tops = [float(y) for y in re.findall(r"M[\d.]+ ([\d.]+)m", figure.series[0].path)]
    assert tops[0] == TOP < tops[1]
    assert (TOP, "∞") in figure.y_ticks
    assert "∞ (at -17)" in figure.summary


def test_everything_lies_inside_the_figure():
    results = [*whole(), FAIL, replace(PASS, curve=((1e9, 0.0), (-1e9, 1e300)))]
    for figure in drawn(results)[BCE]:
        for series in figure.series:
            for x, y in re.findall(r"M([\d.]+) ([\d.]+)m", series.path):
                assert 0 < float(x) < WIDTH
                assert TOP <= float(y) < HEIGHT
        assert all(0 < limit.y < HEIGHT for limit in figure.limits)


def test_numpy_is_held_to_its_own_budget():
    (figure,) = drawn([replace(PASS, impl="numpy")])[BCE]
    assert [limit.label for limit in figure.limits] == ["budget 8", "numpy 2"]
    (figure,) = drawn([PASS])[BCE]
    assert [limit.label for limit in figure.limits] == ["budget 8"]


def test_class_losses_are_drawn_over_the_margin():
    (figure,) = drawn([replace(PASS, operation="cross_entropy")])["cross_entropy"]
    assert figure.x_label == "margin of the labelled class"
    name = "binary_cross_entropy"
    (figure,) = drawn([replace(PASS, operation=name, curve=((0.5, FLOOR),))])[name]
    assert figure.x_label == "probability"


@pytest.fixture
def trained(tmp_path):
    outcome(tmp_path)
    return json.loads((tmp_path / "outcome.json").read_text())


def test_lockstep_shows_the_share_of_the_bound(trained):
    (panel,) = panels(parse(trained), ("numpy", "torch"))
    assert panel.verdicts == (("torch", "pass", "0.50"),)
    assert panel.shadow.count("M") == 2
    cell = trained["data"]["digits"]["lockstep"]["plain"]
    cell["distances"]["torch"][1] = None
    assert panels(parse(trained), ())[0].verdicts[0][2] == "∞"
    cell["horizon"] = 0
    assert panels(parse(trained), ())[0].verdicts[0][2] == "-"


def test_interval_and_margin(trained):
    (forest,) = forests(parse(trained))
    (bar,) = forest.bars
    assert forest.low < bar.low < bar.mean < bar.high < forest.high
    row = trained["data"]["digits"]["equivalence"][0]
    row["low"] = row["high"] = None
    (forest,) = forests(parse(trained))
    (bar,) = forest.bars
    assert bar.low < forest.low < forest.high < bar.high
    assert "no interval" in bar.text


def test_interval_says_what_it_covers(trained):
    (forest,) = forests(parse(trained))
    assert forest.level == "90 %"
    trained["data"]["digits"]["equivalence"][0]["level"] = 0.9666
    (forest,) = forests(parse(trained))
    assert forest.level == "96.7 %"
    assert "96.7 % interval -0.002 to +0.004" in forest.bars[0].text


def test_of_a_strategy_the_pair_that_reaches_farthest_is_drawn(trained):
    rows = trained["data"]["digits"]["equivalence"]
    near = {**rows[0], "second": "jax", "low": -0.001, "high": 0.001}
    far = {**rows[0], "second": "far", "low": -0.009, "high": 0.001}
    none = {**far, "low": None, "high": None, "strategy": "other"}
    rows[:] = [none, near, far, rows[0], {**none, "low": 0.0, "high": 0.0}]
    (forest,) = forests(parse(trained))
    assert [bar.name for bar in forest.bars] == ["other", "plain"]
    assert forest.bars[0].text.startswith("far - numpy: ")
    assert "no interval" in forest.bars[0].text
    assert forest.bars[1].text.startswith("far - numpy: ")
    assert [told.name.split(" ")[0] for told in forest.told] == [
        *("far", "jax", "far", "torch", "far")
    ]


def test_names_have_room(trained):
    (short,) = forests(parse(trained))
    trained["data"]["digits"]["equivalence"][0]["strategy"] = "joint-square-root-0.1"
    (long,) = forests(parse(trained))
    assert short.names < long.names < WIDE / 2


def test_worst_shares_of_all_backends(trained):
    cell = trained["data"]["digits"]["lockstep"]["plain"]
    cell["distances"]["jax"] = [0.0, 8e-14, 0.0]
    cell["verdict"]["jax"] = "fail"
    (figure,) = worst(parse(trained), ("numpy", "torch", "jax"))
    (row,) = figure.rows
    torch, jax = row.marks
    assert torch.x < figure.bound < jax.x
    assert (torch.place, jax.place) == (1, 2)
    assert jax.text == "jax fail at 4.00 of the bound"


@pytest.mark.parametrize(
    ("distances", "beyond"), [([0.0] * 3, False), ([None] * 3, True)]
)
def test_shares_stay_inside_the_figure(trained, distances, beyond):
    trained["data"]["digits"]["lockstep"]["plain"]["distances"]["torch"] = distances
    (figure,) = worst(parse(trained), ())
    (mark,) = figure.rows[0].marks
    assert figure.names <= mark.x <= WIDE
    assert (mark.x > figure.bound) is beyond
    assert figure.bound < WIDE - 30


def test_share_of_nothing_is_none(trained):
    trained["data"]["digits"]["lockstep"]["plain"]["horizon"] = 0
    (figure,) = worst(parse(trained), ())
    (mark,) = figure.rows[0].marks
    assert mark.x == figure.names
    assert mark.text == "torch pass at - of the bound"


def test_lines_are_thin(trained):
    cell = trained["data"]["digits"]["lockstep"]["plain"]
    lines = {"bound": [1e-14] * 900, "shadow": [1e-15] * 900}
    cell |= lines | {"distances": {"torch": [2e-15] * 900}, "horizon": 900}
    (panel,) = panels(parse(trained), ())
    for path in (panel.bound, panel.shadow, panel.lines[0].path):
        assert 40 < path.count("L") < 60


def test_small_trainings_are_drawn_apart_from_errors():
    one = replace(
        PASS,
        impl="numpy",
        operation=BCE,
        dtype="float64",
        profile="training",
        output="parameters",
        curve=((1.0, 0.01), (2.0, 0.5)),
    )
    other = replace(one, impl="torch", status="fail", curve=((1.0, 0.1), (2.0, 7.0)))
    assert figures([one, other], ["numpy", "torch"]) == {}
    (panel,) = descents([one, other, PASS], ["numpy", "torch"])
    assert panel.title == f"{BCE}: float64"
    assert [line.name for line in panel.lines] == ["numpy", "torch"]
    assert panel.verdicts == (("numpy", "pass", "0.50"), ("torch", "fail", "7.00"))

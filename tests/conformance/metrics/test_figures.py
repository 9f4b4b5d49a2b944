import subprocess
import sys
from functools import partial
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle, StepPatch
from sklearn.metrics import auc

from conformance.metrics import evaluate, noise_robustness
from conformance.metrics.figures import (
    figure_bytes,
    report_figures,
    robustness_figure,
)
from conformance.metrics.figures.selection import MOST, chosen
from tests.conformance.looking import overlap, texts
from tests.conformance.metrics.made import binary, multiclass, multilabel

NAMES = ["confusion", "reliability", "curves", "histograms"]


def exceeds(features, *, bias):
    return (features[:, 0] > bias).astype(float)


def many(classes, size=2000):
    generator = np.random.default_rng(1)
    p = generator.dirichlet(np.full(classes, 0.3), size=size)
    labels = [generator.choice(classes, p=row / row.sum()) for row in p]
    return np.array(labels), p


@pytest.mark.parametrize("made", [binary, multilabel, multiclass])
def test_every_kind_has_every_figure(made):
    found = report_figures(evaluate(*made()))
    assert list(found) == NAMES
    for figure in found.values():
        assert isinstance(figure, Figure)
        assert not overlap(figure)


@pytest.mark.parametrize("classes", [10, 30])
def test_many_classes_fit(classes):
    names = [f"a rather long name {k}" for k in range(classes)]
    labels, p = many(classes)
    for figure in report_figures(evaluate(labels, p, names=names)).values():
        assert not overlap(figure)


def test_confusion_shows_counts_and_shares():
    labels, p = multiclass()
    report = evaluate(labels, p)
    (matrix,) = report.confusions
    found = texts(report_figures(report)["confusion"])
    for k in range(4):
        assert (
            f"{matrix.counts[k][k]}\n{matrix.recalls[k]:.0%}".replace("%", " %")
            in found
        )


def test_row_without_examples_says_no_data():
    figure = report_figures(evaluate([0, 0, 1], [[0.8, 0.1, 0.1]] * 3))["confusion"]
    assert texts(figure).count("no data") == 3


def test_reliability_shows_its_error_and_every_count():
    report = evaluate(*binary())
    figure = report_figures(report)["reliability"]
    found = texts(figure)
    assert f"Reliability: ECE {report.reliability.ece:.4f}, 10 uniform bins" in found
    for entry in report.reliability.bins:
        assert str(entry.count) in found
    upper, lower = figure.axes
    line = next(x for x in upper.lines if x.get_label() == "model")
    rates = [entry.rate for entry in report.reliability.bins]
    assert np.asarray(line.get_ydata()).tolist() == rates
    heights = [bar.get_height() for bar in lower.patches if isinstance(bar, Rectangle)]
    assert heights == [entry.count for entry in report.reliability.bins]


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
def test_decisions_lie_on_both_curves(threshold):
    report = evaluate(*binary(), thresholds=threshold)
    for axis in report_figures(report)["curves"].axes:
        curve, mark = (line.get_xydata() for line in list(axis.lines)[:2])
        distance = np.abs(np.asarray(curve) - np.asarray(mark)).max(axis=1)
        # Curves leave out points of which a straight line goes through.
        assert distance.min() < 0.02


def test_area_of_the_drawn_curves_is_what_the_legend_says():
    labels, p = binary()
    report = evaluate(labels, p)
    figure = report_figures(report)["curves"]
    assert figure.axes[0].lines[0].get_drawstyle() == "steps-post"
    left, right = (np.asarray(axis.lines[0].get_xydata()).T for axis in figure.axes)
    steps = -np.sum(np.diff(left[0]) * left[1][:-1])
    (row,) = report.classes
    assert steps == pytest.approx(row.average_precision, rel=1e-12)
    assert auc(right[0], right[1]) == pytest.approx(row.auroc, rel=1e-12)
    label = f"1: AP {row.average_precision:.3f}, AUROC {row.auroc:.3f}"
    assert label in texts(figure)


def test_absent_class_is_named_without_a_curve():
    labels, p = multilabel()
    labels[:, 2] = 0
    figure = report_figures(evaluate(labels, p, names=list("wxyz")))["curves"]
    assert "y: no data" in texts(figure)


def test_histograms_are_shares_of_each_side():
    labels, p = binary()
    figure = report_figures(evaluate(labels, p, thresholds=0.3))["histograms"]
    (axis,) = figure.axes
    steps = [patch for patch in axis.patches if isinstance(patch, StepPatch)]
    sides = [patch for patch in steps if not patch.get_fill()]
    for value, side in enumerate(sides):
        shares = side.get_data()[0]
        assert shares.sum() == pytest.approx(1.0)
        assert shares[:5].sum() == pytest.approx(np.mean(p[labels == value] < 0.2))
    assert np.asarray(axis.lines[0].get_xdata()).tolist() == [0.3, 0.3]


def test_rarest_classes_with_examples_are_drawn():
    labels, p = many(30)
    labels[labels == 4] = 5
    report = evaluate(labels, p)
    columns = chosen(report)
    supports = [row.support for row in report.classes]
    assert len(columns) == MOST
    assert 4 not in columns
    left = [supports[k] for k in range(30) if k not in columns and k != 4]
    assert max(supports[k] for k in columns) <= min(left)
    figures = report_figures(report)
    for name in ("curves", "histograms"):
        assert any(", 12 rarest of 30" in text for text in texts(figures[name]))


def test_robustness_is_a_line_for_each_strategy():
    features = np.random.default_rng(0).normal(size=(50, 2))
    labels = (features[:, 0] > 0).astype(int)
    found = {}
    for name, bias in (("plain", 0.5), ("weighted", 0.0)):
        outputs = partial(exceeds, bias=bias)
        found[name] = noise_robustness(outputs, features, labels, seed=0)
    figure = robustness_figure(found, metric="accuracy")
    assert not overlap(figure)
    (axis,) = figure.axes
    drawn = [tuple(np.asarray(line.get_ydata())) for line in axis.lines]
    assert {result.means for result in found.values()} <= set(drawn)
    assert {"plain", "weighted", "accuracy"} <= set(texts(figure))


def test_bytes_are_files_and_always_the_same():
    figures = [report_figures(evaluate(*binary()))["curves"] for _ in range(2)]
    svg = [figure_bytes(figure, format="svg") for figure in figures]
    assert svg[0] == svg[1]
    assert ElementTree.fromstring(svg[0]).tag.endswith("svg")
    png = [figure_bytes(figure) for figure in figures]
    assert png[0] == png[1]
    assert png[0].startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="format must be one of 'png', 'svg'"):
        figure_bytes(figures[0], format="pdf")


def test_no_framework_and_no_global_figure_is_loaded():
    code = (
        "import sys, conformance.metrics\n"
        "print(sorted({'torch', 'jax', 'matplotlib.pyplot'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


STRANGE = (
    "10 $ to $ \\frac{",
    "__background__",
    "\N{CJK UNIFIED IDEOGRAPH-732B}\x1b[1m",
    "",
)


@pytest.mark.parametrize("make", [multiclass, multilabel])
def test_strange_names_are_drawn_as_they_are(make):
    labels, p = make()
    drawn = report_figures(evaluate(labels, p, names=STRANGE))
    for figure in drawn.values():
        assert figure_bytes(figure)
    legend = [text.get_text() for text in drawn["curves"].legends[0].get_texts()]
    assert any("__background__" in text for text in legend)


def test_strange_strategies_are_drawn():
    found = noise_robustness(
        partial(exceeds, bias=0.0), np.ones((4, 1)), [1, 1, 1, 1], seed=1
    )
    assert figure_bytes(robustness_figure(dict.fromkeys(STRANGE, found), metric="F1"))

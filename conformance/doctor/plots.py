"""Figures of an examination: what metrics draw, and weights, thresholds and losses."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from conformance.diagnosis.clamps import closest
from conformance.doctor.checks.losses import ignorant, repeated
from conformance.doctor.facts import weights
from conformance.metrics import report_figures
from conformance.metrics.figures.selection import rarest
from conformance.metrics.figures.style import (
    COLOURS,
    line_style,
    make_figure,
    shortened,
    tidy,
)
from conformance.metrics.files import measured
from conformance.scores import Array, Column, Scores
from refimpl.thresholds import search_threshold


def figures(scores: Scores) -> dict[str, Figure]:
    """Draws what can be drawn.

    Args:
        scores: Of one file, whatever is wrong with it.

    Returns:
        Figures by what they show.
    """
    found = _of_metrics(scores)
    if found and scores.task != "multiclass":
        found["thresholds"] = _thresholds(scores)
    expected, used = weights(scores)
    # Others have no place on an axis of logarithms, and are a finding.
    if used is not None and (np.isfinite([expected, used]) & (used > 0)).all():
        found["weights"] = _weights(scores)
    if "losses" in scores.told and np.isfinite(scores.told["losses"]).any():
        found["losses"] = _losses(scores)
    return found


def _of_metrics(scores: Scores) -> dict[str, Figure]:
    try:
        report = measured(scores)
    except ValueError:
        # No scores that a metric takes: findings say why.
        return {}
    drawn = report_figures(report)
    return {name: drawn[name] for name in ("reliability", "curves", "histograms")}


def _positives(scores: Scores) -> list[int]:
    return [column.positives for column in scores.columns]


def _thresholds(scores: Scores) -> Figure:
    figure, grid = make_figure(1, 1, width=5.2, height=3.6)
    axis: Axes = grid[0, 0]
    for place, k in enumerate(rarest(_positives(scores))):
        _threshold_curve(axis, scores.columns[k], place)
    axis.axvline(0.5, color="0.45", ls="--", lw=1.0)
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="threshold", ylabel="F1")
    axis.set_title("F1 by threshold, with the best", fontsize=11)
    axis.legend(fontsize=8, frameon=False)
    tidy(axis)
    return figure


def _threshold_curve(axis: Axes, column: Column, place: int) -> None:
    style = line_style(place)
    if not column.positives:
        axis.plot([], [], label=f"{shortened(column.name)}: no positives", **style)
        return
    precision, recall, cuts = precision_recall_curve(
        column.truth, column.probabilities, drop_intermediate=True
    )
    total = precision + recall
    f1 = 2 * precision * recall / np.where(total > 0, total, 1.0)
    best = search_threshold(column.probabilities, column.truth)
    label = f"{shortened(column.name)}: {best.score:.3f} at {best.value:.3g}"
    axis.plot(cuts, f1[:-1], lw=1.5, label=label, **style)
    axis.plot(best.value, best.score, marker="o", mfc="white", color=style["color"])


def _weights(scores: Scores) -> Figure:
    expected, used = weights(scores)
    chosen = rarest(_positives(scores))
    width = max(5.2, 1.2 + 0.9 * len(chosen))
    figure, grid = make_figure(1, 1, width=width, height=3.4)
    axis: Axes = grid[0, 0]
    pairs = {"expected": expected, "used": used}
    for place, (name, values) in enumerate(pairs.items()):
        own = np.asarray(values, float)[chosen]
        at = np.arange(len(chosen)) + 0.4 * place - 0.2
        axis.bar(at, own, 0.36, color=COLOURS[place], label=name)
        for x, value in zip(at, own, strict=True):
            axis.annotate(
                f"{value:.3g}", (x, value), ha="center", va="bottom", fontsize=8
            )
    names = [shortened(scores.names[k]) for k in chosen]
    axis.set_xticks(range(len(chosen)), names)
    kind = "class weights" if scores.task == "multiclass" else "pos_weight"
    axis.set_title(f"{kind}, expected and used", fontsize=11)
    axis.set(xlabel="class", ylabel="weight", yscale="log")
    axis.minorticks_off()
    axis.yaxis.set_major_formatter("{x:g}")
    axis.margins(y=0.15)
    axis.legend(fontsize=9, frameon=False)
    tidy(axis)
    return figure


def _losses(scores: Scores) -> Figure:
    losses: Array = scores.told["losses"].ravel()
    figure, grid = make_figure(1, 1, width=5.2, height=3.4)
    axis: Axes = grid[0, 0]
    steps = np.arange(1, losses.size + 1)
    axis.plot(steps, losses, lw=1.3, color=COLOURS[0], label="loss")
    for value, times in repeated(losses[np.isfinite(losses)]):
        if entry := closest(value):
            label = f"{value:.5g} = {entry.origin}, {times} times"
            axis.axhline(value, color=COLOURS[1], lw=1.2, ls="--", label=label)
    for place, (name, value) in enumerate(ignorant(scores).items()):
        label = name.split(",")[0].removeprefix("the loss of ")
        style = {"color": "0.45", "lw": 1.2, "ls": (":", "-.")[place]}
        axis.axhline(value, label=label, **style)
    bad = ~np.isfinite(losses)
    if bad.any():
        first = int(bad.argmax()) + 1
        axis.axvline(first, color=COLOURS[3], lw=1.2, label="first that is not finite")
    axis.set(xlabel="step", ylabel="loss")
    axis.set_title("Loss of the training steps", fontsize=11)
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=2, fontsize=8, frameon=False
    )
    tidy(axis)
    return figure

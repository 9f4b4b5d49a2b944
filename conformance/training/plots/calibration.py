"""Reliability curves, before and after the distortion of the loss is undone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from conformance.metrics.figures.calibration import WORDS
from conformance.metrics.figures.style import COLOURS, make_panels, shortened, tidy
from conformance.training.plots.style import (
    LONGEST,
    SMALL,
    finish,
    numbers,
    panel_size,
    pictures_of,
)

_CURVES = {
    "raw": ("as trained", {"color": COLOURS[1], "marker": "s", "ls": (0, (4, 1.5))}),
    "corrected": ("corrected", {"color": COLOURS[0], "marker": "o", "ls": "-"}),
}


def reliability_figures(outcome: Mapping[str, Any]) -> dict[str, Figure]:
    """Draws share against probability, a figure for each data set."""
    drawn = {}
    for data, found in outcome["data"].items():
        backend, pictures = pictures_of(found, "reliability")
        if pictures:
            what = f"{outcome['recipe']['name']}, {data}"
            title = f"{what}: reliability on the test part, {backend}"
            words = WORDS.get(outcome["recipe"]["task"], WORDS["binary"])
            drawn[f"reliability-{data}"] = _figure(title, words[:2], pictures)
    return drawn


def _figure(title: str, words: Sequence[str], pictures: Mapping[str, Any]) -> Figure:
    along, up = words
    figure, axes = make_panels(
        len(pictures), x_label=along, **panel_size(len(pictures), 2.6, 2.3), sharey=True
    )
    for axis, (name, curves) in zip(axes, pictures.items(), strict=True):
        _panel(axis, curves)
        axis.set_title(shortened(name, LONGEST), fontsize=9)
    figure.supylabel(up, fontsize=9)
    finish(figure, axes, title)
    return figure


def _panel(axis: Axes, curves: Mapping[str, Any]) -> None:
    axis.plot([0, 1], [0, 1], color="0.45", ls=":", lw=1.2, label="calibrated")
    for key, (label, style) in _CURVES.items():
        if key not in curves:
            continue
        at = numbers(entry["probability"] for entry in curves[key])
        share = numbers(entry["rate"] for entry in curves[key])
        held = np.isfinite(at) & np.isfinite(share)
        axis.plot(at[held], share[held], ms=3.5, lw=1.2, label=label, **style)
    axis.set_xlim(-0.02, 1.02)
    axis.set_ylim(-0.02, 1.02)
    axis.set_xticks([0.0, 0.5, 1.0])
    axis.tick_params(labelsize=SMALL, labelbottom=True)
    tidy(axis)

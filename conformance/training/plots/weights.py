"""Weights that change while a model is trained."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from conformance.metrics.figures.style import line_style, make_panels, shortened, tidy
from conformance.training.plots.style import (
    LONGEST,
    SMALL,
    Array,
    finish,
    line_of,
    numbers,
    panel_size,
    strategies_of,
)


def weight_figures(outcome: Mapping[str, Any]) -> dict[str, Figure]:
    """Draws means and ranges over seeds, a panel for each strategy that moves them.

    A single weight is drawn for each backend; of a weight for each class, those of the
    first backend.
    """
    moving = {
        f"{data}: {shortened(strategy, LONGEST)}": histories
        for data, found in outcome["data"].items()
        for strategy in strategies_of(found["seeds"])
        if (histories := _histories(found["seeds"], strategy))
    }
    if not moving:
        return {}
    figure, axes = make_panels(
        len(moving), x_label="epoch", **panel_size(len(moving), 3.4, 2.5)
    )
    for axis, (title, histories) in zip(axes, moving.items(), strict=True):
        _panel(axis, histories)
        first, history = next(iter(histories.items()))
        shown = title if history.shape[2] == 1 else f"{title}, {first}"
        axis.set_title(shown, fontsize=9)
        axis.set_ylabel("weight", fontsize=9)
        axis.tick_params(labelsize=SMALL, labelbottom=True)
        axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        tidy(axis)
    finish(
        figure,
        axes,
        f"{outcome['recipe']['name']}: weights by epoch, mean and range over seeds",
    )
    return {"weights": figure}


def _histories(cells: Mapping[str, Any], strategy: str) -> dict[str, Array]:
    """Returns weights that move, shaped (epochs, seeds, classes), by backend."""
    found = {}
    for backend, own in cells.items():
        weights = own.get(strategy, {}).get("weights", ())
        known = [one for epoch in weights for one in epoch if one is not None]
        if not known:
            continue
        # A seed that stopped early has no weight from then on.
        none = np.full(np.shape(known[0]), np.nan)
        history = numbers(
            [none if one is None else one for one in epoch] for epoch in weights
        )
        if np.any(np.nanmax(history, axis=0) > np.nanmin(history, axis=0)):
            found[backend] = history.reshape(*history.shape[:2], -1)
    return found


def _panel(axis: Axes, histories: Mapping[str, Array]) -> None:
    history = next(iter(histories.values()))
    if history.shape[2] == 1:
        for backend, one in histories.items():
            style = {key: line_of(backend)[key] for key in ("color", "ls")}
            _line(axis, one[:, :, 0], backend, style)
        return
    for label in range(history.shape[2]):
        _line(axis, history[:, :, label], f"class {label}", line_style(label))


def _line(axis: Axes, history: Array, label: str, style: dict[str, Any]) -> None:
    epochs = np.arange(1, len(history) + 1)
    axis.fill_between(
        epochs,
        np.nanmin(history, axis=1),
        np.nanmax(history, axis=1),
        color=style["color"],
        alpha=0.1,
        lw=0,
    )
    axis.plot(epochs, np.nanmean(history, axis=1), lw=1.5, label=label, **style)

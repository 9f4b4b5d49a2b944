"""Figures of a comparison, as SVG and PNG next to its ``outcome.json``."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from conformance.metrics.figures.style import FORMATS, figure_bytes
from conformance.training.plots.calibration import reliability_figures
from conformance.training.plots.gradients import gradient_figures
from conformance.training.plots.lockstep import lockstep_figures, worst_figures
from conformance.training.plots.scores import score_figures
from conformance.training.plots.shares import share_figures
from conformance.training.plots.smoothing import smoothing_figures
from conformance.training.plots.weights import weight_figures

__all__ = ["figures", "plot_outcome"]

# Each returns figures by the names of their files; what an outcome does not hold is
# left out.
_MAKERS: tuple[Callable[[Mapping[str, Any]], dict[str, Figure]], ...] = (
    score_figures,
    worst_figures,
    lockstep_figures,
    weight_figures,
    reliability_figures,
    smoothing_figures,
    share_figures,
    gradient_figures,
)


def figures(outcome: Mapping[str, Any]) -> dict[str, Figure]:
    """Draws everything that an outcome has the numbers for.

    Args:
        outcome: Of one recipe, as ``outcome.json`` has it; NaN may stand for null.

    Returns:
        Figures by the names of their files.
    """
    return {name: figure for make in _MAKERS for name, figure in make(outcome).items()}


def plot_outcome(outcome: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draws an outcome into files.

    Args:
        outcome: Of one recipe, as ``outcome.json`` has it; NaN may stand for null.
        folder: Where the files go.

    Returns:
        Their paths, every figure as PNG and as SVG.
    """
    paths = []
    for name, figure in figures(outcome).items():
        for format in FORMATS:
            paths.append(folder / f"{name}.{format}")
            paths[-1].write_bytes(figure_bytes(figure, format=format))
            # Once laid out, it stays so: that takes longer than drawing.
            figure.set_layout_engine("none")
    return paths

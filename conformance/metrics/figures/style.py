"""The look of all figures, and their bytes."""

import io
import warnings
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from conformance.report.wording import clean
from refimpl._validate import check_choice

# Okabe and Ito's colours, which every kind of colour vision tells apart, without the
# yellow that white swallows. Once they are used up, lines are broken.
COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
)
LINES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1.2)))
MARKERS = "osD^vP*"
COLUMNS = 4
FORMATS = ("png", "svg")
DPI = 120


def line_style(index: int) -> dict[str, Any]:
    """Returns colour and line of the curve with this number."""
    count = len(COLOURS)
    return {"color": COLOURS[index % count], "ls": LINES[index // count % len(LINES)]}


def make_figure(
    rows: int, columns: int, *, width: float, height: float, **options: Any
) -> tuple[Figure, Any]:
    """Makes a figure of panels and returns it with a grid of its axes.

    Args:
        rows: Of panels.
        columns: Of panels.
        width: Of a panel, in inches.
        height: Of a panel.
        options: Of ``Figure.subplots``.
    """
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def make_panels(
    count: int, *, x_label: str, **options: Any
) -> tuple[Figure, list[Axes]]:
    """Makes a figure of panels whose lowest have ticks and a label.

    Args:
        count: Of panels; those left over in the last row are hidden.
        x_label: Of the axis along.
        options: Of :func:`make_figure`.
    """
    rows = -(-count // COLUMNS)
    columns = -(-count // rows)
    figure, grid = make_figure(rows, columns, **options)
    for place, axis in enumerate(grid.flat):
        lowest = count - columns <= place < count
        axis.tick_params(labelbottom=lowest)
        axis.set_xlabel(x_label if lowest else "", fontsize=9)
        axis.set_visible(place < count)
    return figure, list(grid.flat[:count])


def tidy(axis: Axes) -> None:
    """Draws a quiet grid behind the data."""
    axis.grid(color="0.92")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def figure_bytes(figure: Figure, *, format: str = "png") -> bytes:
    """Returns a figure as a file, the same bytes for the same figure.

    Args:
        figure: What to write.
        format: ``"png"`` or ``"svg"``.

    Raises:
        ValueError: Another format.
    """
    check_choice("format", format, FORMATS)
    file = io.BytesIO()
    # Neither the time nor a random salt goes into the file.
    with mpl.rc_context({"svg.hashsalt": "equipoise"}), warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        metadata = {"Date": None} if format == "svg" else {}
        figure.savefig(file, format=format, dpi=DPI, metadata=metadata)
    return file.getvalue()


def shortened(name: str, limit: int = 16) -> str:
    r"""Returns a name that fits, and that figures show as it is.

    Example:
        >>> shortened("a name that is too long"), shortened("10 $")
        ('a name that is …', '10 \\$')
    """
    fitting = name if len(name) <= limit else f"{name[: limit - 1]}…"
    # No formula; and legends leave out what starts with an underscore.
    shown = clean(fitting).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown

import numpy as np
import pytest
from matplotlib.container import BarContainer
from matplotlib.patches import StepPatch

from conformance.training.plots.calibration import reliability_figures
from conformance.training.plots.gradients import gradient_figures
from conformance.training.plots.shares import share_figures
from tests.conformance.looking import points
from tests.conformance.training.outcomes import binary, multiclass


def test_reliability_leaves_out_empty_bins():
    made = binary()
    axis = reliability_figures(made)["reliability-synthetic"].axes[0]
    assert points(axis, "as trained").tolist() == [[0.25, 0.1], [0.75, 0.5]]
    assert points(axis, "corrected").tolist() == [[0.3, 0.3]]


@pytest.mark.parametrize(
    ("make", "along", "up"),
    [
        (binary, "probability", "share of positives"),
        (multiclass, "largest probability", "share of right answers"),
    ],
)
def test_reliability_says_of_what(make, along, up):
    figure = reliability_figures(make())["reliability-digits"]
    assert figure.axes[0].get_xlabel() == along
    assert figure.get_supylabel() == up


def test_what_has_no_link_is_not_corrected():
    made = binary()
    for own in made["data"]["synthetic"]["seeds"].values():
        del own["plain"]["pictures"]["reliability"]["corrected"]
    axes = reliability_figures(made)["reliability-synthetic"].axes
    labels = [[one.get_label() for one in axis.lines] for axis in axes]
    assert labels[0] == ["calibrated", "as trained"]
    assert labels[1] == ["calibrated", "as trained", "corrected"]


def test_pictures_are_of_the_first_backend_that_has_them():
    made = binary()
    cells = made["data"]["synthetic"]["seeds"]
    for own in cells["numpy"].values():
        own["pictures"] = {}
    figure = reliability_figures(made)["reliability-synthetic"]
    assert "torch" in figure.get_suptitle()


def first_bars(axis):
    found = [bars for bars in axis.containers if isinstance(bars, BarContainer)]
    return [bars.patches[0] for bars in found]


@pytest.mark.parametrize(
    ("make", "labels", "widths"),
    [
        (binary, ["negatives", "positives"], [80.0, 20.0]),
        (multiclass, ["class 0", "class 1", "class 2"], [70.0, 20.0, 10.0]),
    ],
)
def test_shares_of_classes_fill_a_row(make, labels, widths):
    (figure,) = share_figures(make()).values()
    plain, own = figure.axes[:2]
    assert [bars.get_label() for bars in plain.containers] == labels
    first = first_bars(plain)
    assert [bar.get_width() for bar in first] == pytest.approx(widths)
    assert [bar.get_x() for bar in first] == pytest.approx(
        np.cumsum([0.0, *widths[:-1]])
    )
    assert [bar.get_width() for bar in first_bars(own)] == pytest.approx(widths[::-1])
    assert "own loss" in own.get_title()


def test_gradient_norms_show_counts_and_weights_of_filled_bins():
    axis = gradient_figures(binary())["gradient-norms-synthetic"].axes[0]
    steps = [patch for patch in axis.patches if isinstance(patch, StepPatch)]
    (counts, edges, _), (weights, others, _) = (patch.get_data() for patch in steps)
    assert counts.tolist() == [90, 0, 10]
    assert edges.tolist() == others.tolist() == [0.0, 0.5, 0.9, 1.0]
    assert weights == pytest.approx([0.5, np.nan, 5.0], nan_ok=True)

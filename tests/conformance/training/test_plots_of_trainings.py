import numpy as np
import pytest

from conformance.training.plots.lockstep import lockstep_figures, worst_figures
from conformance.training.plots.smoothing import smoothing_figures
from conformance.training.plots.style import interval
from conformance.training.plots.weights import weight_figures
from tests.conformance.looking import points, texts
from tests.conformance.training.outcomes import (
    EPOCHS,
    UPDATES,
    binary,
    multiclass,
    multilabel,
)


def worst(made, backend="torch"):
    (figure,) = worst_figures(made).values()
    return figure, points(figure.axes[0], backend)[:, 0]


def test_worst_share_is_that_up_to_the_horizon():
    made = binary()
    cell = made["data"]["synthetic"]["lockstep"]["dynamic"]
    cell["horizon"] = 30
    cell["distances"]["torch"][20] = 0.5 * cell["bound"][20]
    cell["distances"]["torch"][35] = 9.0 * cell["bound"][35]
    figure, shares = worst(made)
    assert shares[1] == pytest.approx(0.5)
    assert shares[0] < 0.2
    assert f"30 of {UPDATES}" in texts(figure)


@pytest.mark.parametrize(
    ("distances", "least", "most"),
    [([None] * UPDATES, 1e3, np.inf), ([0.0] * UPDATES, 0.0, 1e-3)],
)
def test_share_without_number_is_far_out_and_none_is_near(distances, least, most):
    made = binary()
    made["data"]["synthetic"]["lockstep"]["plain"]["distances"]["torch"] = distances
    _, shares = worst(made)
    assert least < shares[0] < most


def test_bound_is_in_sight_however_small_the_shares():
    figure, shares = worst(binary())
    low, high = figure.axes[0].get_xlim()
    assert low < shares.min()
    assert high > 1.0


def test_rows_side_by_side_are_equal():
    first, second = worst(binary())[0].axes
    assert first.get_ylim() == second.get_ylim()


def test_lockstep_is_drawn_update_by_update():
    made = binary()
    axis = lockstep_figures(made)["lockstep-synthetic"].axes[1]
    cell = made["data"]["synthetic"]["lockstep"]["dynamic"]
    assert axis.get_title() == "dynamic"
    for label, values in {"bound": cell["bound"], **cell["distances"]}.items():
        expected = list(zip(range(1, UPDATES + 1), values, strict=True))
        assert points(axis, label).tolist() == [list(place) for place in expected]
    assert points(axis, "horizon")[0, 0] == UPDATES


def test_panels_without_a_strategy_are_hidden():
    axes = lockstep_figures(multiclass())["lockstep-synthetic"].axes
    assert [axis.get_visible() for axis in axes] == [True] * 5 + [False] * 3


def test_weights_are_means_over_the_seeds_that_are_left():
    made = binary()
    weights = made["data"]["synthetic"]["seeds"]["torch"]["dynamic"]["weights"]
    assert weights[-1] == [3.5, 4.5, 5.5, 6.5]
    weights[-1][3] = None
    (figure,) = weight_figures(made).values()
    (axis,) = figure.axes
    assert axis.get_title() == "synthetic: dynamic"
    assert [one.get_label() for one in axis.lines] == ["numpy", "torch", "jax"]
    means = points(axis, "torch")[:, 1]
    assert means[0] == 2.5
    assert means[-1] == 4.5
    spread = np.asarray(axis.collections[1].get_paths()[0].vertices)
    assert spread[spread[:, 0] == EPOCHS][:, 1].max() == 5.5
    assert spread[spread[:, 0] == EPOCHS][:, 1].min() == 3.5


def test_weights_of_classes_are_told_apart():
    (figure,) = weight_figures(multilabel()).values()
    (axis,) = figure.axes
    assert axis.get_title() == "synthetic: moving, numpy"
    assert [one.get_label() for one in axis.lines] == ["class 0", "class 1", "class 2"]
    assert points(axis, "class 2")[0, 1] == np.mean([2.0, 5.0, 8.0, 11.0])


def test_weights_that_stand_still_are_left_out():
    made = binary()
    for own in made["data"]["synthetic"]["seeds"].values():
        own["dynamic"]["weights"] = [[5.0, 4.0]] * EPOCHS
    assert weight_figures(made) == {}


def test_sweep_goes_from_no_smoothing_upwards():
    made = multiclass()
    del made["data"]["digits"]
    (figure,) = smoothing_figures(made).values()
    labels = [axis.get_ylabel() for axis in figure.axes]
    assert labels[:2] == ["accuracy", "balanced accuracy"]
    assert "entropy" in labels[2]
    points = figure.axes[0].containers[1][0]
    assert points.get_xdata() == pytest.approx([0.0, 0.05, 0.1, 0.3])
    cells = made["data"]["synthetic"]["seeds"]["torch"]
    names = ("plain", "smooth-0.05", "smooth-0.1", "smooth-0.3")
    means = [interval(cells[name]["metrics"]["accuracy"])[0] for name in names]
    assert points.get_ydata().tolist() == means


def test_two_alphas_are_no_sweep():
    made = multiclass()
    for found in made["data"].values():
        for own in found["seeds"].values():
            for name in set(own) - {"plain", "smooth-0.1"}:
                del own[name]
    assert smoothing_figures(made) == {}

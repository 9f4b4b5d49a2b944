import numpy as np
import pytest
from scipy.stats import t

from conformance.training.plots import figures, plot_outcome
from conformance.training.plots.scores import score_figures
from conformance.training.plots.style import interval
from tests.conformance.looking import overlap, points, texts
from tests.conformance.training.outcomes import (
    BACKENDS,
    MANY,
    SEEDS,
    binary,
    multiclass,
    multilabel,
)

EACH = {"scores", "lockstep", "loss-share"}
BY_DATA = {
    f"{kind}-{data}"
    for kind in ("lockstep", "reliability")
    for data in ("synthetic", "digits")
}
NORMS = {"gradient-norms-synthetic", "gradient-norms-digits"}


@pytest.mark.parametrize(
    ("made", "more"),
    [
        (binary, {"weights", *NORMS}),
        (lambda: binary(MANY), NORMS),
        (multilabel, {"weights"}),
        (multiclass, {"smoothing"}),
    ],
    ids=["binary", "many", "multilabel", "multiclass"],
)
def test_everything_that_is_held_is_drawn_and_readable(made, more):
    found = figures(made())
    assert set(found) == EACH | BY_DATA | more
    for name, figure in found.items():
        assert not overlap(figure), name


def test_the_smallest_figures_are_readable():
    made = multilabel()
    del made["data"]["synthetic"]
    for name, figure in figures(made).items():
        assert not overlap(figure), name


def test_what_is_not_held_is_left_out():
    made = binary(["plain"])
    for found in made["data"].values():
        found["lockstep"] = {}
        for own in found["seeds"].values():
            del own["plain"]["pictures"]
    assert set(figures(made)) == {"scores"}
    for found in made["data"].values():
        found["seeds"] = {}
    assert figures(made) == {}


def test_files_are_the_same_for_the_same_outcome(tmp_path):
    made = binary()
    made["data"] = {"digits": made["data"]["digits"]}
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        paths = plot_outcome(made, folder)
        assert sorted(paths) == sorted(folder.iterdir())
    names = {path.name for path in first.iterdir()}
    assert {"scores.png", "scores.svg", "lockstep.png", "lockstep-digits.svg"} < names
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_interval_is_students():
    values = [0.1, 0.4, 0.5, 0.9]
    mean, half = interval(values)
    low, high = t.interval(0.95, 3, np.mean(values), np.std(values, ddof=1) / 2.0)
    assert (mean - half, mean + half) == pytest.approx((low, high))
    assert interval([0.3]) == (0.3, 0.0)


def drawn(made):
    (figure,) = score_figures(made).values()
    return figure


def bars(axis):
    """Means and ends of the intervals, by backend."""
    found = {}
    for container in axis.containers:
        points, _, (lines,) = container
        ends = [sorted(x for x, _ in one) for one in lines.get_segments()]
        found[container.get_label()] = (points.get_xdata(), ends)
    return found


def test_scores_show_means_and_intervals_of_every_backend():
    made = binary()
    axis = drawn(made).axes[0]
    assert axis.get_xlabel() == "F1 at searched threshold"
    assert [x.get_text() for x in axis.get_yticklabels()] == ["plain", "dynamic"]
    found = bars(axis)
    assert tuple(found) == BACKENDS
    cells = made["data"]["synthetic"]["seeds"]["torch"]
    means, ends = found["torch"]
    for name, mean, (low, high) in zip(cells, means, ends, strict=True):
        middle, half = interval(cells[name]["metrics"]["f1_searched"])
        assert mean == middle
        assert (low, high) == pytest.approx((middle - half, middle + half))


def test_scores_name_the_number_of_seeds_and_the_posterior():
    made = binary()
    assert f"made, test part: mean and 95 % interval over {SEEDS} seeds" in texts(
        drawn(made)
    )
    metrics = made["data"]["digits"]["seeds"]["jax"]["plain"]["metrics"]
    metrics["f1_searched"] = [0.5] * 9
    figure = drawn(made)
    assert "4 to 9 seeds" in figure.get_suptitle()
    assert points(figure.axes[0], "true posterior")[0, 0] == 0.95
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["true posterior", *BACKENDS]


@pytest.mark.parametrize("unknown", [None, {}, {"f1_searched": float("nan")}])
def test_posterior_that_is_not_known_is_not_drawn(unknown):
    made = binary()
    made["data"]["synthetic"]["attainable"] = unknown
    labels = [line.get_label() for line in drawn(made).axes[0].lines]
    assert "true posterior" not in labels


def test_recall_is_shown_beside_what_is_compared():
    labels = [axis.get_xlabel() for axis in drawn(binary()).axes[:3]]
    assert labels[2] == "recall at threshold 0.5"


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_a_seed_without_number_leaves_no_mean(missing):
    made = binary()
    cells = made["data"]["synthetic"]["seeds"]
    cells["jax"]["plain"]["metrics"]["f1_searched"][2] = missing
    figure = drawn(made)
    assert "no number in 1 of 4 seeds" in texts(figure)
    found = bars(figure.axes[0])
    assert len(found["jax"][0]) == 1
    assert len(found["torch"][0]) == 2


def test_panels_of_metrics_that_a_data_set_lacks_are_hidden():
    made = binary()
    cells = made["data"]["digits"]["seeds"]
    for own in cells.values():
        own["plain"]["metrics"] = {"recall_half": [0.1, 0.2]}
    row = drawn(made).axes[3:]
    assert [axis.get_visible() for axis in row] == [False, False, True]
    assert "plain" in [x.get_text() for x in row[2].get_yticklabels()]
    assert row[2].yaxis.get_tick_params()["labelleft"]

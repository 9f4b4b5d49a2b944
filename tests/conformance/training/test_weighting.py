import numpy as np
import pytest

from conformance.training.data import Problem, Split
from conformance.training.recipe import Weight
from conformance.training.weighting import KINDS, Weighting

MODELS, STEPS, BATCH = 2, 3, 4


def problem(task, labels):
    part = Split(np.zeros((len(labels), 1)), labels)
    return Problem(task, part, part, part)


BINARY = problem("binary", np.repeat([0.0, 1.0], [30, 6]))
# Positives 1, 4, 0 of 20.
MULTILABEL = problem(
    "multilabel", (np.arange(20)[:, None] < [1, 4, 0]).astype(np.float64)
)
MULTICLASS = problem("multiclass", np.repeat([0, 1, 2], [900, 90, 10]))


def weighting(kind, problem, **constants):
    return Weighting(Weight(kind, constants=tuple(constants.items())), problem, MODELS)


def of_epoch(weights, labels=None):
    """Returns the weights of an epoch whose labels are given, or do not count."""
    found = weights.of_epoch(
        np.zeros((MODELS, STEPS, BATCH)) if labels is None else labels
    )
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kind", "data", "constants", "expected"),
    [
        ("fixed", BINARY, {"value": 7.5}, 7.5),
        ("fixed", MULTICLASS, {"value": (0.5, 1.8, 3.0)}, (0.5, 1.8, 3.0)),
        ("ratio", BINARY, {}, 5.0),
        ("ratio", BINARY, {"factor": 2.0}, 10.0),
        ("ratio", BINARY, {"factor": 2.0, "max_value": 8.0}, 8.0),
        ("ratio", BINARY, {"factor": 0.5, "max_value": 4.0}, 2.5),
        ("ratio", MULTILABEL, {}, (19.0, 4.0, 20.0)),
        ("ratio", MULTILABEL, {"max_value": 5.0}, (5.0, 4.0, 5.0)),
        ("inverted", BINARY, {}, 0.2),
        ("inverted", MULTILABEL, {"minimum": 0.01}, (1 / 19, 0.25, 0.01)),
        ("inverse_frequency", MULTICLASS, {}, (0.029703, 0.297030, 2.673267)),
        (
            "inverse_frequency",
            MULTICLASS,
            {"scale": 2.0},
            (0.059406, 0.594059, 5.346535),
        ),
        ("effective_number", MULTICLASS, {}, (0.044430, 0.306284, 2.649287)),
        ("effective_number", MULTICLASS, {"beta": 0.0, "scale": 3.0}, (3.0, 3.0, 3.0)),
        ("inverse_square_root", MULTICLASS, {}, (0.219795, 0.695052, 2.085155)),
    ],
)
def test_weights_that_stay(kind, data, constants, expected):
    weights = weighting(kind, data, **constants)
    assert not weights.needs_metric
    of_epoch(weights)
    found = of_epoch(weights)
    expected = np.broadcast_to(expected, (MODELS, STEPS, *np.shape(expected)))
    # Six digits are printed.
    np.testing.assert_allclose(found, expected, rtol=2e-5)
    assert weights.now is not None
    np.testing.assert_array_equal(weights.now, found[:, 0])


def test_no_weight_is_none():
    weights = Weighting(None, BINARY, MODELS)
    assert weights.of_epoch(batches()) is None
    weights.end_epoch(np.zeros(MODELS))
    assert weights.now is None
    assert not weights.needs_metric


def test_cap_is_that_of_the_articles():
    rare = problem("binary", np.repeat([0.0, 1.0], [500, 2]))
    np.testing.assert_array_equal(of_epoch(weighting("ratio", rare)), 100.0)


def test_dynamic_weight_rises_for_each_model_alone():
    weights = weighting("dynamic", BINARY, initial=1.0, step=0.5, max_value=2.0)
    assert weights.needs_metric
    seen = []
    for metric in ([0.5, 0.5], [0.5, 0.6], [0.4, np.nan], [0.45, 0.6], [0.6, 0.7]):
        seen.append(of_epoch(weights)[:, -1])
        assert (weights.now == seen[-1]).all()
        weights.end_epoch(np.array(metric))
    np.testing.assert_array_equal(
        np.transpose(seen), [[1.0, 1.0, 1.5, 2.0, 2.0], [1.0, 1.0, 1.0, 1.5, 2.0]]
    )


def test_progressive_weight_ends_at_the_ratio():
    weights = weighting("progressive", BINARY, start=1.0, epochs=4)
    seen = [of_epoch(weights)[0, 0] for _ in range(6)]
    assert seen == [1.0, 2.0, 3.0, 4.0, 5.0, 5.0]
    weights = weighting("progressive", BINARY, start=1.0, epochs=3, shape="cosine")
    np.testing.assert_allclose([of_epoch(weights)[1, 2] for _ in range(2)], [1.0, 2.0])


def test_progressive_weight_moves_every_label():
    weights = weighting("progressive", MULTILABEL, start=2.0, epochs=2)
    of_epoch(weights)
    expected = np.broadcast_to([10.5, 3.0, 11.0], (MODELS, STEPS, 3))
    np.testing.assert_allclose(of_epoch(weights), expected)


def batches():
    """Returns two models' three batches of two labels."""
    labels = np.zeros((MODELS, STEPS, BATCH, 2))
    labels[0, 0, :1, 0] = labels[0, 1, :2, 0] = labels[1, :, :3, 1] = 1.0
    return labels


def test_weights_of_a_batch():
    rare = problem("multilabel", np.zeros((9, 2)))
    found = of_epoch(weighting("batch", rare, max_value=3.5), batches())
    # Without positives, the number of negatives or the cap.
    expected = [
        [[3.0, 3.5], [1.0, 3.5], [3.5, 3.5]],
        [[3.5, 1 / 3], [3.5, 1 / 3], [3.5, 1 / 3]],
    ]
    np.testing.assert_allclose(found, expected)
    binary = of_epoch(weighting("batch", BINARY), batches()[..., 0])
    np.testing.assert_allclose(binary, [[3.0, 1.0, 4.0], [4.0, 4.0, 4.0]])


def test_moving_weights_remember_batches_and_epochs():
    weights = weighting("moving", BINARY, momentum=0.5)
    labels = batches()[..., 0]
    found = of_epoch(weights, labels)
    # Positives 1, 2, 0 of 4 in the batches of the first model.
    averages = [0.5, 1.25, 0.625]
    masses = [0.5, 0.75, 0.875]
    shares = np.divide(averages, masses)
    np.testing.assert_allclose(found[0], (4 - shares) / shares)
    # The second model saw no positive: the number of negatives in a batch.
    np.testing.assert_allclose(found[1], 4.0)
    share = (0.625 / 2 + 0.5) / (1 - 0.5**4)
    again = of_epoch(weights, labels)
    np.testing.assert_allclose(again[0, 0], (4 - share) / share)
    assert (weights.now == again[:, -1]).all()


def test_moving_weights_are_capped():
    rare = problem("multilabel", np.zeros((9, 2)))
    found = of_epoch(weighting("moving", rare, momentum=0.9, max_value=2.0), batches())
    assert found.shape == (MODELS, STEPS, 2)
    assert found.max() == 2.0


def test_every_kind_is_tested_here():
    assert set(KINDS) == {
        "fixed",
        "ratio",
        "inverted",
        "dynamic",
        "progressive",
        "batch",
        "moving",
        "inverse_frequency",
        "effective_number",
        "inverse_square_root",
    }

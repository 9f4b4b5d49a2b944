from dataclasses import replace

import numpy as np
import pytest

from conformance.training import feed
from conformance.training.data import Problem, Split
from conformance.training.feed import batches, first_parameters
from conformance.training.recipe import Rate, Strategy

PLAIN = Strategy("plain", "binary_cross_entropy_with_logits")
LABELS = np.array([[[0.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 1.0]]])


def test_order_covers_the_epoch_and_differs_by_seed_and_epoch(problem, plan):
    order = batches([0, 1], 0, problem, plan)
    assert order.shape == (2, 10, 24)
    assert (np.sort(order.reshape(2, -1)) == np.arange(240)).all()
    assert (order[0] != order[1]).any()
    assert (order != batches([0, 1], 1, problem, plan)).any()
    np.testing.assert_array_equal(order[1:], batches([1], 0, problem, plan))


def test_few_examples_are_one_batch(problem, plan):
    order = batches([0], 0, problem, replace(plan, batch=1_000))
    assert order.shape == (1, 1, 240)


def test_balanced_sampler_draws_classes_alike(problem, plan):
    order = batches(range(40), 0, problem, plan, "balanced")
    assert order.shape == (40, 10, 24)
    share = problem.train.labels[order].mean()
    # 9600 draws: a standard error of 0.005; the data hold 1/6.
    assert share == pytest.approx(0.5, abs=0.02)
    assert (order[0] != batches([0], 1, problem, plan, "balanced")[0]).any()


def test_sampler_draws_by_the_weights_of_the_classes(problem, plan):
    order = batches(range(40), 0, problem, plan, (0.1, 1.0))
    share = problem.train.labels[order].mean()
    # 5 negatives of weight 0.1 to a positive of weight 1.
    assert share == pytest.approx(2 / 3, abs=0.02)


def test_first_parameters_are_drawn_by_seed(problem, plan):
    both = first_parameters([3, 4], problem, plan)
    assert (both[0][0] != both[0][1]).any()
    for stacked, own in zip(both, first_parameters([4], problem, plan), strict=True):
        np.testing.assert_array_equal(stacked[1], own[0])


@pytest.mark.parametrize(
    ("task", "labels", "width"),
    [("multilabel", np.eye(4), 4), ("multiclass", np.arange(3), 3)],
)
def test_last_layer_has_a_logit_for_each_class(plan, task, labels, width):
    part = Split(np.zeros((len(labels), 7)), labels)
    drawn = first_parameters([0], Problem(task, part, part, part), plan)
    assert [layer.shape for layer in drawn] == [
        (1, 7, 5),
        (1, 5),
        (1, 5, width),
        (1, width),
    ]


def test_count_divides_by_the_elements():
    found = feed.coefficients(replace(PLAIN, factor=0.5), LABELS, None)
    np.testing.assert_array_equal(found, np.full((1, 2, 4), 0.125))
    several = np.zeros((1, 2, 4, 5))
    np.testing.assert_array_equal(feed.coefficients(PLAIN, several, None), 1 / 20)


def test_weights_divide_by_those_of_the_labels():
    strategy = replace(PLAIN, divisor="weights")
    found = feed.coefficients(strategy, LABELS, np.array([[3.0, 5.0]]))
    np.testing.assert_allclose(found[0], [[1 / 6] * 4, [1 / 16] * 4])
    classes = np.array([[[0, 1, 2, 2], [0, 0, 0, 1]]])
    weights = np.broadcast_to([1.0, 2.0, 10.0], (1, 2, 3))
    found = feed.coefficients(strategy, classes, weights)
    np.testing.assert_allclose(found[0], [[1 / 23] * 4, [1 / 5] * 4])
    np.testing.assert_array_equal(feed.coefficients(strategy, classes, None), 0.25)


def test_positives_divide_by_at_least_one():
    strategy = replace(PLAIN, divisor="positives")
    heat = np.array([[[[1.0, 0.5], [1.0, 1.0]], [[0.2, 0.0], [0.9, 0.8]]]])
    found = feed.coefficients(strategy, heat, None)
    np.testing.assert_allclose(found[0], [[1 / 3] * 2, [1.0] * 2])


def test_one_is_the_sum():
    found = feed.coefficients(replace(PLAIN, divisor="one"), LABELS, None)
    np.testing.assert_array_equal(found, np.ones((1, 2, 4)))


def test_shards_average_their_means():
    strategy = replace(PLAIN, shards=(3, 1))
    found = feed.coefficients(strategy, LABELS, None)
    np.testing.assert_allclose(found[0], [[1 / 6, 1 / 6, 1 / 6, 1 / 2]] * 2)
    even = replace(PLAIN, shards=(1, 1))
    np.testing.assert_array_equal(feed.coefficients(even, LABELS, None), 0.25)
    weighted = replace(even, divisor="weights")
    found = feed.coefficients(weighted, LABELS, np.array([[3.0, 3.0]]))
    np.testing.assert_allclose(found[0, 0], [1 / 8, 1 / 8, 1 / 4, 1 / 4])


def test_shards_end_at_the_nearest_example():
    found = feed.coefficients(replace(PLAIN, shards=(7, 1)), np.zeros((1, 1, 20)), None)
    np.testing.assert_allclose(found[0, 0], [1 / 36] * 18 + [1 / 4] * 2)


def test_rate_is_that_of_the_schedule():
    warm = Rate("warmup_factor", (("steps", 10), ("first", 0.0)))
    found = [feed.rate_factor(warm, epoch) for epoch in (0, 1, 10)]
    assert found == [0.0, 0.1, 1.0]
    assert feed.rate_factor(None, 0) == 1.0


def test_masks_differ_by_seed_epoch_and_layer():
    strategy = replace(PLAIN, dropout=0.25)
    rows = np.zeros((2, 5, 64), int)
    first, second = feed.masks(strategy, [0, 1], 0, rows, (8, 8))
    assert first.shape == (2, 5, 64, 8)
    # 5120 draws: a standard error of 0.006.
    assert first.mean() == pytest.approx(0.75, abs=0.03)
    assert (first != second).any()
    assert (first[0] != first[1]).any()
    assert (first != feed.masks(strategy, [0, 1], 1, rows, (8, 8))[0]).any()
    assert feed.masks(PLAIN, [0], 0, rows, (8,)) == ()


def test_step_is_one_update_of_the_epoch():
    told = feed.Feed(
        rows=np.arange(12).reshape(1, 3, 4),
        coefficients=np.arange(12.0).reshape(1, 3, 4),
        weights=np.array([[1.0, 2.0, 3.0]]),
        rates=np.array([0.1, 0.2, 0.3]),
        masks=(np.ones((1, 3, 4, 2), bool),),
    )
    own = told.step(1)
    assert own.rows.tolist() == [[[4, 5, 6, 7]]]
    assert own.coefficients.shape == (1, 1, 4)
    np.testing.assert_array_equal(own.weights, [[2.0]])
    assert own.rates.tolist() == [0.2]
    assert own.masks[0].shape == (1, 1, 4, 2)
    assert set(own.keywords()) == {"coefficients", "weights", "rates", "masks"}

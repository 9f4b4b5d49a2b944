from typing import Any

import numpy as np
import pytest

import refimpl
from refimpl.weights import (
    LabelCounts,
    PositiveCounts,
    count_positives,
    init_label_counts,
    init_moving_counts,
    init_positive_counts,
    inverse_frequency,
    moving_counts,
    pos_weight,
    update_moving_counts,
)


def averaged(batches, momentum):
    state = init_moving_counts(init_label_counts(2))
    for batch in batches:
        counts = LabelCounts(np.array(batch))
        state = update_moving_counts(state, counts, momentum=momentum)
    return state


def test_average_is_the_weighted_sum_of_the_batches():
    batches, m = [[8, 0], [5, 3], [7, 1], [6, 2]], 0.75
    shares = (1 - m) * m ** np.arange(3, -1, -1)
    state = averaged(batches, m)
    np.testing.assert_allclose(state.average.counts, shares @ batches, rtol=1e-15)
    assert state.mass == pytest.approx(1 - m**4, rel=1e-15)
    plain = moving_counts(state, debias=False).counts
    assert plain.tolist() == state.average.counts.tolist()
    debiased = moving_counts(state).counts
    expected = np.average(batches, axis=0, weights=shares)
    np.testing.assert_allclose(debiased, expected, rtol=1e-15)


def test_convention_is_that_of_ghm():
    # Three elements of the lowest bin and one of the highest, then two and two.
    state, momentum = None, 0.75
    for lows in (3, 2):
        logits = np.repeat([-9.0, 9.0], [lows, 4 - lows])
        labels, options = np.zeros(4), {"bins": 2, "momentum": momentum}
        _, state = refimpl.ghmc_loss(logits, labels, state, **options)
    found = averaged([[3, 1], [2, 2]], momentum)
    assert isinstance(state, refimpl.GHMState)
    assert found.average.counts.tolist() == state.counts.tolist()


def test_momentum_near_one_is_not_lost():
    state = averaged([[3, 1]] * 3, 1 - 1e-12)
    np.testing.assert_allclose(moving_counts(state).counts, [3, 1], rtol=1e-15)


def test_rare_class_keeps_its_share_where_most_batches_lack_it():
    state = averaged([[9, 1], *[[10, 0]] * 9] * 400, 0.999)
    counts = moving_counts(state).counts
    # The weight of the newest batch, against one in a thousand batches, is 1 percent.
    assert counts[1] == pytest.approx(0.1, rel=0.01)
    assert inverse_frequency(counts)[1] == pytest.approx(2 * 0.99, rel=0.001)


def test_positives_are_averaged_for_pos_weight():
    state = init_moving_counts(init_positive_counts(2))
    for batch in ([[1, 0]] * 2 + [[0, 0]] * 6, [[1, 1]] + [[0, 0]] * 7):
        found = count_positives(init_positive_counts(2), batch)
        state = update_moving_counts(state, found, momentum=0.5)
    # (2 + 2 * 1) and (6 + 2 * 7) of the first label, 2 and 8 + 14 of the second.
    for debias in (True, False):
        weights = pos_weight(*moving_counts(state, debias=debias))
        np.testing.assert_allclose(weights, [5, 11], rtol=1e-15)
    assert isinstance(moving_counts(state), PositiveCounts)


def test_states_stay_as_they_are():
    start = init_moving_counts(LabelCounts(np.array([4, 5])))
    update_moving_counts(start, LabelCounts(np.array([4, 5])))
    assert start.average.counts.tolist() == [0, 0]
    assert start.mass == 0


STATE: Any = averaged([[1, 2]], 0.5)
COUNTS: Any = LabelCounts(np.array([1, 2]))
LIST: Any = [1, 2]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: init_moving_counts(LIST), TypeError, "LabelCounts or PositiveCounts"),
        (lambda: update_moving_counts(COUNTS, COUNTS), TypeError, "state must be Mov"),
        (
            lambda: update_moving_counts(STATE, init_positive_counts(2)),
            TypeError,
            "counts must be LabelCounts, got PositiveCounts",
        ),
        (
            lambda: update_moving_counts(STATE, init_label_counts(3)),
            ValueError,
            r"same shape, got \(2,\) and \(3,\)",
        ),
        (
            lambda: update_moving_counts(STATE, COUNTS, momentum=1.0),
            ValueError,
            r"momentum must be in \[0, 1\), got 1.0",
        ),
        (lambda: moving_counts(COUNTS), TypeError, "state must be MovingCounts"),
        (
            lambda: moving_counts(init_moving_counts(COUNTS)),
            ValueError,
            "must have seen a batch",
        ),
        (
            lambda: moving_counts(STATE, debias=LIST[0]),
            TypeError,
            "debias must be True or False, got 1",
        ),
    ],
)
def test_bad_arguments_raise(call, error, message):
    with pytest.raises(error, match=message):
        call()

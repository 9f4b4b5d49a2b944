import math
from functools import partial

import mpmath
import numpy as np
import pytest

from refimpl.schedules import (
    curriculum_factor,
    dynamic_pos_weight,
    init_dynamic_pos_weight,
    progressive_pos_weight,
    warmup_factor,
)

NAN = float("nan")


def values(metrics, **options):
    state = init_dynamic_pos_weight(options.pop("value", 1.0))
    for metric in metrics:
        state = dynamic_pos_weight(state, metric, **options)
        yield state.value


def test_seven_and_a_half_is_the_thirteenth_epoch_without_improvement():
    # The first epoch always improves: it has nothing to be compared with.
    found = list(values([0.5, *[0.4] * 20]))
    assert found.index(7.5) == 13
    assert found[-1] == 10.0


def test_seven_and_a_half_stays_only_while_every_epoch_improves():
    improving = [0.5 + 0.01 * epoch for epoch in range(30)]
    assert list(values([0.5, *[0.4] * 13, *improving[1:]]))[-1] == 7.5
    assert list(values([0.5, *[0.4] * 13, *improving[1:], 0.0]))[-1] == 8.0


def test_improvement_keeps_the_weight():
    assert list(values([0.1, 0.2, 0.3])) == [1.0, 1.0, 1.0]


def test_equal_metric_is_no_improvement():
    assert list(values([0.5, 0.5])) == [1.0, 1.5]


def test_nan_never_improves_and_is_never_stored():
    assert list(values([NAN, 0.5, NAN, 0.6])) == [1.5, 1.5, 2.0, 2.0]


def test_minus_infinity_never_improves():
    assert list(values([-math.inf])) == [1.5]


def test_cap_is_reached_exactly_and_held():
    assert list(values([0.0] * 5, step=0.7, max_value=2.0))[1:] == [1.7, 2.0, 2.0, 2.0]


def test_cap_may_be_off():
    assert list(values([0.0] * 99, max_value=math.inf))[-1] == 50.0


def test_zero_dimensional_arrays_are_numbers():
    state = dynamic_pos_weight(init_dynamic_pos_weight(), np.array(0.5, np.float32))
    assert state == (1.0, 0.5)
    assert type(state.best) is float


def test_weight_above_the_cap_stays():
    assert list(values([0.0, 0.0], value=12.0)) == [12.0, 12.0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("step", -0.1),
        ("step", NAN),
        ("step", math.inf),
        ("max_value", NAN),
        ("max_value", np.array(NAN)),
    ],
)
def test_constants_out_of_range_raise(name, value):
    with pytest.raises(ValueError, match=name):
        dynamic_pos_weight(init_dynamic_pos_weight(), 0.5, **{name: value})


@pytest.mark.parametrize("value", [-1.0, NAN, math.inf])
def test_first_value_out_of_range_raises(value):
    with pytest.raises(ValueError, match="value"):
        init_dynamic_pos_weight(value)


def test_linear_is_a_straight_line_between_its_ends():
    weight = partial(progressive_pos_weight, start=2.0, end=10.0, steps=8)
    assert [weight(step) for step in range(-1, 10)] == [2.0, *range(2, 11), 10.0]
    assert weight(2.5) == 4.5
    falling = partial(progressive_pos_weight, start=10.0, end=2.0, steps=8)
    assert [falling(step) for step in (0, 3, 8, 9)] == [10.0, 7.0, 2.0, 2.0]


def test_one_step_is_a_jump_and_none_is_the_end():
    for shape in ("linear", "cosine"):
        weight = partial(progressive_pos_weight, start=1.0, end=5.0, shape=shape)
        assert [weight(step, steps=1) for step in (0, 1, 2)] == [1.0, 5.0, 5.0]
        assert [weight(step, steps=0) for step in (0, 1)] == [5.0, 5.0]


def test_cosine_is_that_of_fifty_digits():
    wave = partial(progressive_pos_weight, start=0.0, end=1.0, shape="cosine")
    with mpmath.workdps(50):
        for steps in (2, 3, 7, 100, 1001, 10**6):
            for step in {1, 2, (steps + 1) // 3, steps // 2, steps - 1}:
                expected = mpmath.sin(mpmath.pi * step / steps / 2) ** 2
                error = abs(wave(step, steps=steps) - expected) / expected
                # Some ten roundings of half a unit, most of them in the two squares.
                assert error <= 8 * 2.0**-53, (step, steps)


def test_cosine_falls_as_it_rises():
    ends = {"start": 3.0, "end": 7.0, "steps": 9, "shape": "cosine"}
    back = {**ends, "start": 7.0, "end": 3.0}
    rising = [progressive_pos_weight(step, **ends) for step in range(10)]
    falling = [progressive_pos_weight(9 - step, **back) for step in range(10)]
    assert rising == falling == sorted(rising)


def test_article_warms_up_from_zero_and_loses_the_first_epoch():
    for steps in range(1, 60):
        warmup = [warmup_factor(e, steps=steps, first=0.0) for e in range(steps + 2)]
        assert warmup == [min(e / steps, 1.0) for e in range(steps + 2)]
        assert warmup.index(1.0) == steps


def test_usual_warmup_loses_no_epoch():
    for n in range(2, 60):
        warmup = [warmup_factor(e, steps=n - 1, first=1 / n) for e in range(n + 1)]
        expected = [min((e + 1) / n, 1.0) for e in range(n + 1)]
        # Five roundings, none of them of more than 1.
        np.testing.assert_allclose(warmup, expected, rtol=5 * 2.0**-53, atol=0)
        assert warmup.index(1.0) == n - 1


def test_warmup_without_steps_is_over():
    assert [warmup_factor(step, steps=0, first=0.3) for step in (0, 1)] == [1.0, 1.0]
    assert warmup_factor(0, steps=1, first=0.3) == 0.3


def test_curriculum_changes_at_its_boundaries():
    factor = partial(curriculum_factor, boundaries=[5, 8.5], factors=[0.1, 1, 0.25])
    found = [factor(step) for step in (-1, 0, 4, 5, 8, 9, 99)]
    assert found == [0.1, 0.1, 0.1, 1.0, 1.0, 0.25, 0.25]
    assert curriculum_factor(3, boundaries=[], factors=[0.5]) == 0.5

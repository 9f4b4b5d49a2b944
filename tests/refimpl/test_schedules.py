import math

import pytest

from refimpl.schedules import dynamic_pos_weight, init_dynamic_pos_weight

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


def test_weight_above_the_cap_stays():
    assert list(values([0.0, 0.0], value=12.0)) == [12.0, 12.0]


@pytest.mark.parametrize(
    ("name", "value"),
    [("step", -0.1), ("step", NAN), ("step", math.inf), ("max_value", NAN)],
)
def test_constants_out_of_range_raise(name, value):
    with pytest.raises(ValueError, match=name):
        dynamic_pos_weight(init_dynamic_pos_weight(), 0.5, **{name: value})


@pytest.mark.parametrize("value", [-1.0, NAN, math.inf])
def test_first_value_out_of_range_raises(value):
    with pytest.raises(ValueError, match="value"):
        init_dynamic_pos_weight(value)

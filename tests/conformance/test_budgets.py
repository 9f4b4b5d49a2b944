import numpy as np
import pytest

from conformance import budgets

DTYPES = sorted(budgets.UNIT_ROUNDOFF)
# One unit in the last place of a number just above 1 is two unit round-offs.
ULP = {d: 2 * u for d, u in budgets.UNIT_ROUNDOFF.items()}


def units(actual, hi, lo=0.0, scale=1.0, dtype="float64"):
    return float(budgets.error_units(actual, hi, lo, scale, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_ulp_passes_and_twenty_fail(dtype):
    # The floor takes an eighth of a unit off in float16, nothing to speak of elsewhere.
    floor = budgets.TINY[dtype] / budgets.UNIT_ROUNDOFF[dtype]
    assert units(1 + ULP[dtype], 1.0, dtype=dtype) == pytest.approx(2 - floor, rel=1e-9)
    assert units(1 + 20 * ULP[dtype], 1.0, dtype=dtype) > budgets.C_MAX


def test_constants_are_those_of_the_formats():
    for dtype in ("float16", "float32", "float64"):
        info = np.finfo(dtype)
        assert budgets.UNIT_ROUNDOFF[dtype] == float(info.eps) / 2
        assert budgets.TINY[dtype] == float(info.tiny)
    # bfloat16 has float32's exponents and 8 significant bits.
    assert budgets.UNIT_ROUNDOFF["bfloat16"] == 2.0**-8
    assert budgets.TINY["bfloat16"] == budgets.TINY["float32"]


def test_low_part_counts():
    # hi is half an ulp off the truth; so is the other neighbour.
    assert units(1.0, 1.0, lo=2.0**-53) == 1.0
    assert units(1 + 2.0**-52, 1.0, lo=2.0**-53) == 1.0


@pytest.mark.parametrize(
    ("actual", "hi", "passes"),
    [
        (np.nan, 1.0, False),
        (np.nan, 0.0, False),
        (1.0, np.nan, False),
        (np.inf, np.nan, False),
        (np.nan, np.nan, True),
        (np.inf, np.inf, True),
        (-np.inf, np.inf, False),
        (1e308, np.inf, False),
        (np.inf, 1e308, False),
        (np.nan, np.inf, False),
    ],
)
def test_special_values_only_match_themselves(actual, hi, passes):
    assert units(actual, hi, scale=1e300) == (0.0 if passes else np.inf)


def test_zero_scale_demands_exactness():
    assert units(0.0, 0.0, scale=0.0) == 0.0
    assert units(-0.0, 0.0, scale=0.0) == 0.0
    assert units(5e-324, 0.0, scale=0.0) == np.inf
    assert units(70001.0, 70001.0, scale=0.0) == 0.0
    assert units(70000.0, 70001.0, scale=0.0) == np.inf


@pytest.mark.parametrize("dtype", DTYPES)
def test_flush_to_zero_is_allowed_below_the_smallest_normal_only(dtype):
    tiny = budgets.TINY[dtype]
    assert units(0.0, 0.99 * tiny, scale=tiny, dtype=dtype) == 0.0
    assert units(0.0, 4 * tiny, scale=4 * tiny, dtype=dtype) > budgets.C_MAX


def test_scale_too_small_for_a_double_times_unit():
    assert units(0.0, 5e-324, scale=5e-324) == 0.0
    assert units(1e-300, 0.0, scale=5e-324) == np.inf


@pytest.mark.parametrize("factor", [0.0, -1.0, 1.01])
def test_wrong_gradients_of_a_large_mean_fail(factor):
    # Ordinary absolute tolerances accept all three at this size.
    gradient = np.array([0.5, -0.25, 0.125]) / 2**20
    size = np.abs(gradient)
    found = budgets.error_units(factor * gradient, gradient, 0.0, size, "float32")
    assert np.all(found > budgets.C_MAX)


def test_elements_are_judged_one_by_one():
    actual = np.array([[1.0, 2.0], [3.0, np.nan]])
    found = budgets.error_units(actual, [[1.0, 2.0], [4.0, 4.0]], 0.0, 1.0, "float32")
    assert found.shape == (2, 2)
    assert list(found[0]) == [0.0, 0.0]
    assert np.all(found[1] > budgets.C_MAX)


def test_unknown_dtype_is_an_error():
    with pytest.raises(KeyError):
        units(1.0, 1.0, dtype="float8")


def test_sum_scale():
    assert budgets.sum_scale(0, 0.0, 0.0) == 0.0
    assert budgets.sum_scale(1, 8.0, 3.0) == 3.0 + 4.0
    assert budgets.sum_scale(2**16, 8.0, 3.0) == 3.0 + 20.0

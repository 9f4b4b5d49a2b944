from typing import Any

import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from refimpl.weights import (
    effective_number,
    inverse_frequency,
    inverse_square_root,
    pos_weight,
)

COUNTS = [900, 90, 10]
FORMULAS = [inverse_frequency, effective_number, inverse_square_root]
# In units of 2 ** -52, over 20 000 random counts and betas: at most 1.5 in a formula
# (a logarithm, a product of it, expm1 and a quotient), 2.9 with a sum of 8 terms.
RAW = 3 * 2.0**-52
NORMALISED = 6 * 2.0**-52
COUNT = st.one_of(
    st.integers(1, 50),
    st.integers(1, 10**12),
    st.floats(1e-3, 1e12),
)
BETA = st.one_of(
    st.floats(0, 1),
    st.floats(-12, 0).map(lambda digits: 1 - 10**digits),
    st.sampled_from([0.0, 1e-300, 0.9, 1 - 1e-12, 1 - 2.0**-53, 1.0]),
)


def true_effective_number(n, beta):
    n, beta = mpmath.mpf(n), mpmath.mpf(beta)
    return 1 / n if beta == 1 else (1 - beta) / (1 - beta**n)


TRUTHS = {
    inverse_frequency: lambda n: 1 / mpmath.mpf(n),
    inverse_square_root: lambda n: 1 / mpmath.sqrt(n),
}


@pytest.mark.parametrize(
    ("formula", "normalization", "figures", "digits"),
    [
        (inverse_frequency, "sum", [0.029703, 0.297030, 2.673267], 6),
        (effective_number, None, [0.0016846, 0.0116131, 0.1004508], 7),
        (inverse_square_root, None, [0.0333, 0.1054, 0.3162], 4),
    ],
)
def test_figures_of_the_articles(formula, normalization, figures, digits):
    weights = formula(COUNTS, normalization=normalization)
    assert np.round(weights, digits).tolist() == figures


@settings(deadline=None)
@given(st.lists(COUNT, min_size=1, max_size=8), BETA)
def test_effective_number_is_accurate(counts, beta):
    with mpmath.workdps(60):
        truth = [float(true_effective_number(n, beta)) for n in counts]
    weights = effective_number(counts, beta=beta, normalization=None)
    np.testing.assert_allclose(weights, truth, rtol=RAW)


@pytest.mark.parametrize("formula", TRUTHS)
@settings(deadline=None)
@given(counts=st.lists(COUNT, min_size=1, max_size=8))
def test_powers_of_the_count_are_accurate(formula, counts):
    with mpmath.workdps(60):
        truth = [TRUTHS[formula](n) for n in counts]
        summing = [float(w * len(truth) / mpmath.fsum(truth)) for w in truth]
        examples = [w * n for w, n in zip(truth, counts, strict=True)]
        mean = mpmath.fsum(examples) / mpmath.fsum(counts)
        averaging = [float(w / mean) for w in truth]
    raw = formula(counts, normalization=None)
    np.testing.assert_allclose(raw, [float(w) for w in truth], rtol=RAW)
    np.testing.assert_allclose(formula(counts), summing, rtol=NORMALISED)
    found = formula(counts, normalization="mean")
    np.testing.assert_allclose(found, averaging, rtol=NORMALISED)


@settings(deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=6))
def test_mean_is_balanced_of_scikit_learn(counts):
    classes = np.arange(len(counts))
    labels = np.repeat(classes, counts)
    balanced = compute_class_weight("balanced", classes=classes, y=labels)
    weights = inverse_frequency(counts, normalization="mean")
    np.testing.assert_allclose(weights, balanced, rtol=NORMALISED)
    assert weights[labels].mean() == pytest.approx(1, rel=1e-14)


@pytest.mark.parametrize("zero_count", ["one", "zero"])
def test_empty_class_leaves_the_others_balanced(zero_count):
    weights = inverse_frequency([6, 0, 2], normalization="mean", zero_count=zero_count)
    labels = np.repeat([0, 2], [6, 2])
    balanced = compute_class_weight("balanced", classes=np.array([0, 2]), y=labels)
    np.testing.assert_allclose(weights[[0, 2]], balanced, rtol=NORMALISED)
    assert weights[1] == pytest.approx(weights[2] * 2 if zero_count == "one" else 0)


def test_limits_of_beta():
    equal = effective_number(COUNTS, beta=0, normalization=None)
    assert equal.tolist() == [1, 1, 1]
    inverse = effective_number(COUNTS, beta=1)
    assert inverse.tolist() == inverse_frequency(COUNTS).tolist()


@pytest.mark.parametrize("formula", FORMULAS)
def test_scale_multiplies_last(formula):
    for normalization in ("sum", "mean", None):
        plain = formula(COUNTS, normalization=normalization)
        scaled = formula(COUNTS, normalization=normalization, scale=0.5)
        assert scaled.tolist() == (0.5 * plain).tolist()


@pytest.mark.parametrize("formula", FORMULAS)
def test_rules_for_a_class_without_examples(formula):
    for normalization in ("sum", None):
        one = formula([9, 0, 4], normalization=normalization)
        counted_once = formula([9, 1, 4], normalization=normalization)
        assert one.tolist() == counted_once.tolist()
        zero = formula([9, 0, 4], normalization=normalization, zero_count="zero")
        assert zero[1] == 0
        dropped = formula([9, 4], normalization=normalization)
        np.testing.assert_allclose(zero[[0, 2]], dropped, rtol=NORMALISED)
    with pytest.raises(ValueError, match="class_counts must be > 0, got 0 at class 1"):
        formula([9, 0, 0], zero_count="raise")
    assert formula([9, 3], zero_count="raise").tolist() == formula([9, 3]).tolist()


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize(
    "make",
    [
        tuple,
        lambda n: torch.tensor(n, dtype=torch.float32, requires_grad=True),
        lambda n: torch.tensor(n, dtype=torch.int16),
        lambda n: jnp.asarray(n, jnp.float32),
        lambda n: np.asarray(n, np.float32),
        lambda n: np.asarray(n, np.uint16),
    ],
)
def test_counts_of_any_type_give_the_same_float64(formula, make):
    weights = formula(make(COUNTS))
    assert weights.dtype == np.float64
    assert weights.tolist() == formula(COUNTS).tolist()


@pytest.mark.parametrize("formula", FORMULAS)
def test_class_long_gone_from_an_average_is_empty(formula):
    assert formula([3, 1e-300]).tolist() == formula([3, 0]).tolist()


def test_pos_weight_is_the_ratio_up_to_the_cap():
    positives, negatives = np.array([1, 2, 5, 10, 20]), np.array([99, 98, 95, 90, 80])
    expected = [99, 49, 19, 9, 4]
    assert pos_weight(positives, negatives).tolist() == expected
    capped = pos_weight(positives, negatives, max_value=10)
    assert capped.tolist() == [10, 10, 10, 9, 4]
    assert pos_weight([1], [10**6], max_value=None).tolist() == [10**6]
    assert pos_weight(torch.tensor([3]), jnp.array([7])).tolist() == [7 / 3]


@pytest.mark.parametrize(
    ("positives", "negatives", "expected"),
    [(0, 500, 100), (0, 40, 40), (40, 0, 0), (0, 0, 0), (6000, 30000, 5)],
)
def test_pos_weight_without_one_side(positives, negatives, expected):
    weight = pos_weight(positives, negatives)
    assert isinstance(weight, float)
    assert weight == expected


def test_pos_weight_of_averages_is_that_of_their_ratio():
    assert pos_weight(0.25, 15.75) == 63
    assert pos_weight(1e-320, 1.0) == 1


BAD: list[Any] = [
    ([], {}, ValueError, r"count an example, got \[\]"),
    ([0, 0], {}, ValueError, r"count an example, got \[0.0, 0.0\]"),
    ([[1, 2]], {}, ValueError, r"class_counts must have shape \(K,\), got \(1, 2\)"),
    ([1, -2], {}, ValueError, r"class_counts must be finite and >= 0, got -2.0 at"),
    ([1, np.nan], {}, ValueError, "got nan at index"),
    ([1, np.inf], {}, ValueError, "got inf at index"),
    (["a"], {}, TypeError, "class_counts must be integers"),
    ([1], {"normalization": "max"}, ValueError, "one of 'sum', 'mean', got 'max'"),
    ([1], {"zero_count": None}, ValueError, "zero_count must be one of 'one', 'zero'"),
    ([1], {"scale": 0}, ValueError, "scale must be finite and > 0, got 0"),
    ([1], {"scale": "2"}, TypeError, "scale must be a number"),
]


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize(("counts", "options", "error", "message"), BAD)
def test_bad_arguments_raise(formula, counts, options, error, message):
    with pytest.raises(error, match=message):
        formula(counts, **options)


@pytest.mark.parametrize("beta", [-0.1, 1.5, np.nan])
def test_beta_out_of_range_raises(beta):
    with pytest.raises(ValueError, match=r"beta must be in \[0, 1\]"):
        effective_number(COUNTS, beta=beta)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([1, 2], [3]), {}, r"or have shape \(C,\), got \(2,\) and \(1,\)"),
        (([[1]], [[3]]), {}, r"got \(1, 1\) and \(1, 1\)"),
        (([1], 3), {}, r"got \(1,\) and \(\)"),
        ((-1, 3), {}, "positives must be finite and >= 0, got -1"),
        ((1, np.nan), {}, "negatives must be finite and >= 0, got nan"),
        ((1, 3), {"max_value": 0}, "max_value must be finite and > 0, got 0"),
    ],
)
def test_bad_arguments_of_pos_weight_raise(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        pos_weight(*arguments, **options)

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.calibration import calibration_curve

from conformance.metrics.calibration import reliability
from tests.conformance.metrics.made import binary, multiclass, multilabel


def by_definition(outcomes, confidences, bins):
    """Visits every example on its own."""
    inside = [[] for _ in range(bins)]
    for outcome, confidence in zip(outcomes, confidences, strict=True):
        inside[min(int(confidence * bins), bins - 1)].append((outcome, confidence))
    gaps = [np.subtract(*np.mean(own, axis=0)) * len(own) for own in inside if own]
    return np.sum(np.abs(gaps)) / len(outcomes), [len(own) for own in inside]


def pieces(found):
    """Returns the rates and the mean probabilities of the bins that are not empty."""
    filled = [entry for entry in found.bins if entry.count]
    return np.array([(e.rate, e.probability) for e in filled], dtype=float).T


@pytest.mark.parametrize("bins", [1, 7, 10, 15])
def test_agrees_with_the_definition(bins):
    generator = np.random.default_rng(bins)
    p = generator.beta(0.4, 1.0, size=300)
    labels = (generator.random(300) < p**1.5).astype(int)
    found = reliability(labels, p, bins=bins)
    ece, counts = by_definition(labels, p, bins)
    assert found.ece == pytest.approx(ece, rel=1e-13)
    assert [entry.count for entry in found.bins] == counts


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_curve_agrees_with_scikit_learn(strategy):
    generator = np.random.default_rng(5)
    # No probability is an edge: 997 is prime to 10, so quantiles fall between.
    p = generator.beta(0.5, 2.0, size=998)
    labels = (generator.random(998) < p).astype(int)
    found = reliability(labels, p, strategy=strategy)
    rates, means = calibration_curve(labels, p, n_bins=10, strategy=strategy)
    np.testing.assert_allclose(pieces(found), (rates, means), rtol=1e-13)


def test_edges_belong_to_the_upper_bin_where_scikit_learn_has_the_lower():
    p, labels = np.array([0.0, 0.25, 0.5, 0.75, 1.0]), np.array([0, 1, 0, 1, 1])
    found = reliability(labels, p, bins=4)
    assert [entry.count for entry in found.bins] == [1, 1, 1, 2]
    _, means = calibration_curve(labels, p, n_bins=4)
    np.testing.assert_allclose(means, [0.125, 0.5, 0.75, 1.0])
    # Mirrored, scikit-learn's rule is ours.
    _, mirrored = calibration_curve(labels, 1.0 - p, n_bins=4)
    np.testing.assert_allclose(pieces(found)[1], 1.0 - mirrored[::-1])


def test_zero_and_one_are_counted():
    found = reliability([0, 1, 0, 1, 1], [0.0, 1.0, 1.0, 1.0, 0.95])
    assert (found.bins[0].count, found.bins[-1].count) == (1, 4)
    assert found.bins[-1].rate == 0.75
    assert found.ece == pytest.approx(4 / 5 * (0.9875 - 0.75))


@pytest.mark.parametrize("tenth", range(10))
def test_decimal_edges_are_where_they_are_written(tenth):
    counts = [entry.count for entry in reliability([1], [tenth / 10]).bins]
    assert counts.index(1) == tenth


def test_empty_bins_have_no_data():
    found = reliability([0, 1], [0.05, 0.95])
    assert len(found.bins) == 10
    assert all(e.rate is None and e.probability is None for e in found.bins[1:-1])


def test_quantile_bins_hold_equal_numbers():
    p = np.random.default_rng(0).random(1000) ** 3
    found = reliability(np.ones(1000), p, bins=8, strategy="quantile")
    assert [entry.count for entry in found.bins] == [125] * 8
    assert (found.bins[0].low, found.bins[-1].high) == (p.min(), p.max())


@pytest.mark.parametrize("p", [[0.3], [1.0, 1.0, 1.0], [0.0, 0.0]])
def test_quantile_bins_of_one_value_are_one_bin(p):
    found = reliability(np.ones(len(p)), p, strategy="quantile")
    assert [entry.count for entry in found.bins] == [len(p)]
    assert found.ece == pytest.approx(1.0 - p[0])


def test_equal_probabilities_share_a_quantile_bin():
    p = np.repeat([0.1, 0.2, 0.9], [70, 20, 10])
    found = reliability(np.zeros(100), p, strategy="quantile")
    assert sum(entry.count for entry in found.bins) == 100
    assert 70 in [entry.count for entry in found.bins]


def test_classes_compare_the_largest_probability_with_right_answers():
    labels, p = multiclass()
    found = reliability(labels, p)
    ece, counts = by_definition(p.argmax(axis=1) == labels, p.max(axis=1), 10)
    assert found.ece == pytest.approx(ece, rel=1e-13)
    assert [entry.count for entry in found.bins] == counts


def test_labels_are_pooled():
    labels, p = multilabel()
    assert reliability(labels, p) == reliability(labels.ravel(), p.ravel())


def test_float32_is_that_of_its_values():
    labels, p = binary()
    single = p.astype(np.float32)
    assert reliability(labels, single) == reliability(labels, single.astype(np.float64))


# Always the same draws, and no clock: machines may be busy.
@settings(derandomize=True, deadline=None, database=None)
@given(
    arrays(np.float64, st.integers(1, 40), elements=st.floats(0.0, 1.0)),
    st.integers(0, 2**32 - 1),
    st.integers(1, 20),
    st.sampled_from(["uniform", "quantile"]),
)
def test_error_is_bounded_and_nothing_is_lost(p, seed, bins, strategy):
    labels = np.random.default_rng(seed).integers(0, 2, size=p.shape)
    found = reliability(labels, p, bins=bins, strategy=strategy)
    assert 0.0 <= found.ece <= 1.0
    # Bins average differences that the whole would cancel.
    assert found.ece >= abs(labels.mean() - p.mean()) - 1e-12
    assert found.ece <= np.abs(labels - p).mean() + 1e-12
    assert sum(entry.count for entry in found.bins) == p.size
    for entry in found.bins:
        if entry.probability is not None:
            slack = 1e-12
            assert entry.low - slack <= entry.probability <= entry.high + slack


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"bins": 0}, ValueError, "bins must be >= 1"),
        ({"bins": 2.5}, TypeError, "bins must be an integer"),
        ({"strategy": "width"}, ValueError, "strategy must be one of"),
    ],
)
def test_bad_options_raise(options, error, message):
    with pytest.raises(error, match=message):
        reliability([0, 1], [0.2, 0.8], **options)

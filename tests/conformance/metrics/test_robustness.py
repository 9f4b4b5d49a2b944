import json

import numpy as np
import pytest
from scipy.stats import norm

from conformance.metrics import noise_robustness
from conformance.metrics.robustness import SIGMAS


def sign(features):
    return (features[..., 0] > 0.0).astype(float)


def data(size=300, dtype="float64"):
    generator = np.random.default_rng(11)
    features = generator.normal(size=(size, 3)).astype(dtype)
    return features, (features[:, 0] > 0.0).astype(int)


def test_accuracy_falls_as_theory_says():
    features, labels = np.ones((20000, 1)), np.ones(20000, int)
    found = noise_robustness(
        sign, features, labels, sigmas=(0.0, 0.5, 2.0), seed=1, repeats=3
    )
    # The mean stays above 0 with probability Phi(1 / sigma).
    expected = np.array([1.0, norm.cdf(2.0), norm.cdf(0.5)])
    # Four standard errors of 60000 draws.
    error = 4 * np.sqrt(expected * (1 - expected) / 60000)
    assert (np.abs(np.array(found.means) - expected) <= error).all()
    assert found.drops == pytest.approx([1.0 - mean for mean in found.means])


def test_noise_is_that_of_the_seed_and_scaled():
    features, labels = data()
    seen = []

    def watch(values):
        seen.append(values)
        return sign(values)

    noise_robustness(watch, features, labels, sigmas=(0.1, 0.4), seed=7, repeats=2)
    clean, small, large, other, _ = seen
    assert (clean == features).all()
    expected = np.random.default_rng((7, 0)).standard_normal(features.shape)
    np.testing.assert_allclose((small - features) / 0.1, expected, rtol=1e-9)
    np.testing.assert_allclose((large - features) / 0.4, expected, rtol=1e-9)
    assert not np.allclose(other, small)


def test_models_of_one_seed_see_the_same_noise():
    features, labels = data()
    one = noise_robustness(sign, features, labels, seed=3)
    assert noise_robustness(sign, features, labels, seed=3) == one
    assert noise_robustness(sign, features, labels, seed=4) != one
    # A model that answers the opposite is wrong exactly where the first is right.
    other = noise_robustness(lambda x: 1.0 - sign(x), features, labels, seed=3)
    total = np.add(one.values, other.values)
    np.testing.assert_allclose(total, 1.0, rtol=1e-15)


def test_sigmas_in_any_order_give_the_same():
    features, labels = data()
    one = noise_robustness(sign, features, labels, sigmas=(0.5, 0.0, 0.1), seed=3)
    two = noise_robustness(sign, features, labels, sigmas=(0.1, 0.5), seed=3)
    assert one.means == (two.means[1], one.clean, two.means[0])
    assert (one.means[1], one.deviations[1], one.drops[1]) == (1.0, 0.0, 0.0)


def test_summary_is_over_repeats():
    features, labels = data(size=40)
    found = noise_robustness(sign, features, labels, seed=2, repeats=4)
    values = np.array(found.values)
    assert values.shape == (4, len(SIGMAS))
    np.testing.assert_allclose(found.means, values.mean(axis=0), rtol=1e-14)
    expected = values.std(axis=0, ddof=1)
    deviations = np.array(found.deviations, dtype=float)
    np.testing.assert_allclose(deviations, expected, rtol=1e-12, atol=1e-16)


def test_any_metric_of_any_shape():
    features, labels = data(dtype="float32")

    def metric(labels, outputs):
        assert outputs.dtype == np.float32
        return float(outputs[labels == 1].sum())

    found = noise_robustness(
        lambda x: x.reshape(len(x), -1, 1)[:, 0],
        features,
        labels,
        sigmas=(0.2,),
        seed=0,
        repeats=1,
        metric=metric,
    )
    assert found.clean == pytest.approx(float(features[labels == 1, 0].sum()))
    assert found.deviations == (None,)
    assert found.drops[0] == pytest.approx(1.0 - found.means[0] / found.clean)


def test_no_drop_from_nothing():
    features, labels = data()
    found = noise_robustness(
        sign, features, labels, seed=0, metric=lambda *_: 0.0, repeats=2
    )
    assert found.drops == (None,) * len(SIGMAS)
    found = noise_robustness(
        sign, features, labels, seed=0, metric=lambda *_: float("nan"), repeats=1
    )
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["means"] == plain["drops"] == [None] * len(SIGMAS)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"sigmas": (0.1, -0.1)}, ValueError, "sigmas must be >= 0"),
        ({"sigmas": ()}, ValueError, "at least one"),
        ({"sigmas": (np.inf,)}, ValueError, "finite"),
        ({"seed": -1}, ValueError, "seed must be >= 0"),
        ({"seed": 1.5}, TypeError, "seed must be an integer"),
        ({"repeats": 0}, ValueError, "repeats must be >= 1"),
    ],
)
def test_bad_options_raise(options, error, message):
    features, labels = data()
    with pytest.raises(error, match=message):
        noise_robustness(sign, features, labels, **({"seed": 0} | options))


def test_whole_numbers_are_no_features():
    with pytest.raises(TypeError, match="features must be floating, got int64"):
        noise_robustness(sign, np.ones((3, 1), np.int64), [1, 1, 1], seed=0)

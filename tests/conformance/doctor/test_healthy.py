import numpy as np
import pytest
from scipy.special import softmax

from conformance.doctor.checks.losses import repeated
from conformance.doctor.statistics import f1, mean_shift
from conformance.scores import assemble
from refimpl.links import cross_entropy_posterior
from refimpl.thresholds import search_threshold
from tests.conformance.doctor.made import (
    as_probabilities,
    binary,
    found,
    multiclass,
    multilabel,
    names,
)


def searched(arrays):
    """Thresholds that were searched, which rare positives need."""
    p = as_probabilities(arrays)["probabilities"]
    p, labels = p.reshape(len(p), -1), arrays["labels"].reshape(len(p), -1)
    pairs = zip(p.T, labels.T, strict=True)
    return [search_threshold(*pair).value for pair in pairs]


def test_a_calibrated_binary_model():
    told = {
        "loss_scale": 1024.0,
        "dtype": "float16",
        "batch_size": 64,
        "losses": np.geomspace(0.7, 0.2, 500),
        "epsilon": 1e-3,
        "sample_weight": np.ones(4000),
    }
    assert found(binary(rate=0.2), **told) == ()


def test_labels_with_weights_and_thresholds():
    arrays = multilabel()
    rates = arrays["labels"].mean(axis=0)
    weights = (1 - rates) / rates
    arrays["logits"] = arrays["logits"] + np.log(weights)
    told = {"pos_weight": weights, "thresholds": searched(arrays)}
    assert found(arrays, **told) == ()


def test_classes_with_weights_undone_by_the_link():
    arrays = multiclass()
    counts = np.bincount(arrays["labels"])
    weights = counts.sum() / counts / 3
    trained = arrays["logits"] + np.log(weights)
    posterior = cross_entropy_posterior(trained, class_weights=weights)
    given = {"probabilities": posterior, "labels": arrays["labels"]}
    assert found(given, class_weights=weights, beta=0.9999) == ()
    # The probabilities that it was trained for are told of, and no more than that.
    given["probabilities"] = softmax(trained, axis=1)
    names = [one.name for one in found(given, class_weights=weights)]
    assert names == ["weighted-probabilities"]


def _drawn(seed):
    generator = np.random.default_rng(10_000 + seed)
    n = int(np.exp(generator.uniform(np.log(200), np.log(20_000))))
    rates = generator.uniform(0.01, 0.5, size=4)
    return n, rates, generator.uniform(1.5, 4.0)


@pytest.mark.parametrize("seed", range(50))
def test_no_healthy_file_is_ill(seed):
    """Chances of a false alarm add up to about 1e-2 over all of these."""
    n, rates, skill = _drawn(seed)
    one = binary(seed, n=n, rate=rates[0], skill=skill)
    several = multilabel(seed, n=n, rates=rates, skill=skill)
    priors = np.append(rates / 3, 1 - rates.sum() / 3)
    classes = multiclass(seed, n=n, priors=priors, skill=max(skill, 2.5))
    assert found(one, thresholds=searched(one)) == ()
    assert found(as_probabilities(one), thresholds=searched(one)) == ()
    assert found(several, thresholds=searched(several)) == ()
    assert found(classes) == ()
    assert found(as_probabilities(classes)) == ()


def test_small_files_are_not_guessed_at():
    for seed in range(20):
        arrays = binary(seed, n=12, rate=0.4)
        assert found(arrays, thresholds=searched(arrays)) == ()


def test_a_narrow_range_of_probabilities_may_be_true():
    """All are in [0.5, 0.7311], as after two sigmoids, and logits in [0, 1]."""
    generator = np.random.default_rng(3)
    p = generator.uniform(0.51, 0.72, size=5000)
    labels = generator.random(5000) < p
    assert found({"probabilities": p, "labels": labels}) == ()
    assert found({"logits": np.log(p / (1 - p)), "labels": labels}) == ()


def test_rows_that_are_nearly_even_may_be_true():
    """They are the softmax of some row of probabilities."""
    generator = np.random.default_rng(4)
    p = softmax(generator.uniform(0.0, 0.33, size=(5000, 4)), axis=1)
    labels = (generator.random((5000, 1)) > p.cumsum(axis=1)).sum(axis=1)
    assert found({"probabilities": p, "labels": labels}) == ()


def test_logits_below_zero_may_be_true():
    """Their exponential is nearly their sigmoid where positives are rare."""
    generator = np.random.default_rng(5)
    logits = -generator.uniform(0.1, 6.0, size=5000)
    labels = generator.random(5000) < 1 / (1 + np.exp(-logits))
    assert found({"logits": logits, "labels": labels}, thresholds=0.25) == ()


def test_few_ties_do_no_harm():
    arrays = binary(n=300, rate=0.3)
    arrays["logits"] = arrays["logits"].astype(np.float16)
    assert np.unique(arrays["logits"]).size < 300
    assert found(arrays) == ()


def test_common_positives_may_all_pass():
    arrays = binary(n=20_000, rate=0.95, skill=1.0)
    p = as_probabilities(arrays)["probabilities"]
    kept = p >= 0.5
    arrays = {name: array[kept] for name, array in arrays.items()}
    assert kept.mean() > 0.99
    assert found(arrays) == ()


def test_chance_is_no_reason_for_another_threshold():
    lower = 0
    for seed in range(20):
        arrays = binary(seed, n=150, rate=0.08, skill=1.8)
        truth, p = arrays["labels"] == 1, as_probabilities(arrays)["probabilities"]
        best = search_threshold(p, arrays["labels"]).score
        lower += f1(truth, p >= 0.5) < 0.75 * best
        assert "threshold-far-from-best" not in names(arrays)
    assert lower >= 5


def test_a_small_shift_of_many_examples_does_not_matter():
    arrays = binary(n=100_000, rate=0.3)
    arrays["logits"] = arrays["logits"] + 0.15
    (column,) = assemble(arrays).columns
    assert mean_shift(column.logits, column.truth).significant
    assert found(arrays) == ()


@pytest.mark.parametrize("trees", [100, 300])
def test_nobody_votes_for_some_positives(trees):
    arrays = as_probabilities(binary(rate=0.2, n=20_000))
    generator = np.random.default_rng(6)
    shares = generator.binomial(trees, arrays["probabilities"]) / trees
    assert (shares[arrays["labels"] == 1] == 0).any()
    given = {"probabilities": shares.astype(np.float32), "labels": arrays["labels"]}
    (finding,) = found(given)
    assert finding.name == "quantised-scores"


@pytest.mark.parametrize("digits", [2, 3, 4])
def test_losses_that_were_rounded_come_back(digits):
    generator = np.random.default_rng(7)
    falling = 2 * np.exp(-np.arange(20_000) / 3e4)
    losses = falling + 0.05 * generator.normal(size=falling.size)
    assert found(binary(rate=0.2), losses=losses.round(digits)) == ()
    losses[::100] = -0.25 * np.log(2.0**-11)
    seen = names(binary(rate=0.2), losses=losses.round(digits))
    assert seen == (["magic-loss"] if digits == 4 else [])


def test_losses_in_half_precision_come_back():
    generator = np.random.default_rng(8)
    losses = 2 * np.exp(-np.arange(5000) / 1e4) + 0.1 * generator.normal(size=5000)
    assert found(binary(rate=0.2), losses=losses.astype(np.float16)) == ()


@pytest.mark.parametrize(
    ("values", "times", "found"),
    [
        ((1.0, 1.001), (9, 4), []),
        ((1.0, 1.001), (4, 9), []),
        ((1.0, 1.001), (12, 4), [(1.0, 12)]),
        ((1.0, 1.1), (4, 9), [(1.0, 4), (1.1, 9)]),
        ((0.0, 16.118), (900, 40), [(0.0, 900), (16.118, 40)]),
    ],
)
def test_which_losses_come_back(values, times, found):
    assert repeated(np.repeat(values, times)) == found


def test_a_million_losses_agree_by_chance():
    losses = np.random.default_rng(9).normal(1.0, 0.3, size=10**6)
    assert repeated(losses) == []
    assert repeated(np.append(losses, np.full(1500, 16.118))) == [(16.118, 1500)]

import numpy as np
import pytest
from scipy.special import logit
from sklearn.metrics import f1_score, roc_auc_score

from conformance.training.data import (
    PARTS,
    gaussian,
    multiclass_synthetic,
    multilabel_synthetic,
    synthetic,
)
from refimpl.thresholds import search_threshold

RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
DRAWN = {
    "synthetic": (
        synthetic,
        {
            "seed": 20240501,
            "features": 8,
            "components": 4,
            "spread": 1.15,
            "positives": (6_000, 1_500, 1_500),
            "negatives": (30_000, 7_500, 7_500),
        },
    ),
    "gaussian": (
        gaussian,
        {
            "seed": 3,
            "features": 4,
            "distance": 2.5,
            "positives": (100, 60, 80),
            "negatives": (10_000, 5_000, 4_000),
        },
    ),
    "multilabel": (
        multilabel_synthetic,
        {
            "seed": 20240511,
            "features": 8,
            "units": 6,
            "slope": 2.2,
            "rates": RATES,
            "examples": (8_000, 4_000, 4_000),
        },
    ),
    "multiclass": (
        multiclass_synthetic,
        {
            "seed": 20240521,
            "features": 8,
            "components": 2,
            "spread": 0.8,
            "counts": (1_000, 200, 50),
            "times": 5,
        },
    ),
}


@pytest.fixture(scope="module")
def drawn():
    return {name: source(**options) for name, (source, options) in DRAWN.items()}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", DRAWN)
def test_posterior_is_calibrated(drawn, name, part):
    split = getattr(drawn[name], part)
    labels, posterior = split.labels, split.posterior
    if name == "multiclass":
        np.testing.assert_allclose(posterior.sum(axis=1), 1.0)
        labels = labels[:, np.newaxis] == np.arange(3)
    assert posterior.shape == labels.shape
    columns = posterior.reshape(len(labels), -1).T
    for y, p in zip(labels.reshape(len(labels), -1).T, columns, strict=True):
        for inside in np.array_split(np.argsort(p), 10):
            # The labels are independent of variance p (1 - p) each; 0.5 is a miscount
            # of half an example, where a bin has next to none.
            error = abs(y[inside].sum() - p[inside].sum())
            assert error < 4.0 * np.sqrt((p[inside] * (1 - p[inside])).sum()) + 0.5


@pytest.mark.parametrize("name", DRAWN)
def test_draws_follow_the_seed_alone(drawn, name):
    source, options = DRAWN[name]
    again, other = source(**options), source(**{**options, "seed": 1})
    for part in PARTS:
        expected = getattr(drawn[name], part)
        np.testing.assert_array_equal(getattr(again, part).features, expected.features)
        np.testing.assert_array_equal(getattr(again, part).labels, expected.labels)
        assert (getattr(other, part).features != expected.features).all()


@pytest.mark.parametrize("name", DRAWN)
def test_parts_share_no_row(drawn, name):
    features = [getattr(drawn[name], part).features for part in PARTS]
    rows = np.concatenate(features)
    assert len(np.unique(rows, axis=0)) == len(rows)


def test_synthetic_has_the_articles_sizes_and_the_published_draws(drawn):
    problem = drawn["synthetic"]
    assert problem.counts() == {
        "train": [6_000, 30_000],
        "validation": [1_500, 7_500],
        "test": [1_500, 7_500],
    }
    assert problem.ratio == 5.0
    # The README's table rests on these draws.
    np.testing.assert_allclose(problem.train.features[0, :2], [-0.63570792, 0.2697712])
    np.testing.assert_allclose(problem.test.posterior[-1], 0.7839713847730106)


def test_synthetic_is_not_separable(drawn):
    validation, test = drawn["synthetic"].validation, drawn["synthetic"].test
    threshold = search_threshold(validation.posterior, validation.labels).value
    assert 0.7 < f1_score(test.labels, test.posterior >= threshold) < 0.9


def test_logit_of_gaussian_is_linear(drawn):
    for part, ratio in (("train", 0.01), ("test", 0.02)):
        split = getattr(drawn["gaussian"], part)
        odds = logit(split.posterior)
        design = np.column_stack([split.features, np.ones(len(odds))])
        *slope, offset = np.linalg.lstsq(design, odds)[0]
        np.testing.assert_allclose(design @ [*slope, offset], odds, atol=1e-9)
        assert np.linalg.norm(slope) == pytest.approx(2.5)
        assert offset == pytest.approx(np.log(ratio))
        assert min(map(abs, slope)) > 0.1  # no feature is idle


def test_labels_come_at_their_rates(drawn):
    problem = drawn["multilabel"]
    assert problem.classes == 5
    np.testing.assert_allclose(problem.train.posterior.mean(axis=0), RATES)
    spread = logit(problem.train.posterior).std(axis=0)
    np.testing.assert_allclose(spread, 2.2)
    for part in PARTS:
        labels = getattr(problem, part).labels
        deviation = np.sqrt(np.multiply(RATES, np.subtract(1.0, RATES)) / len(labels))
        assert (np.abs(labels.mean(axis=0) - RATES) < 4.0 * deviation).all()


def test_labels_can_be_told_apart_about_as_well_as_in_the_article(drawn):
    test = drawn["multilabel"].test
    for labels, posterior in zip(test.labels.T, test.posterior.T, strict=True):
        assert 0.85 < roc_auc_score(labels, posterior) < 0.95


def test_labels_are_correlated(drawn):
    correlation = np.corrcoef(drawn["multilabel"].train.posterior.T)
    assert np.abs(correlation[np.triu_indices(5, 1)]).max() > 0.3


def test_classes_come_in_exact_numbers(drawn):
    problem = drawn["multiclass"]
    assert problem.classes == 3
    np.testing.assert_array_equal(problem.class_counts, [1_000, 200, 50])
    assert problem.counts() == {
        "train": [1_000, 200, 50],
        "validation": [5_000, 1_000, 250],
        "test": [5_000, 1_000, 250],
    }

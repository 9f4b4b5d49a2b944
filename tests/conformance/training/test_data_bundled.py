from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from conformance.training.data import (
    PARTS,
    breast_cancer,
    digits,
    digits_multiclass,
    digits_multilabel,
    wine,
    wine_binary,
)

GROUPS = ((0, 1, 2, 3, 4, 5, 6, 7), (9,), (8,))
ATTRIBUTES = ((8,), (8, 9), (6, 8, 9), (0, 6, 8, 9))
KEPT = (178, 178, 177, 178, 178, 178, 60, 178, 24, 40)
CUT = {
    "digits": (digits, {"seed": 20240502, "positive": 8, "ratio": 5}),
    "breast_cancer": (breast_cancer, {"seed": 1, "ratio": 5}),
    "wine_binary": (wine_binary, {"seed": 1, "positive": 2, "ratio": 5}),
    "wine": (wine, {"seed": 1, "kept": (59, 71, 12)}),
    "digits_multiclass": (
        digits_multiclass,
        {"seed": 1, "groups": GROUPS, "kept": (1_400, 140, 16)},
    ),
    "digits_multilabel": (
        digits_multilabel,
        {"seed": 1, "attributes": ATTRIBUTES, "kept": KEPT},
    ),
}


@pytest.fixture(scope="module")
def cut():
    return {name: source(**options) for name, (source, options) in CUT.items()}


@pytest.mark.parametrize("name", CUT)
def test_parts_share_no_example(cut, name):
    rows = np.concatenate([getattr(cut[name], part).features for part in PARTS])
    assert len(np.unique(rows.round(9), axis=0)) == len(rows)


@pytest.mark.parametrize("name", CUT)
def test_features_have_the_training_parts_scale(cut, name):
    train, test = cut[name].train.features, cut[name].test.features
    np.testing.assert_allclose(train.mean(axis=0), 0.0, atol=1e-12)
    assert set(train.std(axis=0).round(9)) <= {0.0, 1.0}  # some pixels are blank
    assert np.abs(test.mean(axis=0)).max() > 1e-3


@pytest.mark.parametrize("name", CUT)
def test_seed_decides_the_split(cut, name):
    source, options = CUT[name]
    again, other = source(**options), source(**{**options, "seed": 7})
    np.testing.assert_array_equal(again.test.features, cut[name].test.features)
    assert not np.array_equal(other.test.features, cut[name].test.features)


@pytest.mark.parametrize(
    ("name", "positives"), [("digits", 174), ("breast_cancer", 71), ("wine_binary", 26)]
)
def test_rest_and_positives_are_thinned_to_the_ratio(cut, name, positives):
    counts = np.array(list(cut[name].counts().values()))
    assert list(counts.sum(axis=0)) == [positives, 5 * positives]
    # Each class is dealt out on its own: no share is off by more than one example.
    np.testing.assert_allclose(
        counts, np.outer([0.5, 0.25, 0.25], [positives, 5 * positives]), atol=1.0
    )


def test_digits_have_the_published_split(cut):
    # The README's table rests on it.
    assert cut["digits"].counts()["test"] == [43, 217]
    np.testing.assert_allclose(
        cut["digits"].train.features[0, 2:5],
        [-1.10102217, -1.91779387, 0.78200198],
        rtol=1e-8,
    )


def test_digits_at_one_to_a_hundred():
    problem = digits(seed=1, positive=8, ratio=100)
    assert problem.ratio == 100.0
    assert problem.counts()["test"] == [4, 400]


def test_malignant_tumours_are_the_positive_class(cut):
    # They are the larger: the first feature is the mean radius.
    train = cut["breast_cancer"].train
    assert train.features[train.labels == 1.0, 0].mean() > 0.5


def test_classes_are_kept_in_their_numbers(cut):
    assert cut["wine"].counts() == {
        "train": [30, 36, 6],
        "validation": [15, 18, 3],
        "test": [14, 17, 3],
    }
    assert cut["digits_multiclass"].counts() == {
        "train": [700, 70, 8],
        "validation": [350, 35, 4],
        "test": [350, 35, 4],
    }


def test_more_than_there_is_cannot_be_kept():
    with pytest.raises(ValueError, match="larger sample than population"):
        wine(seed=1, kept=(59, 71, 49))


def test_labels_are_those_of_the_digit():
    data: Any = load_digits()
    everything = np.bincount(data.target).tolist()
    one = digits_multiclass(
        seed=1, groups=[[digit] for digit in range(10)], kept=everything
    )
    many = digits_multilabel(seed=1, attributes=ATTRIBUTES, kept=everything)
    np.testing.assert_array_equal(one.train.features, many.train.features)
    for column, digits_of in zip(many.train.labels.T, ATTRIBUTES, strict=True):
        np.testing.assert_array_equal(column, np.isin(one.train.labels, digits_of))


def test_attributes_overlap_at_different_rates(cut):
    problem = cut["digits_multilabel"]
    assert problem.classes == 4
    rates = problem.train.labels.mean(axis=0)
    np.testing.assert_allclose(rates, [0.02, 0.05, 0.1, 0.2], atol=0.03)
    assert (problem.train.labels.sum(axis=1) == 4.0).any()

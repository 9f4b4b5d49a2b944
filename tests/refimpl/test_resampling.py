import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest

from refimpl.resampling import oversample, smote

pytest.importorskip("imblearn")
from imblearn.over_sampling import SMOTE, RandomOverSampler
from sklearn.neighbors import NearestNeighbors

ROWS = np.random.default_rng(1).permutation(90)[:60]
COUNTS = {0: 34, 1: 9, 2: 17}


def data(dtype: Any = np.float32, counts=COUNTS, shape=(4,)):
    """Returns data whose rows outside ROWS are poison."""
    labels = np.zeros(90, np.int16)
    labels[ROWS[: sum(counts.values())]] = np.repeat(
        list(counts), list(counts.values())
    )
    features = np.full((90, *shape), np.nan, dtype)
    features[ROWS] = np.random.default_rng(2).normal(size=(60, *shape))
    features[ROWS] += labels[ROWS].reshape(-1, *[1] * len(shape))
    return features, labels


def theirs(sampler: Any, features, labels):
    return sampler.fit_resample(features[ROWS], labels[ROWS])


def test_oversampling_is_that_of_imbalanced_learn():
    features, labels = data()
    found = oversample(features, labels, ROWS, seed=7)
    sampler = RandomOverSampler(random_state=7)
    x, y = theirs(sampler, features, labels)
    assert (found.features == x).all()
    assert (found.labels == y).all()
    assert (found.indices == ROWS[sampler.sample_indices_]).all()
    assert np.bincount(found.labels).tolist() == [34, 34, 34]


def test_oversampling_reads_the_training_rows_alone():
    features, labels = data()
    labels[np.setdiff1d(np.arange(90), ROWS)] = -999
    found = oversample(features, labels, ROWS, seed=7)
    assert set(found.indices) == set(ROWS)
    assert np.isfinite(found.features).all()
    assert (found.labels >= 0).all()


def test_oversampling_keeps_images_and_dtypes():
    images = np.arange(90 * 6, dtype=np.uint8).reshape(90, 2, 3)
    labels = data()[1]
    found = oversample(images, labels, ROWS, seed=7)
    assert found.features.shape == (102, 2, 3)
    assert (found.features.dtype, found.labels.dtype) == (np.uint8, np.int16)
    assert (found.features == images[found.indices]).all()
    assert (found.labels == labels[found.indices]).all()


def test_sizes_can_be_chosen():
    features, labels = data()
    sizes = {1: 12, 2: 17}
    found = oversample(features, labels, ROWS, seed=7, sampling_strategy=sizes)
    assert np.bincount(found.labels).tolist() == [34, 12, 17]
    _, y = smote(features, labels, ROWS, seed=7, sampling_strategy=sizes)
    assert np.bincount(y).tolist() == [34, 12, 17]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 5, 8])
def test_smote_is_that_of_imbalanced_learn(dtype, k):
    features, labels = data(dtype)
    x, y = smote(features, labels, ROWS, seed=7, k_neighbors=k)
    sampler = SMOTE(k_neighbors=k, random_state=7)
    expected_x, expected_y = theirs(sampler, features, labels)
    assert (x == expected_x).all()
    assert (y == expected_y).all()
    assert (x.dtype, y.dtype) == (dtype, np.int16)
    assert (x[:60] == features[ROWS]).all()


@pytest.mark.parametrize("resample", [oversample, smote])
def test_booleans_are_two_classes(resample):
    features, labels = data(counts={0: 51, 1: 9})
    found = resample(features, labels == 1, ROWS, seed=7)
    expected = resample(features, labels, ROWS, seed=7)
    assert found[1].dtype == bool
    assert found[1].sum() == 51
    for actual, wanted in zip(found, expected, strict=True):
        assert (actual == wanted).all()


def off_segments(x, members, k):
    """Returns how far points lie from the segments to the k nearest neighbours."""
    finder = NearestNeighbors(n_neighbors=k + 1).fit(members)
    near = finder.kneighbors(members, return_distance=False)[:, 1:]
    start = np.repeat(members, k, axis=0)
    along = members[near.reshape(-1)] - start
    share = ((x[:, None] - start) * along).sum(-1) / (along**2).sum(-1)
    foot = start + np.clip(share, 0, 1)[..., None] * along
    return np.linalg.norm(x[:, None] - foot, axis=-1).min(axis=1)


def test_synthetic_points_lie_between_neighbours_of_one_class():
    features, labels = data(np.float64)
    x, y = smote(features, labels, ROWS, seed=7, k_neighbors=3)
    for label, new in ((1, 25), (2, 17)):
        members = features[ROWS][labels[ROWS] == label]
        made = x[60:][y[60:] == label]
        assert len(made) == new
        # A few roundings of numbers near 5.
        assert off_segments(made, members, 3).max() < 1e-14
        assert off_segments(made, members, 2).max() > 1e-3


def test_smote_reads_the_training_rows_alone():
    features, labels = data()
    assert np.isfinite(smote(features, labels, ROWS, seed=7)[0]).all()
    features[ROWS[3]] = np.inf
    with pytest.raises(ValueError, match="features must be finite in the rows of"):
        smote(features, labels, ROWS, seed=7)


def test_neighbours_adapt_to_a_small_class_and_to_it_alone():
    features, labels = data(np.float64, {0: 40, 1: 3, 2: 17})
    text = "Class 1 has 3 training examples: k_neighbors falls from 5 to 2 there"
    with pytest.warns(UserWarning, match=text) as caught:
        x, y = smote(features, labels, ROWS, seed=7)
    assert caught[0].filename == __file__
    assert len(caught) == 1
    assert np.bincount(y).tolist() == [40, 40, 40]
    for label, k in ((1, 2), (2, 5)):
        options: Any = {"sampling_strategy": {label: 40}, "k_neighbors": k}
        sampler = SMOTE(**options, random_state=7)
        expected = theirs(sampler, features, labels)[0][60:]
        assert (x[60:][y[60:] == label] == expected).all()


def test_class_of_one_example_is_repeated():
    features, labels = data(np.float32, {0: 40, 1: 1, 2: 19}, (2, 3))
    text = "Class 1 has 1 training example: k_neighbors=5 finds no neighbour"
    with pytest.warns(UserWarning, match=text):
        x, y = smote(features, labels, ROWS, seed=7)
    assert np.bincount(y).tolist() == [40, 40, 40]
    only = features[ROWS][labels[ROWS] == 1]
    assert (x[y == 1] == only).all()
    assert len(np.unique(x[y == 2], axis=0)) == 40


def test_class_that_needs_nothing_brings_no_warning():
    features, labels = data(counts={0: 56, 1: 4})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x, _ = smote(features, labels, ROWS, seed=7, sampling_strategy={1: 4})
    assert (x == features[ROWS]).all()


def test_images_are_flattened_for_the_distances_and_restored():
    features, labels = data(np.float32, shape=(2, 3))
    x, y = smote(features, labels, ROWS, seed=7)
    flat, expected_y = smote(features.reshape(90, 6), labels, ROWS, seed=7)
    assert x.shape == (102, 2, 3)
    assert (x.reshape(102, 6) == flat).all()
    assert (y == expected_y).all()


def test_half_precision_is_computed_in_float32():
    features, labels = data(np.float16)
    # Their difference is beyond the range of float16.
    features[ROWS] = np.where(features[ROWS] > 0.5, 60_000, -60_000)
    x, _ = smote(features, labels, ROWS, seed=7)
    wide, _ = smote(features.astype(np.float32), labels, ROWS, seed=7)
    assert x.dtype == np.float16
    assert (x == wide.astype(np.float16)).all()
    assert np.isfinite(x).all()


@pytest.mark.parametrize("resample", [oversample, smote])
@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"rows": [0, 90]}, r"train_indices must be in \[0, 90\), got 90"),
        ({"rows": [0, -1]}, r"train_indices must be in \[0, 90\), got -1"),
        ({"rows": np.ones(90, bool)}, r"got bool; np\.flatnonzero\(mask\) makes them"),
        ({"rows": np.array([0.0, 1])}, "train_indices must be integers, got float64"),
        ({"rows": []}, r"two classes or more in the rows of train_indices, got \[\]"),
        ({"rows": [[0, 1]]}, "train_indices must have one axis"),
        ({"labels": np.ones(90)}, "labels must be class indices"),
        ({"labels": np.ones(89, int)}, "features one row for each"),
        ({"labels": np.ones(90, int)}, "labels must have two classes or more in"),
        ({"seed": -1}, "seed must be >= 0"),
        ({"seed": 2**32}, r"seed must be < 2\*\*32"),
    ],
)
def test_bad_arguments_are_named(resample, change, text):
    features, labels = data()
    arguments = {"labels": labels, "rows": ROWS, "seed": 7} | change
    with pytest.raises((TypeError, ValueError), match=text):
        resample(
            features, arguments["labels"], arguments["rows"], seed=arguments["seed"]
        )


@pytest.mark.parametrize("resample", [oversample, smote])
@pytest.mark.parametrize("strategy", [None, "most", 2.0, {1: 3}, {7: 3}])
def test_strategies_that_cannot_be_followed_are_refused(resample, strategy):
    features, labels = data()
    with pytest.raises(ValueError, match=r"strategy|target class|over-sampling"):
        resample(features, labels, ROWS, seed=7, sampling_strategy=strategy)


def test_smote_refuses_integers_and_no_neighbours():
    features, labels = data()
    with pytest.raises(TypeError, match="features must have dtype"):
        smote(np.ones((90, 2), np.uint8), labels, ROWS, seed=7)
    with pytest.raises(ValueError, match="k_neighbors must be >= 1"):
        smote(features, labels, ROWS, seed=7, k_neighbors=0)


def test_without_the_package_it_says_what_to_install():
    code = (
        "import sys; sys.modules['imblearn'] = None; "
        "from refimpl.resampling import oversample; "
        "oversample([[0.0]], [0], [0], seed=0)"
    )
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "ImportError" in found.stderr
    assert "pip install equipoise[sampling]" in found.stderr

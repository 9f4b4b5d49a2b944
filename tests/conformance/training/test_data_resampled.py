import sys

import numpy as np
import pytest

from conformance.errors import UsageError
from conformance.training.data import gaussian, multiclass_synthetic, resampled

BINARY = gaussian(
    seed=0, features=3, distance=2.0, positives=(20, 5, 5), negatives=(90, 9, 9)
)
MULTICLASS = multiclass_synthetic(
    seed=0, features=3, components=2, spread=1.0, counts=(90, 30, 10), times=1
)


@pytest.mark.parametrize("how", ["oversample", "smote"])
@pytest.mark.parametrize(("before", "classes"), [(BINARY, 2), (MULTICLASS, 3)])
def test_resampling_balances_training_alone(before, classes, how):
    after = resampled(before, how, 5)
    assert list(after.class_counts) == [90] * classes
    assert after.train.posterior is None
    assert after.train.labels.dtype == before.train.labels.dtype
    assert after.validation is before.validation
    assert after.test is before.test
    old = np.unique(before.train.features, axis=0)
    new = np.unique(after.train.features, axis=0)
    assert len(new) == (len(old) if how == "oversample" else 90 * classes)
    again, other = resampled(before, how, 5), resampled(before, how, 6)
    np.testing.assert_array_equal(again.train.features, after.train.features)
    assert not np.array_equal(other.train.features, after.train.features)


@pytest.mark.parametrize("before", [BINARY, MULTICLASS])
def test_examples_keep_their_classes(before):
    after = resampled(before, "oversample", 5)
    pairs = [
        np.column_stack([part.features, part.labels])
        for part in (before.train, after.train)
    ]
    known = np.unique(pairs[0], axis=0)
    np.testing.assert_array_equal(np.unique(pairs[1], axis=0), known)


def test_no_resampling_changes_nothing():
    assert resampled(BINARY, "none", 5) is BINARY


def test_resampling_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "imblearn", None)
    monkeypatch.setitem(sys.modules, "imblearn.over_sampling", None)
    with pytest.raises(UsageError, match=r"smote .* equipoise\[sampling\]"):
        resampled(BINARY, "smote", 5)

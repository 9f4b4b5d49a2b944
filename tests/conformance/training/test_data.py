import zipfile

import numpy as np
import pytest

from conformance.errors import UsageError
from conformance.training.data import digits, synthetic, user_file
from conformance.training.metrics import f1_at_posterior
from conformance.training.recipes import RECIPES

SYNTHETIC, DIGITS = RECIPES["pos_weight"].data


@pytest.fixture(scope="module")
def drawn():
    return synthetic(**SYNTHETIC.source)


@pytest.fixture
def write(tmp_path):
    def save(**arrays):
        path = tmp_path / "file.npz"
        np.savez(path, **arrays)
        return path

    return save


@pytest.fixture
def arrays():
    generator = np.random.default_rng(0)
    features = generator.normal(3.0, 2.0, (120, 4))
    return {"X": features, "y": np.arange(120) % 6 == 0}


def test_synthetic_has_the_articles_sizes(drawn):
    assert drawn.counts() == {
        "train": (6_000, 30_000),
        "validation": (1_500, 7_500),
        "test": (1_500, 7_500),
    }
    assert drawn.ratio == 5.0


def test_posterior_is_calibrated(drawn):
    posterior, labels = drawn.train.posterior, drawn.train.labels
    bins = np.minimum((posterior * 10).astype(int), 9)
    for index in range(10):
        inside = bins == index
        error = labels[inside].mean() - posterior[inside].mean()
        # Four standard errors of a proportion.
        assert abs(error) < 4.0 * np.sqrt(0.25 / inside.sum())


def test_synthetic_is_not_separable(drawn):
    best = f1_at_posterior(drawn)
    assert best is not None
    assert 0.7 < best < 0.9


def test_digits_are_thinned_to_the_ratio_without_leakage():
    problem = digits(**DIGITS.source)
    counts = problem.counts()
    assert sum(p for p, _ in counts.values()) == 174
    assert sum(n for _, n in counts.values()) == 5 * 174
    for positives, negatives in counts.values():
        assert abs(negatives / positives - 5.0) < 0.1
    parts = [problem.train, problem.validation, problem.test]
    rows = [{row.tobytes() for row in part.features} for part in parts]
    assert len(set.union(*rows)) == sum(map(len, rows)) == 6 * 174
    mean, deviation = parts[0].features.mean(0), parts[0].features.std(0)
    np.testing.assert_allclose(mean, 0.0, atol=1e-12)
    assert set(np.round(deviation, 9)) <= {0.0, 1.0}  # some pixels are always blank
    assert np.abs(parts[2].features.mean(0)).max() > 1e-3


def test_user_file_is_split_by_class(write, arrays):
    problem = user_file(write(**arrays), seed=0)
    assert problem.counts() == {
        "train": (10, 50),
        "validation": (5, 25),
        "test": (5, 25),
    }
    again = user_file(write(**arrays), seed=0)
    np.testing.assert_array_equal(problem.test.features, again.test.features)


def test_users_own_split_is_kept(write, arrays):
    split = np.repeat([2, 0, 1], 40)
    problem = user_file(write(**arrays, split=split), seed=0)
    train = arrays["X"][40:80]
    expected = (arrays["X"][:40] - train.mean(0)) / train.std(0)
    np.testing.assert_allclose(problem.test.features, expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": None}, "missing X"),
        ({"y": None}, "missing y"),
        ({"X": np.full((120, 4), np.nan)}, "X holds NaN"),
        ({"X": np.zeros(120)}, "X must be shaped"),
        ({"X": np.zeros((119, 4))}, "X must be shaped"),
        ({"X": np.full((120, 4), "a")}, "must be numbers"),
        ({"y": np.arange(120) % 3}, "y must be 0 or 1"),
        ({"y": np.full(120, np.nan)}, "y must be 0 or 1"),
        ({"y": np.zeros(120)}, "one class only"),
        ({"split": np.zeros(120)}, "validation part must hold both"),
        ({"split": np.full(120, 3)}, "split must be 0, 1 or 2, got 3"),
        ({"split": np.full(120, "0")}, "split must be 0, 1 or 2, got '0'"),
        ({"split": np.zeros(3)}, r"split must be shaped \(120,\), got \(3,\)"),
    ],
)
def test_bad_user_data_names_what_is_wrong(write, arrays, change, message):
    changed = {k: v for k, v in {**arrays, **change}.items() if v is not None}
    with pytest.raises(UsageError, match=f"--data: .*{message}"):
        user_file(write(**changed), seed=0)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04broken"])
def test_file_of_another_kind(tmp_path, content):
    path = tmp_path / "file.npz"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"--data: .* is not an \.npz file"):
        user_file(path, seed=0)


def test_damaged_file(write, arrays):
    path = write(**arrays)
    content = bytearray(path.read_bytes())
    content[200:260] = bytes(60)
    path.write_bytes(content)
    with pytest.raises(UsageError, match="--data: cannot read"):
        user_file(path, seed=0)


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "none.npz", tmp_path):
        with pytest.raises(UsageError, match="--data: cannot read"):
            user_file(path, seed=0)


def test_pickled_objects_are_not_loaded(write, arrays):
    arrays["X"] = arrays["X"].astype(object)
    with pytest.raises(UsageError, match="--data: cannot read"):
        user_file(write(**arrays), seed=0)


@pytest.mark.parametrize("name", ["X", "y", "split"])
def test_member_that_is_no_array(write, arrays, name):
    path = write(**{k: v for k, v in arrays.items() if k != name})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "1, 2, 3")
    with pytest.raises(UsageError, match=f"--data: {name} is not stored as an array"):
        user_file(path, seed=0)

import zipfile

import numpy as np
import pytest

from conformance.errors import UsageError
from conformance.training.data import patches, user_file

GENERATOR = np.random.default_rng(0)
FEATURES = GENERATOR.normal(3.0, 2.0, (120, 4))
IMAGES = GENERATOR.normal(3.0, 2.0, (40, 3, 5))
MAPS = np.zeros((40, 3, 5))
MAPS[:20, 1, 2:4] = 1.0, 0.5
RARE = np.arange(120) % 40 == 3
GIVEN = {
    "binary": {"X": FEATURES, "y": np.arange(120) % 6 == 0},
    "multilabel": {
        "X": FEATURES,
        "y": np.stack([np.arange(120) % 2, np.arange(120) % 30 == 3], axis=1),
    },
    "multiclass": {"X": FEATURES, "y": np.digitize(np.arange(120), [90, 112])},
    "heatmap": {"X": IMAGES, "y": MAPS},
}


@pytest.fixture
def write(tmp_path):
    def save(**arrays):
        path = tmp_path / "file.npz"
        np.savez(path, **arrays)
        return path

    return save


@pytest.mark.parametrize(
    ("task", "train", "test"),
    [
        ("binary", [10, 50], [5, 25]),
        # Four of the rare label, which all have the frequent one, too.
        ("multilabel", [[30, 2], [30, 58]], [[15, 1], [15, 29]]),
        ("multiclass", [45, 11, 4], [22, 5, 2]),
        ("heatmap", [10, 290], [5, 145]),
    ],
)
def test_examples_are_dealt_by_label(write, task, train, test):
    path = write(**GIVEN[task])
    problem = user_file(path, task=task, seed=0)
    assert problem.task == task
    assert problem.counts()["train"] == train
    assert problem.counts()["test"] == test
    assert problem.train.labels.dtype == (int if task == "multiclass" else float)
    again, other = (user_file(path, task=task, seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(problem.test.features, again.test.features)
    assert not np.array_equal(problem.test.features, other.test.features)


@pytest.mark.parametrize("task", ["binary", "multilabel", "multiclass"])
def test_users_own_split_is_kept(write, task):
    split = np.resize([2, 0, 1, 1, 0, 0, 0], 120)
    problem = user_file(write(**GIVEN[task], split=split), task=task, seed=0)
    train = FEATURES[split == 0]
    expected = (FEATURES[split == 2] - train.mean(0)) / train.std(0)
    np.testing.assert_allclose(problem.test.features, expected)
    expected = GIVEN[task]["y"][split == 2]
    np.testing.assert_array_equal(problem.test.labels, expected)


def test_images_become_patches_of_one_scale(write):
    split = np.resize([2, 0, 1], 40)
    path = write(**GIVEN["heatmap"], split=split)
    problem = user_file(path, task="heatmap", seed=0)
    train = IMAGES[split == 0]
    expected = patches((IMAGES[split == 2] - train.mean()) / train.std())
    np.testing.assert_allclose(problem.test.features, expected)
    expected = MAPS[split == 2].reshape(-1, 15)
    np.testing.assert_array_equal(problem.test.labels, expected)


@pytest.mark.parametrize(
    ("task", "change", "message"),
    [
        ("binary", {"X": None}, "missing X"),
        ("binary", {"y": None}, "missing y"),
        ("binary", {"X": np.full((120, 4), np.nan)}, "X holds NaN"),
        (
            "binary",
            {"X": np.full((120, 4), -2e150)},
            r"within ±1e\+150, got .* 2e\+150",
        ),
        ("binary", {"X": np.zeros(120)}, r"X must be shaped \(N, d\) .* binary"),
        ("binary", {"X": np.zeros((119, 4))}, "X must be shaped"),
        ("binary", {"X": np.zeros((120, 0))}, "X must be shaped"),
        ("binary", {"X": np.full((120, 4), "a")}, "must be numbers"),
        ("binary", {"y": np.arange(120) % 3}, "y must be 0 or 1, got 2"),
        ("binary", {"y": np.full(120, np.nan)}, "y must be 0 or 1, got nan"),
        ("binary", {"y": np.zeros(120)}, "y must hold two classes or more, got one"),
        (
            "binary",
            {"split": np.zeros(120)},
            "the validation part must hold an example of class 0, got none",
        ),
        ("binary", {"split": np.full(120, 3)}, "split must be 0, 1 or 2, got 3"),
        ("binary", {"split": np.full(120, "0")}, "split must be 0, 1 or 2, got '0'"),
        ("binary", {"split": np.zeros(3)}, r"shaped \(120,\), got \(3,\)"),
        ("multilabel", {"y": np.zeros(120)}, r"y \(N, C\) .*got \(120, 4\) and"),
        ("multilabel", {"y": np.full((120, 2), 0.5)}, "y must be 0 or 1, got 0.5"),
        (
            "multilabel",
            {"y": np.stack([np.arange(120) % 2, RARE], 1)},
            "the test part must hold a 1 of label 1, got none",
        ),
        (
            "multilabel",
            {"y": np.stack([np.arange(120) % 2, np.ones(120)], 1)},
            "the train part must hold a 0 of label 1, got none",
        ),
        ("multiclass", {"y": np.zeros((120, 3))}, r"\(N,\) for a multiclass recipe"),
        ("multiclass", {"y": np.arange(120) % 3 - 1}, "y must be a class, .*got -1"),
        ("multiclass", {"y": np.arange(120) % 3 / 2}, "y must be a class, .*got 0.5"),
        ("multiclass", {"y": np.full(120, np.nan)}, "y must be a class, .*got nan"),
        ("multiclass", {"y": np.full(120, np.inf)}, "y must be a class, .*got inf"),
        ("multiclass", {"y": np.arange(120) % 2 * 2}, "from 0 to 2, got none of class"),
        ("multiclass", {"y": np.ones(120)}, "two classes or more, got one"),
        (
            "multiclass",
            {"y": np.digitize(np.arange(120), [90, 117])},
            "the test part must hold an example of class 2, got none",
        ),
        ("heatmap", {"X": FEATURES}, r"\(N, H, W\) and y \(N, H, W\) for a heatmap"),
        ("heatmap", {"y": MAPS[:, :2]}, r"got \(40, 3, 5\) and \(40, 2, 5\)"),
        ("heatmap", {"y": 1.5 * MAPS}, r"y must be in \[0, 1\], got 1.5"),
        ("heatmap", {"y": MAPS - 0.1}, r"y must be in \[0, 1\], got -0.1"),
        ("heatmap", {"y": 0.9 * MAPS}, "train part must hold a peak, .*exactly 1"),
        ("heatmap", {"y": np.ones_like(MAPS)}, "train part must hold a pixel .*below"),
    ],
)
def test_bad_data_names_what_is_wrong(write, task, change, message):
    changed = {**GIVEN[task], **change}
    path = write(**{name: x for name, x in changed.items() if x is not None})
    with pytest.raises(UsageError, match=f"--data: .*{message}"):
        user_file(path, task=task, seed=0)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04broken"])
def test_file_of_another_kind(tmp_path, content):
    path = tmp_path / "file.npz"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"--data: .* is not an \.npz file"):
        user_file(path, task="binary", seed=0)


def test_damaged_file(write):
    path = write(**GIVEN["binary"])
    content = bytearray(path.read_bytes())
    content[200:260] = bytes(60)
    path.write_bytes(content)
    with pytest.raises(UsageError, match="--data: cannot read"):
        user_file(path, task="binary", seed=0)


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "none.npz", tmp_path):
        with pytest.raises(UsageError, match="--data: cannot read"):
            user_file(path, task="binary", seed=0)


def test_pickled_objects_are_not_loaded(write):
    path = write(**{**GIVEN["binary"], "X": FEATURES.astype(object)})
    with pytest.raises(UsageError, match="--data: cannot read"):
        user_file(path, task="binary", seed=0)


@pytest.mark.parametrize("name", ["X", "y", "split"])
def test_member_that_is_no_array(write, name):
    path = write(**{k: v for k, v in GIVEN["binary"].items() if k != name})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "1, 2, 3")
    with pytest.raises(UsageError, match=f"--data: {name} is not stored as an array"):
        user_file(path, task="binary", seed=0)

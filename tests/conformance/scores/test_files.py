import numpy as np
import pandas as pd
import pytest

from conformance.errors import UsageError
from conformance.scores import load_scores

P = np.array([0.2, 0.9, 0.6, 0.4])
Y = np.array([0, 1, 1, 0])


def saved(path, **arrays):
    np.savez(path, **arrays)
    return path


def table(path, **columns):
    frame = pd.DataFrame(columns)
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return path


def message(path, **options):
    with pytest.raises(UsageError) as caught:
        load_scores(path, options)
    return str(caught.value)


def test_two_lines_make_a_file(tmp_path):
    logits, labels = np.array([-2.0, 0.5, 1.0], np.float32), np.array([0, 1, 1])
    np.savez(tmp_path / "scores.npz", logits=logits, labels=labels)
    scores = load_scores(tmp_path / "scores.npz")
    assert (scores.task, scores.kind, scores.stored) == ("binary", "logits", "float32")
    assert np.array_equal(scores.values, logits)
    assert scores.truth.tolist() == [False, True, True]
    assert scores.notes == ()


@pytest.mark.parametrize("name", ["probs", "prob", "probability", "probabilities"])
def test_aliases(name, tmp_path):
    scores = load_scores(saved(tmp_path / "s.npz", **{name: P, "y": Y}))
    assert scores.kind == "probabilities"


def test_options_go_before_the_file(tmp_path):
    path = saved(tmp_path / "s.npz", logits=P, labels=Y, pos_weight=3.0, beta=0.9)
    told = load_scores(path, {"pos_weight": 5.0}).told
    assert (float(told["pos_weight"]), told["beta"]) == (5.0, 0.9)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
class TestTables:
    def test_columns_of_one_score(self, suffix, tmp_path):
        path = table(
            tmp_path / f"s{suffix}", prob=P, label=Y, pos_weight=[7.0] * 4, id=[1] * 4
        )
        scores = load_scores(path)
        assert np.array_equal(scores.values, P)
        assert float(scores.told["pos_weight"]) == 7.0
        assert scores.notes == ("id is not a field that is known, so it is not used.",)

    def test_columns_of_labels_go_by_name(self, suffix, tmp_path):
        path = table(
            tmp_path / f"s{suffix}",
            logit_cat=P,
            logit_dog=P + 1,
            label_dog=Y,
            label_cat=1 - Y,
            pos_weight_dog=[2.0] * 4,
            pos_weight_cat=[9.0] * 4,
        )
        scores = load_scores(path)
        assert (scores.task, scores.names) == ("multilabel", ("cat", "dog"))
        assert np.array_equal(scores.labels, np.stack([1 - Y, Y], axis=1))
        assert scores.told["pos_weight"].tolist() == [9.0, 2.0]

    def test_columns_of_classes(self, suffix, tmp_path):
        path = table(
            tmp_path / f"s{suffix}",
            logits_0=P,
            logits_1=-P,
            logits_2=2 * P,
            label=[2, 0, 1, 0],
            class_weights_0=[1.0] * 4,
            class_weights_1=[2.0] * 4,
            class_weights_2=[5.0] * 4,
            dtype=["float16"] * 4,
        )
        scores = load_scores(path)
        assert (scores.task, scores.classes) == ("multiclass", 3)
        assert scores.told["class_weights"].tolist() == [1.0, 2.0, 5.0]
        assert scores.told["dtype"] == "float16"

    def test_losses_end_where_they_are_blank(self, suffix, tmp_path):
        losses = [0.7, np.nan, 0.5, np.nan]
        path = table(tmp_path / f"s{suffix}", prob=P, label=Y, loss=losses)
        found = load_scores(path).told["losses"]
        assert np.array_equal(found, losses[:3], equal_nan=True)

    def test_what_differs_by_row_is_no_constant(self, suffix, tmp_path):
        path = table(tmp_path / f"s{suffix}", prob=P, label=Y, beta=[0.9, 0.9, 0.8, 0])
        assert "beta must be the same in all rows, got 0.9 and 0.8" in message(path)

    def test_words_are_no_numbers(self, suffix, tmp_path):
        path = table(tmp_path / f"s{suffix}", prob=P, label=["no", "yes", "no", "no"])
        assert "label must hold numbers, got 'no'" in message(path)

    def test_twice(self, suffix, tmp_path):
        path = table(tmp_path / f"s{suffix}", prob=P, probs=P, label=Y)
        assert "probabilities is there twice, also as probs" in message(path)

    def test_other_classes(self, suffix, tmp_path):
        path = table(
            tmp_path / f"s{suffix}", logit_a=P, logit_b=P, label_a=Y, label_c=Y
        )
        assert "must be named as those of the scores, a, b; got a, c" in message(path)

    def test_one_score_has_one_label(self, suffix, tmp_path):
        path = table(tmp_path / f"s{suffix}", logit=P, label_a=Y, label_c=Y)
        assert "labels must be one column" in message(path)
        assert "one for each of a, c" in message(path)

    def test_names_of_scikit_learn(self, suffix, tmp_path):
        path = table(tmp_path / f"s{suffix}", y_true=Y, y_prob=P)
        assert np.array_equal(load_scores(path).labels, Y)
        assert load_scores(path).kind == "probabilities"
        path = table(tmp_path / f"t{suffix}", y_true=Y, y_score=P)
        assert "got labels. y_score is not a field that is known" in message(path)
        assert "logits, logit, probabilities, probability" in message(path)

    def test_no_rows(self, suffix, tmp_path):
        path = table(tmp_path / f"s{suffix}", prob=P[:0], label=Y[:0])
        assert "no rows" in message(path)

    def test_damage(self, suffix, tmp_path):
        path = tmp_path / f"s{suffix}"
        path.write_bytes(b"PAR1\x00\xff\xfe" * 3)
        assert "FILE" in message(path)


def test_parquet_without_its_reader(tmp_path, monkeypatch):
    path = table(tmp_path / "s.parquet", prob=P, label=Y)

    def lacking(_):
        raise ImportError("pyarrow")

    monkeypatch.setattr(pd, "read_parquet", lacking)
    assert "needs pyarrow: pip install" in message(path)


@pytest.mark.parametrize(
    ("name", "content", "phrase"),
    [
        ("s.npz", b"", "is empty"),
        ("s.csv", b"", "is empty"),
        ("s.npz", b"no archive", "is not an .npz file"),
        ("s.txt", b"1", "expected .npz, .csv, .parquet, got '.txt'"),
        ("s", b"1", "got 's'"),
    ],
)
def test_no_file_of_scores(name, content, phrase, tmp_path):
    (tmp_path / name).write_bytes(content)
    assert phrase in message(tmp_path / name)


def test_no_file_at_all(tmp_path):
    assert "is no file" in message(tmp_path / "absent.npz")
    (tmp_path / "folder.npz").mkdir()
    assert "is no file" in message(tmp_path / "folder.npz")


def test_a_cut_archive(tmp_path):
    path = saved(tmp_path / "s.npz", logits=np.arange(5000.0), labels=np.zeros(5000))
    whole = path.read_bytes()
    # The directory at the end is kept, and what it lists is not.
    path.write_bytes(whole[:900] + b"\0" * 200 + whole[-300:])
    assert "FILE" in message(path)


def test_pickles_are_not_loaded(tmp_path):
    class Planted:
        def __reduce__(self):
            return print, ("loaded",)

    array = np.array([Planted(), 1], dtype=object)
    path = saved(tmp_path / "s.npz", logits=array, labels=Y)
    assert "logits holds Python objects, which are not loaded" in message(path)


def test_unknown_and_double_names(tmp_path):
    path = saved(tmp_path / "s.npz", logits=P, labels=Y, epoch=3)
    assert load_scores(path).notes == (
        "epoch is not a field that is known, so it is not used.",
    )
    assert "labels is there twice, also as y" in message(
        saved(tmp_path / "t.npz", logits=P, labels=Y, y=Y)
    )


def test_what_is_there_instead_is_named(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("logit;label\n0.5;1\n")
    assert "got nothing that is known. logit;label is not a field" in message(path)


def test_blanks_after_commas(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("logit, label\n0.5, 1\n-1.5, 0\n")
    assert load_scores(path).labels.tolist() == [1, 0]

import json

import numpy as np
import pytest
from sklearn.metrics import f1_score
from typer.testing import CliRunner

from conformance.cli import app
from conformance.errors import UsageError
from conformance.metrics.files import measured
from conformance.scores import load_scores
from refimpl.thresholds import search_class_thresholds, search_threshold


def invoke(*arguments):
    return CliRunner().invoke(app, ["metrics", *map(str, arguments)])


def numbers(*arguments):
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def made(folder, name, seed, *, columns=None):
    rng = np.random.default_rng(seed)
    shape = (400,) if columns is None else (400, columns)
    labels = (rng.random(shape) < 0.2).astype(int)
    logits = rng.normal(2.0 * labels - 2.0)
    path = folder / name
    np.savez(path, logits=logits, labels=labels)
    return path, logits, labels


def test_tables_and_exit_status(tmp_path):
    path, _, labels = made(tmp_path, "scores.npz", 0)
    result = invoke(path)
    assert result.exit_code == 0
    assert f"binary, {labels.size} examples" in result.stdout
    assert "very examples" not in result.stdout


def test_thresholds_decide(tmp_path):
    path, logits, labels = made(tmp_path, "scores.npz", 0)
    (row,) = numbers(path, "--thresholds", "0.3")["classes"]
    predicted = 1 / (1 + np.exp(-logits)) >= 0.3
    assert row["threshold"] == 0.3
    assert row["f1"] == pytest.approx(f1_score(labels, predicted), rel=1e-13)


def test_thresholds_of_the_file_decide_unless_others_are_given(tmp_path):
    path, logits, labels = made(tmp_path, "scores.npz", 0)
    np.savez(path, logits=logits, labels=labels, thresholds=0.2)
    assert numbers(path)["classes"][0]["threshold"] == 0.2
    assert numbers(path, "--thresholds", "0.3")["classes"][0]["threshold"] == 0.3


@pytest.mark.parametrize("columns", [None, 3])
@pytest.mark.parametrize("objective", ["f1", "youden"])
def test_thresholds_are_searched_on_the_validation_file(tmp_path, columns, objective):
    path, _, _ = made(tmp_path, "test.npz", 0, columns=columns)
    other, _, labels = made(tmp_path, "validation.npz", 1, columns=columns)
    search = search_threshold if columns is None else search_class_thresholds
    p = load_scores(other).probabilities
    expected = np.atleast_1d(search(p, labels, objective=objective).value)
    rows = numbers(path, "--search", objective, "--validation", other)["classes"]
    assert [row["threshold"] for row in rows] == expected.tolist()
    own = numbers(path, "--search", objective)["classes"]
    assert [row["threshold"] for row in own] != expected.tolist()


def test_search_on_the_same_examples_is_said(tmp_path):
    path, _, _ = made(tmp_path, "scores.npz", 0)
    assert "very examples" in invoke(path, "--search", "f1").stdout
    elsewhere = invoke(path, "--search", "f1", "--validation", path)
    assert "very examples" not in elsewhere.stdout


def test_figures_are_written(tmp_path):
    path, _, _ = made(tmp_path, "scores.npz", 0)
    result = invoke(path, "--figures", "--out", tmp_path / "report")
    assert result.exit_code == 0
    written = {file.name: file.read_bytes() for file in tmp_path.glob("report/*")}
    names = ("confusion", "curves", "histograms", "reliability")
    assert set(written) == {f"{n}.{kind}" for n in names for kind in ("png", "svg")}
    assert written["curves.png"].startswith(b"\x89PNG")
    assert b"<svg" in written["curves.svg"]


def test_classes_are_decided_by_the_likeliest(tmp_path):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, size=200)
    logits = rng.normal(size=(200, 3)) + 2.0 * np.eye(3)[labels]
    path = tmp_path / "classes.npz"
    np.savez(path, logits=logits, labels=labels)
    found = numbers(path)
    accuracy = (logits.argmax(axis=1) == labels).mean()
    assert found["overall"]["accuracy"] == pytest.approx(accuracy, rel=1e-13)
    assert measured(load_scores(path)).kind == "multiclass"
    assert caught(path, "--search", "f1") == (
        "--search: expected binary or multi-label scores, got classes, of which the "
        "likeliest is taken."
    )


def caught(*arguments):
    error = invoke(*arguments).exception
    assert isinstance(error, UsageError), error
    return str(error)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--search", "f2"), "--search: expected f1, youden, balanced_accuracy, got"),
        (("--search", "f1", "--thresholds", "0.5"), "expected one of them, got both"),
        (("--validation", "x.npz"), "--validation: expected with --search"),
        (("--thresholds", "1.5"), "--thresholds: expected probabilities, in [0, 1],"),
        (("--thresholds", "0.5,nan"), "in [0, 1], got nan."),
        (("--thresholds", "half"), "--thresholds: expected numbers by commas, got"),
        (("--thresholds", "0.1,0.2"), "FILE: thresholds must be"),
        (("--bins", "0"), "--bins: expected >= 1, got 0."),
    ],
)
def test_wrong_options_are_named(tmp_path, options, text):
    path, _, _ = made(tmp_path, "scores.npz", 0)
    assert text in caught(path, *options)


def test_the_validation_file_has_the_same_classes(tmp_path):
    path, _, _ = made(tmp_path, "scores.npz", 0)
    other, _, _ = made(tmp_path, "other.npz", 1, columns=3)
    message = caught(path, "--search", "f1", "--validation", other)
    assert message == (
        "--validation: expected scores like those of FILE, binary of 1 class, got "
        "multilabel of 3 classes."
    )


def test_unfit_numbers_are_sent_to_the_doctor(tmp_path):
    path = tmp_path / "scores.npz"
    np.savez(path, probabilities=[0.2, np.nan], labels=[0, 1])
    message = caught(path)
    assert "probabilities" in message
    assert f"`conformance doctor {path}` may say why" in message
    assert "'nix.npz' is no file" in caught("nix.npz")


def test_a_folder_that_cannot_be_written(tmp_path):
    path, _, _ = made(tmp_path, "scores.npz", 0)
    assert "--out: cannot write" in caught(path, "--figures", "--out", path)

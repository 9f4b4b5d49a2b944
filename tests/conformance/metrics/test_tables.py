import io

import numpy as np
import pytest
from rich.console import Console
from scipy.special import softmax

from conformance.metrics import evaluate, noise_robustness
from conformance.metrics.tables import report_tables, robustness_table
from tests.conformance.metrics.made import binary, multiclass, multilabel

LABELS = ["hernia", "pleural thickening", "a name of many words [bold] indeed", "mass"]


def shown(parts, width=80):
    """Prints as to a pipe."""
    file = io.StringIO()
    console = Console(file=file, width=width)
    for part in parts:
        console.print(part)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def cells(lines, start):
    return next(line.split() for line in lines if line.startswith(start))


@pytest.mark.parametrize("made", [binary, multilabel, multiclass])
def test_every_number_is_whole_at_80_columns(made):
    lines = shown(report_tables(evaluate(*made(size=90000))))
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    # Nothing but names is folded, so a wide terminal shows the same.
    assert lines == shown(report_tables(evaluate(*made(size=90000))), width=200)


def test_long_names_fold_and_are_not_markup():
    labels, p = multilabel(size=90000)
    lines = shown(report_tables(evaluate(labels, p, names=LABELS)), width=72)
    assert max(map(len, lines)) <= 72
    text = "\n".join(lines)
    assert "…" not in text
    assert text.count("[bold]") == 3
    support, predicted = labels[:, 0].sum(), (p[:, 0] >= 0.5).sum()
    assert cells(lines, "hernia")[1:3] == [str(support), str(predicted)]


def test_rows_say_what_the_report_says():
    labels, p = binary()
    report = evaluate(labels, p, thresholds=0.35, names=["real", "fake"])
    lines = shown(report_tables(report))
    (row,) = report.classes
    expected = [row.precision, row.recall, row.f1]
    shares = [f"{value:.4f}" for value in expected]
    counts = [str(row.support), str(row.predicted)]
    assert cells(lines, "fake") == ["fake", *counts, *shares, "0.35"]
    assert cells(lines, "accuracy") == ["accuracy", f"{report.overall.accuracy:.4f}"]
    assert "macro" not in "\n".join(lines)
    counts = report.confusions[0].counts[0]
    assert cells(lines, "real")[1:3] == list(map(str, counts))


def test_right_and_wrong_decisions_of_each_label_are_counted():
    labels, p = multilabel()
    lines = shown(report_tables(evaluate(labels, p, names=LABELS)))
    start = lines.index("right and wrong decisions")
    decided = p[:, 3] >= 0.5
    sides = [(decided, 1), (decided, 0), (~decided, 1), (~decided, 0)]
    counts = [str((side & (labels[:, 3] == truth)).sum()) for side, truth in sides]
    assert cells(lines[start:], "mass")[1:] == counts
    assert lines[start + 1].split() == [
        "class",
        "true",
        "+",
        "false",
        "+",
        "false",
        "-",
        "true",
        "-",
    ]


def test_no_data_is_said_and_so_is_what_averages_leave_out():
    labels, p = multilabel()
    labels[:, 0] = 0
    lines = shown(report_tables(evaluate(labels, p, names=LABELS)))
    # However narrow: names give way.
    narrow = shown(report_tables(evaluate(labels, p, names=LABELS)), width=63)
    assert any("no data  no data" in line for line in narrow)
    assert "macro recall averages 3 of 4 classes; no data: hernia" in lines
    assert "macro AUROC averages 3 of 4 classes; no data: hernia" in lines
    assert not any(line.startswith("macro F1 averages") for line in lines)


def test_small_and_almost_whole_numbers_do_not_look_like_0_and_1():
    size = 200_000
    labels, p = np.zeros(size, int), np.zeros(size)
    labels[:2] = 1
    lines = shown(report_tables(evaluate(labels, p)))
    assert cells(lines, "accuracy") == ["accuracy", ">0.9999"]
    assert "confusion: rows are true" in lines  # which fits a narrow matrix
    assert cells(lines, "Brier score")[-1] == "1.0e-05"
    assert "1e-05" in "\n".join(lines)


def test_wide_matrix_becomes_a_list_of_its_largest_confusions():
    labels, p = multiclass(size=3000)
    rest = np.full((len(p), 12), 1e-9)
    wide = np.hstack([p, rest])
    report = evaluate(labels, wide / wide.sum(axis=1, keepdims=True))
    lines = shown(report_tables(report))
    assert "confusion: rows are true" not in lines
    start = lines.index("the largest confusions") + 3
    table = np.array(report.confusions[0].counts)
    wrong = np.sort(table[~np.eye(16, dtype=bool)])[::-1]
    counts = [int(line.split()[2]) for line in lines[start : start + 10]]
    assert counts == wrong[:10].tolist()
    true, predicted, count, share = lines[start].split()
    assert int(count) == table[int(true), int(predicted)] == wrong[0]
    assert share == f"{wrong[0] / table[int(true)].sum():.4f}"


def test_ten_classes_with_long_names_keep_their_matrix():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 10, size=5000)
    p = softmax(generator.normal(size=(5000, 10)) + 2 * np.eye(10)[labels], axis=1)
    report = evaluate(labels, p, names=[f"kind number {k}" for k in range(10)])
    lines = shown(report_tables(report))
    assert max(map(len, lines)) <= 80
    assert "confusion: rows are true" in lines
    counts = list(map(str, report.confusions[0].counts[9]))
    assert cells(lines, "(9) kind")[2:-1] == counts
    assert cells(lines, "(8) kind")[-1] == f"{report.confusions[0].recalls[8]:.3f}"


def test_last_bin_is_shown_closed():
    lines = shown(report_tables(evaluate([0, 1], [0.05, 1.0])))
    assert cells(lines, "[0.9, 1]")[2:] == ["1", "1.0000", "1.0000", "+0.0000"]
    assert cells(lines, "[0, 0.1)")[2] == "1"
    assert cells(lines, "[0.1, 0.2)")[2:4] == ["0", "no"]


def test_noise_is_a_row_for_each_strategy_and_sigma():
    features = np.array([[1.0], [-1.0], [0.5], [-0.2]])
    labels = [1, 0, 1, 0]
    found = noise_robustness(
        lambda x: (x[:, 0] > 0).astype(float),
        features,
        labels,
        sigmas=(0.0, 2.0),
        seed=0,
    )
    lines = shown([robustness_table({"plain": found}, metric="accuracy")])
    assert lines[-2].split() == ["plain", "0", "1.0000", "0.0000", "0.0%"]
    assert lines[-1].split()[:3] == ["plain", "2", f"{found.means[1]:.4f}"]
    assert lines[-1].endswith(f"{1 - found.means[1]:.1%}")

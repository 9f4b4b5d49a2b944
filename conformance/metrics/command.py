"""The command's work: read, measure, show."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from conformance.errors import UsageError
from conformance.metrics.figures import figure_bytes, report_figures
from conformance.metrics.files import measured
from conformance.metrics.report import Report
from conformance.metrics.tables import report_tables
from conformance.report.terminal import make_console
from conformance.report.wording import counted
from conformance.scores import Scores, load_scores
from refimpl.thresholds import search_class_thresholds, search_threshold

OBJECTIVES = ("f1", "youden", "balanced_accuracy")


def run(
    file: Path,
    *,
    thresholds: list[float] | float | None,
    search: str,
    validation: Path | None,
    bins: int,
    as_json: bool,
    folder: Path | None,
) -> None:
    """Measures a file of scores, and shows the metrics.

    Args:
        file: Of scores.
        thresholds: On probabilities; those of the file, or 0.5, without any.
        search: One of ``OBJECTIVES`` to search the thresholds by, or nothing.
        validation: File to search on; ``file`` itself without one.
        bins: Of the reliability curve.
        as_json: Whether to print JSON and nothing else.
        folder: Where figures go, if they are wanted.

    Raises:
        UsageError: A file cannot be read or has no metrics, an option does not fit
            it, or the folder cannot be written to.
    """
    _check_options(thresholds, search, validation, bins)
    scores = load_scores(file)
    others = scores if validation is None else _alike(scores, validation)
    try:
        if search:
            thresholds = _searched(others, search)
        report = measured(scores, thresholds, bins=bins)
    except (TypeError, ValueError) as error:
        hint = f"`conformance doctor {file}` may say why."
        raise UsageError(f"FILE: {error} {hint}") from error
    if as_json:
        sys.stdout.write(report.to_json() + "\n")
    else:
        console = make_console()
        for part in report_tables(report):
            console.print(part)
        if search and validation is None:
            console.print(
                "\nThresholds were searched on these very examples, so the decisions "
                "look better than on others: --validation FILE searches elsewhere."
            )
    if folder is not None:
        _write(report, folder)
        if not as_json:
            make_console().print(f"\nwrote figures to {folder}", soft_wrap=True)


def _searched(scores: Scores, objective: str) -> Any:
    if scores.task == "multiclass":
        raise UsageError(
            "--search: expected binary or multi-label scores, got classes, of which "
            "the likeliest is taken."
        )
    search = search_threshold if scores.task == "binary" else search_class_thresholds
    return search(scores.probabilities, scores.truth, objective=objective).value


def _check_options(
    thresholds: list[float] | float | None,
    search: str,
    validation: Path | None,
    bins: int,
) -> None:
    if search and search not in OBJECTIVES:
        raise UsageError(f"--search: expected {', '.join(OBJECTIVES)}, got {search!r}.")
    if search and thresholds is not None:
        raise UsageError("--search, --thresholds: expected one of them, got both.")
    if validation is not None and not search:
        raise UsageError("--validation: expected with --search, got it alone.")
    for cut in np.atleast_1d([] if thresholds is None else thresholds):
        if not 0 <= cut <= 1:
            raise UsageError(
                f"--thresholds: expected probabilities, in [0, 1], got {cut:g}."
            )
    if bins < 1:
        raise UsageError(f"--bins: expected >= 1, got {bins}.")


def _alike(scores: Scores, validation: Path) -> Scores:
    others = load_scores(validation)
    if (others.task, others.classes) != (scores.task, scores.classes):
        raise UsageError(
            f"--validation: expected scores like those of FILE, {_kind(scores)}, got "
            f"{_kind(others)}."
        )
    return others


def _kind(scores: Scores) -> str:
    return f"{scores.task} of {counted(scores.classes, 'class', 'classes')}"


def _write(report: Report, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in report_figures(report).items():
            for kind in ("png", "svg"):
                path = folder / f"{name}.{kind}"
                path.write_bytes(figure_bytes(figure, format=kind))
    except OSError as error:
        raise UsageError(f"--out: cannot write {error.filename} ({error}).") from error

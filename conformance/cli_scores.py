"""Commands that read a file of scores: doctor and metrics."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from conformance.errors import UsageError

EPILOG = (
    'np.savez("scores.npz", logits=logits, labels=labels) makes a FILE. It holds '
    "logits or probabilities, labels, and what is known of the training: pos_weight, "
    "class_weights, sample_weight, sampling or sampler_weights, class_counts or "
    "train_labels, thresholds, losses, loss_scale, batch_size, epsilon, dtype, gamma, "
    "alpha, label_smoothing, beta, task, class_names. Shapes: (N,) and labels 0 or 1; "
    "(N, C) and labels (N, C), each 0 or 1; (N, K) and class indices (N,). In .csv and "
    ".parquet these are columns: logit or logit_0, logit_1 …, prob, label; what a file "
    "has once is a constant column."
)


def doctor(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=".npz, .csv or .parquet.")
    ],
    *,
    pos_weight: Annotated[
        str, typer.Option(help="Weight of positives in training: 5 or 5,10,20.")
    ] = "",
    class_weights: Annotated[
        str, typer.Option(help="Weight of each class: 1,2,5.")
    ] = "",
    class_counts: Annotated[
        str, typer.Option(help="Training examples by class: negatives,positives.")
    ] = "",
    sampler: Annotated[
        str, typer.Option(help="balanced, where a sampler balanced the classes.")
    ] = "",
    thresholds: Annotated[
        str, typer.Option(help="Decision thresholds, probabilities: 0.5 or 0.1,0.3.")
    ] = "",
    loss_scale: Annotated[
        float | None, typer.Option(help="Of mixed precision: 65536.")
    ] = None,
    batch_size: Annotated[
        float | None, typer.Option(help="Elements that the loss is a mean of.")
    ] = None,
    epsilon: Annotated[
        float | None, typer.Option(help="Constant inside the logarithm: 1e-7.")
    ] = None,
    dtype: Annotated[
        str, typer.Option(help="Of training: float16, bfloat16, float32 or float64.")
    ] = "",
    beta: Annotated[
        float | None, typer.Option(help="Of the effective number of samples: 0.999.")
    ] = None,
    gamma: Annotated[float | None, typer.Option(help="Of a focal loss: 2.")] = None,
    alpha: Annotated[float | None, typer.Option(help="Of a focal loss: 0.25.")] = None,
    label_smoothing: Annotated[float | None, typer.Option(help="As 0.1.")] = None,
    task: Annotated[
        str, typer.Option(help="binary, multilabel or multiclass; as shapes tell.")
    ] = "",
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON, and nothing else.")
    ] = False,
    html: Annotated[
        bool, typer.Option("--html", help="Write doctor.html and doctor.json to --out.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder of --html.")] = Path("report"),
) -> None:
    """Examines scores and labels: what is wrong, why, and what to do.

    Exit status: 0 nothing is wrong, 1 something is, 2 wrong usage or no such file.
    Warnings and infos leave it 0.
    """
    given = {
        **_lists(
            pos_weight=pos_weight,
            class_weights=class_weights,
            class_counts=class_counts,
            thresholds=thresholds,
        ),
        "sampling": sampler or None,
        "loss_scale": loss_scale,
        "batch_size": batch_size,
        "epsilon": epsilon,
        "dtype": dtype or None,
        "beta": beta,
        "gamma": gamma,
        "alpha": alpha,
        "label_smoothing": label_smoothing,
        "task": task or None,
    }
    from conformance.doctor.run import run

    options = {name: value for name, value in given.items() if value is not None}
    try:
        status = run(file, options, as_json=json, folder=out if html else None)
    except UsageError as error:
        raise UsageError(_by_option(str(error), options)) from error
    sys.stdout.flush()
    raise typer.Exit(status)


def metrics(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help=".npz, .csv or .parquet, as for doctor."),
    ],
    *,
    thresholds: Annotated[
        str,
        typer.Option(help="Decision thresholds, probabilities: 0.4 or 0.1,0.3."),
    ] = "",
    search: Annotated[
        str,
        typer.Option(help="Search the thresholds by f1, youden or balanced_accuracy."),
    ] = "",
    validation: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Search on this file, not on FILE itself."),
    ] = None,
    bins: Annotated[int, typer.Option(help="Of the reliability curve.")] = 10,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON, and nothing else.")
    ] = False,
    figures: Annotated[
        bool, typer.Option("--figures", help="Write figures as PNG and SVG to --out.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder of --figures.")] = Path("report"),
) -> None:
    """Measures predictions: tables for every class, as figures or JSON if wanted.

    Exit status: 0 measured, whatever the numbers; 2 wrong usage or no such file.
    """
    from conformance.metrics.command import run

    cuts = _lists(thresholds=thresholds).get("thresholds")
    run(
        file,
        thresholds=cuts,
        search=search,
        validation=validation,
        bins=bins,
        as_json=json,
        folder=out if figures else None,
    )
    sys.stdout.flush()


def _by_option(message: str, options: Iterable[str]) -> str:
    """Names the option, not the file, where what is wrong was given as one."""
    for name in options:
        if message.startswith(f"FILE: {name} "):
            option = "sampler" if name == "sampling" else name.replace("_", "-")
            return message.replace("FILE:", f"--{option}:", 1)
    return message


def _lists(**texts: str) -> dict[str, Any]:
    return {name: _numbers(name, text) for name, text in texts.items() if text}


def _numbers(name: str, text: str) -> list[float] | float:
    option = f"--{name.replace('_', '-')}"
    try:
        found = [float(word) for word in text.split(",")]
    except ValueError as error:
        raise UsageError(
            f"{option}: expected numbers by commas, got {text!r}."
        ) from error
    return found if len(found) > 1 else found[0]

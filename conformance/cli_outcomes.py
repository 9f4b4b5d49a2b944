"""Commands about trainings: compare, defaults."""

from pathlib import Path
from typing import Annotated

import typer

from conformance.cli_shared import IMPLS, check, keep_compilations, names_in
from conformance.errors import UsageError


def compare(
    recipes: Annotated[
        list[str] | None, typer.Argument(metavar="RECIPE", help="All by default.")
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All recipes.")] = False,
    backends: Annotated[str, typer.Option(help="Comma-separated.")] = IMPLS,
    seeds: Annotated[
        int | None,
        typer.Option(help="Seeds per strategy, in one look; 10, 20, 40 as needed."),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    data: Annotated[
        Path | None, typer.Option(help="Your own .npz with X, y and split.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder of the outcomes, one for each recipe.")
    ] = Path("outcome"),
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer seeds and epochs.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an interrupted run.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes; one for each core, and one on cuda."),
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Compute what is known already, too.")
    ] = False,
    record: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also write a short record of each recipe."),
    ] = None,
) -> None:
    """Trains the recipes on several backends and compares the outcomes.

    Exit status: 0 they agree; 1 they do not, or nothing was compared; 2 wrong usage;
    130 interrupted, and --resume continues from there.
    """
    if every and recipes:
        raise UsageError(f"--all: expected no RECIPE beside it, got {recipes[0]!r}.")
    check("--device", device, ("cpu", "cuda"))
    names = names_in("--backends", backends)
    for name in names:
        check("--backends", name, IMPLS.split(","))
    keep_compilations()
    from conformance.report.terminal import make_console
    from conformance.training.cache import default_folder
    from conformance.training.compare import compare as compare_outcomes
    from conformance.training.workers import default_workers

    status = compare_outcomes(
        recipes or [],
        backends=tuple(names),
        seeds=seeds,
        device=device,
        data=data,
        out=out,
        quick=quick,
        resume=resume,
        console=make_console(),
        workers=default_workers(device) if workers is None else workers,
        cache=None if no_cache else default_folder(),
        record=record,
    )
    raise typer.Exit(status)


def defaults() -> None:
    """Shows which defaults of optimisers and layers differ, and what that does.

    PyTorch, Optax and Flax as installed; Markdown where it is not a terminal. Exit
    status: 0 shown, 2 one of them is missing.
    """
    from conformance.report.terminal import make_console
    from conformance.training import defaults as differing

    try:
        rows = differing.rows()
    except ImportError as error:
        raise UsageError(f"defaults: {error}") from error
    console = make_console()
    if console.is_terminal:
        console.print(differing.table(rows))
    else:
        console.out(differing.markdown(rows), end="", highlight=False)

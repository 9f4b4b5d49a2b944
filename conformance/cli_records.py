"""Commands about one case or one record: ratchet, diagnose, repro."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def ratchet_command(
    *,
    source: Annotated[
        Path, typer.Option("--from", help="Folder of a finished run, or its report.")
    ] = Path("report"),
    update: Annotated[
        bool, typer.Option("--update", help="Tighten the file to that run.")
    ] = False,
    reason: Annotated[
        str,
        typer.Option("--raise", metavar="REASON", help="Let values rise, and say why."),
    ] = "",
    ratchet_file: Annotated[
        Path | None, typer.Option(help="Your own file; ours by default.")
    ] = None,
) -> None:
    """Checks a report by the worst errors of the past, or tightens those to it.

    Exit status: 0 holds or written; 1 an error is more than twice what is stored, or
    nothing is; 2 wrong usage, and a value above the budget, which cannot be written.
    """
    from conformance.ratchet import FILE
    from conformance.ratchet.command import run as run_ratchet
    from conformance.report.terminal import make_console

    status = run_ratchet(
        source, ratchet_file or FILE, make_console(), update=update, reason=reason
    )
    raise typer.Exit(status)


def diagnose(
    number: Annotated[float, typer.Argument(help="A loss, as 16.118.")],
) -> None:
    """Says which clamp ends at a number: 0 it is known, 1 it is not."""
    from conformance.diagnosis.clamps import explain_number
    from conformance.report.terminal import make_console

    found = explain_number(number)
    console = make_console()
    for sentence in found or [f"{number:g} is no number that a known clamp ends at"]:
        console.print(sentence, soft_wrap=True)
    raise typer.Exit(0 if found else 1)


def repro(
    point: Annotated[str, typer.Argument(metavar="ID", help="Id of a point or sum.")],
    *,
    impl: Annotated[str, typer.Option(help="One implementation, as for run.")],
    dtype: Annotated[
        str, typer.Option(help="Dtype of the inputs; float32 where exact.")
    ] = "",
    transform: Annotated[
        str, typer.Option(help="How to run it: eager, jit, compile, vmap, jvp …")
    ] = "eager",
) -> None:
    """Prints a short script that reproduces one case."""
    from conformance.repro import script

    sys.stdout.write(script(point, impl, dtype, transform))

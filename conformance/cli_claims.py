"""The command about what the source articles assert."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def claims(
    *,
    outcome: Annotated[
        Path | None,
        typer.Option(
            help="Folder of compare; ./outcome by default. Recipes that are not in it "
            "are read from the records of this project.",
            show_default=False,
        ),
    ] = None,
    select: Annotated[
        str, typer.Option(help="Only claims that match: 'C*' or A1,E5.")
    ] = "*",
    json: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write JSON; - prints it and nothing else."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write claims.json and claims.html there; report shows them too.",
        ),
    ] = None,
) -> None:
    """Judges every claim of the source articles by computed evidence.

    Exit status: 0 every claim has a verdict, 1 a claim has no evidence, 2 wrong usage.
    Whether claims hold leaves it as it is.
    """
    from conformance.training.ledger.run import run

    status = run(outcome, select, json=json, html=html, out=out)
    sys.stdout.flush()
    raise typer.Exit(status)

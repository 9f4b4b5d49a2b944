"""Whether a fault of the harness turns a run red."""

import io
import tempfile
from pathlib import Path

from rich.console import Console

from conformance import runner
from conformance.errors import UsageError
from conformance.mutants.adapters import FOCAL
from conformance.mutants.harness import COMPARE, Harness, updated
from conformance.plan import Options

PROFILES = ("accuracy", "gradients", "fresh")
USAGE = 2
# Lines that say why a run is red.
TELLING = ("the harness", "DOES NOT CONFORM", "vectors:")


def status(fault: Harness, *, planted: bool = True) -> tuple[int, list[str]]:
    """Runs what a fault is about.

    Args:
        fault: The fault.
        planted: Whether it is there; the right harness and implementation otherwise.

    Returns:
        The exit status, and the lines that say why it is not 0.
    """
    text = io.StringIO()
    console = Console(file=text, width=500)
    with tempfile.TemporaryDirectory() as folder:
        try:
            if not planted:
                found = _run(fault, "numpy", Path(folder), console)
            else:
                with fault.plant():
                    found = _run(fault, fault.impl, Path(folder), console)
        except UsageError as error:
            # As the command line does.
            found = USAGE
            console.print(str(error), soft_wrap=True)
    lines = text.getvalue().splitlines()
    return found, [line.strip() for line in lines if line.strip().startswith(TELLING)]


def _run(fault: Harness, impl: str, out: Path, console: Console) -> int:
    if fault.command == COMPARE:
        return _compare(out, console)
    options = Options((impl,), PROFILES, select=f"{FOCAL}/*", out=out)
    return runner.run(options, console)


def _compare(out: Path, console: Console) -> int:
    # Only here, since they import much.
    from conformance.training import tiny
    from conformance.training.compare import compare
    from conformance.training.data import SOURCES
    from conformance.training.recipes import RECIPES

    recipe = tiny.short()
    sources = {tiny.PLAN.name: lambda **_: tiny.problem()}
    with updated(RECIPES, {recipe.name: recipe}), updated(SOURCES, sources):
        return compare(
            [recipe.name],
            backends=("numpy", "torch"),
            seeds=None,
            device="cpu",
            data=None,
            out=out,
            quick=True,
            resume=False,
            console=console,
        )

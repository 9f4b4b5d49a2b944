"""The command line."""

import gc
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from conformance.cli_claims import claims
from conformance.cli_outcomes import compare, defaults
from conformance.cli_records import diagnose, ratchet_command, repro
from conformance.cli_scores import EPILOG, doctor, metrics
from conformance.cli_shared import IMPLS, check, keep_compilations, names_in
from conformance.errors import UsageError

app = typer.Typer(
    name="conformance",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Judges implementations of imbalance-aware losses against the specification.",
)

ImplsOption = Annotated[
    list[str] | None,
    typer.Option(
        help="numpy, torch, jax, peer:library, py:package.module:attribute or "
        "exec:program; several by commas or by repeating the option. Our own three by "
        "default.",
        show_default=False,
    ),
]
DeviceOption = Annotated[str, typer.Option(help="cpu or cuda.")]
OutOption = Annotated[Path, typer.Option(help="Folder of the report.")]
TimeoutOption = Annotated[
    float | None,
    typer.Option(help="Seconds that an exec: program has for a case; 10 by default."),
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Continue an interrupted run.")
]
HtmlOption = Annotated[
    bool, typer.Option("--html", help="Write index.html, one page for people.")
]
JunitOption = Annotated[
    bool, typer.Option("--junit", help="Write junit.xml, for systems of CI.")
]
BadgesOption = Annotated[
    bool, typer.Option("--badges", help="Write badges/, one SVG a level and operation.")
]
SummaryOption = Annotated[
    bool,
    typer.Option("--summary", help="Write summary.md, also to GITHUB_STEP_SUMMARY."),
]


@app.command()
def run(
    *,
    impl: ImplsOption = None,
    profile: Annotated[
        str, typer.Option(help="Profiles, comma-separated; all by default.")
    ] = "",
    select: Annotated[
        str, typer.Option(help="Only groups, sums or points that match this glob.")
    ] = "",
    device: DeviceOption = "cpu",
    quick: Annotated[
        bool,
        typer.Option("--quick", help="One group of each kind, no torch.compile."),
    ] = False,
    out: OutOption = Path("report"),
    resume: ResumeOption = False,
    timings: Annotated[
        bool, typer.Option("--timings", help="Say where the time goes.")
    ] = False,
    timeout: TimeoutOption = None,
    html: HtmlOption = False,
    junit: JunitOption = False,
    badges: BadgesOption = False,
    summary: SummaryOption = False,
    ratchet: Annotated[
        bool,
        typer.Option("--ratchet", help="Fail where an error doubled; see ratchet."),
    ] = False,
    ratchet_file: Annotated[
        Path | None, typer.Option(help="Your own file for --ratchet.")
    ] = None,
) -> None:
    """Runs the suite: 0 conforms, 1 deviates or compared nothing, 2 wrong usage.

    Ctrl-C keeps what was found (status 130); --resume continues from there.
    """
    check("--device", device, ("cpu", "cuda"))
    keep_compilations()
    # Frameworks run side by side already; on arrays of a thousand numbers, threads of
    # each would mostly wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from conformance.adapters.patience import set_timeout
    from conformance.plan import Options
    from conformance.profiles import PROFILES
    from conformance.ratchet import FILE
    from conformance.runner import run as run_suite

    set_timeout(timeout)
    profiles = names_in("--profile", profile or ",".join(PROFILES))
    for name in profiles:
        check("--profile", name, PROFILES)
    impls = names_in("--impl", IMPLS if impl is None else ",".join(impl))
    options = Options(
        impls,
        profiles,
        select,
        device,
        quick,
        out,
        resume,
        timings,
        _kinds(html=html, junit=junit, badges=badges, summary=summary),
        ratchet_file or (FILE if ratchet else None),
    )
    if quick:
        # Over before there is garbage to speak of; looking for it takes a second.
        gc.disable()
    raise typer.Exit(run_suite(options, _console()))


@app.command()
def smoke(
    impl: Annotated[
        str, typer.Argument(metavar="IMPL", help="One implementation, as for run.")
    ],
    *,
    validate: Annotated[
        bool,
        typer.Option("--validate", help="Check messages against their JSON Schema."),
    ] = False,
    timeout: TimeoutOption = None,
) -> None:
    """Asks five trivial cases that tell whether an adapter is right.

    Exit status: 0 it is, 1 it is not, 2 wrong usage or it does not start.
    """
    keep_compilations()
    from conformance.adapters.patience import set_timeout
    from conformance.smoke.run import smoke as run_smoke

    set_timeout(timeout)
    raise typer.Exit(run_smoke(impl, _console(), validate=validate))


@app.command()
def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where reports lie and go.")
    ] = Path("report"),
    *,
    outcome: Annotated[
        Path | None,
        typer.Option(help="Folder of compare; DIR/outcome or ./outcome by default."),
    ] = None,
    html: HtmlOption = False,
    junit: JunitOption = False,
    badges: BadgesOption = False,
    summary: SummaryOption = False,
) -> None:
    """Makes reports of what run, prove, matrix, compare and claims wrote.

    All kinds by default.
    """
    from conformance.report.writer import write_reports

    kinds = _kinds(html=html, junit=junit, badges=badges, summary=summary)
    write_reports(folder, kinds, _console(), outcome)


@app.command(name="vectors")
def vectors_command(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Regenerate and compare; the default.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Regenerate the files.")
    ] = False,
) -> None:
    """Checks or writes the golden vectors with the 50-digit oracle."""
    from conformance import vectors

    if check and write:
        raise UsageError("--check, --write: expected one of them, got both.")
    console = _console()
    if write:
        vectors.write()
        console.print(f"wrote {vectors.manifest()['digest']}")
        return
    found = vectors.check()
    for difference in found:
        console.print(difference)
    console.print("the vectors differ from the oracle" if found else "the vectors hold")
    raise typer.Exit(1 if found else 0)


app.command()(compare)
app.command()(claims)
app.command()(defaults)


@app.command()
def bench(
    *,
    device: DeviceOption = "cpu",
    sizes: Annotated[
        str, typer.Option(help="Numbers of logits: 1024,2^14 or 2^10..2^22.")
    ] = "",
    dtypes: Annotated[
        str, typer.Option(help="float32, bfloat16, comma-separated.")
    ] = "",
    select: Annotated[
        str, typer.Option(help="Only cells that match this glob, as in 'bce/*'.")
    ] = "",
    repeats: Annotated[
        int | None, typer.Option(help="Samples of each contender, 9 or more.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Two sizes in float32, fewest repeats.")
    ] = False,
    out: OutOption = Path("report"),
) -> None:
    """Measures time and memory of our losses beside those of others.

    Exit status: 0 measured, whatever the numbers; 2 wrong usage; 130 interrupted with
    what was found in the report.
    """
    check("--device", device, ("cpu", "cuda"))
    keep_compilations()
    # Both frameworks share the card: JAX must not take most of it at once.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    # PyTorch's profiler announces itself on standard error.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    from conformance.bench.plan import Options, check_rounds, parse_dtypes, parse_sizes
    from conformance.bench.run import bench as run_bench

    check_rounds(repeats)
    options = Options(
        device, parse_sizes(sizes), parse_dtypes(dtypes), select, repeats, quick, out
    )
    raise typer.Exit(run_bench(options, _console()))


@app.command()
def prove(
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="One fault of each kind and backend.")
    ] = False,
    select: Annotated[
        str, typer.Option(help="Only mutants whose name matches this glob.")
    ] = "",
    out: OutOption = Path("report"),
) -> None:
    """Plants faults and shows that the suite finds them.

    Exit status: 0 every fault is killed by its named case, no valid control is, and
    every fault of the harness itself turns a run red; 1 otherwise; 2 wrong usage; 130
    interrupted with what was found in the kill matrix.
    """
    keep_compilations()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from conformance.mutants.prove import Options
    from conformance.mutants.prove import prove as run_catalogue

    raise typer.Exit(run_catalogue(Options(quick, select, out), _console()))


app.command(name="ratchet")(ratchet_command)
app.command()(diagnose)
app.command()(repro)
app.command(epilog=EPILOG)(doctor)
app.command(epilog=EPILOG)(metrics)


@app.command(name="matrix")
def matrix_command(
    *,
    libraries: Annotated[
        str, typer.Option(help="Libraries, comma-separated; all by default.")
    ] = "",
    quick: Annotated[
        bool, typer.Option("--quick", help="One group of each kind.")
    ] = False,
    out: OutOption = Path("report"),
    table: Annotated[
        bool, typer.Option("--table", help="Print the table as Markdown.")
    ] = False,
) -> None:
    """Judges other libraries, as installed, by the specification.

    Exit status: 0 they do what is listed of them, 1 they do not, 2 wrong usage.
    """
    keep_compilations()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from conformance.matrix import Options, matrix
    from conformance.peers import LIBRARIES

    names = names_in("--libraries", libraries or ",".join(LIBRARIES))
    for name in names:
        check("--libraries", name, LIBRARIES)
    raise typer.Exit(matrix(Options(names, quick, out, table), _console()))


def main() -> None:
    """Runs the command line; what the user got wrong is one line and status 2."""
    try:
        app()
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


def _kinds(**wanted: bool) -> list[str]:
    return [kind for kind, asked in wanted.items() if asked]


def _console() -> Console:
    from conformance.report.terminal import make_console

    return make_console()

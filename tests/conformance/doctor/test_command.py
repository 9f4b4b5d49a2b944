import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from conformance.cli_scores import EPILOG, doctor
from conformance.doctor.checks import CHECKS
from conformance.doctor.examine import examine
from conformance.doctor.facts import facts
from conformance.doctor.terminal import COLUMNS, rendered, shown
from conformance.errors import UsageError
from conformance.scores import FIELDS, assemble, load_scores
from tests.conformance.doctor.all_planted import PLANTED
from tests.conformance.doctor.made import as_probabilities, binary, multiclass, names

ROOT = Path(__file__).parents[3]
# What tables cannot hold, or hold in another way, is left to .npz.
IN_TABLES = [
    "labels-of-an-svm",
    "labels-one-and-two",
    "indices-from-one",
    "logits-diverged",
    "per-cent",
    "sigmoid-twice",
    "softmax-twice",
    "dead-label",
    "pos-weight-inverted",
    "one-pos-weight-inverted",
    "class-weights-inverted",
    "sampler-and-pos-weight",
    "other-column",
    "epsilon-of-float32",
    "losses-at-a-clamp",
]


@pytest.fixture
def run():
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(doctor)

    def invoke(*arguments):
        return CliRunner().invoke(app, [str(one) for one in arguments])

    return invoke


def table(arrays):
    """The columns that a file would have, constants in every row."""
    columns = {}
    for name, array in arrays.items():
        flat = np.asarray(array)
        rows = len(arrays["labels"])
        if FIELDS[name].kind != "rows" and name != "losses":
            flat = np.broadcast_to(flat, (rows, *flat.shape))
        if flat.ndim == 2:
            columns |= {f"{name}_{k}": own for k, own in enumerate(flat.T)}
        else:
            columns[name] = flat
    return pd.DataFrame({name: pd.Series(own) for name, own in columns.items()})


@pytest.mark.parametrize("key", IN_TABLES)
def test_ailments_in_tables(key, tmp_path):
    name, _, make = PLANTED[key]
    frame = table(make())
    frame.to_csv(tmp_path / "s.csv", index=False)
    frame.to_parquet(tmp_path / "s.parquet")
    for suffix in (".csv", ".parquet"):
        scores = load_scores(tmp_path / f"s{suffix}")
        found = [check(scores) for check in CHECKS if check.name == name]
        assert found[0] is not None, suffix


def test_a_healthy_file(run, tmp_path):
    np.savez(tmp_path / "s.npz", **binary(rate=0.2))
    done = run(tmp_path / "s.npz")
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == "HEALTHY: 44 checks, nothing found"
    assert "binary: 4\N{NO-BREAK SPACE}000 examples, logits in float64" in done.output
    # Nothing is wider than what is told of a pipe, nor ends in blanks.
    assert all(line == line.rstrip() for line in done.output.splitlines())
    assert max(map(len, done.output.splitlines())) <= 80


def test_facts_of_a_small_file(run, tmp_path):
    p, y = [0.1, 0.6, 0.4, 0.8, 0.3], [0, 0, 1, 1, 0]
    np.savez(tmp_path / "s.npz", probabilities=p, labels=y, pos_weight=1.6)
    done = run(tmp_path / "s.npz")
    row = next(line for line in done.output.splitlines() if "positive " in line)
    assert row.split() == [
        "positive", "2", "0.4000", "1.5", "1.6", "0.4400", "0.4000", "0.8333", "0.8333",
    ]  # fmt: skip


def test_findings_are_told_with_their_remedy(run, tmp_path):
    np.savez(tmp_path / "s.npz", **binary(rate=0.2))
    done = run(tmp_path / "s.npz", "--pos-weight", "0.25", "--thresholds", "0.5")
    assert done.exit_code == 1
    lines = done.output.splitlines()
    place = lines.index("WRONG inverted-pos-weight: pos_weight is inverted")
    # What does not fit into a line hangs below its beginning.
    heads = [line[:9].strip() for line in lines[place + 1 :] if line.startswith("  ")]
    assert [head for head in heads if head] == ["seen", "cause", "remedy", "see"]
    assert lines[-1] == "WRONG: 1 wrong; 37 checks"


def test_warnings_leave_the_status_0(run, tmp_path):
    np.savez(tmp_path / "s.npz", **binary(rate=0.2))
    done = run(tmp_path / "s.npz", "--pos-weight", "50", "--thresholds", "0.5")
    assert (done.exit_code, "WARNING pos-weight-differs" in done.output) == (0, True)
    assert done.output.splitlines()[-1].startswith("NOTHING WRONG: 1 warning; ")


@pytest.mark.parametrize(
    ("option", "value", "name"),
    [
        ("--class-weights", "1,0.2", "inverted-pos-weight"),
        ("--class-counts", "990,10", "pos-weight-differs"),
        ("--sampler", "balanced", "double-correction"),
        ("--loss-scale", "1e8", "half-precision-overflow"),
        ("--dtype", "float16", "epsilon-vanishes"),
        ("--beta", "0.5", "beta-without-effect"),
        ("--batch-size", "2e6", "gradient-underflow"),
    ],
)
def test_options_are_fields(option, value, name, run, tmp_path):
    told: dict[str, Any] = {"pos_weight": 4.0}
    if option == "--class-weights":
        told = {}
    told |= {"dtype": "float16"} if option == "--batch-size" else {"epsilon": 1e-7}
    np.savez(tmp_path / "s.npz", **{**binary(rate=0.2), **told, "thresholds": 0.5})
    found = json.loads(run(tmp_path / "s.npz", option, value, "--json").output)
    assert name in [finding["name"] for finding in found["findings"]]


def test_json_is_all_that_is_printed(run, tmp_path):
    arrays = as_probabilities(multiclass())
    arrays["probabilities"][3] = np.nan
    np.savez(tmp_path / "s.npz", **arrays, epoch=7)
    done = run(tmp_path / "s.npz", "--json")
    found = json.loads(done.output, parse_constant=pytest.fail)
    assert done.exit_code == 1
    assert [one["name"] for one in found["findings"]] == ["nonfinite-scores"]
    assert found["findings"][0]["numbers"] == {"nan": 3, "infinite": 0, "examples": 1}
    assert [fact["auroc"] for fact in found["facts"]] == [None] * 3
    assert "epoch" in found["notes"][0]
    assert found["not_asked"]["double-softmax"] == "nonfinite-scores"


@pytest.mark.parametrize(
    ("arguments", "phrase"),
    [
        (["--pos-weight", "five"], "--pos-weight: expected numbers by commas"),
        (["--dtype", "int8"], "--dtype: dtype must be"),
        (["--sampler", "even"], "--sampler: sampling must be balanced, none"),
        (["--pos-weight", "1,2"], "--pos-weight: pos_weight must be shaped"),
        (["--html", "--out", "/dev/null/x"], "--out: cannot write"),
    ],
)
def test_wrong_usage(arguments, phrase, run, tmp_path):
    np.savez(tmp_path / "s.npz", **binary())
    done = run(tmp_path / "s.npz", *arguments)
    assert isinstance(done.exception, UsageError)
    assert phrase in str(done.exception)


def test_names_of_strangers_are_cleaned(run, tmp_path):
    hostile = ["a\x1b[31m", "b\u202e", "[bold]c"]
    np.savez(tmp_path / "s.npz", **multiclass(), class_names=hostile)
    output = run(tmp_path / "s.npz").output
    assert "[bold]c" in output
    assert not {"\x1b", "\u202e"} & set(output)


def printed(arrays, width):
    console = Console(width=width, file=io.StringIO(), markup=False, highlight=False)
    with console.capture() as capture:
        for part in rendered(examine(assemble(arrays)), width):
            console.print(part)
    return capture.get().splitlines()


@pytest.mark.parametrize("key", ["sampler-and-pos-weight", "one-pos-weight-inverted"])
def test_80_columns_are_enough(key):
    arrays = PLANTED[key][2]()
    classes = arrays["logits"].shape[1] if arrays["logits"].ndim == 2 else 1
    name = "a name that is very long indeed {}"
    arrays["class_names"] = np.array([name.format(k) for k in range(classes)])
    arrays["losses"] = np.array([100.0] * 5)
    lines = printed(arrays, 80)
    assert max(map(len, lines)) <= 80
    row = next(line for line in lines if line.startswith("a name"))
    assert len(row.split()) > 8


@pytest.mark.parametrize("width", [40, 79])
def test_a_narrow_terminal_loses_no_number(width):
    arrays = PLANTED["one-pos-weight-inverted"][2]()
    lines = printed(arrays, width)
    assert max(map(len, lines)) <= width
    seen = " ".join(" ".join(lines).split())
    for fact in facts(assemble(arrays)):
        cells = ", ".join(f"{COLUMNS[k]} {cell}" for k, cell in shown(fact).items())
        assert " ".join(f"{fact.name}: {cells}".split()) in seen


def test_many_classes_are_not_all_printed(run, tmp_path):
    np.savez(tmp_path / "s.npz", **multiclass(priors=[1 / 30] * 30))
    assert "and 10 more" in run(tmp_path / "s.npz").output


def test_the_help_names_every_field():
    for field in FIELDS:
        assert field in EPILOG or field == "sample_weights"


def test_a_small_snippet_from_the_help():
    assert names({"logits": np.array([-1.0, 2.0]), "labels": np.array([0, 1])}) == []


@pytest.mark.parametrize(("name", "status"), [("s.npz", 0), ("absent.npz", 2)])
def test_from_the_shell(name, status, tmp_path):
    np.savez(tmp_path / "s.npz", logits=[1.0, 2.0], labels=[0, 1])
    done = subprocess.run(
        [sys.executable, "-m", "conformance", "doctor", str(tmp_path / name)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    missing = f"FILE: {str(tmp_path / name)!r} is no file.\n"
    assert done.returncode == status, done.stderr
    assert done.stderr == ("" if not status else missing)

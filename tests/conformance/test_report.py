import io
import math
from dataclasses import replace

import pytest
from rich.console import Console

from conformance.profiles import Failure, Result
from conformance.report.counts import exit_status, tallies
from conformance.report.header import differences
from conformance.report.stream import Stream, read
from conformance.report.terminal import repro_command, summary

PASS = Result(
    impl="torch",
    profile="accuracy",
    operation="some_loss",
    group="some_loss/basic/default",
    dtype="float32",
    transform="eager",
    reduction="none",
    output="value",
    status="pass",
    compared=7,
    worst=1.25,
    worst_id="some_loss/basic/default;x=1#abc",
)
FAIL = replace(
    PASS,
    output="grad_logits",
    status="fail",
    failed=2,
    worst=math.inf,
    failures=(Failure("some_loss/basic/default;x='2'#def", math.inf, math.nan, 9.5),),
)


def text(results, names=("torch",), width=80):
    file = io.StringIO()
    console = Console(file=file, width=width)
    for part in summary(results, tallies(names, results), 1.0, "report.json"):
        console.print(part, soft_wrap=not hasattr(part, "columns"))
    return file.getvalue()


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ([PASS], 0),
        ([PASS, FAIL], 1),
        ([PASS, replace(PASS, status="errored", compared=0)], 2),
        ([PASS, replace(PASS, status="skipped", compared=0)], 0),
        ([replace(PASS, status="skipped", compared=0)], 1),
        ([replace(PASS, status="not_implemented", compared=0)], 1),
        ([], 1),
    ],
)
def test_exit_status(results, status):
    assert exit_status(tallies(["torch"], results)) == status


def test_each_implementation_must_be_compared():
    assert exit_status(tallies(["torch", "jax"], [PASS])) == 1
    assert exit_status({}) == 1
    assert "jax: nothing was compared" in text([PASS], ["torch", "jax"])


def test_table_fits_a_narrow_terminal_and_ids_stay_whole():
    shown = text([PASS, FAIL])
    row = next(line for line in shown.splitlines() if "2 FAILED" in line)
    assert row.split()[:5] == ["some_loss", "float32", "1.25", "inf", "14"]
    assert FAIL.failures[0].id in shown
    assert repro_command(FAIL) in shown


def test_numbers_stay_whole_on_a_very_narrow_terminal():
    rows = [
        replace(r, operation="binary_cross_entropy_with_logits") for r in (PASS, FAIL)
    ]
    shown = text([replace(r, compared=123_456) for r in rows], width=40)
    table = shown.split("worst 1")[0].split("worst inf")[0]
    assert "\u2026" not in table
    for cell in ("1.25", "inf", "246912"):
        assert cell in table


def test_repro_command_quotes_the_id():
    command = repro_command(replace(FAIL, transform="jit"))
    assert "'some_loss/basic/default;x='\"'\"'2'\"'\"'#def'" in command
    assert command.endswith("--impl torch --dtype float32 --transform jit")


def test_results_survive_the_file(tmp_path):
    with Stream(tmp_path / "report.json", {"a": 1}, [PASS]) as stream:
        stream.write([FAIL])
        stream.conclude({"torch": {}}, interrupted=False)
    stored = read(tmp_path / "report.json")
    assert stored.results[0] == PASS
    assert math.isnan(stored.results[1].failures[0].actual)
    assert stored.results[1].worst == math.inf
    assert stored.closing == {"interrupted": False, "counts": {"torch": {}}}


def test_differences_name_what_changed():
    old = {"spec": "1.0.0", "versions": {"torch": "2.11", "jax": "0.11"}, "command": 1}
    new = {"spec": "1.0.0", "versions": {"torch": "2.13", "jax": "0.11"}, "command": 2}
    assert differences(old, new) == ["versions.torch: 2.11 then, 2.13 now"]
    assert differences(old, old) == []

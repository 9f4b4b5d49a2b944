import builtins
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from conformance.adapters import (
    Errored,
    NotImplementedOperation,
    Outputs,
    Request,
    Skipped,
    resolve,
)
from conformance.errors import UsageError
from conformance.registry import OPERATIONS
from conformance.smoke import cases
from conformance.smoke.run import judge, smoke

ROOT = Path(__file__).parents[3]
FAULTY = Path(__file__).parents[1] / "ports" / "faulty.py"
BCE = "binary_cross_entropy_with_logits"


def asked(impl, **options):
    """Status and what is printed."""
    shown = io.StringIO()
    screen = Console(file=shown, width=100, highlight=False, markup=False)
    return smoke(impl, screen, **options), shown.getvalue()


def command(mode):
    return f"exec:{sys.executable} -S {FAULTY} {mode}"


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "conformance", "smoke", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_reference_passes_every_case(operation):
    reference = resolve("numpy")
    own = cases.cases(operation, "float64")
    assert len(own) == 5
    for case in own:
        answer = reference.eval(case.request)
        assert judge(case, answer) == ([], "")
        for output, expected in case.expected.items():
            assert isinstance(answer, Outputs)
            # Written out to all digits, although the judgement is coarse.
            np.testing.assert_allclose(answer.arrays[output], expected, rtol=1e-14)


def test_every_operation_can_be_asked():
    for operation in OPERATIONS:
        assert cases.choose([operation]) == operation
    assert cases.choose(OPERATIONS) == BCE
    assert cases.choose(["unknown"]) == ""


def value(number):
    return cases.cases(BCE, "float64")[number - 1]


ORDER = value(2).expected["value"]
SLOPE = value(3).expected["grad_logits"]
WRONG = {
    "the bytes are in reversed order": (2, ORDER.byteswap()),
    "the bytes of the arguments are read in reversed order": (2, np.full(3, np.log(2))),
    "the bits are those of float32": (
        2,
        ORDER.astype(np.float32).view(np.uint32).astype(np.uint64).view(float),
    ),
    "elements are in reversed order": (2, ORDER[::-1]),
    "all elements are the first one": (3, np.full(3, SLOPE[0])),
    "elements are shifted by one": (2, np.roll(ORDER, 1)),
    "the gradient is that of the mean": (3, SLOPE / 3),
    "the sign is wrong": (3, -SLOPE),
    "nothing but zeros": (3, 0 * SLOPE),
    "this is the loss": (3, ORDER),
    "this is the gradient": (2, SLOPE),
    "multiplied by the number of elements": (4, np.array(ORDER.sum())),
    "divided by the number of elements": (2, ORDER / 3),
    "logits came back": (2, np.array([0.0, 2, -1])),
    "the shape is (1, 3), expected (3,)": (2, ORDER[None]),
}


@pytest.mark.parametrize("words", WRONG)
def test_mistake_is_named(words):
    number, numbers = WRONG[words]
    case = value(number)
    (output,) = case.expected
    problems, hint = judge(case, Outputs({output: numbers}, {output: "float64"}))
    assert len(problems) == 1
    assert output in problems[0] or "shape" in problems[0]
    assert words in hint


def test_answer_in_another_dtype_is_named():
    case = value(2)
    answer = Outputs(dict(case.expected), {"value": "float32"})
    problems, hint = judge(case, answer)
    assert problems == ["value: expected float64, got float32"]
    assert hint == "the dtype of the answer is not that of the question"


def test_reading_and_writing_backwards_is_named():
    swapped = {k: v.byteswap() for k, v in value(2).request.inputs.items()}
    request = Request(BCE, swapped)
    answer = resolve("numpy").eval(request)
    assert isinstance(answer, Outputs)
    backwards = {"value": answer.arrays["value"].byteswap()}
    _, hint = judge(value(2), Outputs(backwards, {"value": "float64"}))
    assert hint == "all bytes are in reversed order"


def test_answers_without_numbers():
    unknown = value(5)
    assert judge(unknown, NotImplementedOperation("no")) == ([], "")
    for answer, words in (
        (Errored("ValueError", "x"), "and no error"),
        (Outputs({"value": ORDER}, {}), "is not looked at"),
        (Skipped("x"), "is not looked at"),
    ):
        problems, hint = judge(unknown, answer)
        assert problems
        assert words in hint
    refused = judge(value(1), Errored("TypeError", "x"))
    assert "a right call is refused" in refused[1]
    assert judge(value(1), NotImplementedOperation("x"))[0]
    assert judge(value(1), Outputs({}, {}))[0] == ["expected value, got none"]
    # Said to be missing: a port without gradients has an adapter all the same.
    assert judge(value(3), Outputs({}, {})) == ([], "")


@pytest.mark.parametrize(
    ("mode", "likely"),
    [
        ("decimal", "numbers are written as decimals"),
        ("no_digits", "the shape counts other numbers"),
        ("missing", "left out or misspelt"),
        ("wrong_id", "the id of the message is not echoed"),
        ("twice", "more than one line was printed"),
        ("prose", "use standard error"),
        ("wrong_shape", "the output is reduced, or not reduced"),
        ("every_other", "the program ends after a message"),
        ("refuses", "a right call is refused"),
        ("good", "nothing but zeros"),
    ],
)
def test_port_at_fault_is_told_what_is_likely(mode, likely):
    status, shown = asked(command(mode))
    assert status == 1
    assert likely in shown
    assert "THE ADAPTER IS WRONG" in shown
    assert '  sent     {"id":1,"message":"start","protocol":"1.0"}' in shown
    assert '  came     {"id":1,"message": "capabilities"' in shown.replace(
        '"id": 1, ', '"id":1,'
    )


def test_schema_is_checked_where_asked():
    status, shown = asked(command("decimal"), validate=True)
    assert status == 1
    assert "schema, came: $.outputs[0].data" in shown
    assert "schema, sent" not in shown


def test_schema_needs_its_package(monkeypatch):
    real = builtins.__import__

    def refusing(name, *rest):
        if name.startswith("jsonschema"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refusing)
    with pytest.raises(UsageError, match="--validate: expected the package jsonschema"):
        asked(command("good"), validate=True)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("numpy",), 0, "THE ADAPTER IS RIGHT: 5 trivial cases"),
        (("py:tests.conformance.planted:partial",), 0, "none of it is implemented"),
        (("py:tests.conformance.planted:broken",), 1, "RuntimeError: out of order"),
        (("py:tests.conformance.planted:empty",), 2, "expected an operation to ask"),
        (("numpy", "--validate"), 2, "--validate: expected exec:program"),
        (("numpy", "--timeout", "0"), 2, "--timeout: expected seconds > 0, got 0"),
        (("./port",), 2, "exec:program, got './port'"),
        ((command("crash_at_start"),), 2, "ended with status 7"),
        ((command("hang"), "--timeout", "1"), 1, "the answer is not flushed"),
    ],
)
def test_command(arguments, status, words):
    done = run(*arguments)
    assert done.returncode == status, done.stdout + done.stderr
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("hang", "TimeoutError: no answer in 1 s"),
        ("crash", "SIGSEGV"),
        ("garbage", "expected one JSON object"),
        ("endless", "expected a line of at most"),
    ],
)
def test_run_of_a_port_at_fault_ends_in_a_verdict(mode, words, tmp_path):
    options = ["--impl", command(mode), "--timeout", "1", "--out", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "conformance", "run", *options, "--profile", "accuracy"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "DOES NOT CONFORM" in done.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    reasons = [r["reason"] for r in report["results"] if r["status"] == "errored"]
    assert words in reasons[0]
    assert "GaveUp" in reasons[-1]

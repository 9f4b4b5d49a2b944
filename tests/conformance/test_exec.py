import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from conformance.adapters import (
    Capabilities,
    Errored,
    Outputs,
    Request,
    Skipped,
)
from conformance.adapters.exec_process import FaultError
from conformance.adapters.exec_runtime import ExecAdapter

FAULTY = Path(__file__).parent / "ports" / "faulty.py"
TWO = {"logits": np.array([0.5, -1.0]), "labels": np.array([1.0, 0.0])}
BCE = Request("binary_cross_entropy_with_logits", TWO, want=("value", "grad_logits"))
ONE = Request(BCE.operation, {k: v[:1] for k, v in TWO.items()}, want=("value",))


@pytest.fixture
def faulty():
    made = []

    def make(mode, *more, timeout_s=5.0):
        command = [sys.executable, "-S", str(FAULTY), mode, *map(str, more)]
        made.append(ExecAdapter(command, timeout_s=timeout_s))
        return made[-1]

    yield make
    for adapter in made:
        adapter.stop()


def gone(pid):
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists():
            # A zombie has ended, though nobody has asked about it yet.
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state == "Z":
                return True
        time.sleep(0.02)
    return False


def test_good_port_answers(faulty):
    adapter = faulty("good")
    capabilities = adapter.start()
    assert isinstance(capabilities, Capabilities)
    assert capabilities.operations == (BCE.operation,)
    assert capabilities.dtypes == ("float64",)
    assert (capabilities.transforms, capabilities.autodiff) == (("eager",), False)
    answer = adapter.eval(BCE)
    assert isinstance(answer, Outputs)
    np.testing.assert_array_equal(answer.arrays["value"], [0, 0])
    assert answer.dtypes == {"value": "float64", "grad_logits": "float64"}
    assert answer.mutated is None
    (pid,) = adapter.pids()
    adapter.stop()
    assert gone(pid)


# What came in the way, by what the port does: kind, and words of the message.
FAULTS = {
    "hang": ("TimeoutError", "no answer in 1 s"),
    "ignore_term": ("TimeoutError", "no answer in 1 s"),
    "stderr_endless": ("TimeoutError", "no answer in 1 s"),
    "crash": ("CrashError", "ended by SIGSEGV"),
    "close_pipe": ("CrashError", "closed its pipe"),
    "garbage": ("ProtocolError", "expected one JSON object"),
    "prose": ("ProtocolError", "'loss = 0.0'"),
    "list": ("ProtocolError", "expected one JSON object"),
    "nested": ("ProtocolError", "expected one JSON object"),
    "not_a_number": ("ProtocolError", "NaN is no number of JSON"),
    "endless": ("LimitError", "expected a line of at most"),
    "lines": ("ProtocolError", "expected one line, got another"),
    "wrong_id": ("ProtocolError", "expected an answer with id 2, got id 3"),
    "twice": ("ProtocolError", "expected one line, got another"),
    "duplicate_key": ("ProtocolError", "'outputs' stands twice"),
}


@pytest.mark.parametrize("mode", FAULTS)
def test_fault_is_an_answer_and_the_port_is_restarted(mode, faulty, tmp_path):
    kind, words = FAULTS[mode]
    limit = 1.0 if kind == "TimeoutError" else 5.0
    adapter = faulty(mode, tmp_path / "mark", timeout_s=limit)
    adapter.start()
    (pid,) = adapter.pids()
    began = time.monotonic()
    answer = adapter.eval(ONE)
    assert time.monotonic() - began < limit + 2
    assert isinstance(answer, Errored)
    assert answer.kind == f"adapter: {kind}"
    assert words in answer.message
    assert answer.message.isprintable()
    assert gone(pid)
    assert adapter.pids() == []
    # With its mark there, the port is good from now on.
    adapter._timeout_s = 5.0
    assert isinstance(adapter.eval(ONE), Outputs)


def test_last_words_are_shown_without_their_colours(faulty):
    adapter = faulty("crash")
    adapter.start()
    answer = adapter.eval(ONE)
    assert isinstance(answer, Errored)
    assert "last on its standard error: it is" in answer.message
    assert "\x1b" not in answer.message


def test_gigabytes_on_standard_error_do_no_harm(faulty):
    adapter = faulty("stderr", timeout_s=30.0)
    adapter.start()
    assert isinstance(adapter.eval(ONE), Outputs)
    assert adapter._program
    assert adapter._program.last_words().endswith("the last line")
    assert len(adapter._program._tail) <= 4000


def test_line_without_end_costs_no_memory(faulty):
    resource = pytest.importorskip("resource")
    adapter = faulty("endless")
    adapter.start()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert isinstance(adapter.eval(ONE), Errored)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000


def test_second_answer_that_is_late_is_found_at_the_next_question(faulty):
    adapter = faulty("late")
    adapter.start()
    assert isinstance(adapter.eval(ONE), Outputs)
    time.sleep(0.3)
    answer = adapter.eval(ONE)
    assert isinstance(answer, Errored)
    assert "and one thing more" in answer.message
    assert "unasked" in answer.message


def test_end_between_questions_is_named(faulty):
    adapter = faulty("every_other")
    adapter.start()
    for _ in range(4):
        # Answers in between, so nobody gives up.
        assert isinstance(adapter.eval(ONE), Outputs)
        answer = adapter.eval(ONE)
        assert isinstance(answer, Errored)
        assert "status 3" in answer.message


def test_gives_up_after_three_faults_in_a_row(faulty):
    adapter = faulty("crash")
    adapter.start()
    kinds = [getattr(adapter.eval(ONE), "kind", "") for _ in range(5)]
    assert kinds == ["adapter: CrashError"] * 3 + ["adapter: GaveUp"] * 2
    given_up = adapter.eval(ONE)
    assert isinstance(given_up, Errored)
    assert "3 faults in a row" in given_up.message
    assert "SIGSEGV" in given_up.message
    assert adapter.pids() == []


def test_gives_up_on_a_port_that_hangs_now_and_then(faulty, monkeypatch):
    monkeypatch.setattr("conformance.adapters.exec_runtime.TIMEOUTS", 2)
    adapter = faulty("hang", timeout_s=1.0)
    adapter.start()
    kinds = [getattr(adapter.eval(ONE), "kind", "") for _ in range(3)]
    assert kinds == ["adapter: TimeoutError"] * 2 + ["adapter: GaveUp"]


# Mistakes in an answer that is one: the port lives on.
MISTAKES = {
    "unknown_message": "expected the message 'outputs', 'skipped', 'not_implemented'",
    "no_outputs": "outputs: expected an array, got NoneType",
    "missing": "expected the output value, or its name in 'missing', got no output",
    "same_output_twice": "value: expected once, got twice",
    "decimal": "got 18 characters, '0.6931471805599453'; numbers are bits",
    "no_digits": "expected 16 hexadecimal digits for each of 1 numbers",
    "not_hexadecimal": "expected hexadecimal digits only, got 'xyz0000000000000'",
    "spaces": "expected hexadecimal digits only, got '3ff0 00000000000'",
    "wrong_shape": "value: expected shape [1], got []",
    "negative_shape": "expected a shape of sizes, got [-1]",
    "unknown_dtype": "expected a dtype of float64, float32",
    "not_float32": "expected numbers of float32, got 0.1 (3fb999999999999a)",
    "not_int": "expected numbers of int64, got 0.5",
}


@pytest.mark.parametrize("mode", MISTAKES)
def test_mistake_is_named_and_the_port_lives_on(mode, faulty):
    adapter = faulty(mode)
    adapter.start()
    pid = adapter.pids()
    for _ in range(4):
        answer = adapter.eval(ONE)
        assert isinstance(answer, Errored)
        assert answer.kind == "adapter: ProtocolError"
        assert MISTAKES[mode] in answer.message
    assert adapter.pids() == pid


def test_answers_without_numbers(faulty):
    kinds = {"refuses": Errored, "skips": Skipped, "said_missing": Outputs}
    found = {}
    for mode, kind in kinds.items():
        adapter = faulty(mode)
        adapter.start()
        found[mode] = adapter.eval(ONE)
        assert isinstance(found[mode], kind)
    assert found["refuses"] == Errored("ValueError", 'a "b" ')
    assert found["skips"] == Skipped("not today")
    assert found["said_missing"] == Outputs({}, {}, mutated=None)


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("crash_at_start", "ended with status 7"),
        ("hang_at_start", "no answer in"),
        ("claims_nothing", "operations: expected an array of names, got None"),
        ("claims_other_protocol", "expected protocol '1.0', got '2.0'"),
        ("claims_typo", "the closest is 'binary_cross_entropy_with_logits'"),
        ("claims_dtype", "dtypes: expected float64"),
        ("refuses_to_start", "got 'errored' no GPU"),
    ],
)
def test_port_that_does_not_start(mode, words, faulty):
    adapter = faulty(mode, timeout_s=1.0 if mode == "hang_at_start" else 5.0)
    with pytest.raises(FaultError) as raised:
        adapter.start()
    assert words in str(raised.value)
    assert adapter.pids() == []


def test_whatever_a_port_starts_ends_with_it(faulty):
    adapter = faulty("grandchild", timeout_s=1.0)
    adapter.start()
    answer = adapter.eval(ONE)
    assert isinstance(answer, Errored)
    assert gone(int(answer.message.rpartition("grandchild ")[2]))


def test_port_ends_when_nobody_holds_it(faulty):
    adapter = faulty("hang")
    adapter.start()
    (pid,) = adapter.pids()
    adapter._program = None
    assert gone(pid)

import json

import pytest

from conformance import ratchet
from conformance.budgets import C_MAX, C_REFERENCE, RATCHET_FLOOR
from conformance.errors import UsageError
from tests.conformance.ratchet.made import (
    HERE,
    check,
    holding,
    holding_quick,
    judge,
    result,
)


def test_twice_holds_and_more_does_not():
    assert check(holding(torch=1.0), 0.3, 2.0).status == 0
    grown = check(holding(torch=1.0), 0.3, 2.01)
    assert grown.status == 1
    (line,) = grown.lines
    for phrase in ("torch cross_entropy float32 gradient", "2.01 now", "1 is stored"):
        assert phrase in line


def test_below_half_a_rounding_there_is_nothing_to_keep():
    assert check(holding(torch=0.01), 2 * RATCHET_FLOOR).status == 0
    assert check(holding(torch=0.01), 1.01).status == 1


@pytest.mark.parametrize("error", [float("nan"), float("inf")])
def test_what_is_no_number_does_not_hold(error):
    assert check(holding(torch=1.0), error).status == 1


def test_value_and_gradient_are_apart():
    verdict = check(holding(torch=1.0), 0.5, output="value")
    assert verdict.status == 1
    assert any(
        "float32 value" in line and "nothing is stored" in line
        for line in verdict.lines
    )
    assert any("--update" in line for line in verdict.lines)


def test_what_is_stored_must_be_measured_by_a_full_run():
    both = holding(torch=1.0, jax=1.0)
    assert check(both, 1.0).status == 0
    other = check(both, 1.0, dtype="float64")
    assert any("nothing was measured" in line for line in other.lines)
    kept = holding(torch=1.0)
    new = {"float32": {"value": 1.0}}
    kept["platforms"][HERE]["full"]["worst"]["torch"]["new_loss"] = new
    assert check(kept, 1.0).status == 1
    assert check(kept, 1.0, complete=False).status == 0


def test_nothing_measured_is_no_pass():
    assert judge(holding(torch=1.0), [], complete=False).status == 1


def test_another_platform_is_said_and_passes():
    verdict = judge(holding(torch=1.0), [result(7.9)], name="cpu-vax")
    assert verdict.status == 0
    assert "no ratchet of full runs for this platform, cpu-vax" in verdict.lines[0]


@pytest.mark.parametrize("kept", [holding(torch=1.0), {"platforms": {}}])
def test_another_platform_fails_where_it_must_be_known(kept):
    status = judge(kept, [result(0.1)], name="cpu-vax", known=True)
    assert status.status == 1
    assert "conformance ratchet --update --from REPORT adds it" in status.lines[0]


def test_what_must_be_known(tmp_path, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    assert not ratchet.must_know(ratchet.FILE)
    assert ratchet.must_know(tmp_path / "own.json")
    for value, known in (("true", True), ("1", True), ("", False), ("false", False)):
        monkeypatch.setenv("CI", value)
        assert ratchet.must_know(ratchet.FILE) is known


def test_a_file_cannot_lift_the_budget(tmp_path):
    assert check(holding(torch=100.0), C_MAX).status == 0
    assert check(holding(torch=100.0), 9.0).status == 1
    assert check(holding(numpy=100.0), C_REFERENCE + 0.1, impl="numpy").status == 1
    file = tmp_path / "ratchet.json"
    for impl, value in (
        ("torch", 100.0),
        ("numpy", 2.5),
        ("torch", "1"),
        ("torch", -1),
    ):
        file.write_text(json.dumps(holding(**{impl: value})))
        with pytest.raises(UsageError, match="no ratchet can exceed"):
            ratchet.load(file)


def test_a_complete_quick_run_misses_nothing():
    kept = holding_quick(1.0)
    assert check(kept, 1.0, quick=True, dtype="float64").status == 1
    (line,) = check(kept, 1.0, quick=True, complete=False, output="value").lines
    assert "nothing is stored" in line


def test_what_is_neither_full_nor_quick_is_refused(tmp_path):
    file = tmp_path / "k.json"
    for sizes in ({"worst": {}}, {}):
        file.write_text(json.dumps({"platforms": {HERE: sizes}}))
        with pytest.raises(UsageError, match="expected full or quick"):
            ratchet.load(file)

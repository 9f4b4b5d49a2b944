"""Every fault of the harness turns a run red that is green without it."""

from dataclasses import replace

import numpy as np
import pytest

from conformance import budgets
from conformance.mutants.harness import changed, replaced, updated
from conformance.mutants.harness_faults import ALL
from conformance.mutants.red import status
from conformance.profiles import judge


def test_runs_are_green_without_a_fault():
    for command in ("run", "compare"):
        fault = next(one for one in ALL if one.command == command)
        assert status(fault, planted=False) == (0, [])


@pytest.mark.parametrize("fault", ALL, ids=lambda fault: fault.name)
def test_fault_turns_the_run_red(fault):
    found, lines = status(fault)
    assert found in (1, 2)
    assert lines


def test_what_is_no_fault_leaves_the_run_green():
    assert status(replace(ALL[0], plant=lambda: changed(budgets))) == (0, [])


def test_everything_is_as_it_was_afterwards():
    tiny, units = dict(budgets.TINY), budgets.error_units
    for fault in ALL[:9]:
        with fault.plant():
            pass
    assert tiny == budgets.TINY
    assert judge.error_units is budgets.error_units is units


def test_replacing_reaches_every_module_that_uses_it():
    from conformance.profiles import answers

    with replaced(budgets.error_units, "other"):
        assert budgets.error_units == judge.error_units == answers.error_units
        assert judge.error_units == "other"
    with pytest.raises(LookupError), replaced(object(), "other"):
        pass


def test_changes_are_undone_after_an_error():
    table = {"a": 1}

    def fail():
        assert (table, np.pi) == ({"a": 2, "b": 3}, 3)
        raise RuntimeError

    changes = updated(table, {"a": 2, "b": 3}), changed(np, pi=3)
    with pytest.raises(RuntimeError), changes[0], changes[1]:
        fail()
    assert table == {"a": 1}
    assert np.pi > 3.1

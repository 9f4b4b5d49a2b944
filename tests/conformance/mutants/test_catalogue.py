import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from conformance import registry
from conformance.mutants import harness_faults
from conformance.mutants.catalogue import CATEGORIES, CONTROL, FAULT, FOLDER, mutants
from conformance.profiles import PROFILES
from conformance.registry import OPERATIONS

BACKENDS = ("numpy", "torch", "jax")
FAULTS = [one for one in mutants() if one.kind == FAULT]
CONTROLS = [one for one in mutants() if one.kind == CONTROL]
# Clauses of every operation; those that begin so are about no operation alone.
GENERAL = getattr(registry, "GENERAL", None)


def test_counts():
    assert len(FAULTS) >= 60
    assert len(CONTROLS) >= 12
    assert len(harness_faults.ALL) >= 16


def test_names_are_unique():
    names = [one.name for one in mutants()]
    names += [one.name for one in harness_faults.ALL]
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_every_operation_backend_and_category_has_faults():
    assert {one.operation for one in FAULTS} == set(OPERATIONS)
    assert {one.category for one in FAULTS} == set(CATEGORIES)
    of = Counter((one.backend, one.operation) for one in FAULTS)
    assert set(of) == {(b, o) for b in BACKENDS for o in OPERATIONS}
    kinds = {(one.backend, one.category) for one in FAULTS}
    # NumPy has nothing to transform.
    assert kinds == {(b, c) for b in BACKENDS for c in CATEGORIES} - {
        ("numpy", "transforms")
    }
    assert {one.backend for one in CONTROLS} == set(BACKENDS)


@pytest.mark.parametrize("mutant", FAULTS, ids=lambda one: one.name)
def test_fault_names_a_clause_and_a_case(mutant):
    clauses = set(OPERATIONS[mutant.operation].clauses) | set(GENERAL or ())
    general = GENERAL is None and mutant.clause.startswith("GEN-")
    assert mutant.clause in clauses or general
    assert mutant.what.endswith(".")
    assert mutant.case.select.strip("*")
    assert mutant.case.profile in {*PROFILES, "training"}


@pytest.mark.parametrize("mutant", mutants(), ids=lambda one: one.name)
def test_what_is_named_is_there(mutant):
    if mutant.trains:
        assert callable(mutant.planted())
        return
    own, planted = mutant.unbroken(), mutant.functions()
    assert set(planted) == set(own)
    assert any(planted[name] is not own[name] for name in own)


def test_every_table_is_read():
    rows = sum(
        path.read_text().count("[[fault]]") + path.read_text().count("[[control]]")
        for path in FOLDER.glob("*.toml")
    )
    assert rows == len(mutants())


def test_reading_the_catalogue_loads_no_framework():
    script = (
        "import sys\nfrom conformance.mutants.catalogue import mutants\nmutants()\n"
        "heavy = {'torch', 'jax', 'mpmath', 'sklearn'} & {*sys.modules}\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, check=False)
    assert done.returncode == 0

import subprocess
import sys

import numpy as np
import pytest

from conformance import families, oracle
from conformance.registry import OPERATIONS

FAMILIES = {
    "basic",
    "kink",
    "saturation",
    "cancellation",
    "underflow",
    "dead_gradient",
    "param_edge",
    "soft_label",
    "weighting",
    "one_class",
    "nan_policy",
    "bad_input",
    "reduction",
    "empty",
}
operations = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


def exact(values, dtype):
    """Whether float64 values are numbers of the dtype, judged by their bits."""
    bits = np.asarray(values, dtype=np.float64).view(np.uint64)
    # 52 fraction bits; float32 keeps 23 of them, bfloat16 keeps 7.
    dropped = np.uint64({"bfloat16": 45, "float32": 29, "float64": 0}[dtype])
    return bool(np.all(bits & ((np.uint64(1) << dropped) - np.uint64(1)) == 0))


@operations
def test_every_family_is_there(operation):
    found = {g.family for g in operation.groups()}
    found |= {s.family for s in operation.sum_cases()}
    assert found == FAMILIES


@operations
def test_enough_points(operation):
    judged = sum(
        g.inputs["logits"].size for g in operation.groups() if g.policy == "value"
    )
    assert judged >= 1000


@operations
def test_every_definition_has_a_record_and_the_reverse(operation):
    assert list(OPERATIONS) == list(oracle.DEFINITIONS)
    assert OPERATIONS[operation.name] is operation
    assert operation.clauses


@operations
def test_inputs_are_exact_where_the_group_says_so(operation):
    for spec in [*operation.groups(), *operation.sum_cases()]:
        for values in [*spec.inputs.values(), *spec.setting.arrays.values()]:
            finite = values[np.isfinite(values)]
            assert exact(finite, spec.exact_in), spec.label
            size = np.abs(finite[finite != 0])
            if spec.exact_in == "bfloat16":  # serves float16 too, as normal numbers
                assert np.all((size >= 2.0**-14) & (size <= 65504)), spec.label
            if spec.exact_in == "float32":
                assert np.all((size >= 2.0**-126) & (size < 2.0**128)), spec.label


def test_exactness_is_not_vacuous():
    assert exact([0.1], "float64")
    assert not exact([0.1], "float32")
    assert exact([float(np.float32(0.1))], "float32")
    assert not exact([float(np.float32(0.1))], "bfloat16")
    assert exact(families.nearest([0.1, 1e4, 710.0], "bfloat16"), "bfloat16")
    assert not exact([710.0], "bfloat16")


def test_nearest_agrees_with_an_independent_bfloat16():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    # Ties to even in both directions, carries into the exponent, and usual values.
    values = np.array([1 + 2.0**-8, 1 + 3 * 2.0**-8, 1.998, 0.1, -0.3, 1e4, 3e-5])
    expected = values.astype(np.float32).astype(ml_dtypes.bfloat16).astype(np.float64)
    assert np.array_equal(families.nearest(values, "bfloat16"), expected)


@operations
def test_hyperparameters_cover_the_grids(operation):
    used = {"class_axis", *operation.array_arguments}
    for spec in operation.groups():
        assert set(spec.setting.params) <= used | set(operation.hyperparameters)
        if spec.policy == "bad_value":
            continue
        for name, tried in operation.hyperparameters.items():
            assert spec.setting.params.get(name, tried[0]) in tried, spec.label


def test_edges_of_hyperparameters_are_tried():
    focal = list(OPERATIONS["sigmoid_focal_loss"].groups())
    edge = [g.setting.params for g in focal if g.family == "param_edge"]
    assert {p["gamma"] for p in edge} == {0.0, 0.5, 1.0, 1.5, 2.0, 5.0}
    assert {p.get("alpha") for p in edge} == {None, 0.0, 0.25, 1.0}
    axes = {g.setting.params.get("class_axis") for g in focal if g.setting.arrays}
    assert axes >= {None, 0, 1}


def test_saturation_crosses_every_threshold():
    for operation in OPERATIONS.values():
        logits = np.concatenate(
            [
                g.inputs["logits"].ravel()
                for g in operation.groups()
                if g.family == "saturation"
            ]
        )
        for threshold in (17, 37, 89, 104, 710, 746, 1e4):
            assert {threshold, -threshold} <= set(logits)


def test_sizes_of_reductions():
    for operation in OPERATIONS.values():
        sizes = {0, 1, 2, 7, 1023, 1025, 70001, 1000003}
        assert {s.tile for s in operation.sum_cases()} == sizes


def test_draws_are_frozen():
    first = next(
        g for g in OPERATIONS["sigmoid_focal_loss"].groups() if "64" in g.label
    )
    assert first.inputs["logits"][0].hex() == "0x1.a9c0f37129bfap+4"


def test_reading_needs_numpy_alone():
    code = (
        "import sys, conformance.registry, conformance.vectors, conformance.budgets\n"
        "heavy = {'mpmath', 'torch', 'jax', 'refimpl', 'jsonschema'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_oracle_is_independent():
    code = (
        "import sys, conformance.oracle\n"
        "sys.exit(', '.join({'torch', 'jax', 'refimpl'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from conformance import families, oracle, vectors
from conformance.oracle import ghm
from conformance.registry import OPERATIONS

BINARY = {
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
# Families that make no sense for an operation, and those that only it has.
LACKS = {
    "binary_cross_entropy": {"param_edge"},
    "softmax_focal_loss": {"soft_label"},
    "heatmap_focal_loss": {"weighting"},
    "ghmr_loss": {"dead_gradient", "soft_label", "one_class"},
    "hard_example_mining": {
        *("cancellation", "underflow", "dead_gradient", "soft_label"),
        *("weighting", "reduction", "empty"),
    },
}
OWN = {
    "cross_entropy": {"ignore"},
    "softmax_focal_loss": {"ignore"},
    "heatmap_focal_loss": {"mask"},
    "ghmc_loss": {"ignore"},
    "ghmr_loss": {"ignore"},
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
    assert found == BINARY - LACKS.get(operation.name, set()) | OWN.get(
        operation.name, set()
    )


@operations
def test_enough_points(operation):
    judged = sum(math.prod(g.shape) for g in operation.groups() if g.policy == "value")
    assert judged >= 600


@operations
def test_every_definition_has_a_record_and_the_reverse(operation):
    assert set(OPERATIONS) == set(oracle.DEFINITIONS)
    assert OPERATIONS[operation.name] is operation
    assert (operation.form == "coupled") == (operation.name in oracle.COUPLED)


SPECIFICATION = Path(vectors.__file__).parents[1] / "spec" / "1.0" / "losses.md"


@operations
def test_clauses_are_those_of_the_specification(operation):
    stated = re.findall(
        r"^- \*\*([A-Z]+-\d+)\*\*", SPECIFICATION.read_text(), re.MULTILINE
    )
    assert len(stated) == len(set(stated))
    own = {clause.split("-")[0] for clause in operation.clauses}
    assert len(own) == 1
    assert list(operation.clauses) == [c for c in stated if c.split("-")[0] in own]


@operations
def test_arguments_are_consistent(operation):
    assert set(operation.static) <= set(operation.hyperparameters)
    judged = {"selection": {"mask"}}.get(operation.returns, {"value"})
    judged |= {f"grad_{argument}" for argument in operation.point_arguments}
    assert set(operation.outputs) == judged
    for spec in [*operation.groups(), *operation.sum_cases()]:
        assert tuple(spec.inputs)[: len(operation.positional)] == operation.positional
        assert set(spec.kinds) <= {*spec.inputs, *spec.setting.arrays}
        for name, values in spec.inputs.items():
            shape = list(values.shape)
            if name in spec.rows:
                del shape[spec.class_axis]
            assert tuple(shape) == spec.shape, (spec.label, name)
            if spec.kinds.get(name) == "mask":
                assert set(values.ravel()) <= {0.0, 1.0}
            if spec.kinds.get(name) == "index":
                assert np.all(values == np.trunc(values))


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
    defaults = oracle.defaults(operation.name)
    for spec in operation.groups():
        assert set(spec.setting.params) <= used | set(operation.hyperparameters)
        if spec.policy == "bad_value":
            continue
        for name, tried in operation.hyperparameters.items():
            assert spec.setting.params.get(name, tried[0]) in tried, spec.label
            # The first value is the default, as everywhere.
            assert tried[0] == defaults[name]


def test_edges_of_hyperparameters_are_tried():
    focal = list(OPERATIONS["sigmoid_focal_loss"].groups())
    edge = [g.setting.params for g in focal if g.family == "param_edge"]
    assert {p["gamma"] for p in edge} == {0.0, 0.5, 1.0, 1.5, 2.0, 5.0}
    assert {p.get("alpha") for p in edge} == {None, 0.0, 0.25, 1.0}
    axes = {g.setting.params.get("class_axis") for g in focal if g.setting.arrays}
    assert axes >= {None, 0, 1}


def test_saturation_crosses_every_threshold():
    for operation in list(OPERATIONS.values())[:3]:
        logits = np.concatenate(
            [
                g.inputs["logits"].ravel()
                for g in operation.groups()
                if g.family == "saturation"
            ]
        )
        for threshold in (17, 37, 89, 104, 710, 746, 1e4):
            assert {threshold, -threshold} <= set(logits)


@pytest.mark.parametrize("name", ["cross_entropy", "softmax_focal_loss"])
def test_saturation_of_rows_crosses_every_threshold(name):
    gaps = set()
    for spec in OPERATIONS[name].groups():
        if spec.family == "saturation":
            for point in spec.points():
                top, *rest = sorted(point["logits"], reverse=True)
                # Both where the label is on top and where it is not.
                gaps.add((top - rest[0], point["logits"][int(point["labels"])] == top))
    for threshold in (17, 37, 89, 104, 710, 746, 1e4):
        assert {(threshold, True), (threshold, False)} <= gaps


@pytest.mark.parametrize("name", ["cross_entropy", "softmax_focal_loss"])
def test_rows_are_tried_along_every_axis(name):
    groups = [g for g in OPERATIONS[name].groups() if g.family == "weighting"]
    axes = {g.class_axis for g in groups if "class_weights" in g.setting.arrays}
    assert axes == {-1, 0, 1}
    shapes = [g.inputs["logits"].shape for g in groups]
    assert any(len(s) == 3 and len(set(s)) > 1 for s in shapes)
    assert any(len(s) == 2 and s[0] == s[1] for s in shapes)


@pytest.mark.parametrize("name", ["ghmc_loss", "ghmr_loss"])
def test_norms_lie_on_an_edge_or_far_from_it(name):
    """8 ulp of the narrowest dtype that bins are found in, or exactly none."""
    ulp = {"bfloat16": 2.0**-23, "float32": 2.0**-23, "float64": 2.0**-52}
    exact_edges = 0
    for spec in [*OPERATIONS[name].groups(), *OPERATIONS[name].sum_cases()]:
        if getattr(spec, "policy", "value") != "value":
            continue
        for point in spec.points():
            given = oracle.complete(name, {**spec.setting.params, **point})
            norm = ghm.ELEMENTS[name](given).norm
            if not given["sample_mask"] or not norm < 1:
                continue
            place = norm * given["bins"]
            edge = round(place)
            if not 0 < edge < given["bins"]:
                continue
            if place == edge:
                # As all that leads to it is exact, so is every implementation.
                assert given["logits"] == 0
                exact_edges += 1
                continue
            distance = abs(place - edge) / edge
            assert distance >= 8 * ulp[spec.exact_in], (spec.label, point)
    # Norms of 1/2 and, with 8 or 4 bins, of 1/8, 1/4 and 3/8; each on two sides.
    assert exact_edges == (16 if name == "ghmc_loss" else 0)


@pytest.mark.parametrize("name", ["ghmc_loss", "ghmr_loss"])
def test_harmonised_calls_have_one_size(name):
    # Each size is compiled anew.
    groups = [g for g in OPERATIONS[name].groups() if g.policy == "value"]
    assert {math.prod(g.shape) for g in groups} == {24}


REDUCED = [o for o in OPERATIONS.values() if o.returns != "selection"]


@pytest.mark.parametrize("operation", REDUCED, ids=lambda o: o.name)
def test_sizes_of_reductions(operation):
    sizes = {0, 1, 2, 7, 1023, 1025, 70001, 1000003}
    assert {s.tile for s in operation.sum_cases()} == sizes
    assert sum(s.tile == 1000003 for s in operation.sum_cases()) == 1


@pytest.mark.parametrize("operation", REDUCED, ids=lambda o: o.name)
def test_lopsided_sums_span_many_magnitudes(operation):
    specs = [s for s in operation.sum_cases() if "lopsided" in s.label]
    assert {s.tile for s in specs} == {1023, 70001}
    arguments = [{**specs[0].setting.params, **p} for p in specs[0].points()]
    values = [p["value"] for p in oracle.evaluate(operation.name, arguments).points]
    sizes = [float(v.value) for v in values if isinstance(v, oracle.Number)]
    assert max(sizes) > 5e3
    assert 0 < min(s for s in sizes if s) < 2e-29


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

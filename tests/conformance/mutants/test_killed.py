"""The suite can fail: planted faults are caught by a named case, controls are not."""

from dataclasses import replace
from fnmatch import fnmatchcase

import pytest

from conformance.adapters import from_functions
from conformance.mutants import torch_binary, torch_transforms
from conformance.mutants.bench import Bench
from conformance.mutants.catalogue import CONTROL, FAULT, mutants
from conformance.plan import Judged, Options, choose, units
from conformance.profiles import batches, evaluate

BCE, FOCAL = "binary_cross_entropy_with_logits", "sigmoid_focal_loss"
# JAX compiles each, torch starts processes for shards: a sample here, all of them in
# `conformance prove`.
SAMPLE = (
    f"jax/{FOCAL}/default-where-traced",
    f"jax/{BCE}/clipped-labels",
    "jax/heatmap_focal_loss/heat-over-elements",
    "jax/hard_example_mining/later-ties-first",
    f"jax/{FOCAL}/summed-backwards",
    "torch/training/coupled-decay",
    "torch/training/dead",
    "torch/training/rows-reversed",
)


def wanted(kind):
    return [
        one.name
        for one in mutants()
        if one.kind == kind
        and (
            one.name in SAMPLE
            or one.backend == "numpy"
            or (one.backend == "torch" and "/training/" not in one.name)
        )
        and not (one.category == "distributed" and one.backend != "numpy")
    ]


@pytest.fixture(scope="module")
def bench():
    bench = Bench()
    yield bench
    bench.close()


@pytest.mark.parametrize("name", wanted(FAULT))
def test_fault_is_killed_by_its_case(bench, name):
    record = bench.judge(name)
    assert record.status == "killed", record
    assert record.killed
    assert record.right
    assert record.by


@pytest.mark.parametrize("name", wanted(CONTROL))
def test_control_survives(bench, name):
    record = bench.judge(name)
    assert record.status == "survived", record
    assert record.right
    assert not record.by


@pytest.mark.parametrize(
    ("fault", "case", "transforms"),
    [
        (torch_transforms.detached_weight_of_scalars, f"{FOCAL}/basic/*", {"vmap"}),
        (torch_transforms.flat_gradient, f"{BCE}/basic/default", {"hessian"}),
        (
            torch_transforms.steep_forward_mode,
            f"{FOCAL}/basic/*",
            {"jvp", "hessian"},
        ),
        (torch_transforms.lowered_by_autocast, f"{FOCAL}/basic/*", {"autocast"}),
    ],
)
def test_fault_under_a_transform_is_caught_there_alone(fault, case, transforms):
    operation = case.split("/")[0]
    own = torch_binary.bce if operation == BCE else torch_binary.focal
    every = ("eager", "vmap", "jvp", "hessian", "checkpoint", "autocast")
    profiles = ("accuracy", "gradients", "reductions", "dtypes", "transforms")

    def statuses(function):
        options = Options(select=case)
        adapter = from_functions({operation: function}, framework="torch")
        capabilities = replace(adapter.start(), transforms=every)
        one = Judged("candidate", adapter, capabilities, "cpu")
        cases = choose(options)
        found = [
            result
            for profile in profiles
            for batch in batches(units(one, profile, cases, options))
            for result in evaluate(batch, adapter, one.name, one.device, one.limit)
        ]
        assert {r.transform for r in found} == set(every)
        assert all(fnmatchcase(r.group, case) for r in found)
        return {(r.transform, r.status) for r in found if r.status != "pass"}

    assert statuses(fault) == {(transform, "fail") for transform in transforms}
    assert not statuses(own)

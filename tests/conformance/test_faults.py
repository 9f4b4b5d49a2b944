"""The suite can fail: planted faults are caught by a named case, controls are not."""

from dataclasses import replace
from fnmatch import fnmatchcase

import pytest

from conformance.adapters import from_functions
from conformance.plan import Judged, Options, choose, units
from conformance.profiles import batches, evaluate
from tests.conformance import faults
from tests.conformance.faults import BCE, FOCAL, focal

PROFILES = ("accuracy", "gradients", "reductions", "dtypes", "transforms")
# Compilation is slow and is judged elsewhere; vmap also runs code of its own.
TRANSFORMS = ("eager", "vmap")

# Fault, and the case that must catch it: id, dtype and output.
CATALOGUE = [
    (faults.gradient_times_1_01, "FOCAL/basic/*", "float32", "grad_logits"),
    (faults.gradient_dead_beyond_16, "FOCAL/dead_gradient/*", "float32", "grad_logits"),
    (faults.detached_weight, "FOCAL/basic/*", "float64", "grad_logits"),
    (faults.swapped_alpha, "FOCAL/param_edge/*alpha=0.25*", "float32", "value"),
    (faults.gamma_off_by_1e_6, "FOCAL/basic/gamma=2;*", "float64", "value"),
    (faults.mean_over_positives, "FOCAL/reduction/*n=7#*", "float32", "mean"),
    (faults.sum_by_default, "FOCAL/reduction/*n=1023#*", "float32", "mean"),
    (
        faults.cancelling_gradient,
        "BCE/saturation/*y=1;x=17#*",
        "float32",
        "grad_logits",
    ),
    (faults.clip_1e_7, "BCE/saturation/*y=1;x=-37#*", "float32", "value"),
    (faults.softplus_threshold_20, "BCE/basic/default;float64*", "float64", "value"),
    (faults.kink_at_zero, "BCE/kink/*x=0#*", "float32", "grad_logits"),
    (faults.smoothing_without_halving, "BCE/basic/*smoothing*", "float64", "value"),
    (
        faults.detached_smoothing,
        "BCE/reduction/*label_smoothing=(0.125);n=7#*",
        "float32",
        "grad_label_smoothing",
    ),
    (faults.ignored_class_axis, "BCE/weighting/*;square*", "float32", "value"),
    (faults.clipped_labels, "BCE/bad_input/*", "float32", "*"),
    (faults.narrow_result, "BCE/basic/*", "bfloat16", "value"),
]
OWN = {BCE: faults.bce, FOCAL: faults.focal}
CONTROLS = [
    (faults.wider_internals(faults.bce), BCE),
    (faults.wider_internals(faults.focal), FOCAL),
    (faults.exponential_form, BCE),
]


def _results(function, operation, options):
    adapter = from_functions({operation: function}, framework="torch")
    capabilities = replace(adapter.start(), transforms=TRANSFORMS)
    one = Judged("candidate", adapter, capabilities, "cpu")
    cases = choose(options)
    for profile in PROFILES:
        asked = units(one, profile, cases, options)
        for batch in batches(asked):
            yield from evaluate(batch, adapter, one.name, one.device, one.limit)


@pytest.mark.parametrize(
    ("fault", "case", "dtype", "output"),
    CATALOGUE,
    ids=[row[0].__name__ for row in CATALOGUE],
)
def test_fault_is_caught_by_a_named_case(fault, case, dtype, output):
    operation = FOCAL if case.startswith("FOCAL") else BCE
    case = operation + case[case.index("/") :]

    def statuses(function):
        return {
            result.status
            for result in _results(function, operation, Options(select=case))
            if result.dtype == dtype and fnmatchcase(result.output, output)
        }

    assert "fail" in statuses(fault)
    assert statuses(OWN[operation]) == {"pass"}


def test_fault_under_vmap_is_caught_there_alone():
    def statuses(function):
        options = Options(select=f"{FOCAL}/basic/*")
        found = _results(function, FOCAL, options)
        judged = [r for r in found if r.output == "grad_logits"]
        assert {r.transform for r in judged} == set(TRANSFORMS)
        return {(r.transform, r.status) for r in judged if r.status != "pass"}

    assert statuses(faults.detached_weight_of_scalars) == {("vmap", "fail")}
    assert not statuses(focal)


@pytest.mark.parametrize(("control", "operation"), CONTROLS)
def test_valid_rewriting_survives(control, operation):
    results = list(_results(control, operation, Options(quick=True)))
    wrong = [r for r in results if r.status != "pass"]
    assert sum(r.compared for r in results) > 2000
    assert not wrong, wrong[:3]

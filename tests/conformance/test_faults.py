"""The suite can fail: planted faults are caught by a named case, controls are not."""

from dataclasses import replace
from fnmatch import fnmatchcase

import pytest

import torch_impl
from conformance.adapters import from_functions
from conformance.plan import Judged, Options, choose, units
from conformance.profiles import batches, evaluate
from tests.conformance import class_faults, faults
from tests.conformance.faults import BCE, FOCAL

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
    (class_faults.ignored_counted, "CE/reduction/*count*n=7#*", "float32", "mean"),
    (class_faults.ignored_row_not_dropped, "CE/ignore/*", "float32", "*"),
    (class_faults.negative_label_wraps, "CE/bad_input/default;labels", "float32", "*"),
    (
        class_faults.smoothing_over_the_others,
        "CE/basic/label_smoothing=0.1;class*",
        "float64",
        "value",
    ),
    (
        class_faults.mean_over_examples,
        "CE/reduction/class_weights=*n=1023#*",
        "float32",
        "mean",
    ),
    (
        class_faults.smoothed_mass_weighed_by_true_class,
        "CE/basic/label_smoothing=*",
        "float32",
        "value",
    ),
    (
        class_faults.probability_minus_one,
        "CE/saturation/default",
        "float32",
        "grad_logits",
    ),
    (class_faults.normalizer_minus_logit, "CE/saturation/default", "float32", "value"),
    (class_faults.open_last_bin, "GHM/saturation/default", "float32", "value"),
    (class_faults.not_averaged_over_bins, "GHM/basic/default", "float64", "value"),
    (
        class_faults.gradient_through_weights,
        "GHM/basic/default",
        "float64",
        "grad_logits",
    ),
    (
        class_faults.biased_average,
        "GHM/param_edge/bins=8;momentum=0.5;state",
        "float32",
        "value",
    ),
    (class_faults.masked_elements_counted, "GHM/ignore/default", "float32", "value"),
    (class_faults.heat_over_elements, "HEAT/reduction/*n=1023#*", "float32", "mean"),
    (class_faults.clamped_heat, "HEAT/saturation/default", "float32", "value"),
    (class_faults.later_ties_first, "MINING/kink/default", "float32", "indices"),
    (
        class_faults.rounded_down,
        "MINING/param_edge/fraction=0.3125",
        "float32",
        "indices",
    ),
]
NAMES = {
    "BCE": BCE,
    "FOCAL": FOCAL,
    "CE": "cross_entropy",
    "GHM": "ghmc_loss",
    "HEAT": "heatmap_focal_loss",
    "MINING": "hard_example_mining",
}
OWN = {operation: getattr(torch_impl, operation) for operation in NAMES.values()}
CONTROLS = [
    (faults.wider_internals(OWN[BCE]), BCE),
    (faults.wider_internals(OWN[FOCAL]), FOCAL),
    (faults.exponential_form, BCE),
    (faults.wider_internals(OWN["cross_entropy"]), "cross_entropy"),
    (class_faults.permuted_classes, "cross_entropy"),
    (faults.wider_internals(OWN["ghmc_loss"]), "ghmc_loss"),
    (class_faults.scattered_heat, "heatmap_focal_loss"),
]


def _results(function, operation, options, transforms=TRANSFORMS):
    adapter = from_functions({operation: function}, framework="torch")
    capabilities = replace(adapter.start(), transforms=transforms)
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
    alias, _, rest = case.partition("/")
    operation = NAMES[alias]
    case = f"{operation}/{rest}"

    def statuses(function):
        return {
            result.status
            for result in _results(function, operation, Options(select=case))
            if result.dtype == dtype and fnmatchcase(result.output, output)
        }

    assert "fail" in statuses(fault)
    assert statuses(OWN[operation]) == {"pass"}


@pytest.mark.parametrize(
    ("fault", "case", "transforms"),
    [
        (faults.detached_weight_of_scalars, "FOCAL/basic/*", {"vmap"}),
        (faults.flat_gradient, "BCE/basic/default", {"hessian"}),
        (faults.steep_forward_mode, "FOCAL/basic/*", {"jvp", "hessian"}),
        (faults.lowered_by_autocast, "FOCAL/basic/*", {"autocast"}),
    ],
)
def test_fault_under_a_transform_is_caught_there_alone(fault, case, transforms):
    alias, _, rest = case.partition("/")
    operation = NAMES[alias]
    every = ("eager", "vmap", "jvp", "hessian", "checkpoint", "autocast")

    def statuses(function):
        options = Options(select=f"{operation}/{rest}")
        found = [*_results(function, operation, options, every)]
        assert {r.transform for r in found} == set(every)
        return {(r.transform, r.status) for r in found if r.status != "pass"}

    assert statuses(fault) == {(transform, "fail") for transform in transforms}
    assert not statuses(OWN[operation])


@pytest.mark.parametrize(("control", "operation"), CONTROLS)
def test_valid_rewriting_survives(control, operation):
    results = list(_results(control, operation, Options(quick=True)))
    wrong = [r for r in results if r.status != "pass"]
    assert sum(r.compared for r in results) > 1000
    assert not wrong, wrong[:3]

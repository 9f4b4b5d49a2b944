"""Failed results name the clause that they depart from."""

from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import count

import pytest
import torch

import torch_impl
from conformance.adapters import from_functions
from conformance.mutants import torch_binary, torch_classes, torch_others
from conformance.plan import Judged, Options, choose, units
from conformance.profiles import batches, evaluate

BCE, FOCAL = "binary_cross_entropy_with_logits", "sigmoid_focal_loss"
CE, HEAT = "cross_entropy", "heatmap_focal_loss"
GHMC, MINING = "ghmc_loss", "hard_example_mining"
own_bce = torch_impl.binary_cross_entropy_with_logits
EAGER = ("eager",)


def results(function, operation, select, profiles, transforms=EAGER):
    adapter = from_functions({operation: function}, framework="torch")
    able = replace(adapter.start(), transforms=transforms)
    one = Judged("candidate", adapter, able, "cpu")
    options = Options(select=f"{operation}/{select}")
    cases = choose(options)
    for profile in profiles:
        for batch in batches(units(one, profile, cases, options)):
            yield from evaluate(batch, adapter, one.name, one.device, one.limit)


def wrong(function, operation, select, profile, output="*", transforms=EAGER):
    found = [
        result
        for result in results(function, operation, select, [profile], transforms)
        if result.status == "fail" and fnmatchcase(result.output, output)
    ]
    assert found
    return found


def half_computed(logits, labels, **options):
    """Computes in half precision, and says float32."""
    loss = own_bce(logits, labels, **options)
    return loss.to(logits.dtype).to(loss.dtype)


def raised_on_zero(logits, labels, **options):
    if (labels == 0).any():
        raise RuntimeError("no zeros here")
    return own_bce(logits, labels, **options)


CALLS = count(1)


def unlike(logits, labels, **options):
    """Another number in each call."""
    return own_bce(logits, labels, **options) * (1 + 1e-6 * next(CALLS))


def overwriting(logits, labels, **options):
    with torch.no_grad():
        loss = own_bce(logits, labels, **options)
        labels.zero_()
    return loss


def flat_for_weights(logits, labels, *, sample_weight=None, **options):
    if sample_weight is not None:
        sample_weight = sample_weight.detach() + 0 * sample_weight
    return own_bce(logits, labels, sample_weight=sample_weight, **options)


def no_limits(logits, labels, **options):
    return own_bce(logits, labels, **options) + 0 * logits


def finite_anyway(logits, labels, **options):
    return own_bce(logits.nan_to_num(0.0), labels, **options)


def squared_weights(logits, labels, *, sample_weight=None, **options):
    if sample_weight is not None:
        sample_weight = sample_weight**2
    return own_bce(logits, labels, sample_weight=sample_weight, **options)


def nan_of_nothing(logits, labels, *, reduction="mean", **options):
    if reduction != "mean":
        return own_bce(logits, labels, reduction=reduction, **options)
    return own_bce(logits, labels, reduction="none", **options).mean()


def any_word(logits, labels, *, smoothing="uniform", normalizer="weights", **options):
    smoothing = smoothing if smoothing == "off_target" else "uniform"
    normalizer = normalizer if normalizer == "count" else "weights"
    return torch_impl.cross_entropy(
        logits, labels, smoothing=smoothing, normalizer=normalizer, **options
    )


def column(logits, labels, **options):
    loss = own_bce(logits, labels, **options)
    return loss[..., None] if loss.ndim else loss


def soft_taken_for_hard(logits, labels, **options):
    return torch_impl.sigmoid_focal_loss(logits, (labels > 0.5) * 1.0, **options)


def one_modulator(logits, labels, *, modulator="probability", **options):
    del modulator
    return torch_impl.adaptive_bce_with_logits(logits, labels, **options)


def bins_of_open_edges(logits, labels, state=None, *, bins=10, **options):
    """Bins closed above."""
    return torch_impl.ghmc_loss(-logits, 1 - labels + 1e-3, state, bins=bins, **options)


# Function, operation, cases, profile, output, and the clause that comes first.
NAMED = [
    (
        torch_binary.cancelling_gradient,
        BCE,
        "saturation/*;x=17#*",
        "gradients",
        "*",
        "BCE-2",
    ),
    (torch_binary.clip_1e_7, BCE, "saturation/default", "accuracy", "value", "BCE-1"),
    (
        torch_binary.softplus_threshold_20,
        BCE,
        "basic/*float64",
        "accuracy",
        "*",
        "BCE-1",
    ),
    (
        torch_binary.kink_at_zero,
        BCE,
        "kink/default",
        "gradients",
        "grad_logits",
        "BCE-2",
    ),
    (
        torch_binary.smoothing_without_halving,
        BCE,
        "basic/label*",
        "accuracy",
        "*",
        "BCE-3",
    ),
    (torch_binary.detached_smoothing, BCE, "reduction/*", "reductions", "*", "BCE-4"),
    (flat_for_weights, BCE, "weighting/default*", "gradients", "grad_s*", "BCE-4"),
    (torch_binary.swapped_alpha, FOCAL, "param_edge/*", "accuracy", "value", "FOC-1"),
    (torch_binary.gamma_off_by_1e_6, FOCAL, "basic/*", "accuracy", "value", "FOC-1"),
    (
        torch_binary.detached_weight,
        FOCAL,
        "basic/*",
        "gradients",
        "grad_logits",
        "FOC-2",
    ),
    (
        torch_binary.gradient_times_1_01,
        FOCAL,
        "basic/*",
        "gradients",
        "grad_lo*",
        "FOC-2",
    ),
    (
        torch_binary.gradient_dead_beyond_16,
        FOCAL,
        "d*",
        "gradients",
        "grad_logits",
        "FOC-2",
    ),
    (torch_binary.sum_by_default, FOCAL, "red*n=1023*", "reductions", "mean", "GEN-3"),
    (soft_taken_for_hard, FOCAL, "soft_label/*", "accuracy", "value", "FOC-3"),
    (
        torch_binary.mean_over_positives,
        FOCAL,
        "reduction/*",
        "reductions",
        "mean",
        "GEN-3",
    ),
    (
        one_modulator,
        "adaptive_bce_with_logits",
        "basic/*",
        "accuracy",
        "value",
        "ADA-2",
    ),
    (
        torch_classes.normalizer_minus_logit,
        CE,
        "saturation/d*",
        "accuracy",
        "*",
        "CE-1",
    ),
    (
        torch_classes.probability_minus_one,
        CE,
        "saturation/default",
        "gradients",
        "grad_logits",
        "CE-2",
    ),
    (torch_classes.smoothing_over_the_others, CE, "basic/*", "accuracy", "*", "CE-3"),
    (
        torch_classes.smoothed_mass_weighed_by_true_class,
        CE,
        "basic/label_smoothing=*",
        "accuracy",
        "value",
        "CE-3",
    ),
    (
        torch_classes.ignored_counted,
        CE,
        "red*count*n=7#*",
        "reductions",
        "mean",
        "CE-4",
    ),
    (torch_classes.mean_over_examples, CE, "reduction/*", "reductions", "mean", "CE-4"),
    (torch_classes.ignored_row_not_dropped, CE, "ignore/*", "accuracy", "*", "CE-5"),
    (torch_others.clamped_heat, HEAT, "dead_gradient/*", "accuracy", "value", "HEAT-1"),
    (torch_others.clamped_heat, HEAT, "dead_*", "gradients", "grad_lo*", "HEAT-2"),
    (torch_others.heat_over_elements, HEAT, "red*", "reductions", "mean", "HEAT-3"),
    (torch_others.not_averaged_over_bins, GHMC, "basic/*", "accuracy", "*", "GHMC-1"),
    (torch_others.open_last_bin, GHMC, "saturation/d*", "accuracy", "value", "GHMC-2"),
    (bins_of_open_edges, GHMC, "kink/*", "accuracy", "value", "GHMC-2"),
    (torch_others.biased_average, GHMC, "p*;state", "accuracy", "value", "GHMC-3"),
    (torch_others.masked_elements_counted, GHMC, "ignore/*", "accuracy", "*", "GHMC-4"),
    (torch_others.gradient_through_weights, GHMC, "b*", "gradients", "g*", "GHMC-5"),
    (torch_others.rounded_down, MINING, "*0.3125", "accuracy", "indices", "MINE-1"),
    (torch_others.later_ties_first, MINING, "kink/*", "accuracy", "indices", "MINE-2"),
    (column, BCE, "basic/default", "accuracy", "value", "GEN-2"),
    (nan_of_nothing, BCE, "empty/*", "reductions", "mean", "GEN-4"),
    (squared_weights, BCE, "weighting/*", "accuracy", "value", "GEN-5"),
    (
        torch_binary.ignored_class_axis,
        BCE,
        "weighting/*;square",
        "accuracy",
        "*",
        "GEN-5",
    ),
    (torch_binary.narrow_result, BCE, "basic/*", "dtypes", "value", "GEN-6"),
    (half_computed, BCE, "basic/*", "dtypes", "value", "GEN-6"),
    (no_limits, BCE, "nan_policy/*", "accuracy", "value", "GEN-7"),
    (finite_anyway, BCE, "nan_policy/*", "accuracy", "value", "GEN-8"),
    (torch_binary.clipped_labels, BCE, "bad_input/*;labels", "accuracy", "*", "GEN-9"),
    (torch_classes.negative_label_wraps, CE, "bad*labels", "accuracy", "*", "GEN-9"),
    (
        torch_binary.clipped_labels,
        BCE,
        "bad_input/poison-l*",
        "bad_input",
        "*",
        "GEN-9",
    ),
    (any_word, CE, "bad_input/smoothing=none", "accuracy", "*", "GEN-10"),
    (any_word, CE, "bad_input/normalizer-other", "bad_input", "*", "GEN-10"),
    (unlike, BCE, "*", "determinism", "*", "GEN-15"),
    (overwriting, BCE, "semantics/inputs-*-contiguous", "semantics", "*", "GEN-16"),
]


@pytest.mark.parametrize(
    ("function", "operation", "select", "profile", "output", "clause"),
    NAMED,
    ids=[f"{row[-1]}-{row[0].__name__}" for row in NAMED],
)
def test_the_first_clause_is_the_one(
    function, operation, select, profile, output, clause
):
    found = wrong(function, operation, select, profile, output)
    assert {result.clauses[0] for result in found} == {clause}

import itertools
import math

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the field's name for it

import torch_impl
from conformance.diagnosis.clamps import AS_PRINTED, TABLE, closest, explain_number
from conformance.mutants import torch_binary as faults
from conformance.mutants import torch_classes as class_faults
from conformance.mutants import torch_others as others
from tests.conformance.diagnosing import (
    clipped,
    clipped_focal,
    diagnoses,
    of_output,
    only,
    results,
    says,
    scaled,
    textbook_focal,
)

BCE, FOCAL = "binary_cross_entropy_with_logits", "sigmoid_focal_loss"
CE, GHM = "cross_entropy", "ghmc_loss"


def narrow_inside(x, y):
    small = torch.exp(-x.abs().float()).to(x.dtype)
    return x.clamp(min=0) - x * y + torch.log1p(small)


def of_dtype(dtype):
    def each(x, y):
        found = F.binary_cross_entropy_with_logits(
            x.to(dtype), y.to(dtype), reduction="none"
        )
        return found.to(x.dtype)

    return only(each)


def log_of_smallest(x, y):
    tiny = torch.finfo(torch.float32).tiny
    p = torch.sigmoid(x.double()).clamp(min=tiny)
    q = torch.sigmoid(-x.double()).clamp(min=tiny)
    return (-(y * torch.log(p) + (1 - y) * torch.log(q))).to(x.dtype)


def clamped_at_100(x, y):
    return F.binary_cross_entropy(
        torch.sigmoid(x.double()), y.double(), reduction="none"
    )


TRACES = [
    (
        clipped(1e-7),
        BCE,
        "dead_gradient/default",
        "value",
        "different truths came back as 16.1181 = -log(1e-7): * the epsilon of Keras",
    ),
    (
        clipped(1e-7),
        BCE,
        "dead_gradient/default",
        "value",
        "came back as 15.9424 = -log(2^-23): the epsilon of float32",
    ),
    (clipped(1e-12), BCE, "saturation/default", "value", "27.631 = -log(1e-12)"),
    (
        only(log_of_smallest),
        BCE,
        "saturation/default",
        "value",
        "87.3365 = -log(2^-126)",
    ),
    (
        only(clamped_at_100),
        BCE,
        "saturation/default",
        "value",
        "came back as 100: logarithms clamped at -100",
    ),
    (
        clipped_focal,
        FOCAL,
        "dead_gradient/gamma=2;alpha=0.25",
        "value",
        "4.02952 = -alpha · log(1e-7)",
    ),
    (
        others.clamped_heat,
        "heatmap_focal_loss",
        "dead_gradient/default",
        "value",
        "9.2085 = -(1 - 0.0001)^2 · log(1e-4): * CenterNet",
    ),
    (
        faults.gradient_dead_beyond_16,
        FOCAL,
        "dead_gradient/*",
        "grad_logits",
        "different truths came back as 0, as behind a clamp",
    ),
    (
        faults.cancelling_gradient,
        BCE,
        "basic/default",
        "grad_logits",
        "multiples of 6e-08: differences * sigmoid(x) - y",
    ),
    (
        class_faults.probability_minus_one,
        CE,
        "basic/default",
        "grad_logits",
        "multiples of 1.1e-16: differences * p - 1",
    ),
    (
        class_faults.normalizer_minus_logit,
        CE,
        "basic/default",
        "value",
        "as in logsumexp(x) - x_y",
    ),
    (
        faults.softplus_threshold_20,
        BCE,
        "basic/default;float64",
        "value",
        "softplus(v) is v where v > 20",
    ),
    (
        faults.kink_at_zero,
        BCE,
        "kink/default",
        "grad_logits",
        "wrong only at logits = 0 *have a kink",
    ),
    (
        textbook_focal,
        FOCAL,
        "underflow/gamma=0.5",
        "grad_logits",
        "NaN only where 1 - p_t is next to 0: with gamma = 0.5",
    ),
    (
        of_dtype(torch.float32),
        BCE,
        "basic/default;float64",
        "value",
        "every number is one of float32: computed in it",
    ),
    (
        of_dtype(torch.bfloat16),
        BCE,
        "basic/default;float32",
        "value",
        "every number is one of bfloat16",
    ),
    (
        of_output(GHM, lambda found: found.flip(0)),
        GHM,
        "basic/default",
        "value",
        "the right numbers in reverse order",
    ),
    (
        of_output(GHM, lambda found: found.roll(1)),
        GHM,
        "basic/default",
        "value",
        "the right numbers, each one place later",
    ),
    (
        of_output(BCE, lambda found: found.roll(-1)),
        BCE,
        "basic/*",
        "value",
        "the right numbers, each one place earlier",
    ),
    (
        of_output(GHM, lambda found: found.reshape(2, -1).flip(0).reshape(-1)),
        GHM,
        "basic/default",
        "value",
        "the right numbers in another order",
    ),
    (
        class_faults.negative_label_wraps,
        CE,
        "bad_input/default;labels",
        "bad_value",
        "counted from the end: -1 as class 2, the last",
    ),
    (
        lambda x, y, **o: torch_impl.cross_entropy(x, _near(x, y), **o),
        CE,
        "bad_input/default;labels",
        "bad_value",
        "moved to the nearest class",
    ),
    (
        faults.clipped_labels,
        BCE,
        "bad_input/default;labels",
        "bad_value",
        "moved to the nearest in [0, 1]",
    ),
]


def _near(x, y):
    known = y == -100
    return torch.where(known, y, y.clamp(0, x.shape[-1] - 1))


@pytest.mark.parametrize(
    ("function", "operation", "select", "output", "phrase"), TRACES
)
def test_trace_is_named(function, operation, select, output, phrase):
    told = diagnoses(function, operation, select, output)
    assert any(says(one, phrase) for one in told), told


def test_a_logarithm_of_what_rounds_to_1_is_0():
    function = class_faults.normalizer_minus_logit
    told = diagnoses(function, CE, "saturation/default", "value")
    assert any("came back as 0, as a logarithm" in one for one in told)


def test_roundings_of_float32_go_up_and_down():
    told = diagnoses(only(narrow_inside), BCE, "basic/default", "value")
    assert any("roundings in float32" in one for one in told), told


def test_errors_to_one_side_are_no_roundings():
    told = diagnoses(scaled(BCE, 1 + 1e-7), BCE, "basic/default", "value")
    assert told == {""}


def steep_in_the_tail(x, y, **options):
    sure = torch.where(y == 1, x, -x) > 6
    factor = torch.where(sure, 1.3, 1.0).to(x.dtype)
    steep = x.detach() + factor * (x - x.detach())
    return torch_impl.binary_cross_entropy_with_logits(steep, y, **options)


def test_small_numbers_that_are_wrong_otherwise_are_no_differences():
    told = diagnoses(steep_in_the_tail, BCE, "basic/default", "grad_logits")
    assert told == {""}


def test_constants_are_told_apart():
    numbers = sorted(clamp.number for clamp in TABLE)
    for low, high in itertools.pairwise(numbers):
        assert high / low - 1 > 4 * AS_PRINTED
    for clamp in TABLE:
        found = closest(float(f"{clamp.number:.6g}"), AS_PRINTED)
        assert found is clamp
        assert explain_number(-clamp.number)


@pytest.mark.parametrize(
    "number",
    [
        *(87.3365, 103.97, 103.28, 745.13, 708.4, 100, 15.9424, 16.118, 18.4207),
        *(20.7233, 23.0259, 27.631, 34.5388, 36.0437, 13.8155, 11.5129, 9.2103, 6.9078),
    ],
)
def test_usual_clamps_are_known(number):
    (sentence,) = explain_number(number)
    assert sentence.startswith(f"{number:g}")
    assert ": " in sentence


def test_epsilons_are_what_they_say():
    for clamp in TABLE:
        if clamp.epsilon:
            assert math.exp(-clamp.number) == pytest.approx(clamp.epsilon, rel=1e-12)


def test_gradients_are_not_read_as_clamped_losses():
    found = [*results(faults.gradient_dead_beyond_16, FOCAL, "dead_gradient/*")]
    told = {r.diagnosis for r in found if r.output == "grad_logits"}
    assert not any("log(" in one for one in told)

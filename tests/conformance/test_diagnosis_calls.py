import pytest
import torch

from conformance.mutants import torch_binary as faults
from conformance.mutants import torch_classes as class_faults
from tests.conformance.diagnosing import diagnoses, of_inputs, rewritten, says, scaled

BCE, FOCAL = "binary_cross_entropy_with_logits", "sigmoid_focal_loss"
CE, PROBS = "cross_entropy", "binary_cross_entropy"


def as_off(_):
    return None


def alpha_times(both):
    def factor(_, y, options):
        a = options.get("alpha")
        if a is None:
            return 1
        own = y * a + (1 - y) * (1 - a)
        return torch.where(own == 0, 1, both(a, y) / own)

    return factor


# Mistake, operation, cases, output and what must be said of one of them.
CALLS = [
    (
        faults.swapped_alpha,
        FOCAL,
        "basic/*",
        "value",
        "1 - alpha = 0.75 for positives*",
    ),
    (rewritten(FOCAL, alpha=as_off), FOCAL, "basic/*", "value", "without alpha = 0.25"),
    (
        scaled(FOCAL, alpha_times(lambda a, _: a)),
        FOCAL,
        "basic/*",
        "grad_logits",
        "alpha = 0.25 on both sides",
    ),
    (
        scaled(FOCAL, alpha_times(lambda a, _: 1 - a)),
        FOCAL,
        "basic/*",
        "value",
        "1 - alpha = 0.75 on both sides",
    ),
    (
        rewritten(FOCAL, gamma=lambda g: g - 1),
        FOCAL,
        "basic/gamma=2*",
        "grad_logits",
        "gamma = 1 in place of 2",
    ),
    (
        rewritten(FOCAL, gamma=lambda _: 0.0),
        FOCAL,
        "basic/gamma=0.5",
        "value",
        "gamma = 0 in place of 0.5",
    ),
    (
        rewritten(BCE, pos_weight=as_off),
        BCE,
        "basic/pos_weight=3",
        "value",
        "without pos_weight 3",
    ),
    (
        rewritten(BCE, pos_weight=lambda w: w**2),
        BCE,
        "basic/pos_weight=3",
        "value",
        "pos_weight 3 squared",
    ),
    (
        rewritten(BCE, pos_weight=lambda w: 1 / w),
        BCE,
        "basic/pos_weight=3",
        "grad_logits",
        "1 / pos_weight 3",
    ),
    (
        lambda x, y, pos_weight=1.0, **o: pos_weight * faults.bce(x, y, **o),
        BCE,
        "basic/pos_weight=3",
        "value",
        "pos_weight 3 on both terms",
    ),
    (
        rewritten(CE, class_weights=as_off),
        CE,
        "basic/class_weights=*",
        "value",
        "without class_weights",
    ),
    (
        rewritten(CE, class_weights=lambda w: w**2),
        CE,
        "basic/class_weights=*",
        "value",
        "class_weights squared",
    ),
    (
        rewritten(CE, class_weights=lambda w: w / w.sum() * 3),
        CE,
        "basic/label_smoothing=0.1;class_weights=*",
        "value",
        "class_weights over their mean 2.667",
    ),
    (
        rewritten(BCE, sample_weight=lambda v: v**2),
        BCE,
        "weighting/*sample_weight",
        "value",
        "sample_weight squared",
    ),
    (
        rewritten(BCE, sample_weight=as_off),
        BCE,
        "weighting/*sample_weight",
        "grad_logits",
        "without sample_weight",
    ),
    (
        faults.smoothing_without_halving,
        BCE,
        "basic/label_smoothing=0.1",
        "value",
        "twice label_smoothing = 0.1",
    ),
    (
        class_faults.smoothing_over_the_others,
        CE,
        "basic/label_smoothing=0.1;*",
        "value",
        "s/(K - 1) on the other classes, not s/K on all",
    ),
    (
        of_inputs(BCE, lambda x, y: (x, 1 - y)),
        BCE,
        "basic/default",
        "grad_logits",
        "labels 1 - y",
    ),
    (
        of_inputs(BCE, lambda x, y: (torch.sigmoid(x), y)),
        BCE,
        "basic/default",
        "grad_logits",
        "a sigmoid taken twice",
    ),
    (
        of_inputs(CE, lambda x, y: (torch.softmax(x, -1), y)),
        CE,
        "basic/default",
        "grad_logits",
        "a softmax taken twice",
    ),
    (
        of_inputs(CE, lambda x, y: (x, (y + 1) % 3)),
        CE,
        "basic/default",
        "value",
        "labels one too high",
    ),
    (
        faults.bce,
        PROBS,
        "basic/*",
        "grad_probs",
        "probabilities taken as logits",
    ),
    (faults.ignored_class_axis, BCE, "weighting/*square*", "value", "the last axis"),
]


@pytest.mark.parametrize(("function", "operation", "select", "output", "phrase"), CALLS)
def test_other_call_is_named(function, operation, select, output, phrase):
    told = diagnoses(function, operation, select, output)
    assert any(says(one, phrase) for one in told), told

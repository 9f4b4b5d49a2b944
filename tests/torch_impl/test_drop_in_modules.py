"""PyTorch's own modules, computed by our functions."""

import inspect

import numpy as np
import pytest
import torch

import torch_impl
from conformance.budgets import UNIT_ROUNDOFF, WITNESS_UNITS

DROP_INS = ("BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss")
SHAPE = (6, 4, 3)
GENERATOR = np.random.default_rng(5)
LOGITS = torch.tensor(GENERATOR.normal(0, 2, SHAPE))
SOFT = torch.tensor(GENERATOR.random(SHAPE))
INDEX = torch.tensor(GENERATOR.integers(0, 4, (6, 3)))
CLASSES = torch.tensor([0.25, 1.0, 3.0, 7.0], dtype=torch.float64)
ELEMENTS = torch.tensor(GENERATOR.random((4, 1)))


def value_and_gradient(module, input, target):
    x = input.clone().requires_grad_()
    value = module(x, target)
    weights = torch.arange(1.0, 1 + value.numel(), dtype=value.dtype)
    (weights.reshape(value.shape) * value).sum().backward()
    return value.detach(), x.grad


def assert_agree(actual, expected, size):
    """Both within the budget of a witness; ``size`` is that of the largest term."""
    for ours, theirs in zip(actual, expected, strict=True):
        assert ours.shape == theirs.shape
        limit = WITNESS_UNITS * UNIT_ROUNDOFF["float64"] * size
        torch.testing.assert_close(ours, theirs, rtol=0, atol=limit)


@pytest.mark.parametrize("name", DROP_INS)
def test_constructors_are_pytorchs(name):
    theirs, ours = getattr(torch.nn, name), getattr(torch_impl, name)
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert inspect.signature(ours.forward).parameters.keys() == (
        inspect.signature(theirs.forward).parameters.keys()
    )
    assert issubclass(ours, theirs)


CALLS = [
    ("BCEWithLogitsLoss", {}, LOGITS, SOFT),
    ("BCEWithLogitsLoss", {"weight": ELEMENTS}, LOGITS, SOFT),
    ("BCEWithLogitsLoss", {"weight": SOFT}, LOGITS, SOFT),
    ("BCEWithLogitsLoss", {"pos_weight": torch.tensor(5.0)}, LOGITS, SOFT),
    ("BCEWithLogitsLoss", {"pos_weight": torch.tensor([5.0])}, LOGITS, SOFT),
    ("BCEWithLogitsLoss", {"pos_weight": CLASSES[:3]}, LOGITS, SOFT),
    ("BCEWithLogitsLoss", {"pos_weight": CLASSES[:, None]}, LOGITS, SOFT),
    ("BCEWithLogitsLoss", {"pos_weight": CLASSES[None, :, None]}, LOGITS, SOFT),
    ("BCEWithLogitsLoss", {"pos_weight": CLASSES[1:2, None]}, LOGITS[0], SOFT[0]),
    ("BCELoss", {}, SOFT, 1 - SOFT),
    ("BCELoss", {"weight": ELEMENTS}, SOFT, 1 - SOFT),
    ("CrossEntropyLoss", {}, LOGITS, INDEX),
    ("CrossEntropyLoss", {"weight": CLASSES}, LOGITS, INDEX),
    ("CrossEntropyLoss", {"weight": CLASSES, "label_smoothing": 0.1}, LOGITS, INDEX),
    ("CrossEntropyLoss", {"weight": CLASSES, "ignore_index": 2}, LOGITS, INDEX),
    ("CrossEntropyLoss", {}, LOGITS[0].T, INDEX[0]),
    ("CrossEntropyLoss", {"weight": CLASSES}, LOGITS[0, :, 0], INDEX[0, 0]),
    ("CrossEntropyLoss", {}, LOGITS, SOFT / SOFT.sum(1, keepdim=True)),
    ("CrossEntropyLoss", {"label_smoothing": 0.3}, LOGITS[0, :, 0], CLASSES / 11.25),
]


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize(("name", "options", "input", "target"), CALLS)
def test_drop_ins_agree_with_pytorch(name, options, input, target, reduction):
    answers = [
        value_and_gradient(
            getattr(home, name)(reduction=reduction, **options), input, target
        )
        for home in (torch_impl, torch.nn)
    ]
    terms = input.numel()
    slope = 1 / (SOFT * (1 - SOFT)).min() if name == "BCELoss" else 1 + LOGITS.max()
    assert_agree(*answers, size=float(7 * terms * slope))


def test_one_hot_targets_under_weights_are_the_departure():
    onehot = torch.nn.functional.one_hot(INDEX, 4).movedim(-1, 1).double()
    ours, theirs = (
        home.CrossEntropyLoss(weight=CLASSES) for home in (torch_impl, torch.nn)
    )
    torch.testing.assert_close(ours(LOGITS, onehot), theirs(LOGITS, INDEX))
    weights = CLASSES[INDEX].sum() / INDEX.numel()
    torch.testing.assert_close(ours(LOGITS, onehot) * weights, theirs(LOGITS, onehot))


@pytest.mark.filterwarnings("ignore:size_average and reduce args:UserWarning")
@pytest.mark.parametrize("name", DROP_INS)
@pytest.mark.parametrize(
    ("options", "reduction"),
    [({"size_average": False}, "sum"), ({"reduce": False}, "none")],
)
def test_deprecated_arguments_still_choose_the_reduction(name, options, reduction):
    assert getattr(torch_impl, name)(**options).reduction == reduction


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        (
            "BCEWithLogitsLoss",
            {"pos_weight": torch.ones(4)},
            "along one axis of the input",
        ),
        ("BCEWithLogitsLoss", {"pos_weight": torch.ones(3, 1, 1)}, "\\(3, 1, 1\\)"),
        ("BCEWithLogitsLoss", {"pos_weight": torch.ones(4, 3)}, "along one axis"),
        ("BCEWithLogitsLoss", {"pos_weight": torch.ones(2, 1, 1, 1)}, "one axis"),
        ("BCEWithLogitsLoss", {"weight": torch.ones(4)}, "must broadcast to \\(6, 4"),
        ("BCELoss", {"weight": torch.ones(2, 6, 4, 3)}, "weight must broadcast"),
        ("CrossEntropyLoss", {"weight": torch.ones(3)}, "class_weights must have"),
        ("CrossEntropyLoss", {"label_smoothing": 1.0}, "must be in \\[0, 1\\)"),
        ("CrossEntropyLoss", {"reduction": "average"}, "reduction must be one of"),
    ],
)
def test_what_does_not_fit_is_named(name, options, text):
    module = getattr(torch_impl, name)(**options)
    target = INDEX if name == "CrossEntropyLoss" else SOFT
    with pytest.raises(ValueError, match=text):
        module(LOGITS, target)


@pytest.mark.parametrize("name", DROP_INS)
def test_checkpoints_are_pytorchs(name):
    weight = torch.tensor([1.0, 2.0, 3.0])
    theirs = getattr(torch.nn, name)(weight=weight)
    ours = getattr(torch_impl, name)(weight=torch.ones(3))
    ours.load_state_dict(theirs.state_dict())
    assert torch.equal(ours.weight, weight)
    theirs.load_state_dict(ours.state_dict())

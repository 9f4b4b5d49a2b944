"""A training script whose import of torch.nn becomes torch_impl learns the same."""

import numpy as np
import pytest
import torch

import torch_impl
from conformance.budgets import SHADOW_FACTOR, SHADOW_FLOOR, UNIT_ROUNDOFF

STEPS, BATCH, FEATURES, OUTPUTS = 300, 32, 6, 3
SHADOWS = 3
GENERATOR = np.random.default_rng(21)
INPUTS = GENERATOR.normal(size=(256, FEATURES))
SCORES = INPUTS @ GENERATOR.normal(size=(FEATURES, OUTPUTS)) - [0.0, 1.0, 2.5]
SCORES += GENERATOR.normal(size=SCORES.shape)
MULTI_LABEL = (SCORES > 0.5).astype(float)
INDEX = SCORES.argmax(axis=1)
PARTLY_IGNORED = np.where(GENERATOR.random(256) < 0.2, -100, INDEX)
BATCHES = GENERATOR.integers(0, 256, (STEPS, BATCH))
FIRST = [
    GENERATOR.normal(0, 0.4, shape)
    for shape in ((FEATURES, 8), (8,), (8, OUTPUTS), (OUTPUTS,))
]
SCRIPTS = {
    "weights and smoothing": (
        lambda nn, w: nn.CrossEntropyLoss(weight=w, label_smoothing=0.1),
        INDEX,
    ),
    "ignored": (lambda nn, w: nn.CrossEntropyLoss(weight=w), PARTLY_IGNORED),
    "pos_weight": (lambda nn, w: nn.BCEWithLogitsLoss(pos_weight=w), MULTI_LABEL),
    "element weight": (lambda nn, w: nn.BCEWithLogitsLoss(weight=w), MULTI_LABEL),
    "probabilities": (
        lambda nn, _: torch.nn.Sequential(torch.nn.Sigmoid(), Unary(nn.BCELoss())),
        MULTI_LABEL,
    ),
}
WEIGHTS = [1.0, 2.0, 7.0]


class Unary(torch.nn.Module):
    """Ends a Sequential that gets the target beforehand."""

    def __init__(self, loss):
        super().__init__()
        self.loss = loss

    def forward(self, probs):
        return self.loss(probs, self.target)


def train(home, script, dtype, *, move=None):
    """Returns the loss of every step; ``move`` draws ulps for the first weights."""
    make, labels = SCRIPTS[script]
    criterion = make(home, torch.tensor(WEIGHTS)).to(dtype)
    parameters = []
    for array in FIRST:
        start = torch.tensor(array, dtype=dtype).numpy()
        if move is not None:
            start = start + move.choice([-1, 1], start.shape) * np.spacing(start)
        parameters.append(torch.tensor(start, dtype=dtype, requires_grad=True))
    kernel, bias, last_kernel, last_bias = parameters
    optimizer = torch.optim.AdamW(
        parameters,
        lr=0.01,
        betas=(0.9, 0.99),
        eps=1e-6,
        weight_decay=0.01,
        foreach=False,
        fused=False,
    )
    features, targets = torch.tensor(INPUTS, dtype=dtype), torch.tensor(labels)
    targets = targets.to(dtype) if targets.is_floating_point() else targets
    losses = []
    for indices in torch.tensor(BATCHES):
        hidden = torch.tanh(features[indices] @ kernel + bias)
        loss = evaluate(criterion, hidden @ last_kernel + last_bias, targets[indices])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


def evaluate(criterion, logits, target):
    if isinstance(criterion, torch.nn.Sequential):
        criterion[-1].target = target
        return criterion(logits)
    return criterion(logits, target)


def bound(expected, script, dtype):
    """How far PyTorch drifts from itself, from first weights moved by one ulp."""
    move = np.random.default_rng(1)
    shadows = [train(torch.nn, script, dtype, move=move) for _ in range(SHADOWS)]
    drift = np.abs(np.array(shadows) - expected).max(axis=0)
    unit = UNIT_ROUNDOFF[str(dtype).removeprefix("torch.")]
    floor = SHADOW_FLOOR * unit * expected.max()
    return SHADOW_FACTOR * np.maximum(np.maximum.accumulate(drift), floor)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("script", SCRIPTS)
def test_loss_curve_is_the_same(script, dtype):
    expected = train(torch.nn, script, dtype)
    assert expected[-20:].mean() < 0.8 * expected[:20].mean()
    actual = train(torch_impl, script, dtype)
    limit = bound(expected, script, dtype)
    # Still rounding at the end, or everything would pass.
    assert limit.max() < 1e-2 * expected.min()
    assert (np.abs(actual - expected) <= limit).all()


class Counting:
    """Divides by the number of examples, not by their weights."""

    @staticmethod
    def CrossEntropyLoss(weight, **options):  # noqa: N802 - stands for the class
        del weight
        return torch.nn.CrossEntropyLoss(**options)


class Rounded:
    """Smooths a little more."""

    @staticmethod
    def CrossEntropyLoss(label_smoothing, **options):  # noqa: N802 - as above
        return torch.nn.CrossEntropyLoss(
            label_smoothing=label_smoothing * (1 + 1e-5), **options
        )


@pytest.mark.parametrize("home", [Counting, Rounded])
def test_other_rule_is_seen(home):
    script, dtype = "weights and smoothing", torch.float64
    expected = train(torch.nn, script, dtype)
    difference = np.abs(train(home, script, dtype) - expected)
    assert (difference > bound(expected, script, dtype)).mean() > 0.9

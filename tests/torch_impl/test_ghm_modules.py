"""The state of the gradient-harmonised modules."""

import copy

import numpy as np
import pytest
import torch

from torch_impl import GHMCLoss, GHMRLoss, ghmc_loss, ghmr_loss

GENERATOR = np.random.default_rng(9)
BATCHES = [
    (torch.tensor(x), torch.tensor(y, dtype=torch.float64))
    for x, y in zip(
        GENERATOR.normal(0, 3, (4, 50)), GENERATOR.integers(0, 2, (4, 50)), strict=True
    )
]
OPTIONS = {"bins": 7, "momentum": 0.75, "debias": False, "average_over": "bins"}
PAIRS = [(GHMCLoss, ghmc_loss, {}), (GHMRLoss, ghmr_loss, {"mu": 0.3})]


@pytest.mark.parametrize(("module", "function", "own"), PAIRS)
def test_module_is_the_function_with_a_memory(module, function, own):
    module, state = module(**OPTIONS, **own).double(), None
    for x, y in BATCHES:
        mask = x.abs() < 4
        expected, state = function(x, y, state, sample_mask=mask, **OPTIONS, **own)
        assert torch.equal(module(x, y, sample_mask=mask), expected)
        assert torch.equal(module.counts, state.counts)
        assert torch.equal(module.updates, state.updates)


def test_counts_are_summed_over_shards():
    module = GHMCLoss(reduce_counts=lambda counts: 2 * counts)
    module(*BATCHES[0])
    assert module.counts.sum() == 2 * len(BATCHES[0][0])


def test_evaluation_uses_the_state_and_leaves_it():
    module = GHMCLoss(momentum=0.75).double()
    module(*BATCHES[0])
    before = copy.deepcopy(module.state_dict())
    module.eval()
    first, second = module(*BATCHES[1]), module(*BATCHES[1])
    assert torch.equal(first, second)
    assert str(module.state_dict()) == str(before)
    assert first != GHMCLoss(momentum=0.75).double()(*BATCHES[1])
    module.train()
    assert torch.equal(module(*BATCHES[1]), first)
    assert str(module.state_dict()) != str(before)


def test_reset_forgets():
    module = GHMCLoss(momentum=0.75)
    first = module(*BATCHES[0])
    module(*BATCHES[1])
    module.reset()
    assert not module.counts.any()
    assert not module.updates.any()
    assert torch.equal(module(*BATCHES[0]), first)


def test_restored_training_continues():
    whole, half = GHMCLoss(momentum=0.75), GHMCLoss(momentum=0.75)
    for x, y in BATCHES[:2]:
        whole(x, y)
        half(x, y)
    restored = GHMCLoss(momentum=0.75)
    restored.load_state_dict(half.state_dict())
    for x, y in BATCHES[2:]:
        assert torch.equal(restored(x, y), whole(x, y))


def test_half_precision_still_counts():
    module = GHMCLoss(momentum=0.5)
    model = torch.nn.Sequential(torch.nn.Linear(2, 1), module).half()
    assert next(model.parameters()).dtype == torch.float16
    assert module.counts.dtype == torch.float32
    many = torch.zeros(70_000, dtype=torch.float16)  # more than float16 can count
    assert torch.isfinite(module(many, torch.ones(70_000)))
    assert module.counts.sum() == 35_000
    model.double()
    assert module.counts.dtype == torch.float64
    model.half()
    assert module.counts.dtype == torch.float64


def test_gradient_leaves_the_state_alone():
    module = GHMCLoss()
    x = BATCHES[0][0].clone().requires_grad_()
    module(x, BATCHES[0][1]).backward()
    assert x.grad is not None
    assert x.grad.abs().min() > 0
    assert not module.counts.requires_grad
    assert list(module.parameters()) == []

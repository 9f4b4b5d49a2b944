"""The same examples in every framework, also where steps are compiled."""

from itertools import islice

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from refimpl.sampling import (
    batch_stream,
    batches,
    class_balanced_batches,
    sample_weights,
    weighted_indices,
)
from tests.backends import ALL
from torch_impl.samplers import ClassBalancedBatchSampler, WeightedIndexSampler

LABELS = np.repeat([0, 2, 1], [11, 3, 5])
CLASS_WEIGHTS = np.array([1.0, 2.5, 4.0])
VALUES = np.arange(19, dtype=np.float32) ** 2
DRAWS = {
    "weighted": lambda epoch: batches(
        weighted_indices(
            sample_weights(LABELS, CLASS_WEIGHTS), 20, seed=9, epoch=epoch
        ),
        6,
        drop_last=True,
    ),
    "balanced": lambda epoch: class_balanced_batches(LABELS, 6, seed=9, epoch=epoch),
}


@pytest.mark.parametrize("backend", ALL, ids=str)
def test_arrays_of_any_framework_give_the_same_indices(backend):
    labels, weights = backend.exact(LABELS), backend.array(CLASS_WEIGHTS, "float32")
    found = sample_weights(labels, weights)
    assert (found == CLASS_WEIGHTS[LABELS]).all()
    rows = weighted_indices(backend.array(found, "float32"), 50, seed=9)
    assert (rows == weighted_indices(CLASS_WEIGHTS[LABELS], 50, seed=9)).all()
    dealt = class_balanced_batches(labels, 6, seed=9)
    assert (dealt == class_balanced_batches(LABELS, 6, seed=9)).all()


def test_tensors_of_bfloat16_and_with_gradient():
    weights = torch.tensor(CLASS_WEIGHTS, dtype=torch.bfloat16, requires_grad=True)
    found = sample_weights(torch.tensor(LABELS), weights)
    assert (found == CLASS_WEIGHTS[LABELS]).all()
    rows = weighted_indices(weights, 50, seed=9)
    assert (rows == weighted_indices(CLASS_WEIGHTS, 50, seed=9)).all()


def torch_loader(kind, epoch):
    data = TensorDataset(torch.tensor(VALUES))
    if kind == "balanced":
        sampler = ClassBalancedBatchSampler(torch.tensor(LABELS), 6, seed=9)
        loader = DataLoader(data, batch_sampler=sampler)
    else:
        weights = torch.tensor(CLASS_WEIGHTS)[torch.tensor(LABELS)]
        sampler = WeightedIndexSampler(weights, 20, seed=9)
        loader = DataLoader(data, 6, sampler=sampler, drop_last=True)
    sampler.set_epoch(epoch)
    return [float(batch.sum()) for (batch,) in loader]


@pytest.mark.parametrize("kind", DRAWS)
def test_torch_and_jax_see_the_same_batches(kind):
    traces = []

    @jax.jit
    def total(rows):
        traces.append(rows.shape)
        return jnp.asarray(VALUES)[rows].sum()

    stream = batch_stream(DRAWS[kind])
    epochs = [torch_loader(kind, epoch) for epoch in range(3)]
    expected = [number for epoch in epochs for number in epoch]
    found = [float(total(rows)) for rows, _ in islice(stream, len(expected))]
    # Sums of small whole numbers: exact in float32.
    assert found == expected
    assert epochs[0] != epochs[1]
    assert traces == [(6,)]

import subprocess
import sys
from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

from refimpl.sampling import class_balanced_batches, weighted_indices
from torch_impl.samplers import ClassBalancedBatchSampler, WeightedIndexSampler

WEIGHTS = np.array([0.5, 3.0, 0.0, 0.25, 1.25, 2.0, 0.7])
LABELS = np.repeat([2, 0, 1], [4, 9, 2])
DATA = TensorDataset(torch.arange(15))


def weighted(**options):
    return WeightedIndexSampler(WEIGHTS, 23, seed=5, **options)


def balanced(**options):
    return ClassBalancedBatchSampler(LABELS, 4, seed=5, **options)


def weighted_rows(**options):
    return weighted_indices(WEIGHTS, 23, seed=5, **options)


def balanced_rows(**options):
    return class_balanced_batches(LABELS, 4, seed=5, **options)


BOTH = pytest.mark.parametrize(
    ("sampler", "rows"), [(weighted, weighted_rows), (balanced, balanced_rows)]
)


@BOTH
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rank": 1, "ranks": 3},
        {"rank": 2, "ranks": 3, "uneven": "pad"},
        {"rank": 0, "ranks": 4, "uneven": "drop"},
    ],
)
def test_indices_are_those_of_the_reference(sampler, rows, options):
    made = sampler(**options)
    for epoch in (0, 3):
        made.set_epoch(epoch)
        assert list(made) == rows(epoch=epoch, **options).tolist()
        assert len(made) == len(list(made))


def test_options_of_balanced_batches_arrive():
    assert len(balanced(drop_last=True)) == len(balanced()) - 1
    assert len(balanced(size=3)) == 3
    with pytest.raises(ValueError, match="class 3 has none"):
        balanced(classes=4)


@BOTH
def test_indices_are_handed_out_one_at_a_time(sampler, rows):
    made = iter(sampler())
    assert next(made) == rows()[0].tolist()
    assert not hasattr(made, "__length_hint__")  # as that of a list has
    assert type(next(made)) is type(rows()[0].tolist())


@BOTH
def test_epoch_repeats_until_the_next_one_is_set(sampler, rows):
    made = sampler()
    assert list(made) == list(made) == rows().tolist()
    made.set_epoch(1)
    assert list(made) != rows().tolist()


@BOTH
def test_epoch_resumes_and_the_next_one_is_whole(sampler, rows):
    made = sampler()
    made.set_epoch(2, start=3)
    assert list(made) == rows(epoch=2).tolist()[3:]
    assert len(made) == len(rows()) - 3
    made.set_epoch(3)
    assert list(made) == rows(epoch=3).tolist()
    made.set_epoch(3, start=len(rows()))
    assert list(made) == []


@BOTH
@pytest.mark.parametrize(
    ("epoch", "start", "text"),
    [(0, 24, "start must be in"), (0, -1, "start must be >="), (-1, 0, "epoch must")],
)
def test_bad_places_are_refused(sampler, rows, epoch, start, text):
    made = sampler()
    with pytest.raises(ValueError, match=text):
        made.set_epoch(epoch, start=start)
    assert list(made) == rows().tolist()


def test_bad_arguments_are_refused_when_it_is_made():
    with pytest.raises(ValueError, match="weights must be finite"):
        WeightedIndexSampler([1.0, -1.0], 3, seed=0)
    with pytest.raises(ValueError, match="batch_size must be >= 3"):
        ClassBalancedBatchSampler(LABELS, 2, seed=0)


def loaded(workers):
    sampler = weighted()
    sampler.set_epoch(1)
    loader = DataLoader(DATA, batch_size=5, sampler=sampler, num_workers=workers)
    examples = [batch.tolist() for (batch,) in loader]
    loader = DataLoader(DATA, batch_sampler=balanced(), num_workers=workers)
    return examples, [batch.tolist() for (batch,) in loader]


def test_loader_draws_examples_and_batches():
    examples, dealt = loaded(workers=0)
    assert [len(batch) for batch in examples] == [5, 5, 5, 5, 3]
    assert list(chain(*examples)) == weighted_rows(epoch=1).tolist()
    assert dealt == balanced_rows().tolist()


def test_loader_with_workers_draws_the_same():
    # In a process of its own: JAX, where it is loaded, does not let a process fork.
    code = "from tests.torch_impl.test_samplers import loaded; print(loaded(workers=2))"
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.stdout.strip() == str(loaded(workers=0)), found.stderr


@pytest.mark.parametrize(("off_by", "agrees"), [(1.0, True), (1.02, False)])
def test_distribution_is_that_of_weighted_random_sampler(off_by, agrees):
    draws = 2 * 10**6
    ours = WeightedIndexSampler(WEIGHTS, draws, seed=1)
    generator = torch.Generator().manual_seed(2)
    weights = WEIGHTS * [1, off_by, 1, 1, 1, 1, 1]
    theirs = WeightedRandomSampler(weights.tolist(), draws, generator=generator)
    table = np.array([np.bincount(list(s), minlength=7) for s in (ours, theirs)])
    assert (table[:, 2] == 0).all()
    found: Any = stats.chi2_contingency(table[:, WEIGHTS > 0])
    p = found.pvalue
    assert p > 0.01 if agrees else p < 1e-6

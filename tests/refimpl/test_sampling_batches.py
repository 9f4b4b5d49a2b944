import itertools
import json
import tracemalloc

import numpy as np
import pytest
from scipy import stats

from refimpl.sampling import (
    START,
    Position,
    batch_stream,
    batches,
    class_balanced_batches,
)

LABELS = np.array([2, 0, 0, 1, 0, 2, 0, 0, 1, 0, 0, 0, 2, 0, 2])


def counts(rows, size):
    return np.bincount(rows, minlength=size)


BALANCED = [(size, drop) for size in (3, 4, 5, 7, 30) for drop in (False, True)]


@pytest.mark.parametrize(("batch_size", "drop_last"), BALANCED)
def test_batches_are_balanced_and_classes_take_turns(batch_size, drop_last):
    dealt = class_balanced_batches(LABELS, batch_size, seed=3, drop_last=drop_last)
    per_batch = np.array([counts(LABELS[rows], 3) for rows in dealt])
    assert dealt.shape[1] == batch_size
    assert (np.ptp(per_batch, axis=1) <= 1).all() if len(dealt) else drop_last
    assert np.ptp(per_batch.sum(axis=0)) <= 1 if len(dealt) else drop_last


@pytest.mark.parametrize(("batch_size", "drop_last"), BALANCED)
def test_examples_of_a_class_are_used_equally_often(batch_size, drop_last):
    dealt = class_balanced_batches(LABELS, batch_size, seed=3, drop_last=drop_last)
    used = counts(dealt.reshape(-1), len(LABELS))
    assert all(np.ptp(used[label == LABELS]) <= 1 for label in range(3))
    largest = used[LABELS == 0]
    # Once: never twice, or never missed and at most one share of a batch twice.
    if drop_last:
        assert largest.max(initial=0) <= 1
    else:
        assert largest.min() >= 1
        assert largest.sum() - 9 <= -(-batch_size // 3)


@pytest.mark.parametrize("size", [0, 2, 11])
def test_size_is_the_number_of_batches(size):
    # Without it there are 6; the longer of two epochs begins with the shorter.
    dealt = class_balanced_batches(LABELS, 5, seed=3, size=size, drop_last=True)
    longest = class_balanced_batches(LABELS, 5, seed=3, size=11)
    assert dealt.shape == (size, 5)
    assert (dealt == longest[:size]).all()
    assert (longest[:6] == class_balanced_batches(LABELS, 5, seed=3)).all()
    padded = class_balanced_batches(
        LABELS, 5, seed=3, size=size, rank=1, ranks=3, uneven="drop"
    )
    assert (padded == longest[1 : size // 3 * 3 : 3]).all()


def test_epoch_takes_the_memory_of_its_own_batches():
    labels = np.concatenate([np.zeros(20_000, int), np.arange(1, 50)])
    tracemalloc.start()
    whole = class_balanced_batches(labels, 100, seed=3)
    _, peak = tracemalloc.get_traced_memory()
    # Twice where the classes are dealt apart and then joined.
    assert peak < 1.5 * whole.nbytes
    part = class_balanced_batches(labels, 100, seed=3, rank=1, ranks=64)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept - whole.nbytes < 2 * part.nbytes


def test_each_round_of_a_class_is_a_fresh_order():
    dealt = class_balanced_batches(np.repeat([0, 1], [60, 10]), 20, seed=3)
    rounds = [tuple(rows[rows >= 60]) for rows in dealt]
    assert all(sorted(cards) == list(range(60, 70)) for cards in rounds)
    assert len(set(rounds)) == len(rounds) == 6
    first = class_balanced_batches(np.repeat([0, 1], [60, 10]), 20, seed=3, epoch=1)
    assert (first[:, ::2] != dealt[:, ::2]).mean() > 0.9


def test_every_order_is_as_likely_as_the_others():
    # Orders of three cards; 3000 rounds.
    dealt = class_balanced_batches(np.repeat([0, 1], [9000, 3]), 6, seed=3)
    _, found = np.unique(dealt[:, 1::2], axis=0, return_counts=True)
    assert len(found) == 6
    assert stats.chisquare(found).pvalue > 0.01


def test_balanced_batches_are_the_ones_pinned():
    found = class_balanced_batches([2, 0, 0, 1, 0, 2, 0, 0], 5, seed=2026, epoch=1)
    assert found.tolist() == [[1, 3, 5, 6, 3], [0, 4, 3, 0, 7], [3, 5, 2, 3, 0]]


@pytest.mark.parametrize(
    ("uneven", "lengths"),
    [("keep", [3, 2, 2]), ("pad", [3, 3, 3]), ("drop", [2, 2, 2])],
)
def test_ranks_together_deal_the_single_stream(uneven, lengths):
    single = class_balanced_batches(LABELS, 4, seed=1)
    parts = [
        class_balanced_batches(LABELS, 4, seed=1, rank=rank, ranks=3, uneven=uneven)
        for rank in range(3)
    ]
    assert [len(part) for part in parts] == lengths
    for number, rows in enumerate(single[: sum(lengths)]):
        assert (parts[number % 3][number // 3] == rows).all()


@pytest.mark.parametrize(
    ("labels", "options", "text"),
    [
        ([0, 2, 2], {}, r"every class in \[0, 3\), class 1 has none"),
        ([0, 1, 1], {"classes": 3}, "class 2 has none"),
        ([0, 1, 3], {"classes": 3}, r"labels must be in \[0, 3\), got 3 at index 2"),
        ([0, -1], {}, "labels must be >= 0, got -1 at index 1"),
        (np.array([], int), {}, "class 0 has none"),
        ([0.0, 1.0], {}, "labels must be class indices"),
        (LABELS, {"batch_size": 2}, "batch_size must be >= 3, the number of classes"),
        (LABELS, {"batch_size": 4.0}, "batch_size must be an integer"),
        (LABELS, {"rank": 1}, r"rank must be in \[0, 1\)"),
        (LABELS, {"classes": 0}, "classes must be >= 1"),
        (LABELS, {"size": -1}, "size must be >= 0"),
        (LABELS, {"size": 2.0}, "size must be an integer"),
    ],
)
def test_bad_deals_name_the_argument(labels, options, text):
    options = {"batch_size": 6, "seed": 0} | options
    with pytest.raises((TypeError, ValueError), match=text):
        class_balanced_batches(labels, options.pop("batch_size"), **options)


@pytest.mark.parametrize(("drop_last", "sizes"), [(False, [3, 3, 1]), (True, [3, 3])])
def test_batches_cut_the_indices_in_order(drop_last, sizes):
    cut = list(batches(np.arange(7), 3, drop_last=drop_last))
    assert [len(rows) for rows in cut] == sizes
    assert np.concatenate(cut).tolist() == list(range(sum(sizes)))


def test_batches_refuse_a_bad_size_at_once():
    with pytest.raises(ValueError, match="batch_size must be >= 1"):
        batches(np.arange(7), 0)


def draw(epoch):
    return class_balanced_batches(LABELS, 10, seed=1, epoch=epoch)


def test_stream_goes_on_and_resumes_anywhere():
    whole = list(itertools.islice(batch_stream(draw), 8))
    assert len(draw(0)) == 3
    assert (whole[4][0] == draw(1)[1]).all()
    assert [place for _, place in whole[:4]] == [(0, 1), (0, 2), (0, 3), (1, 1)]
    for used, place in enumerate([START, *(place for _, place in whole[:6])]):
        rows, after = next(batch_stream(draw, start=place))
        assert (rows == whole[used][0]).all()
        assert after == whole[used][1]


def test_stream_resumes_from_a_pair_of_json():
    _, place = next(batch_stream(draw, start=Position(4, 1)))
    pair = json.loads(json.dumps(place))
    assert next(batch_stream(draw, start=pair))[1] == Position(4, 3)


@pytest.mark.parametrize(
    ("start", "text"),
    [
        ((4, 5), r"start batch must be in \[0, 3\], the batches of epoch=4, got 5"),
        ((4, -1), "start batch must be >= 0"),
        ((-1, 0), "start epoch must be >= 0"),
        ((0.0, 1), "start epoch must be an integer"),
    ],
)
def test_bad_starts_are_refused(start, text):
    with pytest.raises((TypeError, ValueError), match=text):
        next(batch_stream(draw, start=start))


def test_stream_without_batches_raises_instead_of_hanging():
    with pytest.raises(ValueError, match="at least one batch, none in epoch=2"):
        next(batch_stream(lambda _: [], start=Position(2, 0)))

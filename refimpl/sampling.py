"""Sampling against imbalance: which examples, in which order, on which rank.

Everything is drawn here, in NumPy, so that every framework trains on the same
examples. A stream follows from ``(seed, epoch)`` alone: it takes the raw bits of
PCG64, which NumPy promises never to change, and none of NumPy's distributions.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refimpl import _validate
from refimpl._arrays import class_indices, to_numpy

UNEVEN = ("keep", "pad", "drop")


def sample_weights(labels: ArrayLike, class_weights: ArrayLike) -> NDArray[np.float64]:
    r"""Gives each example the weight of its class, to be drawn by.

    Args:
        labels: Class indices, integers or booleans of any framework, shape ``(N,)``.
        class_weights: Weight of each class, shape ``(K,)``, finite and >= 0.

    Returns:
        Weights of the examples, ``(N,)``; argument of :func:`weighted_indices`.

    Raises:
        TypeError: ``labels`` are not integers, or weights not real numbers.
        ValueError: A shape is wrong, a label is not in [0, K), or a weight is
            negative or not finite.

    Convention:
        Class k makes up :math:`n_k w_k / \sum_j n_j w_j` of the draws: this is the
        prior that the model learns. Weights in the loss on top of it **multiply**:
        with class weights :math:`v` the effective prior is proportional to
        :math:`n_k w_k v_k`, so balancing twice favours the rare class by the ratio
        of the counts. ``refimpl.weights.explain_weights`` shows the prior that weights
        amount to, ``refimpl.links.prior_shift`` takes it out of the predictions.

    Example:
        >>> sample_weights([0, 0, 0, 1], [1.0, 3.0])
        array([1., 1., 1., 3.])
    """
    weights = to_numpy("class_weights", class_weights)
    if weights.ndim != 1:
        raise ValueError(
            f"class_weights must have one axis, got shape {weights.shape}."
        )
    _validate.check_range("class_weights", weights)
    return weights.astype(np.float64)[_checked_labels(labels, len(weights))]


def weighted_indices(
    weights: ArrayLike,
    size: int,
    *,
    seed: int,
    epoch: int = 0,
    rank: int = 0,
    ranks: int = 1,
    uneven: str = "keep",
) -> NDArray[np.int64]:
    r"""Draws examples with replacement, with probability proportional to weight.

    .. math::
        i_t = \min\{i : \textstyle\sum_{j \le i} w_j > u_t \sum_j w_j\},
        \qquad u_t = 2^{-53} \lfloor 2^{-11} b_t \rfloor

    Args:
        weights: Weight of each example, ``(N,)``, finite and >= 0, one of them > 0;
            only their ratios matter. As from :func:`sample_weights`.
        size: Number of draws of an epoch, over all ranks, >= 0. Usually N.
        seed: Seed, >= 0. The bits :math:`b_t` are those of
            ``PCG64(SeedSequence(seed, spawn_key=(epoch,)))``.
        epoch: Epoch, >= 0. Each one is a stream of its own.
        rank: This process, in [0, ``ranks``).
        ranks: Number of processes, >= 1.
        uneven: What happens when ``ranks`` does not divide ``size``. ``"keep"``: the
            first ranks get one draw more. ``"pad"``: the stream goes on until it
            divides. ``"drop"``: it stops before.

    Returns:
        Indices in [0, N), int64. Rank r gets ``stream[r::ranks]``.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: A shape or a value is out of range, or all weights are 0.

    Convention:
        The ranks together draw the single stream, each draw once and in order, so
        training on more ranks sees the same examples. Data-parallel training waits
        for the slowest rank and needs equal lengths: ``"pad"`` or ``"drop"``; the
        padding is fresh draws, not repeated ones. An example of weight 0 is never
        drawn. There is no limit on N: cumulative sums carry their rounding errors
        along, where those of ``torch.multinomial`` stop at :math:`2^{24}` examples.

    Example:
        >>> weighted_indices([1.0, 0.0, 3.0], 8, seed=0)
        array([2, 2, 2, 0, 2, 2, 0, 2])
        >>> weighted_indices([1.0, 0.0, 3.0], 8, seed=0, rank=1, ranks=3)
        array([2, 2, 2])

    References:
        A weighted sampler for distributed training:
        https://github.com/pytorch/pytorch/issues/77154. Many examples:
        https://github.com/pytorch/pytorch/issues/2576 and 43115. Streams that last:
        https://numpy.org/neps/nep-0019-rng-policy.html
    """
    weights = _checked_weights(weights)
    _validate.check_integer("size", size, low=0)
    size = _shared(size, rank, ranks, uneven)
    uniforms = (_bits(size, seed, epoch)[rank::ranks] >> np.uint64(11)) * 2.0**-53
    # By a power of two, hence exactly: no weight is too large or too small to add up.
    sums = _cumulative(np.ldexp(weights, -np.frexp(weights.max())[1]))
    # Sorted keys keep the search in the cache: six times faster for 10**7 weights.
    order = np.argsort(uniforms)
    rows = np.empty(len(uniforms), dtype=np.int64)
    # Rounding never lifts u * total to the total, as u <= 1 - 2**-53: no row is beyond
    # the last one of positive weight.
    rows[order] = np.searchsorted(sums, uniforms[order] * sums[-1], side="right")
    return rows


def class_balanced_batches(
    labels: ArrayLike,
    batch_size: int,
    *,
    seed: int,
    epoch: int = 0,
    rank: int = 0,
    ranks: int = 1,
    uneven: str = "keep",
    drop_last: bool = False,
    classes: int | None = None,
    size: int | None = None,
) -> NDArray[np.int64]:
    r"""Deals an epoch of batches in which all classes are equally frequent.

    Each class is a pack of cards, shuffled again whenever it is used up. The classes
    take turns, 0, 1, …, K - 1, 0, 1, …, and a batch is the next ``batch_size`` cards.

    Args:
        labels: As in :func:`sample_weights`. Every class must occur.
        batch_size: Examples of a batch on one rank, at least K.
        seed: Seed, >= 0. The p-th order of class k is the stable order of its p-th
            :math:`n_k` numbers of ``PCG64(SeedSequence(seed, spawn_key=(epoch, k)))``.
        epoch: Epoch, >= 0.
        rank: This process, in [0, ``ranks``).
        ranks: Number of processes, >= 1. Rank r gets batches r, r + ``ranks``, …
        uneven: As in :func:`weighted_indices`, of whole batches.
        drop_last: Whether to leave out the batch in which the largest class would
            begin anew.
        classes: Number of classes K; ``None`` means the largest label plus one.
        size: Number of batches of an epoch, over all ranks, >= 0. ``None``: as many as
            the largest class fills. It has K times the examples of that class, which
            is much where there are many classes.

    Returns:
        Indices, int64, ``(batches, batch_size)``: one row is one batch.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: A class has no example, ``batch_size`` is less than K, or another
            value is out of range.

    Convention:
        Every batch has ``batch_size // K`` examples of each class, and one more of
        ``batch_size % K`` classes, which take turns. All batches are full, so that
        shapes never change. Without ``size`` an epoch goes through the largest class
        once; the last batch is filled up from its next shuffle unless ``drop_last``,
        which means nothing to a given ``size``. Examples of one class are used equally
        often, give or take one. The model learns equal priors; weights in the loss
        would come on top, see :func:`sample_weights`.

    Example:
        >>> class_balanced_batches([0, 0, 0, 0, 1, 1], 4, seed=0)
        array([[2, 4, 0, 5],
               [3, 5, 1, 4]])
    """
    rows = _by_class(labels, classes)
    _validate.check_integer("batch_size", batch_size)
    if batch_size < len(rows):
        raise ValueError(
            f"batch_size must be >= {len(rows)}, the number of classes, "
            f"got {batch_size}."
        )
    if size is None:
        cards = max(map(len, rows)) * len(rows)
        size = cards // batch_size if drop_last else -(-cards // batch_size)
    _validate.check_integer("size", size, low=0)
    size = _shared(size, rank, ranks, uneven)
    turns = -(-size * batch_size // len(rows))
    dealt = np.empty((turns, len(rows)), dtype=np.int64)
    for k, own in enumerate(rows):
        dealt[:, k] = _dealt(own, turns, seed, epoch, k)
    dealt = dealt.reshape(-1)[: size * batch_size].reshape(size, batch_size)
    # A copy where there are other ranks, so that theirs are not kept in memory.
    return np.ascontiguousarray(dealt[rank::ranks])


def batches(
    indices: NDArray[np.int64], batch_size: int, *, drop_last: bool = False
) -> Iterator[NDArray[np.int64]]:
    """Cuts indices into batches.

    Args:
        indices: Indices, ``(N,)``, as from :func:`weighted_indices`.
        batch_size: Examples of a batch, >= 1.
        drop_last: Whether to leave out a last batch that is not full, so that a
            compiled step sees one shape only.

    Returns:
        An iterator over index arrays.

    Raises:
        TypeError: ``batch_size`` is not an integer.
        ValueError: ``batch_size`` is not positive.

    Example:
        >>> [batch.tolist() for batch in batches(np.arange(5), 2)]
        [[0, 1], [2, 3], [4]]
    """
    _validate.check_integer("batch_size", batch_size, low=1)
    stop = len(indices) - len(indices) % batch_size if drop_last else len(indices)
    return (indices[at : at + batch_size] for at in range(0, stop, batch_size))


class Position(NamedTuple):
    """Place in a stream of batches, to be saved with the model.

    Attributes:
        epoch: Epoch, from 0.
        batch: Batches of this epoch already used.
    """

    epoch: int
    batch: int


START = Position(0, 0)


def batch_stream(
    draw: Callable[[int], Iterable[NDArray[np.int64]]],
    *,
    start: Sequence[int] = START,
) -> Iterator[tuple[NDArray[np.int64], Position]]:
    """Yields batches epoch after epoch, without end, from any position.

    Args:
        draw: Gives the batches of an epoch, the same ones whenever it is asked.
        start: Where to begin: :data:`START`, or the position after the last batch used;
            any pair of an epoch and a batch, as JSON gives a position back.

    Yields:
        A batch, and the position after it.

    Raises:
        TypeError: ``start`` is not of integers.
        ValueError: An epoch has no batch, or fewer than ``start`` has used.

    Example:
        >>> def draw(epoch):
        ...     rows = weighted_indices([1.0, 3.0], 4, seed=0, epoch=epoch)
        ...     return batches(rows, 2)
        >>> stream = batch_stream(draw)
        >>> _, position = next(stream)
        >>> next(batch_stream(draw, start=position))
        (array([1, 0]), Position(epoch=0, batch=2))
    """
    first, used = start
    _validate.check_integer("start epoch", first, low=0)
    _validate.check_integer("start batch", used, low=0)
    for epoch in count(first):
        batch = 0
        for batch, rows in enumerate(draw(epoch), 1):
            if batch > used:
                yield rows, Position(epoch, batch)
        if batch == 0:
            raise ValueError(f"draw must give at least one batch, none in {epoch=}.")
        if batch < used:
            raise ValueError(
                f"start batch must be in [0, {batch}], the batches of {epoch=}, "
                f"got {used}."
            )
        used = 0


def _bits(size: int, seed: int, *key: int) -> NDArray[np.uint64]:
    """Returns raw numbers; a key tells streams of one seed apart."""
    _validate.check_integer("seed", seed, low=0)
    _validate.check_integer("epoch", key[0], low=0)
    # A list [seed, epoch] would not do: (5, 1) and (5 + 2**32, 0) would be one stream.
    sequence = np.random.SeedSequence(int(seed), spawn_key=key)
    return np.random.PCG64(sequence).random_raw(size)


def _cumulative(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns cumulative sums that are right to the last bits, however many."""
    sums = np.cumsum(weights)
    before = np.concatenate([np.zeros(1), sums[:-1]])
    added = sums - before
    # What each addition rounded away, exactly (Knuth's two-sum).
    lost = (before - (sums - added)) + (weights - added)
    return sums + np.cumsum(lost)


def _dealt(
    rows: NDArray[np.int64], turns: int, seed: int, epoch: int, label: int
) -> NDArray[np.int64]:
    """Returns the rows of a class in one random order after another."""
    orders = -(-turns // len(rows))
    bits = _bits(orders * len(rows), seed, epoch, label).reshape(orders, len(rows))
    return rows[np.argsort(bits, axis=1, kind="stable")].reshape(-1)[:turns]


def _by_class(labels: ArrayLike, classes: int | None) -> list[NDArray[np.int64]]:
    """Returns the rows of each class, in order; raises if one has none."""
    if classes is not None:
        _validate.check_integer("classes", classes, low=1)
    index = _checked_labels(labels, classes)
    counts = np.bincount(index, minlength=classes or 1)
    if not counts.all():
        raise ValueError(
            f"labels must have an example of every class in [0, {len(counts)}), "
            f"class {np.argmin(counts)} has none."
        )
    return np.split(np.argsort(index, kind="stable"), np.cumsum(counts)[:-1])


def _checked_labels(labels: ArrayLike, classes: int | None) -> NDArray[np.int64]:
    index = class_indices(labels)
    if index.ndim != 1:
        raise ValueError(f"labels must have one axis, got shape {index.shape}.")
    bad = index < 0 if classes is None else (index < 0) | (index >= classes)
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        expected = ">= 0" if classes is None else f"in [0, {classes})"
        raise ValueError(f"labels must be {expected}, got {index[at]} at index {at}.")
    return index.astype(np.int64)


def _checked_weights(weights: ArrayLike) -> NDArray[np.float64]:
    weights = to_numpy("weights", weights)
    if weights.ndim != 1:
        raise ValueError(f"weights must have one axis, got shape {weights.shape}.")
    _validate.check_range("weights", weights)
    if not weights.any():
        raise ValueError("weights must have a value > 0.")
    return weights.astype(np.float64)


def _shared(total: int, rank: int, ranks: int, uneven: str) -> int:
    """Returns how many of ``total`` are shared out; raises for an unfit rank."""
    _validate.check_choice("uneven", uneven, UNEVEN)
    _validate.check_integer("ranks", ranks, low=1)
    _validate.check_integer("rank", rank, low=0)
    if rank >= ranks:
        raise ValueError(f"rank must be in [0, {ranks}), got {rank}.")
    if uneven == "keep":
        return total
    return (total if uneven == "drop" else total + ranks - 1) // ranks * ranks

"""Gradient-harmonised classification."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refimpl import _validate, bce
from refimpl._density import GHMState, harmonise, masked, reduce_weighted
from refimpl._inputs import binary_inputs
from refimpl._stable import product, sigmoid


def ghmc_loss(
    logits: NDArray,
    labels: NDArray,
    state: Any = None,
    *,
    bins: int = 10,
    momentum: Any = 0.0,
    debias: bool = True,
    average_over: str = "nonempty",
    sample_mask: Any = None,
    reduce_counts: Callable[[NDArray], NDArray] | None = None,
    reduction: str = "mean",
) -> tuple[Any, GHMState]:
    r"""Computes the gradient-harmonised classification loss.

    .. math::
        \ell_i = \frac{N}{B\,d(g_i)}\,[\,y\,\zeta(-x) + (1 - y)\,\zeta(x)\,],\qquad
        g = |\sigma(x) - y|

    where d is the density of the bin that g falls in, N the number of elements and B
    the number of bins that are averaged over.

    Args:
        logits: Unnormalised scores x, any shape.
        labels: 0 or 1, or soft in [0, 1], shaped like ``logits``.
        state: What the last call returned, or any pair (counts, updates) of ``(bins,)``
            arrays. ``None`` starts afresh.
        bins: Number of bins of equal width over [0, 1], >= 1; the last one is closed.
        momentum: Share m in [0, 1) of the old counts in the moving average
            ``m old + (1 - m) count``, taken on the bins that are not empty.
        debias: Divide the average by 1 - m^t after t updates of the bin. The published
            code does not, which makes the first losses 1 / (1 - m) times too large.
        average_over: ``"nonempty"``: B is the number of bins with an element in this
            call, as in the published code. ``"bins"``: B = ``bins``.
        sample_mask: Boolean, false where an element does not count.
        reduce_counts: Sums ``(bins,)`` integers over all shards, such as
            ``lambda counts: jax.lax.psum(counts, "data")``. ``None`` means one shard.
        reduction: ``"none"``, ``"sum"``, ``"mean"`` or ``"parts"``.

    Returns:
        ``(loss, state)``: the loss as an array shaped like ``logits``, a scalar, or
        ``(total, normalizer)``; and the state to pass to the next call.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: Unequal shapes, or a value out of range. Compiled backends turn
            the value and the gradient of the offending element into NaN instead.

    Convention:
        The sigmoid is inside. Weights are constants for the gradient. ``"mean"``
        divides by the number of elements that count, masked and NaN ones do not; it is
        0 for none. Under ``reduce_counts`` weights are formed from the counts of all
        shards, while totals and normalizers of ``"parts"`` are those of the shard and
        add up.

    Example:
        >>> logits, labels = np.array([-4.0, -4.0, -4.0, 1.0]), np.zeros(4)
        >>> loss, state = ghmc_loss(logits, labels, reduction="none")
        >>> [f"{value:.6f}" for value in loss]
        ['0.012100', '0.012100', '0.012100', '2.626523']

    References:
        Li et al., 2019, eq. 8 and section 3.3. https://arxiv.org/abs/1811.05181
    """
    _validate.check_choice("reduction", reduction, _validate.REDUCTIONS)
    x, y = _inputs(logits, labels, sample_mask)
    harmony = harmonise(
        _classification_norm(x, y),
        state,
        bins=bins,
        momentum=momentum,
        debias=debias,
        average_over=average_over,
        sample_mask=sample_mask,
        reduce_counts=reduce_counts,
    )
    loss = bce.value(x, y, np.ones(()), np.zeros(()))
    return reduce_weighted(harmony, loss, reduction), harmony.state


def ghmc_loss_grad(
    logits: NDArray,
    labels: NDArray,
    state: Any = None,
    *,
    bins: int = 10,
    momentum: Any = 0.0,
    debias: bool = True,
    average_over: str = "nonempty",
    sample_mask: Any = None,
    reduce_counts: Callable[[NDArray], NDArray] | None = None,
    argument: str = "logits",
) -> NDArray:
    """Computes the gradient of the summed loss, at fixed weights.

    Args:
        logits: As in :func:`ghmc_loss`, like all others.
        labels: See there.
        state: See there.
        bins: See there.
        momentum: See there.
        debias: See there.
        average_over: See there.
        sample_mask: See there.
        reduce_counts: See there.
        argument: ``"logits"`` or ``"labels"``.

    Returns:
        Array shaped like ``logits``.

    Raises:
        TypeError: As the loss does.
        ValueError: As the loss does, or an unknown ``argument``.
    """
    _validate.check_choice("argument", argument, ("logits", "labels"))
    x, y = _inputs(logits, labels, sample_mask)
    harmony = harmonise(
        _classification_norm(x, y),
        state,
        bins=bins,
        momentum=momentum,
        debias=debias,
        average_over=average_over,
        sample_mask=sample_mask,
        reduce_counts=reduce_counts,
    )
    slope = bce.PARTIALS[argument](x, y, np.ones(()), np.zeros(()))
    return product(harmony.weight, slope)


def _inputs(logits: Any, labels: Any, sample_mask: Any) -> tuple[NDArray, NDArray]:
    _validate.check_pair(logits, labels)
    _validate.check_mask("sample_mask", sample_mask, logits.shape)
    x, y, _, _ = binary_inputs(masked(sample_mask, logits), masked(sample_mask, labels))
    return x, y


def _classification_norm(x: NDArray, y: NDArray) -> NDArray:
    # A hard label has the norm sigmoid(-margin), where 1 - sigmoid would round.
    hard = sigmoid(np.where(y == 1, -x, x))
    return np.where((y == 0) | (y == 1), hard, np.abs(sigmoid(x) - y))

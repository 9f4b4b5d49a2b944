"""Link of the penalty-reduced focal loss on heat maps."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refimpl._validate import check_range
from refimpl.links._inputs import from_log_odds, real, to_log_odds
from refimpl.links.focal import sigmoid_focal_link, sigmoid_focal_posterior


def heatmap_focal_link(
    posterior: ArrayLike,
    *,
    alpha: Any = 2.0,
    discount: ArrayLike = 1.0,
    log_odds: bool = False,
) -> NDArray:
    r"""Returns the logits that minimise the expected focal loss of a heat map.

    .. math::
        x^* = \mathrm{link}_{\mathrm{focal}}(\eta;\ \gamma = \alpha,\ w = 1/D),\qquad
        D = \mathrm{E}\,[(1 - h)^\beta \mid \text{no peak}]

    Args:
        posterior: Probability :math:`\eta` in [0, 1] that the place is a peak, any
            shape.
        alpha: Focusing exponent, >= 0, as in the loss.
        discount: What the place weighs when it is no peak, D in (0, 1]: (1 - h)^beta,
            averaged where h varies. A number, or an array shaped like ``posterior``.
        log_odds: As in :func:`refimpl.links.binary_cross_entropy_link`.

    Returns:
        Array shaped like ``posterior``.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: A value out of range.

    Convention:
        Only places next to peaks are discounted, and they seem likelier to be peaks
        than they are: there the posterior at logit 0 is D / (1 + D).
        Each batch is divided by the number of its peaks. Where they are few, a peak
        weighs less for it: E[1 / (1 + S)] against E[1 / max(1, S)] of what is none,
        S being the number of other peaks.

    Example:
        >>> f"{heatmap_focal_link(0.1, discount=(1 - 0.5) ** 4):.6f}"
        '0.214970'

    References:
        Law and Deng, 2018, eq. 1. https://arxiv.org/abs/1808.01244
    """
    value = to_log_odds(posterior, log_odds=log_odds)
    value = value - _log_discount(discount, value.shape)
    return sigmoid_focal_link(value, gamma=alpha, log_odds=True)


def heatmap_focal_posterior(
    logits: ArrayLike,
    *,
    alpha: Any = 2.0,
    discount: ArrayLike = 1.0,
    log_odds: bool = False,
) -> NDArray:
    """Returns the probability of a peak whose minimiser is these logits.

    Args:
        logits: What the trained model says, any shape.
        alpha: As in :func:`heatmap_focal_link`, like all others.
        discount: See there.
        log_odds: See there.

    Returns:
        Array shaped like ``logits``.

    Raises:
        TypeError: As the link does.
        ValueError: As the link does.

    Example:
        >>> f"{heatmap_focal_posterior(0.0, discount=0.0625):.12g}"
        '0.0588235294118'
    """
    value = sigmoid_focal_posterior(logits, gamma=alpha, log_odds=True)
    value = value + _log_discount(discount, value.shape)
    return from_log_odds(value, log_odds=log_odds)


def _log_discount(discount: ArrayLike, shape: tuple[int, ...]) -> NDArray:
    d = real("discount", discount)
    if d.shape not in ((), shape):
        raise ValueError(
            f"discount must be a number or have shape {shape}, got {d.shape}."
        )
    check_range("discount", d, high=1)
    if not (d > 0).all():
        raise ValueError("discount must be > 0: what weighs nothing has no posterior.")
    return np.log(d)

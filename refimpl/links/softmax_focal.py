"""Link of the focal loss over classes."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refimpl._inputs import hyperparameter
from refimpl._softmax import margin, others, softmax
from refimpl._stable import softplus
from refimpl.links._inputs import class_posterior, class_scores, log_class_weights
from refimpl.links._roots import find_root
from refimpl.links.focal import focusing

# Below the logarithm of any ratio of two numbers; stands for that of 0.
_NEVER = -1e4


def softmax_focal_link(
    posterior: ArrayLike,
    *,
    gamma: Any = 2.0,
    class_weights: Any = None,
    class_axis: int = -1,
) -> NDArray:
    r"""Returns the logits that minimise the expected softmax focal loss.

    The probabilities p for which

    .. math::
        \eta_k\,w_k\,g(p_k) = \lambda\ \text{for all}\ k,\qquad \sum_k p_k = 1,\qquad
        g(p) = \frac{(1 - p)^\gamma}{p} - \gamma\,(1 - p)^{\gamma - 1} \log p

    where g is minus the slope of the loss by p. It falls for every gamma, so the
    expected loss is convex in p and has one minimum.

    Args:
        posterior: As in :func:`refimpl.links.cross_entropy_link`.
        gamma: Focusing exponent, >= 0.
        class_weights: Factor w > 0 of each class, ``(C,)``. ``None`` means off.
        class_axis: Axis of ``posterior`` that runs over the classes.

    Returns:
        Array shaped like ``posterior``: the minimiser that is a log-probability.
        Logits may be moved by a constant for each example.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: A value out of range; weights must be > 0.

    Convention:
        Two nested roots: the log-odds of the likeliest class, and for each try those
        of the others. A class of posterior 0 has the logit -inf.
        Weights in the normalizer count as for
        :func:`refimpl.links.cross_entropy_link`.

    Example:
        >>> x = softmax_focal_link([0.7, 0.2, 0.1], gamma=2.0)
        >>> [f"{value:.6f}" for value in np.exp(x)]
        ['0.535169', '0.292693', '0.172139']

    References:
        Charoenphakdee et al., 2021. https://arxiv.org/abs/2011.09172
    """
    eta = class_posterior(posterior, class_axis)
    g = hyperparameter("gamma", gamma)
    with np.errstate(divide="ignore"):  # log 0 = -inf is what _NEVER is for
        score = np.log(eta) + log_class_weights(class_weights, eta.shape[-1])
    largest = score.max(axis=-1, keepdims=True)
    top = np.arange(eta.shape[-1]) == np.argmax(score, axis=-1)[..., None]
    ratio = np.where(top, _NEVER, np.maximum(score - largest, _NEVER))
    lead = _lead(ratio, g)[..., None]
    rest = -softplus(-_following(lead, ratio, g))
    x = np.where(top, -softplus(-lead), np.where(eta == 0, -np.inf, rest))
    return np.moveaxis(x, -1, class_axis)


def softmax_focal_posterior(
    logits: ArrayLike,
    *,
    gamma: Any = 2.0,
    class_weights: Any = None,
    class_axis: int = -1,
) -> NDArray:
    r"""Returns the posterior whose minimiser is these logits, in closed form.

    .. math::
        \eta_k \propto 1 / (w_k\,g(p_k)),\qquad p = \mathrm{softmax}(x)

    Args:
        logits: What the trained model says, with a class axis.
        gamma: As in :func:`softmax_focal_link`, like all others.
        class_weights: See there.
        class_axis: See there.

    Returns:
        Array shaped like ``logits``; it sums to 1 along ``class_axis``.

    Raises:
        TypeError: As the link does.
        ValueError: As the link does.

    Example:
        >>> eta = softmax_focal_posterior(np.log([0.5, 0.3, 0.2]), gamma=2.0)
        >>> [f"{value:.6f}" for value in eta]
        ['0.638527', '0.229551', '0.131921']
    """
    x = class_scores("logits", logits, class_axis)
    g = hyperparameter("gamma", gamma)
    w = log_class_weights(class_weights, x.shape[-1])
    # An infinite logit is further out than any that is not.
    slope = _log_slope(np.clip(_log_odds(x), -1e30, 1e30), g)
    return np.moveaxis(softmax(-w - slope)[0], -1, class_axis)


def _log_slope(m: NDArray, gamma: NDArray) -> NDArray:
    """Returns log g(p) at log-odds m of p, which falls."""
    return (1 - gamma) * softplus(m) - m + focusing(m, gamma)


def _lead(ratio: NDArray, gamma: NDArray) -> NDArray:
    """Returns the log-odds of the likeliest class from the log-ratios of the rest."""
    at_most = np.log1p(gamma) - _log_sum(ratio)

    def surplus(lead: NDArray) -> NDArray:
        # The other probabilities together, over 1 - p of the likeliest.
        rest = -softplus(-_following(lead[..., None], ratio, gamma))
        return _log_sum(rest) + softplus(lead)

    at_least = np.full(at_most.shape, -np.log(ratio.shape[-1] - 1))
    return find_root(surplus, at_least, at_most)


def _log_sum(logs: NDArray) -> NDArray:
    """Returns log of the sum of exp along the last axis."""
    largest = logs.max(axis=-1, keepdims=True)
    return largest[..., 0] + np.log(np.sum(np.exp(logs - largest), axis=-1))


def _following(lead: NDArray, ratio: NDArray, gamma: NDArray) -> NDArray:
    """Returns the log-odds of the other classes, which are 0 at most."""
    target = _log_slope(lead, gamma) - ratio
    target = np.maximum(target, _log_slope(np.zeros(()), gamma))
    # log g(m) = -m + (1 - gamma) softplus(m) + F(m), and the latter two rise with m.
    bend, focus = (1 - gamma) * np.log(2), focusing(np.zeros(()), gamma)
    low, high = np.minimum(bend, 0) - target, np.maximum(bend, 0) + focus - target
    return find_root(lambda m: target - _log_slope(m, gamma), low, high)


def _log_odds(x: NDArray) -> NDArray:
    """Returns the log-odds of every class."""
    top = np.arange(x.shape[-1]) == np.argmax(x, axis=-1)[..., None]
    with np.errstate(invalid="ignore"):  # inf - inf: NaN where there is no limit
        gap = x - x.max(axis=-1, keepdims=True)
    rest = np.where(top, 1, others(np.where(top, 1, np.exp(gap))))
    return np.where(top, margin(x, top)[0][..., None], gap - np.log(rest))

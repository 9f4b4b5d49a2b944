"""Link of the cross-entropy over classes."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refimpl._inputs import hyperparameter
from refimpl._softmax import negative_log_softmax, softmax
from refimpl._validate import SMOOTHINGS, check_choice
from refimpl.links._inputs import class_posterior, class_scores, log_class_weights


def cross_entropy_link(
    posterior: ArrayLike,
    *,
    class_weights: Any = None,
    label_smoothing: Any = 0.0,
    smoothing: str = "uniform",
    class_axis: int = -1,
) -> NDArray:
    r"""Returns the logits that minimise the expected cross-entropy.

    .. math::
        x^*_k = \log\frac{w_k\,t_k}{\sum_j w_j\,t_j}

    where t is the smoothed posterior.

    Args:
        posterior: Probability of each of two classes or more, with a class axis; it
            must sum to 1 within 0.01 and is divided by its sum.
        class_weights: Factor w > 0 of each class, ``(C,)``. ``None`` means off.
        label_smoothing: Share s in [0, 1) of the label spread over the classes.
        smoothing: As in the loss, ``"uniform"`` or ``"off_target"``.
        class_axis: Axis of ``posterior`` that runs over the classes.

    Returns:
        Array shaped like ``posterior``: the minimiser that is a log-probability.
        Logits may be moved by a constant for each example.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: A value out of range; weights must be > 0.

    Convention:
        Weights of examples by their class, ``sample_weight=class_weights[labels]``,
        are another loss: there the weights change the prior before labels are
        smoothed. Its link is that of ``prior_shift(posterior,
        from_prior=np.ones(C), to_prior=class_weights)``, without ``class_weights``.
        Without smoothing the two agree.

        ``normalizer="count"`` changes the scale alone. ``"weights"`` divides each
        batch by its own weights and so weakens them: class k weighs
        :math:`w_k\,\mathrm{E}[1 / (w_k + S)]`, where S is the weight of the other
        examples of its batch. With one example that is no weight at all; it tends to
        w_k, up to scale, as batches grow.

    Example:
        >>> x = cross_entropy_link([0.9, 0.1], class_weights=np.array([1.0, 9.0]))
        >>> [f"{value:.12g}" for value in x]
        ['-0.69314718056', '-0.69314718056']

    References:
        Szegedy et al., 2016, section 7 (smoothing). https://arxiv.org/abs/1512.00567
    """
    eta = class_posterior(posterior, class_axis)
    w = log_class_weights(class_weights, eta.shape[-1])
    floor, slope = _smoothed(eta.shape[-1], label_smoothing, smoothing)
    with np.errstate(divide="ignore"):  # log 0 = -inf is the limit meant
        x = w + np.log(floor + slope * eta)
    return np.moveaxis(-negative_log_softmax(x), -1, class_axis)


def cross_entropy_posterior(
    logits: ArrayLike,
    *,
    class_weights: Any = None,
    label_smoothing: Any = 0.0,
    smoothing: str = "uniform",
    class_axis: int = -1,
) -> NDArray:
    r"""Returns the posterior whose minimiser is these logits.

    Args:
        logits: What the trained model says, with a class axis.
        class_weights: As in :func:`cross_entropy_link`, like all others.
        label_smoothing: See there.
        smoothing: See there.
        class_axis: See there.

    Returns:
        Array shaped like ``logits``; it sums to 1 along ``class_axis``.

    Raises:
        TypeError: As the link does.
        ValueError: As the link does, or an off-target smoothing of (C-1)/C, which
            makes all labels alike.

    Convention:
        Logits that no posterior has under smoothing give 0 for the classes below its
        reach, and the rest is divided by its sum. Smoothing costs digits: the error
        is relative to the mass that was added to a class. Without it, every class is
        relatively accurate, and so is 1 - p, as the sum of the others.

    Example:
        >>> weights = np.array([1.0, 9.0])
        >>> eta = cross_entropy_posterior([0.0, 0.0], class_weights=weights)
        >>> [f"{value:.12g}" for value in eta]
        ['0.9', '0.1']
    """
    x = class_scores("logits", logits, class_axis)
    w = log_class_weights(class_weights, x.shape[-1])
    floor, slope = _smoothed(x.shape[-1], label_smoothing, smoothing)
    if slope == 0:
        raise ValueError(
            f"label_smoothing must not be {float(label_smoothing)!r}, which makes the "
            f"labels of {x.shape[-1]} classes alike."
        )
    t, _ = softmax(x - w)
    if floor != 0:
        t = np.maximum((t - floor) / slope, 0)
        t = t / t.sum(axis=-1, keepdims=True)
    return np.moveaxis(t, -1, class_axis)


def _smoothed(classes: int, label_smoothing: Any, smoothing: str) -> tuple[Any, Any]:
    """Returns a and b of the smoothed label t = a + b y."""
    check_choice("smoothing", smoothing, SMOOTHINGS)
    s = hyperparameter("label_smoothing", label_smoothing, high=1, closed=False)
    if smoothing == "uniform":
        return s / classes, 1 - s
    return s / (classes - 1), 1 - s * classes / (classes - 1)

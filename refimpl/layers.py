r"""Layers whose conventions differ between libraries, with every constant explicit.

Features lie along the last axis.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from refimpl import _validate
from refimpl import _validate_layers as _door

Array = NDArray[np.float64]


class BatchStatistics(NamedTuple):
    """What :func:`batch_norm` remembers.

    Attributes:
        mean: Running mean of each feature, ``(C,)``.
        variance: Running variance of each feature, ``(C,)``.
    """

    mean: Any
    variance: Any


def dropout_mask(
    shape: tuple[int, ...], *, rate: float, seed: int, step: int, layer: int
) -> NDArray[np.bool_]:
    r"""Draws what dropout keeps, for every framework alike.

    .. math::
        k_i = [u_i \ge r], \qquad u_i = 2^{-53} \lfloor 2^{-11} b_i \rfloor

    Args:
        shape: Shape of the inputs.
        rate: Share r in [0, 1) that is dropped.
        seed: Seed, >= 0. The bits :math:`b_i` are those of
            ``PCG64(SeedSequence(seed, spawn_key=(step, layer)))``.
        step: Update, >= 0.
        layer: Number of the layer, >= 0. Each step and layer has a stream of its own.

    Returns:
        True where an input is kept, boolean, of this shape.

    Raises:
        TypeError: ``shape`` is not a tuple of integers, or ``seed``, ``step`` or
            ``layer`` not an integer.
        ValueError: ``rate`` out of range, or an integer is negative.

    Example:
        >>> dropout_mask((2, 4), rate=0.5, seed=0, step=0, layer=0)
        array([[ True,  True, False,  True],
               [ True,  True,  True, False]])
    """
    _door.check_shape(shape)
    _door.check_rate(rate)
    for name, value in (("seed", seed), ("step", step), ("layer", layer)):
        _validate.check_integer(name, value, low=0)
    sequence = np.random.SeedSequence(int(seed), spawn_key=(int(step), int(layer)))
    bits = np.random.PCG64(sequence).random_raw(math.prod(shape))
    uniforms = (bits >> np.uint64(11)) * 2.0**-53
    return (uniforms >= rate).reshape(shape)


def dropout(inputs: Any, mask: Any, *, rate: float) -> Array:
    r"""Drops inputs and scales the others up.

    .. math::
        y_i = k_i x_i / (1 - r)

    Args:
        inputs: Any shape.
        mask: True where an input is kept, boolean, shaped like ``inputs``; as from
            :func:`dropout_mask`.
        rate: Share r in [0, 1) of what is dropped on average.

    Returns:
        Array shaped like ``inputs``.

    Raises:
        TypeError: ``inputs`` are not floating, or ``mask`` is not boolean.
        ValueError: Shapes differ, or ``rate`` out of range.

    Convention:
        Scaling is inverted: training divides by the share that is kept, inference does
        nothing, as in torch, Flax and Keras. A dropped infinity is 0, as in Flax; torch
        makes it NaN. The gradient is the same map: ``dropout(upstream, mask)``.

    Example:
        >>> dropout(np.array([1.0, 2.0]), np.array([False, True]), rate=0.75)
        array([0., 8.])

    References:
        Srivastava et al., 2014, section 10.
        https://jmlr.org/papers/v15/srivastava14a.html
    """
    _door.check_dropout(inputs, mask, rate)
    return np.where(mask, np.asarray(inputs, np.float64) / (1.0 - rate), 0.0)


def init_batch_norm(scale: Any) -> BatchStatistics:
    """Returns the statistics before the first batch: mean 0 and variance 1.

    Args:
        scale: One value per feature, ``(C,)``, as given to :func:`batch_norm`.

    Returns:
        Arrays shaped like ``scale``; in the backends of its dtype and on its device.

    Raises:
        TypeError: ``scale`` is not an array of floating-point numbers.

    Example:
        >>> init_batch_norm(np.array([0.5, 2.0]))
        BatchStatistics(mean=array([0., 0.]), variance=array([1., 1.]))
    """
    _validate.check_floating("scale", scale)
    return BatchStatistics(np.zeros(np.shape(scale)), np.ones(np.shape(scale)))


def batch_norm(
    inputs: Any,
    scale: Any,
    bias: Any,
    state: BatchStatistics,
    *,
    training: bool,
    momentum: float,
    eps: float,
    unbiased: bool,
) -> tuple[Array, BatchStatistics]:
    r"""Normalises each feature over the batch.

    .. math::
        y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta, \qquad
        (\bar\mu, \bar\sigma^2) \mapsto (1 - m) (\bar\mu, \bar\sigma^2)
            + m \left(\mu, \tfrac{n}{n - 1} \sigma^2\right)

    Args:
        inputs: Shaped ``(..., C)``; all axes but the last are averaged over.
        scale: :math:`\gamma`, ``(C,)``.
        bias: :math:`\beta`, ``(C,)``.
        state: Running statistics, as from :func:`init_batch_norm` or the batch before.
        training: Whether to normalise by the batch and update the running statistics,
            or to normalise by them and leave them.
        momentum: Share m of the **new** batch, in [0, 1]. Torch means the same (0.1);
            Flax and Keras mean the share of the old, ``1 - momentum`` (0.99).
        eps: Added to the variance, >= 0. At 0 a constant feature becomes NaN; torch
            refuses 0 in training.
        unbiased: Whether the running variance gets :math:`n / (n - 1)`, as in torch, or
            not, as in Flax and Keras. The outputs never do.

    Returns:
        Array shaped like ``inputs``, and the new state.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: A shape is wrong, a number out of range, or fewer than two values of
            a feature in training.

    Convention:
        The batch's own variance is taken about its mean. Flax's default,
        ``use_fast_variance=True``, takes the mean square less the squared mean, which
        cancels when the mean is large. No derivative passes through the state.

    Example:
        >>> scale, bias = np.ones(1), np.zeros(1)
        >>> outputs, state = batch_norm(np.array([[1.0], [3.0]]), scale, bias,
        ...     init_batch_norm(scale), training=True, momentum=0.5, eps=0.0,
        ...     unbiased=True)
        >>> outputs.tolist(), state
        ([[-1.0], [1.0]], BatchStatistics(mean=array([1.]), variance=array([1.5])))

    References:
        Ioffe and Szegedy, 2015, algorithms 1 and 2. https://arxiv.org/abs/1502.03167
    """
    _door.check_running(training, unbiased, momentum)
    running = _door.named_statistics(state)
    _door.check_norm(inputs, eps, scale=scale, bias=bias, **running)
    x = np.asarray(inputs, np.float64)
    if not training:
        return _normalized(x, state.mean, state.variance, eps) * scale + bias, state
    _door.check_batch(inputs)
    axes = tuple(range(x.ndim - 1))
    mean, variance = x.mean(axes), x.var(axes)
    values = x.size // x.shape[-1]
    latest = mean, variance * (values / (values - 1) if unbiased else 1.0)
    updated = (
        (1.0 - momentum) * np.asarray(old, np.float64) + momentum * new
        for old, new in zip(state, latest, strict=True)
    )
    outputs = _normalized(x, mean, variance, eps) * scale + bias
    return outputs, BatchStatistics(*updated)


def batch_norm_grad(
    inputs: Any, scale: Any, upstream: Any, *, eps: float
) -> tuple[Array, Array, Array]:
    r"""Computes the gradient of :func:`batch_norm` in training.

    .. math::
        \bar x = \frac{h - \langle h \rangle - \hat x \langle h \hat x \rangle}
            {\sqrt{\sigma^2 + \epsilon}}, \quad h = \gamma \bar y, \quad
        \bar\gamma = \textstyle\sum \bar y \hat x, \quad \bar\beta = \sum \bar y

    where the mean goes over the axes of the statistics, the sums over all but the last.

    Args:
        inputs: As there.
        scale: As there.
        upstream: Gradient :math:`\bar y` with respect to the outputs.
        eps: As there.

    Returns:
        Gradients with respect to inputs, scale and bias.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: As there, or ``upstream`` is not shaped like ``inputs``.

    Example:
        >>> x = np.array([[1.0], [3.0], [8.0]])
        >>> gradients = batch_norm_grad(x, np.ones(1), np.ones((3, 1)), eps=0.0)
        >>> [gradient.round(12).ravel().tolist() for gradient in gradients]
        [[0.0, 0.0, 0.0], [0.0], [3.0]]
    """
    _door.check_norm(inputs, eps, scale=scale)
    _door.check_batch(inputs)
    axes = tuple(range(np.ndim(inputs) - 1))
    return _norm_grad(inputs, scale, upstream, axes, eps)


def layer_norm(inputs: Any, scale: Any, bias: Any, *, eps: float) -> Array:
    r"""Normalises each example over its features.

    .. math::
        y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    Args:
        inputs: Shaped ``(..., C)``; the last axis is averaged over.
        scale: :math:`\gamma`, ``(C,)``.
        bias: :math:`\beta`, ``(C,)``.
        eps: Added to the variance, >= 0. Torch 1e-5, Flax 1e-6, Keras 1e-3. At 0
            examples of equal features become NaN.

    Returns:
        Array shaped like ``inputs``.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: A shape is wrong, or ``eps`` out of range.

    Convention:
        The variance is the biased one, about the mean of the features.

    Example:
        >>> layer_norm(np.array([[1.0, 3.0]]), np.ones(2), np.zeros(2), eps=0.0)
        array([[-1.,  1.]])

    References:
        Ba, Kiros and Hinton, 2016, eq. 3. https://arxiv.org/abs/1607.06450
    """
    _door.check_norm(inputs, eps, scale=scale, bias=bias)
    x = np.asarray(inputs, np.float64)
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return _normalized(x, mean, variance, eps) * scale + bias


def layer_norm_grad(
    inputs: Any, scale: Any, upstream: Any, *, eps: float
) -> tuple[Array, Array, Array]:
    """Computes the gradient of :func:`layer_norm`; see :func:`batch_norm_grad`."""
    _door.check_norm(inputs, eps, scale=scale)
    return _norm_grad(inputs, scale, upstream, (-1,), eps)


def _norm_grad(
    inputs: Any, scale: Any, upstream: Any, axes: tuple[int, ...], eps: float
) -> tuple[Array, Array, Array]:
    _door.check_upstream(inputs, upstream)
    x, above = (np.asarray(array, np.float64) for array in (inputs, upstream))
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    normal, within = _normalized(x, mean, variance, eps), scale * above
    centred = within - within.mean(axes, keepdims=True)
    slope = (within * normal).mean(axes, keepdims=True)
    leading = tuple(range(x.ndim - 1))
    with np.errstate(invalid="ignore"):
        inward = (centred - normal * slope) / np.sqrt(variance + eps)
    return inward, (above * normal).sum(leading), above.sum(leading)


def _normalized(x: Array, mean: Array, variance: Array, eps: float) -> Array:
    with np.errstate(invalid="ignore"):  # eps = 0: 0 / 0 is NaN, as is told
        return (x - mean) / np.sqrt(variance + eps)

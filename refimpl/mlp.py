"""Multilayer perceptron with tanh hidden layers, forward and backward."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from refimpl.layers import dropout

Array = NDArray[np.float64]
Masks = Sequence[NDArray[np.bool_]]
Parameters = list[Array]


def init_mlp(generator: np.random.Generator, sizes: Sequence[int]) -> Parameters:
    r"""Draws the parameters of a multilayer perceptron.

    .. math::
        W_l \sim U(-a_l, a_l), \quad a_l = \sqrt{6 / (n_l + n_{l+1})}, \quad b_l = 0

    Args:
        generator: Source of the draws; the layers are drawn in order.
        sizes: Width of every layer from the features to the output, each >= 1.

    Returns:
        ``[W_0, b_0, W_1, b_1, ...]`` with ``W_l`` shaped ``(n_l, n_{l+1})``.

    Raises:
        ValueError: Fewer than two sizes, or a size below 1.

    Convention:
        Kernels multiply from the right, ``x @ W``; a framework that stores
        ``(out, in)`` transposes. Biases follow their kernel in the list.

    Example:
        >>> [p.shape for p in init_mlp(np.random.default_rng(0), (3, 4, 1))]
        [(3, 4), (4,), (4, 1), (1,)]

    References:
        Glorot and Bengio, 2010, eq. 16.
        https://proceedings.mlr.press/v9/glorot10a.html
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes must hold two or more widths >= 1, got {sizes}.")
    parameters = []
    for width, following in pairwise(sizes):
        limit = np.sqrt(6.0 / (width + following))
        parameters.append(generator.uniform(-limit, limit, (width, following)))
        parameters.append(np.zeros(following))
    return parameters


def mlp(
    parameters: Parameters, features: Array, *, masks: Masks = (), rate: float = 0.0
) -> tuple[Array, list[Array]]:
    r"""Computes the output of the last layer, and what the backward pass needs.

    .. math::
        h_0 = x, \quad h_{l+1} = \tanh(h_l W_l + b_l), \quad
        z = h_{L-1} W_{L-1} + b_{L-1}

    Args:
        parameters: As from :func:`init_mlp`; every array may carry the same leading
            axes, one entry for each model of a stack.
        features: Shaped ``(*stack, batch, n_0)``.
        masks: What dropout keeps of every hidden layer, shaped ``(*stack, batch,
            n_l)``; none without dropout.
        rate: Of dropout, as :func:`refimpl.layers.dropout` takes it.

    Returns:
        The output, shaped ``(*stack, batch, n_L)``, and the input of every layer.

    Raises:
        ValueError: Kernels and biases that do not pair up.

    Convention:
        The last layer is linear: its output are logits. tanh has derivatives of all
        orders, so a trajectory depends smoothly on its first weights; with a ReLU,
        one unit in the last place can flip a unit off.

    Example:
        >>> parameters = [np.eye(2), np.zeros(2), np.ones((2, 1)), np.ones(1)]
        >>> mlp(parameters, np.zeros((1, 2)))[0]
        array([[1.]])
    """
    if len(parameters) % 2:
        raise ValueError(f"parameters must come in pairs, got {len(parameters)}.")
    inputs, hidden = [], features
    for layer in range(0, len(parameters), 2):
        if layer:
            hidden = np.tanh(hidden)
            if masks:
                hidden = dropout(hidden, masks[layer // 2 - 1], rate=rate)
        inputs.append(hidden)
        hidden = hidden @ parameters[layer] + parameters[layer + 1][..., None, :]
    return hidden, inputs


def mlp_grad(
    parameters: Parameters,
    inputs: list[Array],
    upstream: Array,
    *,
    masks: Masks = (),
    rate: float = 0.0,
) -> Parameters:
    r"""Computes the gradient with respect to every parameter.

    .. math::
        \delta_{L-1} = \bar z, \quad
        \delta_{l-1} = (\delta_l W_l^T) \odot (1 - h_l^2), \quad
        \bar W_l = h_l^T \delta_l, \quad \bar b_l = \textstyle\sum \delta_l

    Args:
        parameters: As given to :func:`mlp`.
        inputs: The input of every layer, as returned by :func:`mlp`.
        upstream: Gradient with respect to the output, shaped like the output.
        masks: As given to :func:`mlp`, like the next.
        rate: Of dropout.

    Returns:
        A list like ``parameters``.

    Raises:
        ValueError: As many inputs as layers are needed.

    Convention:
        Summed over the batch; a mean belongs into ``upstream``.

    Example:
        >>> parameters = [np.ones((1, 1)), np.zeros(1)]
        >>> output, inputs = mlp(parameters, np.array([[2.0], [3.0]]))
        >>> mlp_grad(parameters, inputs, np.ones_like(output))
        [array([[5.]]), array([2.])]
    """
    if 2 * len(inputs) != len(parameters):
        raise ValueError(f"expected {len(parameters) // 2} inputs, got {len(inputs)}.")
    gradients: Parameters = []
    for layer in reversed(range(len(inputs))):
        hidden, kernel = inputs[layer], parameters[2 * layer]
        gradients.insert(0, upstream.sum(axis=-2))
        gradients.insert(0, hidden.swapaxes(-1, -2) @ upstream)
        if layer:
            upstream = upstream @ kernel.swapaxes(-1, -2)
            if masks:
                upstream = dropout(upstream, masks[layer - 1], rate=rate)
                # Where a unit was dropped, nothing flows back.
                hidden = hidden * (1.0 - rate)
            upstream = upstream * (1.0 - hidden * hidden)
    return gradients

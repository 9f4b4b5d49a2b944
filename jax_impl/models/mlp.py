"""Multilayer perceptron with tanh hidden layers; see ``refimpl.mlp``."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import NDArray

from jax_impl.layers import dropout

Array = NDArray[np.float64]


class MLP(nnx.Module):
    """Linear layers with tanh between them.

    Args:
        sizes: Width of every layer from the features to the output.
        rngs: Source of the first parameters.
    """

    def __init__(self, sizes: Sequence[int], *, rngs: nnx.Rngs) -> None:
        self.layers = nnx.List(
            [
                nnx.Linear(width, following, rngs=rngs)
                for width, following in pairwise(sizes)
            ]
        )

    def __call__(
        self,
        features: jax.Array,
        masks: Sequence[jax.Array] = (),
        *,
        rate: float = 0.0,
    ) -> jax.Array:
        """Returns the output of the last layer; masks as in :func:`refimpl.mlp.mlp`."""
        hidden = features
        for index, layer in enumerate(self.layers):
            if index:
                hidden = jnp.tanh(hidden)
                if masks:
                    hidden = dropout(hidden, masks[index - 1], rate=rate)
            hidden = layer(hidden)
        return hidden


def graph_of(parameters: Sequence[Array]) -> nnx.GraphDef[MLP]:
    """Returns the static half of an :class:`MLP` with parameters of these shapes."""
    sizes = [kernel.shape[-2] for kernel in parameters[::2]]
    sizes.append(parameters[-1].shape[-1])
    return nnx.split(nnx.eval_shape(lambda: MLP(sizes, rngs=nnx.Rngs(0))))[0]


def to_state(parameters: Sequence[Array], dtype: str) -> dict[str, Any]:
    """Names ``[W_0, b_0, ...]`` the way :class:`MLP` stores them."""
    layers = {
        index: {"kernel": jnp.array(kernel, dtype), "bias": jnp.array(bias, dtype)}
        for index, (kernel, bias) in enumerate(
            zip(parameters[::2], parameters[1::2], strict=True)
        )
    }
    return {"layers": layers}


def from_state(state: dict[str, Any]) -> list[Array]:
    """Undoes :func:`to_state`, in float64 on the host."""
    return [
        np.array(state["layers"][index][name], np.float64)
        for index in sorted(state["layers"])
        for name in ("kernel", "bias")
    ]

"""Multilayer perceptron with tanh hidden layers; see ``refimpl.mlp``."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from torch_impl.layers import dropout

Array = NDArray[np.float64]


class MLP(nn.Module):
    """Linear layers with tanh between them.

    Args:
        sizes: Width of every layer from the features to the output.
        dtype: Of the parameters.
        device: Of the parameters.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Linear(width, following, dtype=dtype, device=device)
            for width, following in pairwise(sizes)
        )

    def forward(
        self, features: Tensor, masks: Sequence[Tensor] = (), *, rate: float = 0.0
    ) -> Tensor:
        """Returns the output of the last layer; masks as in :func:`refimpl.mlp.mlp`."""
        hidden = features
        for index, layer in enumerate(self.layers):
            if index:
                hidden = torch.tanh(hidden)
                if masks:
                    hidden = dropout(hidden, masks[index - 1], rate=rate)
            hidden = layer(hidden)
        return hidden


def to_state(parameters: Sequence[Array]) -> dict[str, Array]:
    """Names and turns ``[W_0, b_0, ...]`` the way :class:`MLP` stores them."""
    return {
        name: np.ascontiguousarray(array.swapaxes(-1, -2)) if kernel else array
        for name, array, kernel in _named(parameters)
    }


def from_state(state: dict[str, Tensor]) -> list[Array]:
    """Undoes :func:`to_state`, in float64 on the host."""
    arrays = [tensor.detach().cpu().double().numpy() for tensor in state.values()]
    ordered = dict(zip(state, arrays, strict=True))
    return [
        (ordered[name].swapaxes(-1, -2) if kernel else ordered[name]).copy()
        for name, _, kernel in _named(arrays)
    ]


def _named(parameters: Sequence[Array]) -> list[tuple[str, Array, bool]]:
    return [
        (
            f"layers.{index // 2}.{'bias' if index % 2 else 'weight'}",
            array,
            not index % 2,
        )
        for index, array in enumerate(parameters)
    ]

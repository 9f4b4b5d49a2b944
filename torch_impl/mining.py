"""Hard-example mining: the examples with the largest loss."""

import torch
from torch import Tensor

from refimpl._validate import mined
from torch_impl._inputs import computed


def hard_example_mining(
    losses: Tensor, *, fraction: float = 0.2
) -> tuple[Tensor, Tensor]:
    """Computes :func:`refimpl.hard_example_mining`.

    A stable sort, since the order of ties in ``topk`` depends on the device.
    """
    k = mined(losses, fraction)
    losses = computed("losses", losses).detach()
    keys = torch.where(losses.isnan(), torch.inf, losses)
    indices = torch.sort(keys, descending=True, stable=True).indices[:k]
    mask = torch.zeros_like(keys, dtype=torch.bool)
    return indices, mask.index_fill(0, indices, True)  # noqa: FBT003 - torch's own argument

"""Clipping of the gradients that parameters hold, in place."""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor

from refimpl import _validate_gradients as _door
from refimpl._validate_gradients import TORCH_CLIP_EPS
from torch_impl._norms import scale_of, scaled
from torch_impl.gradients import global_norm


@torch.no_grad()
def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    *,
    eps: float = TORCH_CLIP_EPS,
) -> Tensor:
    """Clips the gradients of parameters in place, like the one of ``torch.nn.utils``.

    Args:
        parameters: One or more tensors whose ``grad`` is scaled; without one a tensor
            is skipped.
        max_norm: As in :func:`refimpl.gradients.clip_by_global_norm`, like ``eps``.
        eps: Added to the norm.

    Returns:
        The norm before scaling.
    """
    _door.check_clipping(max_norm, eps)
    tensors = [parameters] if isinstance(parameters, Tensor) else parameters
    grads = [tensor.grad for tensor in tensors if tensor.grad is not None]
    norm = global_norm(grads)
    scale = scale_of(norm, max_norm, eps)
    alike = defaultdict(list)
    for grad in grads:
        if grad.dtype == scale.dtype:
            alike[grad.device].append(grad)
        else:
            grad.copy_(scaled(grad, scale))
    for device, own in alike.items():
        # Public in all but its name: the optimisers are made of them.
        torch._foreach_mul_(own, scale.to(device))  # pyright: ignore[reportPrivateImportUsage]
    return norm

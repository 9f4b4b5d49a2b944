"""What happens to tensors besides arithmetic: derivatives, transforms, traces."""

from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import is_legacy_batchedtensor
from torch.autograd import forward_ad
from torch.utils._python_dispatch import is_in_torch_dispatch_mode


def varies(arg: Any) -> bool:
    """Tells whether derivatives by an argument are asked for."""
    return isinstance(arg, Tensor) and arg.requires_grad


def transformed() -> bool:
    """Tells whether derivatives are taken by ``torch.func`` or in forward mode."""
    # torch.compile refuses a Function with a jvp rule, and these questions.
    return not torch.compiler.is_compiling() and (
        torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0
    )


def seen(tensor: Tensor) -> bool:
    """Tells whether the values of a tensor can be looked at for next to nothing."""
    # In this order: Dynamo cannot trace the rest.
    if torch.compiler.is_compiling() or not tensor.is_cpu:
        return False
    if type(tensor) not in (Tensor, torch.nn.Parameter):
        return False
    # The second is what is_grads_batched hands to a backward pass.
    batched = transformed() or is_legacy_batchedtensor(tensor)
    return not (batched or is_in_torch_dispatch_mode())

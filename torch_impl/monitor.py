"""Watches the gradients of a module; see ``refimpl.gradients.largest_gradients``."""

from functools import partial
from types import TracebackType
from typing import Self

import torch
from torch import Tensor, nn

from torch_impl._norms import fetched
from torch_impl.gradients import largest_gradients


class GradientMonitor:
    """Records the largest absolute value of the gradient of every parameter.

    It looks once in every backward pass, when the gradient of a parameter is complete
    (one that is used twice has one gradient), and keeps the largest value since the
    last :meth:`reset`, one number a parameter, on its device: nothing waits for the
    device until :meth:`largest` is called. NaN is the largest of all: it shows.

    What is seen is ``grad`` as it stands then: the sum since ``zero_grad``, scaled if
    the loss is, and before clipping. Parameters that are frozen when the monitor is
    made are left out. Leaving a ``with`` block removes the hooks and keeps the record;
    a monitor that was removed watches nothing again, and cannot be entered.

    Args:
        module: Whose parameters to watch.

    Example:
        >>> layer = nn.Linear(2, 1, bias=False)
        >>> with GradientMonitor(layer) as monitor:
        ...     for scale in (1.0, -4.0, 2.0):
        ...         layer.zero_grad()
        ...         (scale * layer(torch.tensor([1.0, 0.5]))).sum().backward()
        >>> monitor.largest()
        {'weight': 4.0}
    """

    def __init__(self, module: nn.Module) -> None:
        self._largest: dict[str, Tensor] = {}
        self._removed = False
        self._hooks = [
            parameter.register_post_accumulate_grad_hook(partial(self._record, name))
            for name, parameter in module.named_parameters()
            if parameter.requires_grad
        ]

    def largest(self, *, per: str = "parameter") -> dict[str, float]:
        """Returns the record by name; parameters without a gradient have none.

        Args:
            per: ``"parameter"`` or ``"layer"``.
        """
        return fetched(largest_gradients(self._largest, per=per))

    def reset(self) -> None:
        """Forgets what was recorded."""
        self._largest.clear()

    def remove(self) -> None:
        """Stops watching; the record stays."""
        self._removed = True
        for hook in self._hooks:
            hook.remove()

    def __enter__(self) -> Self:
        if self._removed:
            raise RuntimeError("the monitor was removed: make a new one.")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    @torch.no_grad()
    def _record(self, name: str, parameter: Tensor) -> None:
        if parameter.grad is None:  # another hook has used it up
            return
        found = largest_gradients({name: parameter.grad})[name]
        before = self._largest.get(name)
        self._largest[name] = found if before is None else torch.maximum(before, found)

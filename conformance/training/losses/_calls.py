"""One signature for the losses of a framework's package."""

from collections.abc import Callable
from types import ModuleType
from typing import Any


def packaged(package: ModuleType, name: str) -> Callable[..., tuple[Any, Any]]:
    """Returns an operation as ``loss(logits, labels, state, **options)``.

    Args:
        package: ``torch_impl`` or ``jax_impl``.
        name: Of the operation.

    Returns:
        A function that returns ``(values, state)``.
    """
    function = getattr(package, name)

    def stateful(
        logits: Any, labels: Any, state: Any, **options: Any
    ) -> tuple[Any, Any]:
        values, new = function(logits, labels, state, reduction="none", **options)
        # A plain tuple again: lax.scan wants back what it gave.
        return values, tuple(new)

    def stateless(
        logits: Any, labels: Any, state: Any, **options: Any
    ) -> tuple[Any, Any]:
        return function(logits, labels, reduction="none", **options), state

    return stateful if name == "ghmc_loss" else stateless

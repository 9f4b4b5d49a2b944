"""What cannot be handed on: the next call would rightly refuse it.

The refusal must not be taken for a fault of the adapter, so the deviation before it is
named instead.
"""

from collections.abc import Mapping

import numpy as np

from conformance.adapters.protocol import Array


class DerailedError(Exception):
    """An answer that nothing can go on from; the message says why."""


def sound(part: Array, bins: int) -> bool:
    """Whether a call must accept the counts, or the updates, of a state.

    Args:
        part: The counts or the updates.
        bins: Number of bins of the call.
    """
    return part.shape == (bins,) and bool(np.isfinite(part).all() and (part >= 0).all())


def check_state(state: Mapping[str, Array], bins: int) -> None:
    """Raises unless a state may be handed on.

    Args:
        state: Its parts by name.
        bins: Number of bins of the call.

    Raises:
        DerailedError: It may not.
    """
    for name, part in state.items():
        if not sound(part, bins):
            raise DerailedError(
                f"the {name} are not {bins} numbers that are finite and >= 0"
            )


def check_gradient(gradient: Array, like: Array) -> None:
    """Raises unless a step can be made with a gradient.

    Args:
        gradient: The gradient.
        like: What it is a gradient for.

    Raises:
        DerailedError: It cannot.
    """
    if gradient.shape != like.shape:
        raise DerailedError(
            f"the gradient has shape {gradient.shape}, expected {like.shape}"
        )
    if not np.isfinite(gradient).all():
        raise DerailedError("the gradient is not finite")


def check_mask(mask: Array, losses: Array) -> None:
    """Raises unless a mask selects some of the losses.

    Args:
        mask: The mask.
        losses: The losses.

    Raises:
        DerailedError: It does not.
    """
    if mask.shape != losses.shape:
        raise DerailedError(f"the mask has shape {mask.shape}, expected {losses.shape}")
    if not mask.sum() > 0:
        raise DerailedError(f"the mask selects none of {len(losses)} losses")

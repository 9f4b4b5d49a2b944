"""Numbers of schedules as 0-d arrays of the default dtype."""

from typing import Any

import jax
import jax.numpy as jnp

from refimpl import _validate


def real(value: Any) -> jax.Array:
    """Converts to the default dtype, which a scan can carry."""
    return jnp.asarray(value, dtype=float)


def number(name: str, value: Any, **bounds: Any) -> jax.Array:
    """Validates a number within the bounds of ``check_number`` and converts it."""
    _validate.check_number(name, value, **bounds)
    return real(value)

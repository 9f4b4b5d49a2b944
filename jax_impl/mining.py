"""Hard-example mining: the examples with the largest loss."""

from functools import partial

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jax_impl._inputs import computed
from refimpl._validate import mined


def hard_example_mining(
    losses: ArrayLike, *, fraction: float = 0.2
) -> tuple[jax.Array, jax.Array]:
    """Computes :func:`refimpl.hard_example_mining`."""
    k = mined(losses, fraction)
    return _largest(jax.lax.stop_gradient(computed("losses", losses)), k=k)


@partial(jax.jit, static_argnames="k")
def _largest(losses: jax.Array, *, k: int) -> tuple[jax.Array, jax.Array]:
    keys = jnp.where(jnp.isnan(losses), jnp.inf, losses)
    indices = jnp.argsort(keys, stable=True, descending=True)[:k]
    return indices, jnp.zeros(keys.shape, dtype=bool).at[indices].set(True)

"""optax's own losses with reductions, under the names and arguments of ours."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax

from conformance.adapters import from_functions
from conformance.peers import optax_losses

Loss = Callable[..., jax.Array]


def _reduced(loss: Loss, *args: Any, reduction: str = "mean", **options: Any) -> Any:
    # optax leaves reductions to the caller.
    reduce = {"none": lambda v: v, "sum": jnp.sum, "mean": jnp.mean}[reduction]
    return reduce(loss(*args, **options))


def _masked(logits: jax.Array, *args: Any, **options: Any) -> jax.Array:
    # A logit of minus infinity excludes its class, which optax is told by ``where``.
    where = logits > -jnp.inf
    finite = jnp.where(where, logits, 0)
    return optax_losses.cross_entropy(finite, *args, where=where, **options)


LOSSES = {**optax_losses.FUNCTIONS, "cross_entropy": _masked}
FUNCTIONS = {name: partial(_reduced, loss) for name, loss in LOSSES.items()}

adapter = from_functions(
    FUNCTIONS, framework="jax", name="optax", version=optax.__version__
)

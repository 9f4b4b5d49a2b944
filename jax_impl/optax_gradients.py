"""The gradient tools as links of an Optax chain.

Skipping updates that are not finite is Optax's own. The record stands outside, where it
sees them::

    clip = clip_by_global_norm(1.0, eps=TORCH_CLIP_EPS)
    optax.chain(
        record_largest_gradients(),
        optax.apply_if_finite(optax.chain(clip, optax.adamw(1e-3)), 5),
    )
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jax_impl import gradients
from refimpl import _validate_gradients as _door


class LargestGradients(NamedTuple):
    """State of :func:`record_largest_gradients`.

    Attributes:
        latest: Largest absolute values of the last update, by name.
        largest: The largest of all updates so far.
    """

    latest: dict[str, jax.Array]
    largest: dict[str, jax.Array]


def clip_by_global_norm(max_norm: Any, *, eps: Any) -> optax.GradientTransformation:
    """Clips updates as :func:`refimpl.gradients.clip_by_global_norm` clips gradients.

    Args:
        max_norm: As there.
        eps: As there; with ``OPTAX_CLIP_EPS`` it is ``optax.clip_by_global_norm``.
    """
    _door.check_clipping(max_norm, eps)
    return optax.stateless(
        lambda updates, _: gradients.clip_by_global_norm(updates, max_norm, eps=eps)[0]
    )


def record_largest_gradients(*, per: str = "parameter") -> optax.GradientTransformation:
    """Passes updates on and remembers the largest absolute values that it saw.

    Args:
        per: As in :func:`refimpl.gradients.largest_gradients`.
    """

    def init(params: Any) -> LargestGradients:
        found = gradients.largest_gradients(params, per=per)
        nothing = jax.tree.map(jnp.zeros_like, found)
        return LargestGradients(nothing, nothing)

    def update(
        updates: Any, state: Any, params: Any = None
    ) -> tuple[Any, LargestGradients]:
        del params
        found = gradients.largest_gradients(updates, per=per)
        # In the dtype of the state, which a scan must find as it was.
        latest = jax.tree.map(
            lambda new, old: new.astype(old.dtype), found, state.latest
        )
        largest = jax.tree.map(jnp.maximum, state.largest, latest)
        return updates, LargestGradients(latest, largest)

    return optax.GradientTransformation(init, update)

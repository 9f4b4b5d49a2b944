r"""Optimisers as pure functions of explicit constants: state in, state out.

No constant has a default, since those of the libraries differ. With equal constants
PyTorch and Optax make the same updates to rounding: ``torch_impl.optimizers`` and
``jax_impl.optimizers`` return their optimisers by the names and constants given here.
"""

from refimpl.optimizers._adam import AdamState, adam, adamw, init_adam
from refimpl.optimizers._rmsprop import RmspropState, init_rmsprop, rmsprop
from refimpl.optimizers._sgd import SgdState, init_sgd, sgd

__all__ = [
    "AdamState",
    "RmspropState",
    "SgdState",
    "adam",
    "adamw",
    "init_adam",
    "init_rmsprop",
    "init_sgd",
    "rmsprop",
    "sgd",
]

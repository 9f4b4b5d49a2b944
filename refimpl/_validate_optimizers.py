"""Checks of an optimiser's constants, shared by the three implementations."""

from typing import Any

from refimpl import _validate

_SHARE = {"high": 1.0, "closed": False}
_BOUNDS = {
    "learning_rate": {},
    "momentum": _SHARE,
    "beta1": _SHARE,
    "beta2": _SHARE,
    "decay": _SHARE,
    "eps": {},
    "weight_decay": {},
}


def check_constants(**constants: Any) -> None:
    """Raises unless numbers are in range and all others are True or False."""
    for name, value in constants.items():
        if name in _BOUNDS:
            _validate.check_number(name, value, **_BOUNDS[name])
        elif not isinstance(value, bool):
            raise TypeError(f"{name} must be True or False, got {value!r}.")


def check_gradients(parameters: Any, gradients: Any) -> None:
    """Raises unless there is a gradient of the same shape for each parameter."""
    if len(parameters) != len(gradients):
        raise ValueError(
            f"parameters and gradients must be equally many, got {len(parameters)} "
            f"and {len(gradients)}."
        )
    for at, (own, gradient) in enumerate(zip(parameters, gradients, strict=True)):
        if own.shape != gradient.shape:
            raise ValueError(
                f"gradients[{at}] must have shape {own.shape}, got {gradient.shape}."
            )

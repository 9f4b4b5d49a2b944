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


def check_update(parameters: Any, gradients: Any, state: Any, kind: type) -> None:
    """Raises unless gradients and a state of this kind are shaped like parameters."""
    if not isinstance(state, kind):
        raise TypeError(
            f"state must be of type {kind.__name__}, got {type(state).__name__}."
        )
    _check_list("parameters", parameters)
    memory = {f"state.{name}": part for name, part in state._asdict().items()}
    # The one number among the lists.
    memory.pop("state.step", None)
    for name, arrays in {"gradients": gradients, **memory}.items():
        _check_list(name, arrays)
        if len(parameters) != len(arrays):
            raise ValueError(
                f"parameters and {name} must be equally many, got {len(parameters)} "
                f"and {len(arrays)}."
            )
        for at, (own, array) in enumerate(zip(parameters, arrays, strict=True)):
            if own.shape != array.shape:
                raise ValueError(
                    f"{name}[{at}] must have shape {own.shape}, got {array.shape}."
                )


def _check_list(name: str, arrays: Any) -> None:
    if not isinstance(arrays, list | tuple):
        raise TypeError(
            f"{name} must be a list of arrays, got {type(arrays).__name__}."
        )
    for at, array in enumerate(arrays):
        _validate.check_floating(f"{name}[{at}]", array)

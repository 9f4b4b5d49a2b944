"""Exponents: the small whole numbers that losses use, and all others."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jax_impl._inputs import hyperparameter
from refimpl._validate import is_number

# Each whole exponent is compiled on its own.
_MAX_WHOLE = 4


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Whole:
    """A small whole exponent, which multiplications do faster than exp and log."""

    number: int


def exponent(name: str, value: Any, *, like: Array) -> Whole | Array:
    """Validates an exponent >= 0."""
    checked = hyperparameter(name, value, like=like)
    if is_number(value) and value in range(_MAX_WHOLE + 1):
        return Whole(int(value))
    return checked


def factor(power: Whole | Array) -> Any:
    """Returns an exponent as a number to multiply with."""
    return power.number if isinstance(power, Whole) else power


def less_one(power: Whole | Array) -> Whole | Array:
    """Returns an exponent minus 1."""
    return Whole(power.number - 1) if isinstance(power, Whole) else power - 1


def raised(base: Array, power: Whole | Array) -> Array:
    """Returns base ** power, base > 0."""
    if isinstance(power, Whole):
        return jax.lax.integer_pow(base, power.number)
    return jnp.exp(power * jnp.log(base))

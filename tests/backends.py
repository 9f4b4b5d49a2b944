"""One face for the three implementations, so that a test is written once."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch

import jax_impl
import refimpl
import torch_impl


@dataclass(frozen=True)
class Backend:
    """An implementation, and how to make, read and differentiate its arrays.

    ``array`` makes floating arrays, ``exact`` keeps integers and booleans.
    """

    name: str
    module: ModuleType
    array: Callable[..., Any]
    grad: Callable[..., Any]
    exact: Callable[..., Any]

    def __str__(self) -> str:
        return self.name

    def loss(self, name: str) -> Callable[..., Any]:
        return getattr(self.module, name)

    @contextlib.contextmanager
    def precision(self, dtype: str) -> Iterator[None]:
        wide = self.name == "jax" and dtype == "float64"
        with jax.enable_x64(True) if wide else contextlib.nullcontext():
            yield


def to_numpy(array: Any) -> np.ndarray:
    """Reads any backend's array as float64."""
    if isinstance(array, torch.Tensor):
        return array.detach().double().numpy()
    return np.asarray(array).astype(np.float64)


def _torch_array(value: Any, dtype: str = "float64") -> torch.Tensor:
    return torch.tensor(np.asarray(value, np.float64), dtype=getattr(torch, dtype))


def _torch_grad(function: Callable[..., Any], *args: Any) -> list[Any]:
    leaves = [arg.clone().requires_grad_() for arg in args]
    return list(torch.autograd.grad(function(*leaves), leaves))


def _jax_array(value: Any, dtype: str = "float64") -> jax.Array:
    return jnp.asarray(np.asarray(value, np.float64), dtype=dtype)


def _jax_grad(function: Callable[..., Any], *args: Any) -> list[Any]:
    return list(jax.grad(function, argnums=tuple(range(len(args))))(*args))


def _numpy_array(value: Any, dtype: str = "float64") -> np.ndarray:
    return np.asarray(value, dtype=np.float64 if dtype == "bfloat16" else dtype)


def _no_autograd(*_: Any) -> list[Any]:
    raise TypeError("refimpl has analytic gradients, not automatic ones.")


NUMPY = Backend("numpy", refimpl, _numpy_array, _no_autograd, np.asarray)
TORCH = Backend("torch", torch_impl, _torch_array, _torch_grad, torch.tensor)
JAX = Backend("jax", jax_impl, _jax_array, _jax_grad, jnp.asarray)
ALL = (NUMPY, TORCH, JAX)
COMPILED = (TORCH, JAX)

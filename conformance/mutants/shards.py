"""Faults of shards, in modules that processes of their own can find by name."""

from typing import Any


def local_counts(x: Any, y: Any, state: Any = None, **options: Any) -> Any:
    import torch_impl  # not in the processes of JAX

    options.pop("reduce_counts")
    return torch_impl.ghmc_loss(x, y, state, **options)


def mean_as_parts(x: Any, y: Any, **options: Any) -> Any:
    import torch_impl

    total, normalizer = torch_impl.sigmoid_focal_loss(x, y, **options)
    return total / normalizer, normalizer / normalizer


def local_counts_in_jax(x: Any, y: Any, state: Any = None, **options: Any) -> Any:
    import jax_impl  # not in the processes of torch

    options.pop("reduce_counts")
    return jax_impl.ghmc_loss(x, y, state, **options)


def counts_padding_in_jax(x: Any, y: Any, **options: Any) -> Any:
    import jax_impl

    total, normalizer = jax_impl.cross_entropy(x, y, **options)
    return total, normalizer * 0 + len(y)


def local_counts_in_numpy(
    x: Any, y: Any, state: Any = None, *, reduce_counts: Any = None, **options: Any
) -> Any:
    import refimpl

    del reduce_counts
    return refimpl.ghmr_loss(x, y, state, **options)

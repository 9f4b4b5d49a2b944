"""Losses for shards in processes of their own, which find them here by name."""

import os
import time
from typing import Any

import torch_impl

FOCAL, GHMC = torch_impl.sigmoid_focal_loss, torch_impl.ghmc_loss


def local_counts(x: Any, y: Any, state: Any = None, **options: Any) -> Any:
    """Forms weights from the counts of the shard alone."""
    options.pop("reduce_counts")
    return GHMC(x, y, state, **options)


def mean_as_parts(x: Any, y: Any, **options: Any) -> Any:
    """The mean of a shard, as if shards were of one size."""
    total, normalizer = FOCAL(x, y, **options)
    return total / normalizer, normalizer / normalizer


def raising_in_the_small_shard(x: Any, y: Any, **options: Any) -> Any:
    if len(x) == 1:
        raise RuntimeError("out of examples")
    return FOCAL(x, y, **options)


def dying(x: Any, y: Any, **options: Any) -> Any:
    if len(x) == 1:
        os._exit(3)
    return FOCAL(x, y, **options)


def sleeping(x: Any, y: Any, **options: Any) -> Any:
    time.sleep(600)
    return FOCAL(x, y, **options)


def local_counts_in_jax(x: Any, y: Any, state: Any = None, **options: Any) -> Any:
    import jax_impl  # not in the processes of torch

    options.pop("reduce_counts")
    return jax_impl.ghmc_loss(x, y, state, **options)


def counts_padding_in_jax(x: Any, y: Any, **options: Any) -> Any:
    """Divides by all examples, ignored ones too."""
    import jax_impl

    total, normalizer = jax_impl.cross_entropy(x, y, **options)
    return total, normalizer * 0 + len(y)

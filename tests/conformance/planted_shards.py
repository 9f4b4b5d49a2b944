"""Losses for shards in processes of their own, which find them here by name."""

import os
import time
from typing import Any

import torch_impl

FOCAL = torch_impl.sigmoid_focal_loss


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

"""Shards in processes of their own that talk by ``torch.distributed`` with gloo."""

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from conformance.adapters.crew import PATIENCE_S, Answer, Crew
from conformance.adapters.functions import bind
from conformance.adapters.protocol import Outputs, Request, Response
from conformance.adapters.shards import joined, split, with_reduced_counts
from conformance.adapters.torch_runtime import outputs_of, tensor_of


def worker(rank: int, size: int, folder: Path) -> Answer:
    """Joins the other workers; returns what evaluates a shard together with them."""
    if sys.platform == "linux":
        # The name of the machine need not resolve.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        init_method=(folder / "gloo").as_uri(),
        rank=rank,
        world_size=size,
        timeout=timedelta(seconds=PATIENCE_S),
    )
    groups = {n: dist.new_group(list(range(n))) for n in range(1, size + 1)}

    def answer(function: Callable[..., Any], asked: tuple[Request, int]) -> Outputs:
        request, taking_part = asked
        return evaluate(function, request, groups[taking_part])

    return answer


def evaluate(function: Callable[..., Any], request: Request, group: Any) -> Outputs:
    """Evaluates a shard: its own total over the normalizer of all.

    Args:
        function: The loss.
        request: The shard, under ``"parts"``.
        group: The process group of all shards.

    Returns:
        The mean of all, gradients of the shard's inputs, and of arguments that all
        shards share.
    """

    def over_all(part: torch.Tensor) -> torch.Tensor:
        whole = part.detach().clone()
        dist.all_reduce(whole, group=group)
        return whole

    given = {**request.inputs, **request.arrays}
    tensors = {k: tensor_of(v, k, request) for k, v in given.items()}
    leaves = {name: tensors[name].requires_grad_() for name in request.gradients}
    found = bind(function, with_reduced_counts(request, over_all))(tensors)
    total, normalizer = found.pop("value"), over_all(found.pop("normalizer"))
    divisor = torch.where(normalizer == 0, 1, normalizer)
    grads = torch.autograd.grad(total / divisor, list(leaves.values()))
    for name, grad in zip(leaves, grads, strict=True):
        found[f"grad_{name}"] = over_all(grad) if name in request.arrays else grad
    found |= {"value": over_all(total) / divisor, "normalizer": normalizer}
    return outputs_of(found)


def evaluate_all(
    crew: Crew, function: Callable[..., Any], request: Request
) -> Response:
    """Has the shards of a request evaluated by as many processes."""
    shards = split(request)
    answers = crew.ask(function, [(shard, len(shards)) for shard in shards])
    return joined(request, answers) if isinstance(answers, list) else answers

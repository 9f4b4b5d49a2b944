"""The training loop that a user of PyTorch would write, one model at a time."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the field's name for it
from torch import Tensor

from conformance.training.data import Problem
from conformance.training.recipe import Optimizer


def make(problem: Problem, recipe: Optimizer, device: str) -> Callable[..., Any]:
    """Returns a function that trains one model with AdamW and returns its predictor."""
    constants = dict(recipe.constants)

    def tensor(array: Any) -> Tensor:
        return torch.tensor(array, dtype=torch.float32, device=device)

    features, labels = tensor(problem.train.features), tensor(problem.train.labels)

    def train(first: Sequence[Any], epochs: Sequence[Any], pos_weight: float) -> Any:
        parameters = [tensor(array).requires_grad_() for array in first]
        optimizer = torch.optim.AdamW(
            parameters,
            lr=constants["learning_rate"],
            betas=(constants["beta1"], constants["beta2"]),
            eps=constants["eps"],
            weight_decay=constants["weight_decay"],
        )
        weight = tensor(pos_weight)
        for order in epochs:
            for rows in torch.as_tensor(order, device=device):
                loss = F.binary_cross_entropy_with_logits(
                    _logits(parameters, features[rows]),
                    labels[rows],
                    pos_weight=weight,
                )
                optimizer.zero_grad()
                loss.backward()
                if recipe.max_norm is not None:
                    torch.nn.utils.clip_grad_norm_(parameters, recipe.max_norm)
                optimizer.step()

        def predict(rows: Any) -> Any:
            with torch.no_grad():
                return _logits(parameters, tensor(rows)).cpu().double().numpy()

        return predict

    return train


def _logits(parameters: Sequence[Tensor], features: Tensor) -> Tensor:
    hidden = features
    for index in range(0, len(parameters), 2):
        hidden = torch.tanh(hidden) if index else hidden
        hidden = hidden @ parameters[index] + parameters[index + 1]
    return hidden[:, 0]

"""The link of a strategy: from the posterior to the logits that it trains for."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from conformance.training.data import Problem
from conformance.training.recipe import DataPlan, Strategy
from conformance.training.theory.effective import batch_pos_weight, class_factors
from refimpl import links, weights

Array = NDArray[np.float64]

# Of each loss its link, and the options that the link knows too.
_LINKS = {
    "binary_cross_entropy_with_logits": ("binary_cross_entropy", ("label_smoothing",)),
    "bce_of_probabilities": ("binary_cross_entropy", ()),
    "bce_of_shifted_probabilities": ("binary_cross_entropy", ()),
    "sigmoid_focal_loss": ("sigmoid_focal", ("alpha", "gamma")),
    "adaptive_bce_with_logits": ("adaptive_bce", ("gamma", "modulator")),
    "cross_entropy": ("cross_entropy", ("label_smoothing", "smoothing")),
    "softmax_focal_loss": ("softmax_focal", ("gamma",)),
}


class Link(NamedTuple):
    """Both directions, at the proportions of the test part.

    Attributes:
        logits: From posteriors ``(N, ...)`` to the logits of the minimiser.
        posterior: From trained logits to calibrated posteriors.
    """

    logits: Callable[[Array], Array]
    posterior: Callable[[Array], Array]


def has_link(problem: Problem, strategy: Strategy) -> bool:
    """Tells whether the minimiser of a strategy is a function of the posterior.

    It is not where examples are mined or harmonised: what one weighs depends on the
    others. That of several labels is known where examples come as they are and divide
    by their number.
    """
    if strategy.loss not in _LINKS or strategy.mining or problem.task == "heatmap":
        return False
    plain = strategy.sampler == "shuffled" and strategy.resampling == "none"
    counted = strategy.divisor in ("count", "one")
    return problem.task != "multilabel" or (plain and counted)


def link_of(
    problem: Problem, plan: DataPlan, strategy: Strategy, last_weight: Any
) -> Link:
    """Returns the link of a strategy that has one.

    Args:
        problem: Before resampling.
        plan: Size of the batches.
        strategy: Loss, options, weight, sampler, resampling, divisor and shards.
        last_weight: That the loss was given in the end: None, a number, or one for
            each class.

    Convention:
        SMOTE is taken for over-sampling, though its new examples lie between the old
        ones. A moving weight is taken for the one that it fluctuates about.
    """
    weight = _mean_weight(problem, plan, strategy, last_weight)
    name, known = _LINKS[strategy.loss]
    options = {k: v for k, v in strategy.options if k in known}
    if strategy.weight is not None:
        options[strategy.weight.argument] = weight
    forward, back = (getattr(links, f"{name}_{way}") for way in ("link", "posterior"))
    if problem.task == "multilabel":
        return Link(lambda p: forward(p, **options), lambda x: back(x, **options))
    given = np.ones(problem.classes) if weight is None else weight
    if problem.task == "binary":
        given = np.array([1.0, 1.0 if weight is None else weight])
    factors = class_factors(problem, plan, strategy, given)
    here, there = _priors(factors, binary=problem.task == "binary")
    return Link(
        lambda p: forward(
            links.prior_shift(p, from_prior=here, to_prior=there), **options
        ),
        lambda x: links.prior_shift(
            back(x, **options), from_prior=there, to_prior=here
        ),
    )


def _mean_weight(
    problem: Problem, plan: DataPlan, strategy: Strategy, last: Any
) -> Any:
    """Returns the weight that a positive has on average, or what it ended with."""
    if strategy.weight is None or strategy.weight.kind not in ("batch", "moving"):
        return None if last is None else np.asarray(last, np.float64)
    most = dict(strategy.weight.constants).get("max_value", 100.0)
    if strategy.weight.kind == "batch":
        size = len(problem.train.labels)
        rate = np.asarray(problem.positives) / size
        return batch_pos_weight(rate, min(plan.batch, size), most)
    counts = (np.atleast_1d(n) for n in (problem.positives, problem.negatives))
    found = weights.pos_weight(*counts, max_value=most)
    return found.reshape(np.shape(problem.positives))


def _priors(factors: Array, *, binary: bool) -> tuple[Any, Any]:
    """Returns two priors whose ratio is the factors."""
    if binary:
        return 0.5, factors[1] / factors.sum()
    return np.ones(len(factors)), factors

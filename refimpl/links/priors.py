"""What another share of the classes does to a posterior."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refimpl import _validate
from refimpl._inputs import hyperparameter
from refimpl.links._inputs import class_posterior, real


def prior_shift(
    posterior: ArrayLike, *, from_prior: Any, to_prior: Any, class_axis: int = -1
) -> NDArray:
    r"""Returns the posterior at another prior, with what each class looks like kept.

    .. math::
        \eta'_k \propto \eta_k\,\pi'_k / \pi_k

    Args:
        posterior: Where priors are numbers, the probability of label 1, any shape.
            Where they are arrays, the probability of each class, with a class axis.
        from_prior: Prior :math:`\pi` that the posterior belongs to: the probability
            of label 1 in (0, 1), or ``(C,)`` numbers > 0 of which only the proportions
            count, such as class counts.
        to_prior: Prior :math:`\pi'` that is wanted, of the same kind.
        class_axis: Axis of ``posterior`` that runs over the classes.

    Returns:
        Array shaped like ``posterior``.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: A value out of range, or one prior a number and the other not.

    Convention:
        A model trained under balanced sampling has learned the posterior at equal
        priors: its probabilities are calibrated by ``from_prior=np.ones(C)`` and
        ``to_prior=class_counts``. Weighting examples by their class acts alike, with
        weights in the place of the prior. Corrections compose: a balanced sampler and
        inverse-frequency weights together shift the prior twice.

    Example:
        A model trained on balanced classes, where 1 % are positive:

        >>> f"{prior_shift(0.5, from_prior=0.5, to_prior=0.01):.12g}"
        '0.01'

    References:
        Elkan, 2001, section 3. The foundations of cost-sensitive learning. IJCAI;
        Saerens et al., 2002. https://doi.org/10.1162/089976602753284446
    """
    if np.ndim(from_prior) != np.ndim(to_prior):
        raise ValueError(
            "from_prior and to_prior must both be numbers or both have one value per "
            f"class, got shapes {np.shape(from_prior)} and {np.shape(to_prior)}."
        )
    if np.ndim(from_prior) == 0:
        eta = real("posterior", posterior)
        _validate.check_range("posterior", eta, high=1)
        (on, off), (new_on, new_off) = (
            _both("from_prior", from_prior),
            _both("to_prior", to_prior),
        )
        hit, miss = eta * (new_on / on), (1 - eta) * (new_off / off)
        return hit / (hit + miss)
    eta = class_posterior(posterior, class_axis)
    old, new = (
        _shares(name, prior, eta.shape[-1])
        for name, prior in (("from_prior", from_prior), ("to_prior", to_prior))
    )
    shifted = eta * (new / old)
    return np.moveaxis(shifted / shifted.sum(axis=-1, keepdims=True), -1, class_axis)


def _both(name: str, prior: Any) -> tuple[NDArray, NDArray]:
    on = hyperparameter(name, prior, high=1, closed=False, positive=True)
    return on, 1 - on


def _shares(name: str, prior: Any, classes: int) -> NDArray:
    array = real(name, prior)
    if array.shape != (classes,):
        raise ValueError(
            f"{name} must have shape {(classes,)}, one value per class, "
            f"got {array.shape}."
        )
    if not ((array > 0) & (array < np.inf)).all():
        raise ValueError(f"{name} must be finite and > 0, got {array.tolist()}.")
    return array / array.sum()

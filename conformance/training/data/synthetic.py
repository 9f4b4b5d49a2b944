"""Drawn data sets whose posterior is known."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import root_scalar
from scipy.special import expit

from conformance.training.data.parts import Array, Problem, Split


def synthetic(
    *,
    seed: int,
    features: int,
    components: int,
    spread: float,
    positives: Sequence[int],
    negatives: Sequence[int],
) -> Problem:
    """Draws two mixtures of Gaussians with unit covariance.

    Args:
        seed: Of everything drawn.
        features: Number of dimensions.
        components: Of each class's mixture; the classes' centres interleave, so no
            plane separates them.
        spread: Standard deviation of the centres: the larger, the less overlap.
        positives: Examples of train, validation and test.
        negatives: The same for the other class.

    Returns:
        Parts with exactly these counts and with the posterior at their class ratio.
    """
    generator = np.random.default_rng(seed)
    centres = generator.normal(0.0, spread, (2, components, features))
    counts = zip(negatives, positives, strict=True)
    parts = [_mixture(generator, centres, pair) for pair in counts]
    return Problem("binary", *(_binary(part) for part in parts))


def gaussian(
    *,
    seed: int,
    features: int,
    distance: float,
    positives: Sequence[int],
    negatives: Sequence[int],
) -> Problem:
    """Draws two Gaussians with unit covariance, whose true logit is linear.

    Args:
        seed: Of everything drawn.
        features: Number of dimensions.
        distance: Between the two means, in a direction that is drawn; it is the norm
            of the true logit's slope.
        positives: Examples of train, validation and test.
        negatives: The same for the other class.

    Returns:
        Parts with exactly these counts and with the posterior at their class ratio.
    """
    generator = np.random.default_rng(seed)
    direction = generator.normal(size=features)
    half = 0.5 * distance * direction / np.linalg.norm(direction)
    centres = np.stack([-half, half])[:, np.newaxis]
    counts = zip(negatives, positives, strict=True)
    parts = [_mixture(generator, centres, pair) for pair in counts]
    return Problem("binary", *(_binary(part) for part in parts))


def multiclass_synthetic(
    *,
    seed: int,
    features: int,
    components: int,
    spread: float,
    counts: Sequence[int],
    times: int,
) -> Problem:
    """Draws one mixture of Gaussians with unit covariance for each class.

    Args:
        seed: Of everything drawn.
        features: Number of dimensions.
        components: Of each class's mixture.
        spread: Standard deviation of the centres: the larger, the less overlap.
        counts: Examples of each class in training.
        times: As many of them in validation and in test, so that the recall of a
            rare class can be measured.

    Returns:
        Parts with exactly these counts and with the posterior at their ratios.
    """
    generator = np.random.default_rng(seed)
    centres = generator.normal(0.0, spread, (len(counts), components, features))
    sizes = [np.multiply(counts, factor) for factor in (1, times, times)]
    return Problem("multiclass", *(_mixture(generator, centres, n) for n in sizes))


def multilabel_synthetic(
    *,
    seed: int,
    features: int,
    units: int,
    slope: float,
    rates: Sequence[float],
    examples: Sequence[int],
) -> Problem:
    """Draws labels from the logits of a random network with one hidden layer.

    The labels share its hidden units, so they are correlated; given the features they
    are independent.

    Args:
        seed: Of everything drawn.
        features: Number of dimensions, standard normal.
        units: Of the hidden layer.
        slope: Standard deviation of every label's logit: the larger, the less noise.
        rates: Mean posterior of each label over the training part.
        examples: Number in train, validation and test.

    Returns:
        Parts with these numbers of examples and with the posterior of each label.
    """
    generator = np.random.default_rng(seed)
    inner = generator.normal(size=(features, units)) / np.sqrt(features)
    outer = generator.normal(size=(units, len(rates)))
    drawn = [generator.normal(size=(size, features)) for size in examples]
    scores = [np.tanh(x @ inner) @ outer for x in drawn]
    scale = slope / scores[0].std(axis=0)
    # The features alone decide the intercepts: the posterior stays exact.
    intercepts = [
        _intercept(score, rate)
        for score, rate in zip((scores[0] * scale).T, rates, strict=True)
    ]
    parts = []
    for x, score in zip(drawn, scores, strict=True):
        posterior = expit(score * scale + intercepts)
        labels = generator.random(posterior.shape) < posterior
        parts.append(Split(x, labels.astype(np.float64), posterior))
    return Problem("multilabel", *parts)


def _intercept(scores: Array, rate: float) -> float:
    """Returns what brings the mean probability of logits to a rate when added."""
    bound = np.abs(scores).max() + abs(np.log(rate / (1.0 - rate)))
    found = root_scalar(
        lambda shift: expit(scores + shift).mean() - rate, bracket=(-bound, bound)
    )
    return found.root


def _mixture(
    generator: np.random.Generator, centres: Array, counts: ArrayLike
) -> Split:
    """Draws examples of each class around its centres, shaped (K, components, d)."""
    classes, components, width = centres.shape
    counts = np.asarray(counts)
    chosen = [generator.integers(components, size=count) for count in counts]
    means = np.concatenate(
        [own[rows] for own, rows in zip(centres, chosen, strict=True)]
    )
    features = means + generator.normal(size=(counts.sum(), width))
    labels = np.repeat(np.arange(classes), counts)
    # Unit covariance: densities of the components up to a factor common to all.
    squares = ((features[:, None, None, :] - centres) ** 2).sum(axis=-1)
    densities = np.exp(-0.5 * squares).sum(axis=-1) * counts
    return Split(features, labels, densities / densities.sum(axis=1, keepdims=True))


def _binary(part: Split) -> Split:
    """Takes the second of two classes for the positive one."""
    posterior = np.asarray(part.posterior)[:, 1]
    return Split(part.features, part.labels.astype(np.float64), posterior)

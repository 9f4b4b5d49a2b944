"""Links against trained models on data with a known posterior.

The model is linear on features that tell groups of examples apart, so it can reach the
minimiser of the expected loss, and the features make its parameters depend on each
other as those of any model do.
"""

from functools import partial
from typing import Any

import jax
import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

import jax_impl
import refimpl
import torch_impl
from refimpl import links

POSTERIOR = np.array([0.03, 0.12, 0.45, 0.8])
CLASS_POSTERIOR = np.array(
    [[0.9, 0.07, 0.03], [0.6, 0.1, 0.3], [0.2, 0.5, 0.3], [0.34, 0.33, 0.33]]
)
# Invertible: every group's logit is free.
FEATURES = np.array(
    [
        [1.0, 0.0, 0.0, 0.2],
        [1.0, 1.0, 0.0, 0.0],
        [1.0, 0.5, 2.0, 0.0],
        [1.0, 0.0, 1.0, 3.0],
    ]
)
SHARE = np.array([0.4, 0.3, 0.2, 0.1])
EXAMPLES = 20_000
ERRORS = 5.0  # standard errors; one of 100 comparisons is off so far by 6e-5
WEIGHTS = np.array([0.3, 2.0, 4.0])

BCE, FOCAL = "binary_cross_entropy_with_logits", "sigmoid_focal_loss"
ADAPTIVE, CE, SOFTMAX = (
    "adaptive_bce_with_logits",
    "cross_entropy",
    "softmax_focal_loss",
)
HEATMAP = "heatmap_focal_loss"
LINKS: dict[str, tuple[Any, Any]] = {
    BCE: (links.binary_cross_entropy_link, links.binary_cross_entropy_posterior),
    FOCAL: (links.sigmoid_focal_link, links.sigmoid_focal_posterior),
    ADAPTIVE: (links.adaptive_bce_link, links.adaptive_bce_posterior),
    CE: (links.cross_entropy_link, links.cross_entropy_posterior),
    SOFTMAX: (links.softmax_focal_link, links.softmax_focal_posterior),
}
BINARY: list[tuple[str, dict[str, Any]]] = [
    (BCE, {"pos_weight": 8.0}),
    (BCE, {"pos_weight": 3.0, "label_smoothing": 0.1}),
    (FOCAL, {"alpha": 0.25, "gamma": 2.0}),
    (FOCAL, {"gamma": 0.5, "pos_weight": 5.0}),
    (ADAPTIVE, {"pos_weight": 5.0, "gamma": 1.5}),
    (ADAPTIVE, {"pos_weight": 5.0, "gamma": 2.0, "modulator": "weighted_loss"}),
]
CLASSES: list[tuple[str, dict[str, Any]]] = [
    (CE, {"class_weights": WEIGHTS, "label_smoothing": 0.1}),
    (CE, {"label_smoothing": 0.2, "smoothing": "off_target"}),
    (SOFTMAX, {"class_weights": WEIGHTS, "gamma": 2.0}),
]


def descend(value_and_slope, shape):
    """Trains parameters to where the slope of an exact expected loss vanishes."""

    def flat(parameters):
        value, slope = value_and_slope(FEATURES @ parameters.reshape(shape))
        return value, (FEATURES.T @ slope).ravel()

    start = np.zeros(int(np.prod(shape)))
    found = minimize(flat, start, jac=True, method="BFGS", options={"gtol": 1e-11})
    return FEATURES @ found.x.reshape(shape)


@pytest.mark.parametrize(("name", "options"), BINARY)
def test_descent_on_the_expected_loss_ends_at_the_link(name, options):
    loss, grad = (getattr(refimpl, f"{name}{kind}") for kind in ("", "_grad"))

    def expected(logits):
        value, slope = 0.0, 0.0
        for label, chance in ((1.0, POSTERIOR), (0.0, 1 - POSTERIOR)):
            y = np.full(logits.shape, label)
            value += SHARE * chance @ loss(logits, y, reduction="none", **options)
            slope += SHARE * chance * grad(logits, y, **options)
        return value, slope

    link, _ = LINKS[name]
    # The gradient is 1e-11 at most; curvatures are 1e-3 and more.
    trained = descend(expected, (4,))
    np.testing.assert_allclose(trained, link(POSTERIOR, **options), atol=1e-7)


@pytest.mark.parametrize(("name", "options"), CLASSES)
def test_descent_on_the_expected_class_loss_ends_at_the_link(name, options):
    loss, grad = (getattr(refimpl, f"{name}{kind}") for kind in ("", "_grad"))

    def expected(logits):
        value, slope = 0.0, np.zeros_like(logits)
        for k in range(3):
            chance, y = SHARE * CLASS_POSTERIOR[:, k], np.full(4, k)
            value += chance @ loss(logits, y, reduction="none", **options)
            slope += chance[:, None] * grad(logits, y, **options)
        return value, slope

    link, _ = LINKS[name]
    trained = descend(expected, (4, 3))
    trained = log_softmax(trained, axis=-1)
    np.testing.assert_allclose(trained, link(CLASS_POSTERIOR, **options), atol=1e-7)


def test_descent_on_a_heat_map_ends_at_the_link():
    peaks = (np.ones(4, bool), np.zeros(4, bool))

    def expected(logits):
        value, slope = 0.0, 0.0
        for peak, chance in zip(peaks, (POSTERIOR, 1 - POSTERIOR), strict=True):
            options = {"alpha": 2.0, "beta": 4.0, "pos_mask": peak}
            h = np.where(peak, 1.0, 0.3)
            none = refimpl.heatmap_focal_loss(logits, h, reduction="none", **options)
            value += SHARE * chance @ none
            slope += (
                SHARE * chance * refimpl.heatmap_focal_loss_grad(logits, h, **options)
            )
        return value, slope

    wanted = links.heatmap_focal_link(POSTERIOR, alpha=2.0, discount=0.7**4)
    np.testing.assert_allclose(descend(expected, (4,)), wanted, atol=1e-7)


def draw(seed, *, classes=False):
    """Draws groups of examples and their labels from the posterior."""
    generator = np.random.default_rng(seed)
    groups = generator.choice(4, size=EXAMPLES, p=SHARE)
    chance = generator.random(EXAMPLES)
    if not classes:
        return groups, (chance < POSTERIOR[groups]).astype(np.float64)
    cuts = np.cumsum(CLASS_POSTERIOR, axis=1)[groups, :2]
    return groups, (chance[:, None] >= cuts).sum(axis=1)


def objective_torch(name, features, labels, options):
    """Returns the mean loss of a linear model and its gradient, by PyTorch."""
    options = {
        k: torch.tensor(v) if isinstance(v, np.ndarray) else v
        for k, v in options.items()
    }
    loss = partial(getattr(torch_impl, name), **options)
    x, y = torch.tensor(features), torch.tensor(labels)

    def value_and_grad(weight):
        leaf = torch.tensor(weight, requires_grad=True)
        value = loss(x @ leaf, y)
        (gradient,) = torch.autograd.grad(value, leaf)
        return value.item(), gradient.numpy()

    return value_and_grad


def objective_jax(name, features, labels, options):
    """Returns the mean loss of a linear model and its gradient, by JAX."""
    loss = partial(getattr(jax_impl, name), **options)
    compiled = jax.jit(
        jax.value_and_grad(lambda weight: loss(features @ weight, labels))
    )

    def value_and_grad(weight):
        with jax.enable_x64(True):
            value, gradient = compiled(weight)
            return float(value), np.asarray(gradient)

    return value_and_grad


OBJECTIVES = {"torch": objective_torch, "jax": objective_jax}


def train(framework, name, groups, labels, options, *, shape=(4,)):
    """Returns the logits of every group after training on drawn labels."""
    objective = OBJECTIVES[framework](name, FEATURES[groups], labels, options)

    def flat(parameters):
        value, gradient = objective(parameters.reshape(shape))
        return value, gradient.ravel()

    start = np.zeros(int(np.prod(shape)))
    found = minimize(flat, start, jac=True, method="BFGS", options={"gtol": 1e-7})
    return FEATURES @ found.x.reshape(shape)


@pytest.mark.parametrize("framework", OBJECTIVES)
@pytest.mark.parametrize(("name", "options"), BINARY)
def test_trained_logits_follow_the_link(name, options, framework):
    groups, labels = draw(7)
    x = train(framework, name, groups, labels, options)
    link, posterior = LINKS[name]
    size = np.bincount(groups)
    error = ERRORS * np.sqrt(POSTERIOR * (1 - POSTERIOR) / size)
    assert (np.abs(posterior(x, **options) - POSTERIOR) < error).all()
    low, high = (link(POSTERIOR + d, **options) for d in (-error, error))
    assert ((low < x) & (x < high)).all()
    # The sigmoid of these logits is no posterior.
    raw = 1 / (1 + np.exp(-x))
    assert (np.abs(raw - POSTERIOR) > error).any()


@pytest.mark.parametrize("framework", OBJECTIVES)
@pytest.mark.parametrize(("name", "options"), CLASSES)
def test_trained_class_logits_follow_the_link(name, options, framework):
    groups, labels = draw(11, classes=True)
    x = train(framework, name, groups, labels, options, shape=(4, 3))
    _, posterior = LINKS[name]
    size = np.bincount(groups)[:, None]
    error = ERRORS * np.sqrt(CLASS_POSTERIOR * (1 - CLASS_POSTERIOR) / size)
    assert (np.abs(posterior(x, **options) - CLASS_POSTERIOR) < error).all()
    raw = softmax(x, axis=-1)
    assert (np.abs(raw - CLASS_POSTERIOR) > error).any()


def test_prior_shift_calibrates_a_model_trained_on_balanced_samples():
    groups, labels = draw(13)
    prior = labels.mean()
    # As many positives as negatives, with replacement.
    chance = np.where(labels == 1, 0.5 / labels.sum(), 0.5 / (1 - labels).sum())
    drawn = np.random.default_rng(17).choice(EXAMPLES, size=EXAMPLES, p=chance)
    x = train("torch", BCE, groups[drawn], labels[drawn], {})
    raw = links.binary_cross_entropy_posterior(x)
    eta = links.prior_shift(raw, from_prior=0.5, to_prior=prior)
    # Both the data and the sample of it scatter.
    size = np.minimum(np.bincount(groups), np.bincount(groups[drawn]))
    error = ERRORS * np.sqrt(2 * POSTERIOR * (1 - POSTERIOR) / size)
    assert (np.abs(eta - POSTERIOR) < error).all()
    assert (np.abs(raw - POSTERIOR) > error).all()

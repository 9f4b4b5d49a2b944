from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import refimpl
from refimpl import links

ETA = np.array([1e-290, 1e-9, 0.02, 0.31, 0.5, 0.84, 1 - 1e-9])
WEIGHTS = np.array([0.2, 5.0, 1.0])
# Deterministic, however busy the machine.
STEADY = settings(deadline=None, derandomize=True)
BALANCE = 1e-13  # of the terms that must cancel; log-odds of 700 round to 1e-13

BINARY = {
    "bce": (
        refimpl.binary_cross_entropy_with_logits_grad,
        links.binary_cross_entropy_link,
        links.binary_cross_entropy_posterior,
        {"pos_weight": 7.0},
    ),
    "focal": (
        refimpl.sigmoid_focal_loss_grad,
        links.sigmoid_focal_link,
        links.sigmoid_focal_posterior,
        {"alpha": 0.25, "gamma": 2.5, "pos_weight": 3.0},
    ),
    "adaptive": (
        refimpl.adaptive_bce_with_logits_grad,
        links.adaptive_bce_link,
        links.adaptive_bce_posterior,
        {"pos_weight": 0.3, "gamma": 1.5},
    ),
    "weighted loss": (
        refimpl.adaptive_bce_with_logits_grad,
        links.adaptive_bce_link,
        links.adaptive_bce_posterior,
        {"pos_weight": 50.0, "gamma": 4.0, "modulator": "weighted_loss"},
    ),
}
CLASSES = {
    "cross-entropy": (
        refimpl.cross_entropy_grad,
        links.cross_entropy_link,
        links.cross_entropy_posterior,
        {},
    ),
    "uniform": (
        refimpl.cross_entropy_grad,
        links.cross_entropy_link,
        links.cross_entropy_posterior,
        {"label_smoothing": 0.15},
    ),
    "off target": (
        refimpl.cross_entropy_grad,
        links.cross_entropy_link,
        links.cross_entropy_posterior,
        {"label_smoothing": 0.9, "smoothing": "off_target"},
    ),
    "focal": (
        refimpl.softmax_focal_loss_grad,
        links.softmax_focal_link,
        links.softmax_focal_posterior,
        {"gamma": 1.7},
    ),
}


@pytest.mark.parametrize("case", BINARY)
def test_expected_gradient_vanishes_at_the_link(case):
    grad, link, _, options = BINARY[case]
    x = link(ETA, **options)
    rise = (1 - ETA) * grad(x, np.zeros_like(x), **options)
    fall = ETA * grad(x, np.ones_like(x), **options)
    assert (rise > 0).all()
    np.testing.assert_allclose(rise, -fall, rtol=BALANCE)


@pytest.mark.parametrize("case", CLASSES)
def test_expected_class_gradient_vanishes_at_the_link(case):
    grad, link, _, options = CLASSES[case]
    eta = np.array([[0.7, 0.2, 0.1], [1e-9, 0.4, 0.6 - 1e-9], [0.05, 0.9, 0.05]])
    x = link(eta, class_weights=WEIGHTS, **options)
    terms = np.stack(
        [
            eta[:, k, None] * grad(x, np.full(3, k), class_weights=WEIGHTS, **options)
            for k in range(3)
        ]
    )
    size = np.abs(terms).sum(axis=0)
    assert (size > 0).all()
    assert (np.abs(terms.sum(axis=0)) <= BALANCE * size).all()


@STEADY
@given(
    st.sampled_from(sorted(BINARY)),
    st.floats(-700, 700),
    st.floats(1e-6, 1e6),
    st.floats(0, 10),
)
def test_inverse_undoes_the_link(case, value, w, gamma):
    _, link, posterior, options = BINARY[case]
    options = options | {"pos_weight": w}
    if "gamma" in options:
        options["gamma"] = gamma
    x = link(value, log_odds=True, **options)
    back = posterior(x, log_odds=True, **options)
    # The slope of the inverse, gamma + 1 or less, magnifies the rounding of x.
    assert back == pytest.approx(value, rel=1e-14 * (gamma + 2), abs=1e-13)


@STEADY
@given(
    st.sampled_from(sorted(CLASSES)),
    st.lists(st.floats(-300, 300), min_size=2, max_size=6),
    st.floats(0, 10),
    st.data(),
)
def test_class_inverse_undoes_the_link(case, scores, gamma, data):
    _, link, posterior, options = CLASSES[case]
    eta = np.exp(np.array(scores) - max(scores))
    eta = eta / eta.sum()
    weight = st.floats(1e-3, 1e3)
    w = np.array([data.draw(weight) for _ in scores])
    options = options | {"class_weights": w}
    if "gamma" in options:
        options["gamma"] = gamma
    back = posterior(link(eta, **options), **options)
    smoothed = "label_smoothing" in options
    # What smoothing adds to a class hides the digits of its posterior.
    spread = 1e-12 * w.max() / w.min() if smoothed else 0
    np.testing.assert_allclose(back, eta, rtol=1e-12, atol=spread)


@STEADY
@given(st.floats(0, 1), st.floats(1e-3, 1e3), st.floats(0.01, 0.9))
def test_inverse_undoes_smoothing(eta, w, s):
    x = links.binary_cross_entropy_link(eta, pos_weight=w, label_smoothing=s)
    back = links.binary_cross_entropy_posterior(x, pos_weight=w, label_smoothing=s)
    assert back == pytest.approx(eta, rel=0, abs=1e-14 / (1 - s))


@pytest.mark.parametrize("case", BINARY)
def test_limits_and_nan(case):
    _, link, posterior, options = BINARY[case]
    x = link(np.array([0.0, 1.0, np.nan]), **options)
    np.testing.assert_array_equal(x, [-np.inf, np.inf, np.nan])
    np.testing.assert_array_equal(posterior(x, **options), [0, 1, np.nan])
    np.testing.assert_array_equal(posterior(x, log_odds=True, **options), x)


@pytest.mark.parametrize("case", CLASSES)
def test_class_limits_and_nan(case):
    _, link, posterior, options = CLASSES[case]
    eta = np.array([[1.0, 0.0, 0.0], [0.3, 0.0, 0.7], [0.2, np.nan, 0.4]])
    x = link(eta, **options)
    np.testing.assert_allclose(posterior(x, **options)[:2], eta[:2], atol=1e-15)
    assert np.isnan(x[2]).all()
    assert np.isnan(posterior(x, **options)[2]).all()
    if "label_smoothing" not in options:
        np.testing.assert_array_equal(x[0], [0, -np.inf, -np.inf])
        assert x[1, 1] == -np.inf


def test_infinite_logit_is_a_certain_class():
    for posterior in (links.cross_entropy_posterior, links.softmax_focal_posterior):
        for row in ([np.inf, 3.0, -4.0], [1.0, -np.inf, -np.inf]):
            np.testing.assert_array_equal(posterior(row), [1, 0, 0])


def test_unreachable_logits_are_clipped():
    x = np.array([-9.0, 9.0])
    posterior = partial(
        links.binary_cross_entropy_posterior, label_smoothing=0.2, pos_weight=2.0
    )
    np.testing.assert_array_equal(posterior(x), [0, 1])
    np.testing.assert_array_equal(posterior(x, log_odds=True), [-np.inf, np.inf])
    # p = (0.95, 0.03, 0.02) with floor 0.1: only the first class is within reach.
    eta = links.cross_entropy_posterior(np.log([0.6, 0.38, 0.02]), label_smoothing=0.3)
    np.testing.assert_allclose(eta, np.array([0.5, 0.28, 0]) / 0.78, rtol=1e-14)


def test_gamma_zero_is_cross_entropy():
    x = links.binary_cross_entropy_link(ETA, pos_weight=3.0)
    for link in (links.sigmoid_focal_link, links.adaptive_bce_link):
        np.testing.assert_allclose(link(ETA, gamma=0.0, pos_weight=3.0), x, rtol=1e-14)
    eta = np.array([[0.7, 0.2, 0.1]])
    np.testing.assert_allclose(
        links.softmax_focal_link(eta, gamma=0.0, class_weights=WEIGHTS),
        links.cross_entropy_link(eta, class_weights=WEIGHTS),
        rtol=1e-14,
    )


def test_two_classes_are_the_binary_link():
    w = np.array([1.0, 4.0])
    eta = np.stack([1 - ETA, ETA], axis=-1)
    x = links.softmax_focal_link(eta, gamma=1.5, class_weights=w)
    binary = links.sigmoid_focal_link(ETA, gamma=1.5, pos_weight=4.0)
    np.testing.assert_allclose(x[:, 1] - x[:, 0], binary, rtol=1e-13, atol=1e-14)
    x = links.cross_entropy_link(eta, class_weights=w, label_smoothing=0.1)
    binary = links.binary_cross_entropy_link(ETA, pos_weight=4.0, label_smoothing=0.1)
    np.testing.assert_allclose(x[:, 1] - x[:, 0], binary, rtol=1e-13)


def test_focal_is_underconfident_but_on_the_right_side():
    eta = np.linspace(0.01, 0.99, 99)
    mild, strong = (links.sigmoid_focal_link(eta, gamma=g) for g in (1.0, 5.0))
    plain = links.binary_cross_entropy_link(eta)
    sides = np.sign(np.round(eta - 0.5, 12))
    np.testing.assert_array_equal(np.sign(np.round(strong, 12)), sides)
    off = sides != 0
    assert (np.abs(strong)[off] < np.abs(mild)[off]).all()
    assert (np.abs(mild)[off] < np.abs(plain)[off]).all()


@pytest.mark.parametrize("axis", [0, 1])
def test_class_axes(axis):
    rng = np.random.default_rng(3)
    eta = np.moveaxis(rng.dirichlet([1, 2, 3], size=(4, 5)), -1, axis)
    for link, posterior in (
        (links.cross_entropy_link, links.cross_entropy_posterior),
        (links.softmax_focal_link, links.softmax_focal_posterior),
    ):
        options = {"class_weights": WEIGHTS, "class_axis": axis}
        x = link(eta, **options)
        assert x.shape == eta.shape
        last = link(np.moveaxis(eta, axis, -1), class_weights=WEIGHTS)
        np.testing.assert_array_equal(np.moveaxis(x, axis, -1), last)
        np.testing.assert_allclose(posterior(x, **options), eta, rtol=1e-12)


@pytest.mark.parametrize("case", BINARY)
def test_weights_of_each_label(case):
    _, forward, inverse, options = BINARY[case]
    eta, w = np.array([[0.1, 0.5, 0.7], [0.2, 0.9, 0.4]]), np.array([1.0, 4.0, 9.0])
    options = options | {"pos_weight": w}
    x = forward(eta, **options)
    for c in range(3):
        column = forward(eta[:, c], **options | {"pos_weight": w[c]})
        np.testing.assert_array_equal(x[:, c], column)
    np.testing.assert_allclose(inverse(x, **options), eta, rtol=1e-13)
    if forward is not links.adaptive_bce_link:
        turned = forward(eta.T, **options, class_axis=0)
        np.testing.assert_array_equal(turned.T, x)


def test_no_element_depends_on_its_neighbours():
    eta = np.random.default_rng(5).random(400)
    together = links.sigmoid_focal_link(eta, alpha=0.25)
    apart = [links.sigmoid_focal_link(one, alpha=0.25) for one in eta]
    np.testing.assert_array_equal(together, apart)
    rows = np.random.default_rng(6).dirichlet([0.2, 1, 3], size=50)
    together = links.softmax_focal_link(rows)
    apart = [links.softmax_focal_link(row) for row in rows]
    np.testing.assert_array_equal(together, apart)


@pytest.mark.parametrize("gamma", [0.0, 0.1, 0.7, 3.0, 10.0])
def test_balance_rises_so_that_the_minimum_is_one(gamma):
    x = np.linspace(-40, 40, 16_001)
    focal = links.sigmoid_focal_posterior(x, gamma=gamma, log_odds=True)
    assert (np.diff(focal) >= (1 - 1e-9) * np.diff(x)).all()
    for w in np.geomspace(1e-6, 1e6, 49):
        value = links.adaptive_bce_posterior(
            x, pos_weight=w, gamma=gamma, modulator="weighted_loss", log_odds=True
        )
        assert (np.diff(value) > 0.15 * np.diff(x)).all()


def test_sample_weight_by_class_is_another_prior():
    eta = np.array([[0.7, 0.2, 0.1]])
    prior = links.prior_shift(eta, from_prior=np.ones(3), to_prior=WEIGHTS)
    x = links.cross_entropy_link(prior, label_smoothing=0.2)
    rows = np.repeat(x, 3, axis=0)
    gradient = refimpl.cross_entropy_grad(
        rows, np.arange(3), sample_weight=WEIGHTS, label_smoothing=0.2
    )
    np.testing.assert_allclose(eta @ gradient, 0, atol=1e-16)
    other = links.cross_entropy_link(eta, class_weights=WEIGHTS, label_smoothing=0.2)
    assert np.abs(other - x).max() > 0.1


def test_many_classes_of_which_none_is_likely():
    # The likeliest classes are hard enough for their slopes to still grow with p, so
    # that they leave the others behind by more than the ratio of their posteriors.
    scores = np.concatenate([np.ones(40), np.full(60, 0.01)])
    eta = scores / scores.sum()
    x = links.softmax_focal_link(eta, gamma=10.0)
    gradient = refimpl.softmax_focal_loss_grad(
        np.tile(x, (100, 1)), np.arange(100), gamma=10.0
    )
    assert x[0] - x[-1] > np.log(eta[0] / eta[-1]) + 0.1
    terms = eta[:, None] * gradient
    size = np.abs(terms).sum(axis=0)
    assert (np.abs(terms.sum(axis=0)) <= BALANCE * size).all()

"""Links against minima of the expected loss in 70-digit arithmetic."""

import numpy as np
import pytest
from mpmath import mp, mpf

from refimpl import links
from tests.conformance.truths import numbers, output

BCE, FOCAL = "binary_cross_entropy_with_logits", "sigmoid_focal_loss"
ADAPTIVE, HEATMAP = "adaptive_bce_with_logits", "heatmap_focal_loss"
CE, SOFTMAX_FOCAL = "cross_entropy", "softmax_focal_loss"

# Of the logit, or of its size; the links promise no more.
TOLERANCE = 1e-12
POSTERIORS = [1e-300, 1e-17, 0.013, 0.4, 0.97, 1 - 2**-50]
LOG_ODDS = [-730.0, -3.3, 0.0, 0.7, 41.0, 690.0]
WEIGHTS = [1e-6, 0.3, 7.0, 1e6]
GAMMAS = [0.0, 0.25, 1.0, 2.0, 10.0]
SMOOTHINGS = [0.0, 0.03, 0.6]


def assert_minimum(operation, odds, on, off, x):
    """Asserts that x is the minimum of the expected loss."""
    with mp.workdps(70):
        p, q = 1 / (1 + 1 / odds), 1 / (1 + odds)

        def expected(name, x):
            high, low = (output(operation, name, logits=x, **y) for y in (on, off))
            return p * high + q * low

        start, step = mpf(float(x)), mpf(10) ** -8
        # In the tails slopes are tiny: they count by their neighbours.
        unit = abs(expected("grad_logits", start + 1))
        root = mp.findroot(
            lambda x: expected("grad_logits", x) / unit,
            (start, start + step),
            tol=mpf(10) ** -50,
        )
        assert abs(root - start) <= TOLERANCE * max(1, abs(root))
        least = expected("value", root)
        for step in (mpf(10) ** -12, mpf(1), mpf(40)):
            assert least < expected("value", root - step)
            assert least < expected("value", root + step)


def sides(**options):
    return {"labels": 1.0, **options}, {"labels": 0.0, **options}


@pytest.mark.parametrize("w", WEIGHTS)
@pytest.mark.parametrize("s", SMOOTHINGS)
def test_binary_cross_entropy(w, s):
    options = {"pos_weight": w, "label_smoothing": s}
    for eta in POSTERIORS:
        x = links.binary_cross_entropy_link(eta, **options)
        odds = mpf(eta) / (1 - mpf(eta))
        assert_minimum(BCE, odds, *sides(**options), x)


@pytest.mark.parametrize("w", WEIGHTS)
@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("alpha", [None, 0.25, 0.999])
def test_sigmoid_focal(alpha, gamma, w):
    options = {"alpha": alpha, "gamma": gamma, "pos_weight": w}
    for eta in POSTERIORS:
        x = links.sigmoid_focal_link(eta, **options)
        odds = mpf(eta) / (1 - mpf(eta))
        assert_minimum(FOCAL, odds, *sides(**options), x)


@pytest.mark.parametrize("w", [1e-6, 0.3, 7.0, 390.0, 1e6])
@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("modulator", ["probability", "weighted_loss"])
def test_adaptive(modulator, gamma, w):
    options = {"pos_weight": w, "gamma": gamma, "modulator": modulator}
    for eta in POSTERIORS:
        x = links.adaptive_bce_link(eta, **options)
        odds = mpf(eta) / (1 - mpf(eta))
        assert_minimum(ADAPTIVE, odds, *sides(**options), x)


@pytest.mark.parametrize(("alpha", "h"), [(2.0, 0.5), (0.5, 0.9), (4.0, 0.0)])
def test_heatmap(alpha, h):
    on, off = (
        {"heatmap": 1.0 if peak else h, "pos_mask": peak, "alpha": alpha, "beta": 4.0}
        for peak in (True, False)
    )
    for eta in POSTERIORS:
        x = links.heatmap_focal_link(eta, alpha=alpha, discount=(1 - h) ** 4)
        odds = mpf(eta) / (1 - mpf(eta))
        assert_minimum(HEATMAP, odds, on, off, x)


@pytest.mark.parametrize(
    ("operation", "link", "options"),
    [
        (BCE, links.binary_cross_entropy_link, {"pos_weight": 7.0}),
        (BCE, links.binary_cross_entropy_link, {"label_smoothing": 1e-9}),
        (FOCAL, links.sigmoid_focal_link, {"alpha": 0.25, "gamma": 2.0}),
        (
            ADAPTIVE,
            links.adaptive_bce_link,
            {"pos_weight": 7.0, "modulator": "weighted_loss"},
        ),
    ],
)
def test_log_odds_carry_what_a_probability_near_one_cannot(operation, link, options):
    for value in LOG_ODDS:
        x = link(value, log_odds=True, **options)
        assert_minimum(operation, mp.exp(mpf(value)), *sides(**options), x)


ROWS = [
    [0.7, 0.2, 0.1],
    [1e-9, 0.25, 0.75],
    [1e-300, 1 - 2**-50, 2.0**-50],
    [0.34, 0.33, 0.33],
    [1e-5, 1e-280, 1 - 1e-5],
]


def assert_class_minimum(operation, eta, x, **options):
    """Asserts that x minimises the expected loss, up to a constant."""
    top = int(np.argmax(x))
    free = [k for k in range(3) if k != top]
    with mp.workdps(70):
        eta = [mpf(float(one)) for one in eta]
        eta = [one / mp.fsum(eta) for one in eta]

        def slope(*ahead):
            logits = [mpf(0)] * 3
            for k, one in zip(free, ahead, strict=True):
                logits[k] = one
            by_label = [
                numbers(operation, "grad_logits", logits=logits, labels=k, **options)
                for k in range(3)
            ]
            return [
                mp.fsum(e * g[k].value for e, g in zip(eta, by_label, strict=True))
                for k in free
            ]

        start = [mpf(float(x[k])) - mpf(float(x[top])) for k in free]
        # In the tails slopes are tiny: they count by their neighbours.
        units = [abs(unit) for unit in slope(*(one + 1 for one in start))]
        root = mp.findroot(
            lambda *ahead: [
                one / unit for one, unit in zip(slope(*ahead), units, strict=True)
            ],
            start,
            tol=mpf(10) ** -50,
        )
        for found, true in zip(start, root, strict=True):
            assert abs(found - true) <= TOLERANCE * max(1, abs(true))


@pytest.mark.parametrize("weights", [None, np.array([1e-3, 5.0, 1.0])])
@pytest.mark.parametrize("smoothing", ["uniform", "off_target"])
@pytest.mark.parametrize("s", SMOOTHINGS)
def test_cross_entropy(s, smoothing, weights):
    options = {"label_smoothing": s, "smoothing": smoothing}
    for eta, x in zip(
        ROWS,
        links.cross_entropy_link(ROWS, class_weights=weights, **options),
        strict=True,
    ):
        w = None if weights is None else weights.tolist()
        assert_class_minimum(CE, eta, x, class_weights=w, **options)


@pytest.mark.parametrize("weights", [None, np.array([1e-3, 5.0, 1.0])])
@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 2.0, 7.5])
def test_softmax_focal(gamma, weights):
    found = links.softmax_focal_link(ROWS, gamma=gamma, class_weights=weights)
    for eta, x in zip(ROWS, found, strict=True):
        w = None if weights is None else weights.tolist()
        assert_class_minimum(SOFTMAX_FOCAL, eta, x, class_weights=w, gamma=gamma)


FAR = [-700.0, -12.0, -0.4, 0.0, 3.0, 700.0]


@pytest.mark.parametrize(
    ("operation", "posterior", "options"),
    [
        (BCE, links.binary_cross_entropy_posterior, {"pos_weight": 7.0}),
        (FOCAL, links.sigmoid_focal_posterior, {"alpha": 0.25, "gamma": 10.0}),
        (FOCAL, links.sigmoid_focal_posterior, {"pos_weight": 1e6, "gamma": 0.25}),
        (
            ADAPTIVE,
            links.adaptive_bce_posterior,
            {"pos_weight": 80.0, "gamma": 10.0, "modulator": "weighted_loss"},
        ),
        (
            ADAPTIVE,
            links.adaptive_bce_posterior,
            {"pos_weight": 0.01, "gamma": 2.0, "modulator": "weighted_loss"},
        ),
    ],
)
def test_inverse_balances_the_slopes_of_both_labels(operation, posterior, options):
    x = np.array(FAR)
    values, chances = (posterior(x, log_odds=f, **options) for f in (True, False))
    with mp.workdps(70):
        for logit, value, chance in zip(FAR, values, chances, strict=True):
            rise, fall = (
                output(operation, "grad_logits", logits=logit, labels=y, **options)
                for y in (0.0, 1.0)
            )
            true = mp.log(rise) - mp.log(-fall)
            assert abs(true - mpf(value)) <= TOLERANCE * max(1, abs(true))
            # Far below the smallest double the posterior is 0.
            true = rise / (rise - fall)
            assert abs(true - mpf(chance)) <= TOLERANCE * true + mpf(10) ** -307


@pytest.mark.parametrize("weights", [None, np.array([1e-3, 5.0, 1.0])])
@pytest.mark.parametrize(
    ("operation", "posterior", "options"),
    [
        (CE, links.cross_entropy_posterior, {}),
        (CE, links.cross_entropy_posterior, {"label_smoothing": 0.03}),
        (SOFTMAX_FOCAL, links.softmax_focal_posterior, {"gamma": 0.3}),
        (SOFTMAX_FOCAL, links.softmax_focal_posterior, {"gamma": 7.5}),
    ],
)
def test_class_inverse_balances_the_slopes(operation, posterior, options, weights):
    rows = [[0.3, -0.2, 0.1], [1.5, 0.5, 0.0], [0.5, 60.0, -60.0]]
    if "label_smoothing" in options:
        rows = [[0.3, -0.2, 0.1]] if weights is None else [[-4.0, 3.0, 2.0]]
    for row in rows:
        eta = posterior(row, class_weights=weights, **options)
        assert np.sum(eta) == pytest.approx(1, rel=1e-15)
        assert (eta > 0).all()
        w = None if weights is None else weights.tolist()
        slopes = [
            numbers(
                operation,
                "grad_logits",
                logits=row,
                labels=k,
                class_weights=w,
                **options,
            )
            for k in range(3)
        ]
        for j in range(3):
            terms = [mpf(e) * s[j].value for e, s in zip(eta, slopes, strict=True)]
            size = mp.fsum(terms, absolute=True)
            assert abs(mp.fsum(terms)) <= TOLERANCE * size

import numpy as np
import pytest

from refimpl import links

BCE = links.binary_cross_entropy_link
FOCAL = links.sigmoid_focal_link
ADAPTIVE = links.adaptive_bce_link
HEATMAP = links.heatmap_focal_link
CE = links.cross_entropy_link
SOFTMAX = links.softmax_focal_link
PAIR = [0.4, 0.6]


@pytest.mark.parametrize(
    ("link", "posterior", "options", "error", "text"),
    [
        (BCE, [0.5, 1.1], {}, ValueError, r"posterior must be in \[0, 1\], got 1.1 at"),
        (BCE, -1e-9, {}, ValueError, r"posterior must be in \[0, 1\]"),
        (BCE, 1j, {}, TypeError, "posterior must be real"),
        (
            BCE,
            0.5,
            {"pos_weight": 0.0},
            ValueError,
            "pos_weight must be finite and > 0",
        ),
        (
            BCE,
            0.5,
            {"pos_weight": -1.0},
            ValueError,
            "pos_weight must be finite and >= 0",
        ),
        (
            BCE,
            PAIR,
            {"pos_weight": np.ones(3)},
            ValueError,
            "pos_weight must be a scalar",
        ),
        (BCE, 0.5, {"label_smoothing": 1.0}, ValueError, r"label_smoothing must be in"),
        (BCE, 0.5, {"log_odds": 1}, TypeError, "log_odds must be True or False, got 1"),
        (FOCAL, 0.5, {"alpha": 0.0}, ValueError, r"alpha must be in \(0, 1\)"),
        (FOCAL, 0.5, {"alpha": 1.0}, ValueError, r"alpha must be in \(0, 1\)"),
        (FOCAL, 0.5, {"gamma": -0.1}, ValueError, "gamma must be finite and >= 0"),
        (ADAPTIVE, 0.5, {"pos_weight": 5.0, "modulator": "x"}, ValueError, "modulator"),
        (
            ADAPTIVE,
            0.5,
            {"pos_weight": 5.0, "modulator": "weighted_loss", "gamma": 10.5},
            ValueError,
            r"gamma must be in \[0, 10\], got 10.5",
        ),
        (HEATMAP, 0.5, {"discount": 0.0}, ValueError, "discount must be > 0"),
        (HEATMAP, [PAIR], {"discount": PAIR}, ValueError, r"have shape \(1, 2\), got"),
        (HEATMAP, 0.5, {"discount": 1.5}, ValueError, r"discount must be in \[0, 1\]"),
        (CE, 0.5, {}, ValueError, "posterior must have a class axis"),
        (CE, [1.0], {}, ValueError, "posterior must have two classes or more"),
        (
            CE,
            [0.6, 0.38],
            {},
            ValueError,
            "posterior must sum to 1 along class_axis=-1",
        ),
        (CE, PAIR, {"class_axis": 1}, ValueError, "class_axis must be in"),
        (CE, PAIR, {"smoothing": "x"}, ValueError, "smoothing must be one of"),
        (
            CE,
            PAIR,
            {"class_weights": np.ones(3)},
            ValueError,
            "class_weights must have",
        ),
        (
            SOFTMAX,
            PAIR,
            {"class_weights": np.array([1, 0])},
            ValueError,
            "finite and > 0",
        ),
        (SOFTMAX, PAIR, {"gamma": np.nan}, ValueError, "gamma must be finite and >= 0"),
    ],
)
def test_bad_calls_name_the_argument(link, posterior, options, error, text):
    with pytest.raises(error, match=text):
        link(posterior, **options)


def test_labels_made_alike_have_no_inverse():
    options = {"label_smoothing": 0.5, "smoothing": "off_target"}
    assert CE(PAIR, **options).tolist() == [-np.log(2), -np.log(2)]
    with pytest.raises(ValueError, match=r"label_smoothing must not be 0\.5"):
        links.cross_entropy_posterior([0.0, 1.0], **options)


def test_posteriors_in_half_precision_are_normalised():
    eta = np.array([0.1, 0.7, 0.2], np.float16)
    exact = np.asarray(eta, np.float64)
    np.testing.assert_allclose(CE(eta), np.log(exact / exact.sum()), rtol=1e-14)


def test_lists_numbers_and_single_precision_are_accepted():
    for eta in (0.25, [0.25], np.array([0.25], np.float32), np.array([[0.25]])):
        x = FOCAL(eta)
        assert np.shape(x) == np.shape(eta)
        assert np.asarray(x).dtype == np.float64
        np.testing.assert_array_equal(np.ravel(x), FOCAL(0.25))

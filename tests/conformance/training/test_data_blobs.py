import numpy as np
import pytest

from conformance.training.data import PARTS, blobs, patches

OPTIONS = {
    "seed": 1,
    "images": (256, 128, 96),
    "side": 12,
    "most": 3,
    "widths": (0.8, 1.6),
    "noise": 0.2,
}


@pytest.fixture(scope="module")
def problem():
    return blobs(**OPTIONS)


def test_shapes_and_seed(problem):
    for part, count in zip(PARTS, (256, 128, 96), strict=True):
        split = getattr(problem, part)
        assert split.features.shape == (count, 144, 25)
        assert split.labels.shape == (count, 144)
        assert split.posterior is None
    again, other = blobs(**OPTIONS), blobs(**{**OPTIONS, "seed": 2})
    np.testing.assert_array_equal(again.test.features, problem.test.features)
    assert not np.array_equal(other.test.labels, problem.test.labels)


def test_peaks_are_exactly_one_and_at_most_three(problem):
    labels = problem.train.labels
    assert labels.min() >= 0.0
    assert labels.max() == 1.0
    peaks = (labels == 1.0).sum(axis=1)
    # Two blobs at one pixel are one peak, so three are a little rarer than none.
    assert set(peaks) == {0, 1, 2, 3}
    np.testing.assert_allclose(np.bincount(peaks) / 256, 0.25, atol=0.1)
    assert 80.0 < problem.ratio < 110.0
    assert problem.counts()["train"] == [peaks.sum(), 256 * 144 - peaks.sum()]


def test_heat_falls_around_a_lone_peak_by_its_width():
    widest = blobs(**{**OPTIONS, "most": 1, "widths": (1.3, 1.3), "noise": 0.0})
    maps = widest.train.labels.reshape(-1, 12, 12)
    images = widest.train.features[..., 12].reshape(-1, 12, 12)
    index, row, column = np.argwhere(maps == 1.0)[0]
    pixels = np.indices((12, 12)) - np.array([row, column])[:, None, None]
    squares = (pixels**2).sum(axis=0)
    np.testing.assert_allclose(images[index], np.exp(-squares / (2 * 1.3**2)))
    np.testing.assert_allclose(maps[index], np.exp(-squares / (2 * 0.6**2)))


def test_noise_has_its_deviation(problem):
    still = blobs(**{**OPTIONS, "noise": 0.0})
    noise = (problem.train.features - still.train.features)[..., 12]
    assert noise.std() == pytest.approx(0.2, rel=0.03)
    assert abs(noise.mean()) < 4.0 * 0.2 / np.sqrt(noise.size)


def test_patches_make_a_linear_layer_a_convolution():
    generator = np.random.default_rng(0)
    images, kernel = generator.normal(size=(2, 5, 7)), generator.normal(size=(5, 5))
    actual = (patches(images) @ kernel.ravel()).reshape(2, 5, 7)
    expected = np.zeros((2, 5, 7))
    for i, j, a, b in np.ndindex(5, 7, 5, 5):
        row, column = i + a - 2, j + b - 2
        if 0 <= row < 5 and 0 <= column < 7:
            expected[:, i, j] += kernel[a, b] * images[:, row, column]
    np.testing.assert_allclose(actual, expected)

"""Small images of blobs, and the heat maps of their centres."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from conformance.training.data.parts import Array, Problem, Split

# A pixel's neighbours on either side: the network sees 5 by 5 of them.
REACH = 2


def blobs(
    *,
    seed: int,
    images: Sequence[int],
    side: int,
    most: int,
    widths: Sequence[float],
    noise: float,
) -> Problem:
    """Draws images of Gaussian blobs of height 1 in noise.

    The target is 1 at the pixel of a blob's centre and falls like a Gaussian around
    it, the wider the blob the slower, as in CenterNet (Zhou et al., 2019).

    Args:
        seed: Of everything drawn.
        images: Number in train, validation and test.
        side: Of an image in pixels.
        most: Blobs in an image; their number is uniform from 0 to this.
        widths: Least and largest standard deviation of a blob in pixels.
        noise: Standard deviation of a pixel.

    Returns:
        Parts with the neighbours of every pixel as its features.
    """
    generator = np.random.default_rng(seed)
    parts = []
    for count in images:
        present = generator.integers(most + 1, size=(count, 1)) > np.arange(most)
        centres = generator.integers(side, size=(count, most, 2))
        width = generator.uniform(*widths, size=(count, most))
        pictures = _bells(side, centres, width, present).sum(axis=1)
        pictures += generator.normal(0.0, noise, pictures.shape)
        # CenterNet's deviation for a radius, which here is the blob's width.
        heat = _bells(side, centres, (2.0 * width + 1.0) / 6.0, present).max(axis=1)
        parts.append(Split(patches(pictures), heat.reshape(count, -1)))
    return Problem("heatmap", *parts)


def patches(images: Array) -> Array:
    """Gives every pixel its neighbours, zero outside the image.

    Args:
        images: Shaped ``(N, H, W)``.

    Returns:
        Shaped ``(N, H * W, 25)``; a linear map of the last axis is a convolution.
    """
    padded = np.pad(images, ((0, 0), (REACH, REACH), (REACH, REACH)))
    size = 2 * REACH + 1
    windows = sliding_window_view(padded, (size, size), axis=(1, 2))
    return windows.reshape(len(images), -1, size * size)


def _bells(
    side: int, centres: NDArray[Any], width: Array, present: NDArray[np.bool_]
) -> Array:
    """Returns Gaussians of height 1, (N, blobs, side, side), 0 where not present."""
    away = np.indices((side, side)) - centres[..., np.newaxis, np.newaxis]
    squares = (away**2).sum(axis=2)
    bells = np.exp(-0.5 * squares / width[..., np.newaxis, np.newaxis] ** 2)
    return bells * present[..., np.newaxis, np.newaxis]

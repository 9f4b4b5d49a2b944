"""The error model: how far a result may be from the truth, and why.

A result passes when ``|actual - (hi + lo)| <= C * u * scale + tiny``. The
``scale`` stands in the vectors and holds everything that depends on the operation
(its amplification times the size of the terms), so this one rule serves values,
gradients and sums of every operation in every dtype.

There is no factor for weights on ``tiny``, although a weight may multiply an
intermediate that was flushed to zero: no vector lies where that shows, between tiny
and tiny times the weights. The floor stays as small as the format allows.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Half the distance from 1 to the next number: the relative error of one correctly
# rounded operation, the unit in which every error is counted.
UNIT_ROUNDOFF = {
    "float64": 2.0**-53,
    "float32": 2.0**-24,
    "bfloat16": 2.0**-8,
    "float16": 2.0**-11,
}

# Smallest normal numbers. Hardware may flush anything smaller to zero, so an error
# of this size says nothing about the implementation.
TINY = {
    "float64": 2.0**-1022,
    "float32": 2.0**-126,
    "bfloat16": 2.0**-126,
    "float16": 2.0**-14,
}

# Worst of 120 000 measured points over three frameworks: 3.5 (bfloat16 and float16:
# 1.7). Eight leaves a factor of two for other compilers and is far below the damage
# of any wrong formula.
C_MAX = 8.0

# The float64 reference is held to a quarter of that, so that comparing a backend with
# it instead of the truth wastes at most a quarter of the budget.
C_REFERENCE = 2.0

# Ours against PyTorch's and optax's own functions, which lose absolute accuracy in the
# tails, hence by the size of what is added up and for moderate logits only. The worst
# of 2400 random calls is 3.6; a wrong factor or divisor is 1e12 and more.
WITNESS_UNITS = 8.0

# Two trainings that are the same but for rounding: the distance may be 8 times that of
# shadows, runs from first weights moved by one ulp, which is how rounding grows in that
# training; or 512 round-offs, before the shadows have drifted apart.
SHADOW_FACTOR = 8.0
SHADOW_FLOOR = 64.0

# Two dead trainings agree perfectly, so the loss must have lost this share of itself.
LEAST_FALL = 0.05

# Pairwise summation loses log2(n) roundings of the sum of magnitudes; four more cover
# the final scaling, the weights and blocks that are summed one by one.
SUM_BASE = 4.0


def sum_scale(n: int, magnitude: float, elementwise: float) -> float:
    """Scale of a sum of n terms, to be used with the same rule as any other.

    Args:
        n: Number of terms.
        magnitude: Sum of the magnitudes of the terms.
        elementwise: Sum of the scales of the terms.

    Returns:
        The elementwise error plus ``(4 + log2 n) / C_MAX`` of the magnitude.
    """
    if n == 0:
        return 0.0
    return elementwise + (SUM_BASE + math.log2(n)) / C_MAX * magnitude


def error_units(
    actual: ArrayLike, hi: ArrayLike, lo: ArrayLike, scale: ArrayLike, dtype: str
) -> NDArray[np.float64]:
    """Counts the error of each element in units of ``u * scale``.

    Args:
        actual: Results, widened to float64 without rounding.
        hi: Truth rounded to float64; infinite or NaN where the truth is.
        lo: What ``hi`` lacks, so that ``hi + lo`` holds about 106 bits.
        scale: Amplification times size of the terms, from the vectors.
        dtype: The dtype the results came back in.

    Returns:
        C per element: 0 for a match, infinity for a NaN or infinity in the wrong
        place, and for any difference where the scale is 0.

    Raises:
        KeyError: Unknown dtype.
    """
    actual, hi, lo, scale = (
        np.asarray(a, dtype=np.float64) for a in (actual, hi, lo, scale)
    )
    floor, unit = TINY[dtype], UNIT_ROUNDOFF[dtype]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        # The difference of two near doubles is exact, so lo is not lost.
        error = np.abs((actual - hi) - lo)
        error = np.where(scale == 0, error, np.maximum(error - floor, 0.0))
        units = np.where(error == 0, 0.0, error / (unit * scale))
    agree = (actual == hi) | (np.isnan(actual) & np.isnan(hi))
    special = ~np.isfinite(hi) | ~np.isfinite(actual)
    return np.where(special, np.where(agree, 0.0, np.inf), units)


# Identities are asked at |x| <= 8 and gamma <= 2, where the amplification of the error
# model, 1 + |x| + gamma * |x|, is at most 25. They are judged against the largest
# number of an answer, so a softmax loss counted from the largest logit passes too.
IDENTITY_AMPLIFICATION = 25.0

# Two answers differ in meaning, not by rounding, from here on: what is told apart are
# weights and shares of 1/4 and more, and the budget of an identity in float32 is 2e-5.
MEANINGFUL = 1e-3


# What the definition of a loss is asked at: no library loses its tails here, and the
# witnesses of random calls stay within it too.
MODERATE = 8.0

# A gradient below a thousandth of what a confidently wrong example has moves no weight
# that others move; above it, half of it or less is as good as dead.
ALIVE = 2.0**-10


# Second derivatives are compared with central differences of the reference's gradient.
# A power of two moves a logit of few digits exactly. Truncation is at most a sixth of
# its square times the third derivative of the gradient, which is below (1 + gamma)^3,
# some 200 times the gradient: 2e-9 of it.
DIFFERENCE_STEP = 2.0**-17
DIFFERENCE_TRUNCATION = 1e-8


def difference_scale(gradient_scale: ArrayLike, size: ArrayLike) -> NDArray[np.float64]:
    """Scale of a central difference of gradients, in float64.

    Args:
        gradient_scale: Scale of the gradient, from the vectors.
        size: Magnitude of the gradient and of the difference.

    Returns:
        The error of two gradients of the reference over the step, and the truncation.
    """
    rounding = np.asarray(gradient_scale) * (C_REFERENCE / C_MAX / DIFFERENCE_STEP)
    truncation = DIFFERENCE_TRUNCATION / (C_MAX * UNIT_ROUNDOFF["float64"])
    return rounding + truncation * np.asarray(size)


# What an adapter gets wrong (the order of bytes or elements, a factor of 3 for as many
# elements, another output) changes a number by more than this; the gradients of
# bfloat16, the coarsest of what a sound implementation gives, are 0.4 % off.
SMOKE_TOLERANCE = 1e-2


# A failed output gets a diagnosis only where several numbers are off by eight budgets:
# what lies closer to its truth may be noise, in which any pattern can be found.
EXPLAINED_UNITS = 8 * C_MAX


# An error may double before the ratchet holds it: another version of a compiler moves
# the worst of many thousand numbers by that much, a worse formula by more.
RATCHET_FACTOR = 2.0
# Below half a rounding there is nothing to keep: correct rounding alone gives errors of
# up to 1/2, so that 0.01 is luck, and 0.03 after it no loss.
RATCHET_FLOOR = 0.5


def largest_error(impl: str) -> float:
    """Returns the largest error that passes, in units of u * scale.

    Args:
        impl: Implementation, as given to ``--impl``; what others are compared with is
            held to less.
    """
    return C_REFERENCE if impl == "numpy" else C_MAX

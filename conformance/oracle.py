"""The truth: closed forms in 50-digit arithmetic, the only writer of vectors.

Each operation is one function from numbers to ``Truth``: every output together with
the size of its terms, and the amplification K. Nothing here is shared with the
implementations under test; ``mpmath.diff`` checks the gradients in the tests.

Limits at infinite logits are not written by hand. Every output behaves like
``a + b |x| + O(exp(-c |x|))`` far out, and mpmath's exponents have no bound, so two
evaluations at logits of a million identify a and b (see ``_limit``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from mpmath import mp, mpf

from conformance.budgets import sum_scale

# Fifty digits are promised; twenty more absorb cancellation at labels next to 1.
DIGITS = 70

Args = Mapping[str, Any]
Real = Any  # an mpf: mpmath carries no types


@dataclass(frozen=True)
class Sum:
    """A sum that may cancel: its value and the sum of its magnitudes."""

    value: Real
    size: Real


@dataclass(frozen=True)
class Truth:
    """Outputs of one element and the amplification they share."""

    outputs: dict[str, Sum]
    amplification: Real


@dataclass(frozen=True)
class Expected:
    """An output as vectors store it; ``scale`` is rounded up, 0 only if exact."""

    hi: float
    lo: float
    scale: float


def _sum(factor: Real, *terms: Real) -> Sum:
    """Adds signed terms and multiplies by a factor of either sign."""
    total = mp.fsum(terms)
    return Sum(factor * total, abs(factor) * mp.fsum(terms, absolute=True))


def _softplus(v: Real) -> Real:
    return max(v, mpf(0)) + mp.log1p(mp.exp(-abs(v)))


def _sigmoid(v: Real) -> Real:
    return 1 / (1 + mp.exp(-v))


def _power(base: Real, exponent: Real) -> Real:
    """Power with 0**0 = 1, the limit of gamma -> 0."""
    return base**exponent if exponent else mpf(1)


def _cross_entropy(a: Args) -> tuple[Real, Real, Real, Real]:
    """Returns the label term without weight, the other, and minus/plus slopes.

    ``l = w * pos + neg`` and ``dl/dx = rise - w * fall`` at the given labels.
    """
    x, y = a["logits"], a["labels"]
    return (
        y * _softplus(-x),
        (1 - y) * _softplus(x),
        (1 - y) * _sigmoid(x),
        y * _sigmoid(-x),
    )


def _bce(a: Args) -> Truth:
    """Binary cross entropy of smoothed labels."""
    x, s, w = a["logits"], a["label_smoothing"], a["pos_weight"]
    smoothed = a["labels"] * (1 - s) + s / 2
    pos, neg, rise, fall = _cross_entropy({"logits": x, "labels": smoothed})
    weight = a["sample_weight"]
    outputs = {
        "value": _sum(weight, w * pos, neg),
        "grad_logits": _sum(weight, rise, -w * fall),
        "grad_labels": _sum(weight * (1 - s), w * _softplus(-x), -_softplus(x)),
        "grad_sample_weight": _sum(mpf(1), w * pos, neg),
        "grad_pos_weight": _sum(weight, pos),
        "grad_label_smoothing": _sum(
            weight * (mpf(1) / 2 - a["labels"]), w * _softplus(-x), -_softplus(x)
        ),
    }
    return Truth(outputs, 1 + abs(x))


def _focal(a: Args) -> Truth:
    """Focal loss, with alpha_t and 1-p_t interpolated for soft labels."""
    x, y, w, g = a["logits"], a["labels"], a["pos_weight"], a["gamma"]
    alpha, weight = a["alpha"], a["sample_weight"]
    pos, neg, rise, fall = _cross_entropy(a)
    loss = w * pos + neg
    alpha_t = mpf(1) if alpha is None else alpha * y + (1 - alpha) * (1 - y)
    alpha_slope = mpf(0) if alpha is None else 2 * alpha - 1
    q = y * _sigmoid(-x) + (1 - y) * _sigmoid(x)
    p = y * _sigmoid(x) + (1 - y) * _sigmoid(-x)
    # Near q = 1 the logarithm must come from p, which is then tiny and exact.
    log_q = mp.log1p(-p) if 2 * p < 1 else mp.log(q)
    modulator = _power(q, g)
    slope = g * _power(q, g - 1) if g else mpf(0)  # d modulator / d q
    q_logit = (1 - 2 * y) * _sigmoid(x) * _sigmoid(-x)
    q_label = -mp.tanh(x / 2)
    outer = weight * alpha_t
    outputs = {
        "value": _sum(outer * modulator, loss),
        "grad_logits": _sum(
            outer, slope * q_logit * loss, modulator * rise, -modulator * w * fall
        ),
        "grad_labels": _sum(
            weight,
            alpha_slope * modulator * loss,
            alpha_t * slope * q_label * loss,
            alpha_t * modulator * w * _softplus(-x),
            -alpha_t * modulator * _softplus(x),
        ),
        "grad_sample_weight": _sum(alpha_t * modulator, loss),
        "grad_pos_weight": _sum(outer * modulator, pos),
        "grad_gamma": _sum(outer * modulator, loss * log_q),
        "grad_alpha": _sum(weight * modulator, (2 * y - 1) * loss),
    }
    return Truth(outputs, 1 + abs(x) - g * log_q)


def _adaptive(a: Args) -> Truth:
    """Weighted cross entropy, focused by the probability or by itself."""
    if a["modulator"] == "probability":
        return _focal({**a, "alpha": None})
    x, w, g = a["logits"], a["pos_weight"], a["gamma"]
    pos, neg, rise, fall = _cross_entropy(a)
    loss = w * pos + neg
    modulator = -mp.expm1(-loss)
    slope = _power(modulator, g) + g * _power(modulator, g - 1) * mp.exp(-loss) * loss
    outputs = {
        "value": _sum(_power(modulator, g), loss),
        "grad_logits": _sum(slope, rise, -w * fall),
        "grad_labels": _sum(slope, w * _softplus(-x), -_softplus(x)),
        "grad_pos_weight": _sum(slope, pos),
        "grad_gamma": _sum(_power(modulator, g) * loss, mp.log(modulator)),
    }
    # What the power magnifies by gamma: the rounding of the modulator, the error of
    # the loss times the modulator's condition number, and the rounding of the
    # modulator's logarithm. The largest counts.
    condition = loss / mp.expm1(loss)
    focusing = max(mpf(1), (1 + abs(x)) * condition, -mp.log(modulator))
    return Truth(outputs, 1 + abs(x) + g * focusing)


DEFINITIONS: dict[str, Callable[[Args], Truth]] = {
    "binary_cross_entropy_with_logits": _bce,
    "sigmoid_focal_loss": _focal,
    "adaptive_bce_with_logits": _adaptive,
}

# Defaults of the signatures, as the specification states them.
DEFAULTS: dict[str, Any] = {
    "sample_weight": 1.0,
    "pos_weight": 1.0,
    "label_smoothing": 0.0,
    "alpha": None,
    "gamma": 2.0,
    "modulator": "probability",
}

# Distance at which limits are read off: exp(-FAR / 2) has 227 000 zeros.
FAR = mpf(2) ** 20
VANISHED = mpf(10) ** -1000


def _extrapolate(near: Real, far: Real) -> Real:
    """Limit of a quantity from its values at FAR and 2 FAR."""
    if abs(far - near) > FAR * mpf(10) ** -40:
        return mp.inf if far > near else -mp.inf
    return mpf(0) if abs(near) < VANISHED else near


def _limit(definition: Callable[[Args], Truth], a: Args) -> Truth:
    """Truth at an infinite logit: linear growth, a constant, or decay to zero."""
    far = FAR if a["logits"] > 0 else -FAR
    near, further = (definition({**a, "logits": n * far}) for n in (1, 2))
    outputs = {
        name: Sum(
            _extrapolate(one.value, further.outputs[name].value),
            _extrapolate(one.size, further.outputs[name].size),
        )
        for name, one in near.outputs.items()
    }
    # The logit itself is exact at infinity: |x| leaves the amplification.
    return Truth(outputs, near.amplification - FAR)


def truth(operation: str, arguments: Args) -> Truth:
    """Evaluates one element.

    Args:
        operation: Name of the operation.
        arguments: ``logits``, ``labels`` and any other argument by name, as floats,
            ``mpf`` or, for ``modulator``, text; those absent take their default.

    Returns:
        Value, gradients with respect to every argument, and K; NaN for a NaN logit.
    """
    definition = DEFINITIONS[operation]
    a = {
        name: mpf(v) if isinstance(v, int | float) else v
        for name, v in {**DEFAULTS, **arguments}.items()
    }
    with mp.workdps(DIGITS):
        if mp.isinf(a["logits"]):
            return _limit(definition, a)
        if mp.isnan(a["logits"]):
            names = definition({**a, "logits": mpf(0)}).outputs
            return Truth(dict.fromkeys(names, Sum(mp.nan, mpf(0))), mpf(1))
        return definition(a)


def _nearest(exact: Real) -> float:
    """Rounds to the nearest double, once, subnormals included."""
    if not mp.isfinite(exact):
        return float(exact)
    sign, mantissa, exponent, _ = exact._mpf_
    if abs(exponent) > 20000:
        return 0.0
    rounded = float(Fraction(int(mantissa)) * Fraction(2) ** int(exponent))
    return -rounded if sign else rounded


def _round_up(scale: Real) -> float:
    """Seven digits, never below the scale, and never 0 unless it is 0."""
    if not scale:
        return 0.0
    return max(float(f"{_nearest(scale) * (1 + 1e-6):.6e}"), 5e-324)


def encode(exact: Real, scale: Real) -> Expected:
    """Splits a result into two doubles and a rounded scale."""
    hi = _nearest(exact)
    if not mp.isfinite(exact):
        return Expected(hi, 0.0, 0.0)
    with mp.workdps(DIGITS):
        return Expected(hi, _nearest(exact - mpf(hi)), _round_up(scale))


def expect(operation: str, arguments: Args, outputs: list[str]) -> dict[str, Expected]:
    """Expected outputs of one element, with ``scale`` = K times their size."""
    result = truth(operation, arguments)
    return {
        name: encode(
            result.outputs[name].value,
            result.amplification * result.outputs[name].size,
        )
        for name in outputs
    }


def expect_sum(
    operation: str, points: Sequence[Args], tile: int, gradients: list[str]
) -> dict[str, Expected]:
    """Expected reductions of points repeated cyclically to ``tile`` elements."""
    counts = [len(range(i, tile, len(points))) for i in range(len(points))]
    results = [truth(operation, p) for p in points]
    expected = {}
    with mp.workdps(DIGITS):
        for name in ("value", *gradients):
            parts = [r.outputs[name] for r in results]
            total = mp.fdot(counts, [p.value for p in parts])
            size = mp.fdot(counts, [p.size for p in parts])
            elementwise = mp.fdot(
                counts,
                [r.amplification * p.size for r, p in zip(results, parts, strict=True)],
            )
            scale = mpf(sum_scale(tile, size, elementwise))
            expected["sum" if name == "value" else name] = encode(total, scale)
            if name == "value":
                n = max(tile, 1)
                expected["mean"] = encode(total / n, scale / n)
    expected["normalizer"] = Expected(float(tile), 0.0, 0.0)
    return expected

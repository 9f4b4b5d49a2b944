"""Element-wise losses on independent logits.

Each operation is one function from numbers to ``Truth``: every output together with
the size of its terms, and the amplification K. Nothing here is shared with the
implementations under test; ``mpmath.diff`` checks the gradients in the tests.

Limits at infinite logits are not written by hand. Every output behaves like
``a + b |x| + O(exp(-c |x|))`` far out, and mpmath's exponents have no bound, so two
evaluations at logits of a million identify a and b (see ``_limit``).
"""

from collections.abc import Callable
from dataclasses import dataclass

from mpmath import mp, mpf

from conformance.oracle._core import (
    Args,
    Number,
    Outputs,
    Real,
    power,
    sigmoid,
    softplus,
)


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


def _sum(factor: Real, *terms: Real) -> Sum:
    """Adds signed terms and multiplies by a factor of either sign."""
    total = mp.fsum(terms)
    return Sum(factor * total, abs(factor) * mp.fsum(terms, absolute=True))


def _cross_entropy(a: Args) -> tuple[Real, Real, Real, Real]:
    """Returns the label term without weight, the other, and minus/plus slopes.

    ``l = w * pos + neg`` and ``dl/dx = rise - w * fall`` at the given labels.
    """
    x, y = a["logits"], a["labels"]
    return (
        y * softplus(-x),
        (1 - y) * softplus(x),
        (1 - y) * sigmoid(x),
        y * sigmoid(-x),
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
        "grad_labels": _sum(weight * (1 - s), w * softplus(-x), -softplus(x)),
        "grad_sample_weight": _sum(mpf(1), w * pos, neg),
        "grad_pos_weight": _sum(weight, pos),
        "grad_label_smoothing": _sum(
            weight * (mpf(1) / 2 - a["labels"]), w * softplus(-x), -softplus(x)
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
    q = y * sigmoid(-x) + (1 - y) * sigmoid(x)
    p = y * sigmoid(x) + (1 - y) * sigmoid(-x)
    # Near q = 1 the logarithm must come from p, which is then tiny and exact.
    log_q = mp.log1p(-p) if 2 * p < 1 else mp.log(q)
    modulator = power(q, g)
    slope = g * power(q, g - 1) if g else mpf(0)  # d modulator / d q
    q_logit = (1 - 2 * y) * sigmoid(x) * sigmoid(-x)
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
            alpha_t * modulator * w * softplus(-x),
            -alpha_t * modulator * softplus(x),
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
    slope = power(modulator, g) + g * power(modulator, g - 1) * mp.exp(-loss) * loss
    outputs = {
        "value": _sum(power(modulator, g), loss),
        "grad_logits": _sum(slope, rise, -w * fall),
        "grad_labels": _sum(slope, w * softplus(-x), -softplus(x)),
        "grad_pos_weight": _sum(slope, pos),
        "grad_gamma": _sum(power(modulator, g) * loss, mp.log(modulator)),
    }
    # What the power magnifies by gamma: the rounding of the modulator, the error of
    # the loss times the modulator's condition number, and the rounding of the
    # modulator's logarithm. The largest counts.
    condition = loss / mp.expm1(loss)
    focusing = max(mpf(1), (1 + abs(x)) * condition, -mp.log(modulator))
    return Truth(outputs, 1 + abs(x) + g * focusing)


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


def _elementwise(definition: Callable[[Args], Truth]) -> Callable[[Args], Outputs]:
    """Outputs of one element, with scale = K times the size of the terms."""

    def evaluate(a: Args) -> Outputs:
        if mp.isnan(a["logits"]):
            names = definition({**a, "logits": mpf(0)}).outputs
            nan = Sum(mp.nan, mpf(0))
            result = Truth(dict.fromkeys(names, nan), mpf(1))
        elif mp.isinf(a["logits"]):
            result = _limit(definition, a)
        else:
            result = definition(a)
        k = result.amplification
        return {
            n: Number(s.value, s.size, k * s.size) for n, s in result.outputs.items()
        }

    return evaluate


DEFINITIONS: dict[str, Callable[[Args], Outputs]] = {
    "binary_cross_entropy_with_logits": _elementwise(_bce),
    "sigmoid_focal_loss": _elementwise(_focal),
    "adaptive_bce_with_logits": _elementwise(_adaptive),
}

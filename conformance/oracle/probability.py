"""Binary cross-entropy of probabilities, whose logarithms are clamped at -100.

Logarithms of exact numbers lose nothing but their rounding, so K is 2: the logarithm
and the product with its label.
"""

from collections.abc import Callable

from mpmath import mp, mpf

from conformance.oracle._core import Args, Outputs, Real, total, unknown

LEAST_LOG = mpf(-100)
K = mpf(2)


def _clamped(log: Real, slope: Real) -> tuple[Real, Real]:
    """A logarithm and its slope, which the clamp takes away."""
    return (log, slope) if log >= LEAST_LOG else (LEAST_LOG, mpf(0))


def _logs(p: Real) -> tuple[tuple[Real, Real], tuple[Real, Real]]:
    """Logarithms of p and 1 - p with their slopes by p and 1 - p, clamped."""
    on = _clamped(mp.log(p), 1 / p) if p else (LEAST_LOG, mpf(0))
    off = _clamped(mp.log1p(-p), 1 / (1 - p)) if p != 1 else (LEAST_LOG, mpf(0))
    return on, off


def _cross_entropy(a: Args) -> Outputs:
    p, y, v = a["probs"], a["labels"], a["sample_weight"]
    if mp.isnan(p):
        names = ("value", "grad_probs", "grad_labels", "grad_sample_weight")
        return dict.fromkeys(names, unknown())
    (log_p, slope_p), (log_rest, slope_rest) = _logs(p)
    return {
        "value": total((-v * y * log_p, K), (-v * (1 - y) * log_rest, K)),
        "grad_probs": total((-v * y * slope_p, K), (v * (1 - y) * slope_rest, K)),
        "grad_labels": total((-v * log_p, K), (v * log_rest, K)),
        "grad_sample_weight": total((-y * log_p, K), (-(1 - y) * log_rest, K)),
    }


DEFINITIONS: dict[str, Callable[[Args], Outputs]] = {
    "binary_cross_entropy": _cross_entropy
}

"""Focal loss on heat maps: peaks are positives, their surroundings are discounted."""

from collections.abc import Callable

from mpmath import mp, mpf

from conformance.oracle._core import (
    Args,
    Outputs,
    Real,
    exact,
    power,
    sigmoid,
    softplus,
    times,
    total,
    unknown,
)


def _heatmap(a: Args) -> Outputs:
    """With m the signed margin and q = sigmoid(-m), q**alpha zeta(-m), discounted."""
    x, h, alpha, beta = a["logits"], a["heatmap"], a["alpha"], a["beta"]
    peak = bool(a["pos_mask"]) if a["pos_mask"] is not None else h == 1
    if mp.isnan(x):
        names = ("value", "grad_logits", "grad_heatmap", "grad_alpha", "grad_beta")
        return {**dict.fromkeys(names, unknown()), "normalizer": exact(int(peak))}
    m = x if peak else -x
    q, p, loss, log_q = sigmoid(-m), sigmoid(m), softplus(-m), -softplus(m)
    discount, log_rest = _discount(h, beta, peak=peak)
    focus = power(q, alpha)
    # As for the sigmoid focal loss; the logit itself is exact at infinity. The discount
    # is a power of the rounded 1 - h, or an exponential of beta times its logarithm.
    k = 1 + (abs(x) if mp.isfinite(x) else 0) - times(alpha, log_q)
    if h and not peak:
        k += beta / 2 - times(beta, log_rest)
    sign = -1 if peak else 1
    outer = times(discount, focus)
    slope = mpf(0)
    if beta and not peak:
        slope = -beta * power(1 - h, beta - 1) * focus
    return {
        "value": total((times(outer, loss), k)),
        "grad_logits": total(
            (sign * times(outer, alpha, p, loss), k), (sign * times(outer, q), k)
        ),
        "grad_heatmap": total((times(slope, loss), k)),
        "grad_alpha": total((times(outer, log_q, loss), k)),
        "grad_beta": total((times(outer, log_rest, loss), k)),
        "normalizer": exact(int(peak)),
    }


def _discount(h: Real, beta: Real, *, peak: bool) -> tuple[Real, Real]:
    """Factor (1-h)**beta of what is no peak, and the logarithm of 1 - h."""
    if peak:
        return mpf(1), mpf(0)
    return power(1 - h, beta), mp.log1p(-h) if h != 1 else -mp.inf


DEFINITIONS: dict[str, Callable[[Args], Outputs]] = {"heatmap_focal_loss": _heatmap}

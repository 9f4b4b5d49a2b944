"""Gradient harmonising: every element weighs by how common its gradient norm is.

Norms, bins and weights are constants for the gradient. No error is granted to a bin,
so the vectors keep away from its edges or lie on them exactly.

Errors: a weight is two divisions of counts; an average adds its own roundings and
those of 1 - m**t, which expm1 keeps small.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mpmath import mp, mpf

from conformance.oracle._core import (
    Args,
    Number,
    Outputs,
    Real,
    Whole,
    exact,
    sigmoid,
    softplus,
    times,
    total,
    unknown,
)

Term = tuple[Real, Real]


@dataclass(frozen=True)
class _Element:
    """Gradient norm, and the outputs before weighing as terms with their errors."""

    norm: Real
    terms: dict[str, list[Term]]


def _classified(a: Args) -> _Element:
    """Cross-entropy without weights; the norm is that of its gradient."""
    x, y = a["logits"], a["labels"]
    k = 1 + (abs(x) if mp.isfinite(x) else 0)
    rise, fall = (1 - y) * sigmoid(x), y * sigmoid(-x)
    pos, neg = softplus(-x), softplus(x)
    terms = {
        "value": [(times(y, pos), k), (times(1 - y, neg), k)],
        "grad_logits": [(rise, k), (-fall, k)],
        "grad_labels": [(pos, k), (-neg, k)],
    }
    # Of the two terms of a hard label one is 0 and the other the norm.
    return _Element(abs(rise - fall), terms)


def _regressed(a: Args) -> _Element:
    """Smooth absolute difference; width mu, which narrow dtypes round."""
    d, mu = a["predictions"] - a["targets"], a["mu"]
    size = mp.hypot(d, mu)
    infinite = mp.isinf(d)
    slope = mp.sign(d) if infinite else d / size
    loss = mp.inf if infinite else d**2 / (size + mu)
    terms = {
        "value": [(loss, mpf(4))],
        "grad_predictions": [(slope, mpf(3))],
        "grad_targets": [(-slope, mpf(3))],
    }
    return _Element(abs(slope), terms)


@dataclass(frozen=True)
class _Density:
    """Weight of each bin with its error, and the state after the call."""

    weights: list[Term]
    totals: Outputs


def bin_of(norm: Real, bins: Real) -> int:
    """Bin of a gradient norm; the last one is closed."""
    return int(min(mp.floor(norm * bins), bins - 1))


def _density(a: Args, counts: Sequence[int]) -> _Density:
    bins, m = int(a["bins"]), a["momentum"]
    old = a["state_counts"] or [mpf(0)] * bins
    updates = [int(t) for t in a["state_updates"] or [0] * bins]
    share = sum(c > 0 for c in counts) if a["average_over"] == "nonempty" else bins
    weights, states, seen = [], [], []
    for count, before, t in zip(counts, old, updates, strict=True):
        seen.append(exact(t + (count > 0)))
        if not count:
            weights.append((mpf(0), mpf(0)))
            states.append(exact(before))
            continue
        average = m * before + (1 - m) * count
        states.append(total((average, mpf(2) if m else mpf(0))))
        debias = 1 - m ** (t + 1) if a["debias"] else mpf(1)
        weight = sum(counts) * debias / average / share
        weights.append((weight, mpf(6) if m else mpf(2)))
    return _Density(weights, {"state_counts": states, "state_updates": seen})


def _harmonised(element: Callable[[Args], _Element]) -> Callable[..., Whole]:
    """A loss whose elements weigh each other."""

    def evaluate(points: Sequence[Args], repeats: Sequence[int]) -> Whole:
        elements = [element(a) for a in points]
        bins = points[0]["bins"]
        counts = [0] * int(bins)
        kept = [bool(a["sample_mask"]) for a in points]
        for one, keep, n in zip(elements, kept, repeats, strict=True):
            if keep and not mp.isnan(one.norm):
                counts[bin_of(one.norm, bins)] += n
        density = _density(points[0], counts)
        return Whole(
            [
                _weighed(one, density, bins, keep=keep)
                for one, keep in zip(elements, kept, strict=True)
            ],
            density.totals,
        )

    return evaluate


def _weighed(
    element: _Element, density: _Density, bins: Real, *, keep: bool
) -> Outputs:
    missing = mp.isnan(element.norm)
    if missing or not keep:
        nothing: Number = unknown() if keep else exact(0)
        return {**dict.fromkeys(element.terms, nothing), "normalizer": exact(0)}
    weight, rounding = density.weights[bin_of(element.norm, bins)]
    outputs: Outputs = {
        name: total(*((times(weight, term), error + rounding) for term, error in terms))
        for name, terms in element.terms.items()
    }
    return {**outputs, "normalizer": exact(1)}


ELEMENTS: dict[str, Callable[[Args], _Element]] = {
    "ghmc_loss": _classified,
    "ghmr_loss": _regressed,
}
COUPLED = {name: _harmonised(element) for name, element in ELEMENTS.items()}

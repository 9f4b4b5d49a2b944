"""Claims A1 to A6 and A9: what the formulas of ``pos_weight`` say."""

import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.training import claims
from conformance.training.ledger.claim import (
    Claim,
    Evidence,
    Note,
    Verdict,
    fails,
    holds,
    holds_when,
)
from conformance.training.ledger.wording import number
from refimpl import adaptive_bce_with_logits, binary_cross_entropy_with_logits
from refimpl.gradients import OPTAX_CLIP_EPS, clip_by_global_norm
from refimpl.weights import pos_weight

Array = NDArray[np.float64]

# Training examples of the article, and the weight that it takes from them.
POSITIVES, NEGATIVES, RATIO = 6_000, 30_000, 5.0
# Rounding of a few float64 operations on losses of up to a hundred.
ROUNDING = 1e-12
LOGITS = np.linspace(-8.0, 8.0, 33)


def _bce(labels: Array, **options: Any) -> Array:
    return binary_cross_entropy_with_logits(LOGITS, labels, reduction="none", **options)


def _apart(first: Any, second: Any) -> float:
    return float(np.max(np.abs(np.asarray(first) - np.asarray(second))))


def _label_weights() -> Evidence:
    found = {}
    for kind, values in {"hard": (0.0, 1.0), "soft": (0.3, 0.7)}.items():
        found[f"difference on {kind} labels"] = max(
            _apart(
                claims.label_weighted_bce(LOGITS, labels, pos_weight=RATIO),
                _bce(labels, pos_weight=RATIO),
            )
            for labels in (np.full_like(LOGITS, value) for value in values)
        )
    return found


def _judge_label_weights(found: Evidence) -> Verdict:
    hard, soft = found["difference on hard labels"], found["difference on soft labels"]
    told = (
        f"The printed loss and that of pos_weight differ by {number(hard)} on labels 0 "
        f"and 1, and by up to {number(soft)} on labels 0.3 and 0.7, where pos_weight "
        "multiplies the term of y alone."
    )
    if hard > ROUNDING:
        return fails(told)
    return holds(told) if soft <= ROUNDING else holds_when("labels are 0 or 1", told)


def _wording() -> Evidence:
    weight = float(pos_weight(POSITIVES, NEGATIVES))
    return {
        "positives": POSITIVES,
        "negatives": NEGATIVES,
        "pos_weight": weight,
        "weighted positives": weight * POSITIVES,
    }


def _judge_wording(found: Evidence) -> Verdict:
    ratio = found["positives"] / found["negatives"]
    balanced = found["weighted positives"] == found["negatives"]
    told = (
        f"There are {found['positives']} positives and {found['negatives']} negatives, "
        f"{number(1 / ratio)} negatives to a positive; the weight "
        f"{number(found['pos_weight'])} "
        f"{'balances' if balanced else 'does not balance'} them."
    )
    return holds(told) if ratio == RATIO else fails(told)


def _first_weight() -> Evidence:
    labels = np.ones_like(LOGITS)
    return {
        "negatives / positives": NEGATIVES / POSITIVES,
        "positives / negatives": POSITIVES / NEGATIVES,
        "first weight": 1.0,
        "loss at 1.0 minus unweighted loss": _apart(
            _bce(labels, pos_weight=1.0), _bce(labels)
        ),
    }


def _judge_first_weight(found: Evidence) -> Verdict:
    first = found["first weight"]
    inverse = found["negatives / positives"], found["positives / negatives"]
    none = found["loss at 1.0 minus unweighted loss"] == 0
    told = (
        f"At 5 : 1 the inverse of the ratio is {number(inverse[0])} or "
        f"{number(inverse[1])}, by the way it is read; {number(first)} "
        f"{'is no weighting at all' if none else 'changes the loss'}."
    )
    return holds(told) if first in inverse else fails(told)


def _true_probability() -> Evidence:
    labels, p = np.ones_like(LOGITS), np.exp(-_bce(np.ones_like(LOGITS)))
    found: Evidence = {}
    for weight in (1.0, RATIO):
        printed, pt = claims.adaptive_bce(LOGITS, labels, pos_weight=weight)
        found[f"pt - p at w = {weight:g}"] = _apart(pt, p)
        found[f"pt - p^w at w = {weight:g}"] = _apart(pt, p**weight)
        offered = adaptive_bce_with_logits(
            LOGITS,
            labels,
            pos_weight=weight,
            modulator="weighted_loss",
            reduction="none",
        )
        found[f"printed - offered loss at w = {weight:g}"] = _apart(printed, offered)
    half = 0.5
    found["focus of a positive at p = 0.5"] = (1 - half) ** 2
    found["as printed at w = 5"] = (1 - half**RATIO) ** 2
    return found


def _judge_true_probability(found: Evidence) -> Verdict:
    alone, weighted = found["pt - p at w = 1"], found["pt - p at w = 5"]
    power = found["pt - p^w at w = 5"]
    told = (
        f"exp(-loss) differs from p by {number(alone)} at weight 1 and by up to "
        f"{number(weighted)} at weight 5, where it is p^5 (to {number(power)}): a "
        f"positive at p = 0.5 keeps {number(found['as printed at w = 5'])} of its loss "
        f"instead of {number(found['focus of a positive at p = 0.5'])}. Both are "
        "offered; the true probability is the default."
    )
    if alone > ROUNDING:
        return fails(told)
    if weighted <= ROUNDING:
        return holds(told)
    return holds_when("the weight is 1", told)


def _without_focus() -> Evidence:
    found = {"printed": 0.0, "offered": 0.0}
    for labels in (np.zeros_like(LOGITS), np.ones_like(LOGITS)):
        weighted = _bce(labels, pos_weight=RATIO)
        printed, _ = claims.adaptive_bce(LOGITS, labels, pos_weight=RATIO, gamma=0.0)
        offered = adaptive_bce_with_logits(
            LOGITS, labels, pos_weight=RATIO, gamma=0.0, reduction="none"
        )
        found["printed"] = max(found["printed"], _apart(printed, weighted))
        found["offered"] = max(found["offered"], _apart(offered, weighted))
    return {f"{name} loss minus weighted BCE": own for name, own in found.items()}


def _judge_without_focus(found: Evidence) -> Verdict:
    worst = max(found.values())
    told = f"At gamma 0 the loss differs from the weighted BCE by {number(worst)}."
    return holds(told) if worst <= ROUNDING else fails(told)


# Logits of which one is saturated: float16 has neither its miss nor the weight.
HARD_LOGITS, WEIGHT = (12.0, 90.0, -3.0), 1e6


def _clipped() -> Evidence:
    gradients = {
        "NumPy, float16": _by_numpy(np.float16),
        "NumPy, float32": _by_numpy(np.float32),
    }
    found: Evidence = {}
    for name, gradient in gradients.items():
        clipped, norm = clip_by_global_norm([gradient], 1.0, eps=OPTAX_CLIP_EPS)
        found |= _around(name, gradient, float(norm), clipped[0])
    if importlib.util.find_spec("torch"):
        found |= _by_torch()
    return found


def _around(name: str, before: Any, norm: float, after: Any) -> Evidence:
    return {
        f"{name}: NaN before": int(np.isnan(before).sum()),
        f"{name}: NaN after": int(np.isnan(after).sum()),
        f"{name}: norm before": norm,
        f"{name}: norm after": float(np.linalg.norm(np.asarray(after, np.float64))),
    }


def _by_numpy(dtype: type) -> NDArray:
    """Gradient of the positive term, w (sigmoid(x) - 1), in a dtype."""
    x = np.array(HARD_LOGITS, dtype)
    with np.errstate(over="ignore", invalid="ignore"):  # the finding
        return dtype(WEIGHT) * (1 / (1 + np.exp(-x)) - dtype(1))


def _by_torch() -> Evidence:
    import torch

    found: Evidence = {}
    for dtype in (torch.float16, torch.float32):
        x = torch.tensor(HARD_LOGITS, dtype=dtype, requires_grad=True)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            x, torch.ones_like(x), pos_weight=torch.tensor([WEIGHT], dtype=dtype)
        )
        (before,) = torch.autograd.grad(loss, x)
        x.grad = before.clone()
        norm = float(torch.nn.utils.clip_grad_norm_([x], 1.0))
        name = f"torch, {str(dtype).removeprefix('torch.')}"
        found |= _around(name, before.float().numpy(), norm, x.grad.float().numpy())
    return found


def _judge_clipped(found: Evidence) -> Verdict:
    before = sum(own for name, own in found.items() if name.endswith("NaN before"))
    after = sum(own for name, own in found.items() if name.endswith("NaN after"))
    large, small = (
        max(own for name, own in found.items() if name.endswith(end) and own == own)
        for end in ("norm before", "norm after")
    )
    told = (
        f"With weight 1e6, {before} gradients were NaN before clipping and {after} "
        f"after it; a finite norm of {number(large)} came down to {number(small)}. "
        "Clipping bounds a step; it does not mend a gradient."
    )
    if after:
        return fails(told)
    return holds(told) if before else holds_when("gradients are finite", told)


CLAIMS = (
    Claim(
        "A1",
        "The weighted loss is -w[y] (y log p + (1-y) log(1-p)), w = (1, pos_weight).",
        "The printed loss against that of pos_weight, on hard and on soft labels.",
        _label_weights,
        _judge_label_weights,
        note=Note(
            "hard labels only",
            lambda e: (
                e["difference on hard labels"] <= ROUNDING
                and e["difference on soft labels"] > ROUNDING
            ),
        ),
    ),
    Claim(
        "A2",
        "Positives to negatives are 5 : 1.",
        "The counts of the article, and the weight that balances them.",
        _wording,
        _judge_wording,
        note=Note(
            "1 : 5; the weight 5 is right",
            lambda e: e["positives"] < e["negatives"] and e["pos_weight"] == RATIO,
        ),
    ),
    Claim(
        "A4",
        "The dynamic weight starts at the inverse of the ratio, 1.0 at 5 : 1.",
        "Both inverses of the ratio, and what a weight of 1 changes.",
        _first_weight,
        _judge_first_weight,
        note=Note(
            "5.0 or 0.2; 1.0 is no weighting",
            lambda e: (
                e["loss at 1.0 minus unweighted loss"] == 0
                and e["first weight"]
                not in (e["negatives / positives"], e["positives / negatives"])
            ),
        ),
    ),
    Claim(
        "A5",
        "exp(-loss) is the probability of the true class.",
        "exp(-loss) against p, on positives, without and with a weight.",
        _true_probability,
        _judge_true_probability,
        note=Note(
            "only without a weight; with w it is p^w",
            lambda e: (
                e["pt - p at w = 1"] <= ROUNDING < e["pt - p at w = 5"]
                and e["pt - p^w at w = 5"] <= ROUNDING
            ),
        ),
    ),
    Claim(
        "A6",
        "At gamma 0 the adaptive loss is the weighted BCE.",
        "Both adaptive losses at gamma 0 against the weighted BCE.",
        _without_focus,
        _judge_without_focus,
        note=Note("holds", lambda e: max(e.values()) <= ROUNDING),
    ),
    Claim(
        "A9",
        "Clipping gradients at norm 1.0 cures the NaN that large weights make.",
        "Gradients at weight 1e6 in float16 and float32, before and after clipping.",
        _clipped,
        _judge_clipped,
        note=Note(
            "NaN gradients stay NaN",
            lambda e: any(n for name, n in e.items() if name.endswith("NaN after")),
        ),
    ),
)

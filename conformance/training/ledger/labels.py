"""Claims B2, B5 and B6: what the formulas for multi-label data say."""

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.training.ledger.claim import (
    Claim,
    Evidence,
    Note,
    Verdict,
    fails,
    holds,
    holds_when,
)
from conformance.training.ledger.contrasts import Row, if_run
from conformance.training.ledger.runs import Runs
from conformance.training.ledger.wording import number, told_rows
from refimpl import (
    binary_cross_entropy_with_logits,
    binary_cross_entropy_with_logits_grad,
)
from refimpl.optimizers import adamw, init_adam, init_sgd, sgd
from refimpl.weights import pos_weight

Array = NDArray[np.float64]

FACTOR = 0.5
STEPS = 50
# A macro F1 that moves by less is as good as the same.
MARGIN = 0.02


def _terms() -> Evidence:
    """Losses of a positive and a negative under either weight, as shares of none."""
    x, found = np.zeros(1), {}
    for side, label in {"positive": np.ones(1), "negative": np.zeros(1)}.items():
        bare = binary_cross_entropy_with_logits(x, label)
        for name in ("sample_weight", "pos_weight"):
            weight: Any = np.full(1, FACTOR) if name == "sample_weight" else FACTOR
            loss = binary_cross_entropy_with_logits(x, label, **{name: weight})
            found[f"{name} 0.5 on the {side} term"] = float(loss / bare)
    return found


def _moved(
    update: Callable[..., Any], init: Callable[..., Any], **options: Any
) -> float:
    """How far a constant factor of all gradients moves parameters, relatively."""
    draws = np.random.default_rng(20240504)
    gradients = draws.normal(size=(STEPS, 20)) + 0.5
    ends = []
    for factor in (1.0, FACTOR):
        theta, state = [np.zeros(20)], init([np.zeros(20)])
        for gradient in gradients:
            theta, state = update(theta, [factor * gradient], state, **options)
        ends.append(theta[0])
    apart = np.linalg.norm(ends[1] - ends[0])
    return float(apart / np.linalg.norm(ends[0]))


def _element_weight(runs: Runs) -> Evidence:
    found: Evidence = _terms()
    adam = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0}
    found["AdamW moves by"] = _moved(adamw, init_adam, learning_rate=1e-3, **adam)
    plain = {"momentum": 0.9, "nesterov": False, "weight_decay": 0.0}
    found["SGD moves by"] = _moved(sgd, init_sgd, learning_rate=1e-2, **plain)
    found["macro F1, element minus correct"] = if_run(
        runs, "multilabel", "macro_f1_half", first="correct", second="element"
    )
    return found


def _judge_element_weight(found: Evidence) -> Verdict:
    shares = {
        (name, side): found[f"{name} 0.5 on the {side} term"]
        for name in ("sample_weight", "pos_weight")
        for side in ("positive", "negative")
    }
    both = shares["sample_weight", "positive"], shares["sample_weight", "negative"]
    one = shares["pos_weight", "positive"], shares["pos_weight", "negative"]
    rows: list[Row] = found["macro F1, element minus correct"]
    measured = told_rows(rows) if rows else "not trained yet"
    told = (
        f"At 0.5, an element weight leaves {number(both[0])} of a positive's loss and "
        f"{number(both[1])} of a negative's, pos_weight {number(one[0])} and "
        f"{number(one[1])}. The constant factor moves {STEPS} updates of AdamW by "
        f"{number(found['AdamW moves by'], 2)} of their way, of SGD by "
        f"{number(found['SGD moves by'], 2)}; in training, macro F1: {measured}."
    )
    right = both == (FACTOR, FACTOR) and one == (FACTOR, 1.0)
    return holds(told) if right else fails(told)


def _noted(found: Evidence) -> bool:
    rows = found["macro F1, element minus correct"]
    within = all(row["low"] > -MARGIN and row["high"] < MARGIN for row in rows)
    return found["AdamW moves by"] < 0.01 and within


FAR = (20.0, 104.0)
FIRST = "first whole logit whose printed loss is infinite"


def _sigmoid(x: float) -> np.float32:
    return np.float32(1) / (np.float32(1) + np.exp(np.float32(-x)))


def _printed_loss(x: float) -> float:
    """Loss of a negative, by way of its probability."""
    with np.errstate(divide="ignore"):  # the finding
        return float(-np.log(np.float32(1) - _sigmoid(x)))


def _tails() -> Evidence:
    """Negatives at large logits in float32: loss and its gradient by the logit."""
    whole = (float(x) for x in range(1, 105))
    found: Evidence = {
        FIRST: next((x for x in whole if np.isinf(_printed_loss(x))), np.inf)
    }
    for x in FAR:
        found[f"printed loss at logit {x:g}"] = _printed_loss(x)
        logit, label = np.array([x]), np.zeros(1)
        found[f"fused loss at logit {x:g}"] = float(
            binary_cross_entropy_with_logits(logit, label)
        )
        slope = binary_cross_entropy_with_logits_grad(logit, label)
        found[f"fused gradient at logit {x:g}"] = float(slope[0])
        if importlib.util.find_spec("torch"):
            loss, slope = _by_torch(x)
            found[f"torch's loss of the sigmoid at logit {x:g}"] = loss
            found[f"torch's gradient of the sigmoid at logit {x:g}"] = slope
        else:
            p = _sigmoid(x)
            found[f"gradient of the sigmoid at logit {x:g}"] = float(p * (1 - p))
    return found


def _by_torch(x: float) -> tuple[float, float]:
    import torch

    logit = torch.tensor([x], requires_grad=True)
    loss = torch.nn.functional.binary_cross_entropy(logit.sigmoid(), torch.zeros(1))
    (slope,) = torch.autograd.grad(loss, logit)
    return loss.item(), slope.item()


def _of_sigmoid(found: Evidence, quantity: str) -> list[float]:
    return [
        own for name, own in found.items() if quantity in name and "the sigmoid" in name
    ]


def _judge_tails(found: Evidence) -> Verdict:
    printed = [found[f"printed loss at logit {x:g}"] for x in FAR]
    fused = [found[f"fused loss at logit {x:g}"] for x in FAR]
    slopes = _of_sigmoid(found, "gradient")
    clamped = _of_sigmoid(found, "loss")
    clamp = f", clamped to {number(max(clamped))} by torch" if clamped else ""
    told = (
        f"In float32 a negative at logit {FAR[0]:g} costs {number(printed[0])} by "
        f"log(1 - sigmoid){clamp}, and {number(fused[0])} by the fused form; the "
        f"gradient through the sigmoid is {number(min(map(abs, slopes)))}, that of the "
        f"fused form {number(found[f'fused gradient at logit {FAR[0]:g}'])}."
    )
    if np.isfinite(printed).all() and min(map(abs, slopes)) > 0:
        return fails(told)
    return holds_when(f"a logit is about {number(found[FIRST])} or beyond", told)


def _absent() -> Evidence:
    return {
        "capped at 100": float(pos_weight(0, 500)),
        "not capped": float(pos_weight(0, 500, max_value=None)),
        "empty data": float(pos_weight(0, 0)),
    }


def _judge_absent(found: Evidence) -> Verdict:
    told = (
        f"Without a positive among 500 the weight is {number(found['capped at 100'])}, "
        f"{number(found['not capped'])} without the cap, and on no data at all "
        f"{number(found['empty data'])}."
    )
    good = found["capped at 100"] == 100.0 and np.isfinite(list(found.values())).all()
    return holds(told) if good else fails(told)


CLAIMS = (
    Claim(
        "B2",
        "An element weight scales both terms, pos_weight the positive one alone.",
        "Losses of a positive and a negative under either; a constant factor of the "
        "gradients under AdamW and SGD, and in training.",
        _element_weight,
        _judge_element_weight,
        recipes=("multilabel",),
        note=Note(
            "holds; a constant element weight changes almost nothing under Adam", _noted
        ),
    ),
    Claim(
        "B5",
        "Sigmoid and then BCE underflows or overflows.",
        "Negatives in float32 by either form: where the loss becomes infinite, what it "
        "is at logits 20 and 104.",
        _tails,
        _judge_tails,
        note=Note(
            "in the tail; libraries clamp the logarithm and the gradient dies",
            lambda e: (
                np.isinf(e["printed loss at logit 104"])
                and max(map(abs, _of_sigmoid(e, "gradient"))) == 0
            ),
        ),
    ),
    Claim(
        "B6",
        "A class without positives is no trouble: the weight is clamped at 100.",
        "pos_weight of 0 positives, with the cap, without it, and of no data.",
        _absent,
        _judge_absent,
        note=Note(
            "100; never infinite or NaN",
            lambda e: (
                e["capped at 100"] == 100.0
                and bool(np.isfinite(list(e.values())).all())
            ),
        ),
    ),
)

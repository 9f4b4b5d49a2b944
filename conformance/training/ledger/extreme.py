"""Claims E1, E3, E5, E7 and E8: what the formulas at extreme imbalance say."""

import numpy as np

from conformance.training import claims
from conformance.training.ledger.claim import (
    NOT_TESTABLE,
    Claim,
    Evidence,
    Note,
    Verdict,
    fails,
    holds,
    holds_when,
    undetermined,
)
from conformance.training.ledger.wording import number, numbers, percent
from conformance.training.recipe import TASKS
from refimpl import ghmc_loss, sigmoid_focal_loss, softmax_focal_loss

ROUNDING = 1e-12


def _share() -> Evidence:
    return {
        "mean against mean": claims.loss_share_of_negatives(),
        "summed over examples": claims.loss_share_of_negatives(summed=True),
    }


def _judge_share(found: Evidence) -> Verdict:
    mean, total = found["mean against mean"], found["summed over examples"]
    told = (
        f"Negatives take {percent(mean)} as printed, where their mean is compared with "
        f"the mean of the positives, and {percent(total)} of the sum over all examples."
    )
    if mean > 0.9:
        return holds(told)
    if total > 0.9:
        return holds_when("losses are summed over the examples", told)
    return fails(told)


def _scalar_alpha() -> Evidence:
    """Loss of each of three classes with an alpha, to that without."""
    logits = np.array([[0.5, -0.2, 0.1]] * 3)
    labels = np.arange(3)
    bare = softmax_focal_loss(logits, labels, reduction="none")
    weighted = softmax_focal_loss(
        logits, labels, class_weights=np.array([0.25, 0.5, 0.75]), reduction="none"
    )
    scalar = [
        claims.focal_with_one_alpha(np.array([x]), np.ones(1), alpha=0.25)[0]
        / sigmoid_focal_loss(np.array([x]), np.ones(1), reduction="none")[0]
        for x in logits[0]
    ]
    return {
        "scalar alpha to none, by class": [float(own) for own in scalar],
        "class weights to none, by class": (weighted / bare).tolist(),
    }


def _judge_scalar_alpha(found: Evidence) -> Verdict:
    scalar = found["scalar alpha to none, by class"]
    told = (
        f"A scalar alpha multiplies the losses of three classes by {numbers(scalar)}, "
        "class weights by "
        f"{numbers(found['class weights to none, by class'])}."
    )
    return fails(told) if np.ptp(scalar) <= ROUNDING else holds(told)


def _harmonised() -> Evidence:
    """Weights of easy negatives, of two harder examples and of the hardest of all."""
    x = np.array([-4.0] * 60 + [-2.0] * 25 + [-0.5] * 6 + [0.1] * 8 + [800.0])
    y = np.zeros(x.size)
    bare = np.logaddexp(0.0, x)
    printed, _ = claims.ghmc(x, y, momentum=0.0)
    first, _ = claims.ghmc(x, y, momentum=0.75)
    published, _ = ghmc_loss(x, y, reduction="none")
    starts = {
        name: ghmc_loss(x, y, momentum=0.75, debias=debias, reduction="none")[0]
        for name, debias in {"published": False, "debiased": True}.items()
    }
    return {
        "printed weight at g = 1": float(printed[-1] / bare[-1]),
        "published weight at g = 1": float(published[-1] / bare[-1]),
        "printed mean weight below": float((printed / bare)[:-1].mean()),
        "published mean weight below": float((published / bare)[:-1].mean()),
        "first batch at momentum 0.75 to none": float(first[0] / printed[0]),
        **{
            f"the same, {name}": float(own[0] / published[0])
            for name, own in starts.items()
        },
        "bins with examples": int(np.unique(np.minimum(_norm(x) * 10 // 1, 9)).size),
    }


def _norm(x: np.ndarray) -> np.ndarray:
    return (1 + np.tanh(x / 2)) / 2


def _judge_harmonised(found: Evidence) -> Verdict:
    lost = found["printed weight at g = 1"]
    factor = found["printed mean weight below"] / found["published mean weight below"]
    heavy = found["first batch at momentum 0.75 to none"]
    told = (
        f"As printed, the hardest example (g = 1) weighs {number(lost)}; published, "
        f"{number(found['published weight at g = 1'])}. All others weigh "
        f"{number(factor)} times the published weight, with "
        f"{found['bins with examples']} bins that have examples. At momentum 0.75 the "
        f"first batch weighs {number(heavy)} times too much (published code: "
        f"{number(found['the same, published'])}, debiased: "
        f"{number(found['the same, debiased'])})."
    )
    right = lost > 0 and abs(factor - 1) <= ROUNDING and abs(heavy - 1) <= ROUNDING
    return holds(told) if right else fails(told)


NEEDED = ("detection", "medical images")


def _tasks() -> Evidence:
    return {"tasks": list(TASKS), "needed": list(NEEDED)}


def _judge_tasks(found: Evidence) -> Verdict:
    lacking = [task for task in found["needed"] if task not in found["tasks"]]
    told = (
        f"Average precision on small objects and recall of rare diseases need "
        f"{' and '.join(found['needed'])}; the recipes are of the tasks "
        f"{', '.join(found['tasks'])}."
    )
    if lacking:
        reason = f" Data and models of {' and '.join(lacking)} are not part of this."
        return Verdict(NOT_TESTABLE, told + reason)
    return undetermined(told)


def _from_probabilities() -> Evidence:
    x = np.array([-120.0, -20.0, 0.3, 20.0, 120.0], np.float32)
    with np.errstate(over="ignore"):  # exp overflows to infinity, and p is 0
        p = 1 / (1 + np.exp(-x))
    found: Evidence = {"elements": 2 * x.size}
    found["infinite"] = found["NaN"] = found["from logits, not finite"] = 0
    for label in (0.0, 1.0):
        y = np.full_like(x, label)
        loss = claims.focal_of_probabilities(p, y)
        found["infinite"] += int(np.isinf(loss).sum())
        found["NaN"] += int(np.isnan(loss).sum())
        fused = sigmoid_focal_loss(x, y, alpha=0.25, reduction="none")
        found["from logits, not finite"] += int((~np.isfinite(fused)).sum())
    return found


def _judge_from_probabilities(found: Evidence) -> Verdict:
    told = (
        f"Of {found['elements']} losses in float32 at logits up to 120, "
        f"{found['infinite']} are infinite and {found['NaN']} NaN from probabilities; "
        f"from logits {found['from logits, not finite']} are."
    )
    return fails(told) if found["infinite"] + found["NaN"] else holds(told)


CLAIMS = (
    Claim(
        "E1",
        "Of 1000 negatives at 0.95 and 100 positives at 0.6, negatives take > 90 % of "
        "the loss.",
        "The share of the means, as printed, and of the sums.",
        _share,
        _judge_share,
        note=Note(
            "as printed 85.4 %, summed 98.3 %",
            lambda e: (
                abs(e["mean against mean"] - 0.854) < 5e-4
                and abs(e["summed over examples"] - 0.983) < 5e-4
            ),
        ),
    ),
    Claim(
        "E3",
        "A scalar alpha balances the classes of a multi-class focal loss.",
        "What it multiplies the loss of each class by, and what class weights do.",
        _scalar_alpha,
        _judge_scalar_alpha,
        note=Note(
            "a constant factor",
            lambda e: np.ptp(e["scalar alpha to none, by class"]) <= ROUNDING,
        ),
    ),
    Claim(
        "E5",
        "The printed GHM-C is that of the paper.",
        "Weights of 100 examples, the hardest at g = 1, as printed and as published.",
        _harmonised,
        _judge_harmonised,
        note=Note(
            "g = 1 weighs nothing, no division by bins, the first batch 4 times",
            lambda e: (
                e["printed weight at g = 1"] == 0
                and abs(
                    e["printed mean weight below"] / e["published mean weight below"]
                    - e["bins with examples"]
                )
                <= 1e-9
                and abs(e["first batch at momentum 0.75 to none"] - 4) <= ROUNDING
            ),
        ),
    ),
    Claim(
        "E7",
        "Focal loss gives 3 to 5 AP on small objects, and 40 % more on rare diseases.",
        "Whether any recipe is of such a task.",
        _tasks,
        _judge_tasks,
        note=Note(
            "cannot be run here", lambda e: not set(e["needed"]) <= set(e["tasks"])
        ),
    ),
    Claim(
        "E8",
        "A multi-label focal loss may be taken from probabilities.",
        "Losses of saturated float32 probabilities, and of the logits themselves.",
        _from_probabilities,
        _judge_from_probabilities,
        note=Note(
            "unstable; the form of logits is required",
            lambda e: e["infinite"] + e["NaN"] > 0 == e["from logits, not finite"],
        ),
    ),
)

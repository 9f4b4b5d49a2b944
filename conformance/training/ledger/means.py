"""Claims D4 to D7, D9 and D10: reductions, weights by hand, warm-up."""

import numpy as np

from conformance.report.wording import counted
from conformance.training import claims
from conformance.training.ledger import stability
from conformance.training.ledger.claim import (
    Claim,
    Evidence,
    Note,
    Verdict,
    fails,
    holds,
    holds_when,
)
from conformance.training.ledger.runs import Runs
from conformance.training.ledger.wording import number, numbers
from refimpl import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    sigmoid_focal_loss,
)
from refimpl.schedules import warmup_factor

ROUNDING = 1e-12
WEIGHTS = np.array([0.5, 1.8, 3.0])


def _batch_size() -> Evidence:
    """A batch against the same twice over, and against the mean of its halves."""
    draws = np.random.default_rng(20240506)
    x, y = draws.normal(size=8), np.array([0, 0, 0, 1, 1, 0, 1, 1], np.float64)
    twice = np.tile(x, 2), np.tile(y, 2)
    found: Evidence = {
        f"{how}, twice the batch to once": float(
            binary_cross_entropy_with_logits(*twice, reduction=how)
            / binary_cross_entropy_with_logits(x, y, reduction=how)
        )
        for how in ("mean", "sum")
    }
    z, k = draws.normal(size=(8, 3)), np.array([0, 0, 0, 0, 1, 2, 2, 2])
    for name, weights in {"unweighted": None, "weighted": WEIGHTS}.items():
        whole = cross_entropy(z, k, class_weights=weights)
        halves = [
            cross_entropy(z[part], k[part], class_weights=weights)
            for part in (slice(4), slice(4, 8))
        ]
        found[f"{name} mean, halves minus whole"] = float(np.mean(halves) - whole)
    return found


def _judge_batch_size(found: Evidence) -> Verdict:
    mean = found["mean, twice the batch to once"]
    total = found["sum, twice the batch to once"]
    bare = found["unweighted mean, halves minus whole"]
    weighted = found["weighted mean, halves minus whole"]
    told = (
        f"Twice the batch has {number(mean)} times the mean and {number(total)} times "
        f"the sum. The mean of two halves is off by {number(bare, 2)} unweighted, by "
        f"{number(weighted, 2)} where the mean divides by weights."
    )
    if abs(mean - 1) > ROUNDING or abs(total - 1) <= ROUNDING or abs(bare) > ROUNDING:
        return fails(told)
    return (
        holds(told)
        if abs(weighted) <= ROUNDING
        else holds_when("nothing weighs the mean", told)
    )


def _four_elements() -> Evidence:
    x, y = np.array([0.3, -1.2, 2.0, 0.1]), np.array([1.0, 1.0, 0.0, 0.0])
    mean, total = (
        binary_cross_entropy_with_logits(x, y, reduction=how) for how in ("mean", "sum")
    )
    return {
        "printed mean": 0.7523,
        "printed sum": 3.0092,
        "sum / mean of four losses": float(total / mean),
    }


def _judge_four_elements(found: Evidence) -> Verdict:
    ratio = found["printed sum"] / found["printed mean"]
    told = (
        f"The printed sum is {number(ratio)} times the printed mean; of four losses it "
        f"is {number(found['sum / mean of four losses'])} times."
    )
    # The printed mean is known to half its last digit.
    error = 0.5e-4 * ratio / found["printed mean"]
    same = abs(ratio - found["sum / mean of four losses"]) <= error
    return holds(told) if same else fails(told)


def _where() -> Evidence:
    x = np.array([2.0, -1.5, 0.5, -3.0])
    labels = {"hard": np.array([1.0, 0, 0, 1]), "soft": np.array([0.9, 0.1, 0.2, 0.8])}
    found: Evidence = {}
    for kind, y in labels.items():
        wanted = binary_cross_entropy_with_logits(
            x, y, pos_weight=5.0, reduction="none"
        )
        for reduced in (True, False):
            own = claims.where_weighted_bce(x, y, pos_weight=5.0, reduced=reduced)
            name = f"{'reduced' if reduced else 'unreduced'}, on {kind} labels"
            found[name] = float(np.abs(own.mean() - wanted.mean()))
    return found


def _judge_where(found: Evidence) -> Verdict:
    told = (
        "From pos_weight, the mean differs by "
        f"{'; '.join(f'{number(own)} ({name})' for name, own in found.items())}."
    )
    good = [name for name, own in found.items() if own <= ROUNDING]
    if len(good) == len(found):
        return holds(told)
    if good:
        return holds_when(f"the criterion is {' or '.join(good)}", told)
    return fails(told)


def _one_alpha() -> Evidence:
    """How much a negative costs to a positive that is as wrong."""
    x, y = np.array([1.0, -1.0]), np.array([0.0, 1.0])
    bare = sigmoid_focal_loss(x, y, reduction="none")
    one = claims.focal_with_one_alpha(x, y, alpha=0.25)
    by_class = sigmoid_focal_loss(x, y, alpha=0.25, reduction="none")
    return {
        name: float(loss[0] / loss[1])
        for name, loss in {
            "no alpha": bare,
            "one alpha": one,
            "alpha by class": by_class,
        }.items()
    }


def _judge_one_alpha(found: Evidence) -> Verdict:
    told = (
        f"A negative costs {number(found['one alpha'])} times a positive that is as "
        f"wrong, as without alpha ({number(found['no alpha'])}): a constant factor. By "
        f"class, at alpha 0.25, it is {number(found['alpha by class'])} times."
    )
    same = abs(found["one alpha"] - found["no alpha"]) <= ROUNDING
    return fails(told) if same else holds(told)


def _shards(runs: Runs) -> Evidence:
    draws = np.random.default_rng(20240507)
    losses = draws.exponential(size=12)
    weights = np.where(np.arange(12) < 3, 5.0, 1.0)
    cuts = {"even": [6], "uneven": [9]}
    found: Evidence = {}
    for kind, cut in cuts.items():
        parts = np.split(losses, cut)
        apart = claims.mean_of_batch_means(parts) - losses.mean()
        found[f"{kind} shards"] = float(abs(apart))
    mean = claims.mean_of_batch_means(
        np.split(losses, cuts["even"]), np.split(weights, cuts["even"])
    )
    whole = np.average(losses, weights=weights)
    found["even shards, weighted mean"] = float(abs(mean - whole))
    return found | stability.trained(
        runs,
        {
            "even shards": ("logits", "even-shards"),
            "uneven shards": ("logits", "uneven-shards"),
            "even shards, weighted mean": ("weighted", "weighted-shards"),
        },
    )


SHARDS = ("even shards", "uneven shards", "even shards, weighted mean")


def _judge_shards(found: Evidence) -> Verdict:
    off = {name: found[name] for name in SHARDS}
    told = (
        "The mean of the workers' means is off the global mean by "
        f"{'; '.join(f'{number(own, 2)} ({name})' for name, own in off.items())}."
        f"{stability.told(found)}"
    )
    good = [name for name, own in off.items() if own <= ROUNDING]
    if len(good) == len(off):
        return holds(told)
    if "even shards" in good:
        return holds_when("shards are even and the mean unweighted", told)
    return fails(told)


def _warm_up(runs: Runs) -> Evidence:
    epochs = range(12)
    return {
        "counted from 0": [warmup_factor(t, steps=10, first=0.0) for t in epochs],
        "counted from 1": [warmup_factor(t + 1, steps=10, first=0.0) for t in epochs],
        **stability.trained(
            runs, {"counted from 0 - counted from 1": ("warm-up", "warm-up-zero")}
        ),
    }


def _judge_warm_up(found: Evidence) -> Verdict:
    from_0, from_1 = found["counted from 0"], found["counted from 1"]
    idle = sum(factor == 0 for factor in from_0)
    told = (
        f"min(epoch / 10, 1) begins {numbers(from_0[:3])} with epochs from 0: the "
        f"rate is 0 in {counted(idle, 'whole epoch')}, which learns nothing. With "
        f"epochs from 1 it begins {numbers(from_1[:3])}.{stability.told(found)}"
    )
    if idle == 0:
        return holds(told)
    if 0 not in from_1:
        return holds_when("epochs are counted from 1", told)
    return fails(told)


CLAIMS = (
    Claim(
        "D4",
        "The mean does not depend on the batch size, the sum does.",
        "A batch twice over, and the halves of a batch, with and without weights.",
        _batch_size,
        _judge_batch_size,
        note=Note(
            "holds unweighted; fails for weighted means",
            lambda e: (
                abs(e["unweighted mean, halves minus whole"]) <= ROUNDING
                and abs(e["weighted mean, halves minus whole"]) > ROUNDING
            ),
        ),
    ),
    Claim(
        "D5",
        "On 4 elements a mean of 0.7523 is a sum of 3.0092.",
        "The printed figures, and mean and sum of four losses.",
        _four_elements,
        _judge_four_elements,
        note=Note(
            "holds",
            lambda e: abs(4 * e["printed mean"] - e["printed sum"]) <= 2e-4,
        ),
    ),
    Claim(
        "D6",
        "where(y == 1, w, 1) * criterion(x, y) equals pos_weight.",
        "The mean of both, with a reduced and an unreduced criterion, hard and soft "
        "labels.",
        _where,
        _judge_where,
        note=Note(
            "fails unless the criterion is unreduced, and for soft labels",
            lambda e: (
                [name for name, own in e.items() if own <= ROUNDING]
                == ["unreduced, on hard labels"]
            ),
        ),
    ),
    Claim(
        "D7",
        "A focal loss with one alpha on both classes balances them.",
        "What a negative costs to a positive that is as wrong, with one alpha, none, "
        "and one by class.",
        _one_alpha,
        _judge_one_alpha,
        note=Note(
            "fails: a constant factor",
            lambda e: (
                abs(e["one alpha"] - e["no alpha"]) <= ROUNDING
                and abs(e["alpha by class"] - e["no alpha"]) > ROUNDING
            ),
        ),
    ),
    Claim(
        "D9",
        "Data parallel training needs the mean, and is then consistent.",
        "Means of the workers' means against the global mean, and trainings with "
        "shards.",
        _shards,
        _judge_shards,
        recipes=(stability.RECIPE,),
        note=Note(
            "fails with uneven shards or weighted means",
            lambda e: (
                e["even shards"] <= ROUNDING
                and min(e["uneven shards"], e["even shards, weighted mean"]) > ROUNDING
            ),
        ),
    ),
    Claim(
        "D10",
        "The learning rate warms up by min(epoch / 10, 1).",
        "The factors of the first epochs, counted from 0 and from 1, and trainings "
        "with both.",
        _warm_up,
        _judge_warm_up,
        recipes=(stability.RECIPE,),
        note=Note(
            "a learning rate of 0 in the whole first epoch",
            lambda e: e["counted from 0"][0] == 0 and e["counted from 0"][1] > 0,
        ),
    ),
)

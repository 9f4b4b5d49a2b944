"""Claims C1 to C4, C9 and C10: what the formulas over classes say."""

import importlib.util

import numpy as np
from numpy.typing import NDArray

from conformance.metrics.confusion import confusion_from_counts
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
from conformance.training.ledger.wording import number, numbers
from refimpl import cross_entropy
from refimpl.weights import effective_number, inverse_frequency, inverse_square_root

Array = NDArray[np.float64]

COUNTS = (900, 90, 10)
# The articles print four decimals.
PRINTED = 0.5e-4
ROUNDING = 1e-12


def _printed(kind: str, **computed: Array) -> Evidence:
    return {
        "printed": list(claims.PRINTED_CLASS_WEIGHTS[kind]),
        **{name.replace("_", " "): own.tolist() for name, own in computed.items()},
    }


def _agrees(found: Evidence, name: str) -> bool:
    """Whether weights are the printed ones, to the digits that are printed."""
    return bool(np.abs(np.subtract(found["printed"], found[name])).max() <= PRINTED)


def _inverse() -> Evidence:
    return _printed(
        "inverse_frequency",
        stated=inverse_frequency(COUNTS),
        not_normalised=inverse_frequency(COUNTS, normalization=None),
        rarest_count_over_count=claims.rarest_over_count(COUNTS),
    )


def _judge_inverse(found: Evidence) -> Verdict:
    told = (
        "Inverse frequency with sum K, as stated, gives "
        f"{numbers(found['stated'])} for (900, 90, 10). The figures "
        f"{numbers(found['printed'])} are "
        f"{_named(found, ('rarest count over count', 'not normalised'))}."
    )
    return holds(told) if _agrees(found, "stated") else fails(told)


def _named(found: Evidence, names: tuple[str, ...]) -> str:
    return next((name for name in names if _agrees(found, name)), "no such weights")


def _effective() -> Evidence:
    return _printed(
        "effective_number",
        stated=effective_number(COUNTS, normalization=None),
        normalised=effective_number(COUNTS),
    )


def _judge_effective(found: Evidence) -> Verdict:
    told = (
        f"(1 - beta) / (1 - beta^n) at beta = 0.999 is {numbers(found['stated'])} and, "
        f"with sum K, {numbers(found['normalised'])}; printed are "
        f"{numbers(found['printed'])}."
    )
    right = _agrees(found, "stated") or _agrees(found, "normalised")
    return holds(told) if right else fails(told)


def _square_root() -> Evidence:
    return _printed(
        "inverse_square_root",
        stated=inverse_square_root(COUNTS, normalization=None),
    )


def _judge_square_root(found: Evidence) -> Verdict:
    told = (
        f"1 / sqrt(n) is {numbers(found['stated'])}; printed are "
        f"{numbers(found['printed'])}."
    )
    return holds(told) if _agrees(found, "stated") else fails(told)


def _smoothing() -> Evidence:
    """Smoothed labels by the printed formulas, and as the library's loss has them."""
    alpha, label = 0.1, np.array([1.0, 0.0])
    found: Evidence = {"printed": [0.95, 0.05]}
    found["a / K"] = (label * (1 - alpha) + alpha / 2).tolist()
    found["a / (K - 1)"] = claims.manually_smoothed(label, alpha).tolist()
    # The loss is linear in the smoothed label; the log-odds 1 weigh its second part.
    for name, kind in {"a / K": "uniform", "a / (K - 1)": "off_target"}.items():
        loss = cross_entropy(
            np.array([[1.0, 0.0]]),
            np.array([0]),
            label_smoothing=alpha,
            smoothing=kind,
        )
        found[f"second part of the label in the loss, {name}"] = float(
            loss - np.log1p(np.exp(-1.0))
        )
    return found


def _judge_smoothing(found: Evidence) -> Verdict:
    right = {
        name: _agrees(found, name)
        and abs(found[f"second part of the label in the loss, {name}"] - found[name][1])
        <= ROUNDING
        for name in ("a / K", "a / (K - 1)")
    }
    told = (
        f"[1, 0] becomes {numbers(found['a / K'])} with a / K on every class and "
        f"{numbers(found['a / (K - 1)'])} with a / (K - 1) on the others, the manual "
        "version: two losses."
    )
    if all(right.values()):
        return holds(told)
    if right["a / K"]:
        return holds_when("a / K is added, not the manual a / (K - 1)", told)
    return fails(told)


def _mean() -> Evidence:
    draws = np.random.default_rng(20240505)
    logits, labels = draws.normal(size=(6, 3)), np.array([0, 0, 0, 0, 1, 2])
    weights = np.array([0.5, 1.8, 3.0])
    each = cross_entropy(logits, labels, reduction="none")
    one_hot = np.eye(3)[labels]
    found: Evidence = {
        "divided by N": claims.weighted_mean_over_count(each, weights[labels]),
        "divided by the weights": float(
            (weights[labels] * each).sum() / weights[labels].sum()
        ),
        "our mean, index labels": float(
            cross_entropy(logits, labels, class_weights=weights)
        ),
    }
    if importlib.util.find_spec("torch"):
        import torch

        to = torch.from_numpy
        for kind, own in {"index": labels, "probability": one_hot}.items():
            loss = torch.nn.functional.cross_entropy(
                to(logits), to(own), weight=to(weights)
            )
            found[f"torch's mean, {kind} labels"] = float(loss)
    else:
        found["our mean, probability labels by count"] = float(
            cross_entropy(logits, one_hot, class_weights=weights, normalizer="count")
        )
    return found


def _judge_mean(found: Evidence) -> Verdict:
    count = found["divided by N"]
    means = {name: own for name, own in found.items() if "mean," in name}
    by_count = [name for name, own in means.items() if abs(own - count) <= ROUNDING]
    told = (
        f"Dividing by N gives {number(count)}, by the weights of the labels "
        f"{number(found['divided by the weights'])}; "
        f"{', '.join(f'{name}: {number(own)}' for name, own in means.items())}."
    )
    if len(by_count) == len(means):
        return holds(told)
    if any("probability" in name for name in by_count):
        return holds_when("labels are probabilities, not class indices", told)
    return fails(told)


MATRIX = ((980, 15, 5), (10, 180, 10), (2, 8, 40))


def _confusion() -> Evidence:
    found = confusion_from_counts(MATRIX)
    return {
        "printed recalls": [0.98, 0.90, 0.80],
        "printed precisions": [0.988, 0.887, 0.727],
        "recalls": list(found.recalls),
        "precisions": list(found.precisions),
    }


def _judge_confusion(found: Evidence) -> Verdict:
    told = (
        f"The matrix has recalls {numbers(found['recalls'], 3)} and precisions "
        f"{numbers(found['precisions'], 3)}."
    )
    return holds(told) if _as_printed(found) else fails(told)


def _as_printed(found: Evidence) -> bool:
    """Whether both are those of the article, to its three decimals."""
    return all(
        np.abs(np.subtract(found[f"printed {name}"], found[name])).max() <= 0.5e-3
        for name in ("recalls", "precisions")
    )


def _expects(name: str, wanted: tuple[float, ...], error: float) -> Note:
    text = f"fails: the stated formula gives {numbers(wanted, 6)}"
    return Note(
        text,
        lambda e: (
            bool(np.abs(np.subtract(e[name], wanted)).max() <= error)
            and not _agrees(e, name)
        ),
    )


CLAIMS = (
    Claim(
        "C1",
        "Inverse-frequency weights of (900, 90, 10) are (0.0111, 0.1111, 1.0).",
        "The stated formula, normalised to sum K, and what the figures are instead.",
        _inverse,
        _judge_inverse,
        note=_expects("stated", (0.029703, 0.297030, 2.673267), 0.5e-6),
    ),
    Claim(
        "C2",
        "Effective-number weights at beta = 0.999 are (0.0011, 0.0110, 0.1054).",
        "The stated formula, before and after normalising.",
        _effective,
        _judge_effective,
        note=_expects("stated", (0.0016846, 0.0116131, 0.1004508), 0.5e-7),
    ),
    Claim(
        "C3",
        "Inverse square root weights are (0.0333, 0.1054, 0.3162).",
        "The stated formula.",
        _square_root,
        _judge_square_root,
        note=Note("holds", lambda e: _agrees(e, "stated")),
    ),
    Claim(
        "C4",
        "Smoothing [1, 0] at alpha = 0.1 gives [0.95, 0.05].",
        "Both printed ways of smoothing, and the labels in the loss that offers both.",
        _smoothing,
        _judge_smoothing,
        note=Note(
            "holds for a / K; the manual version gives [0.9, 0.1]",
            lambda e: _agrees(e, "a / K") and not _agrees(e, "a / (K - 1)"),
        ),
    ),
    Claim(
        "C9",
        "The weighted mean of a cross entropy divides by N.",
        "The mean of six weighted losses, by index and by probability labels.",
        _mean,
        _judge_mean,
        note=Note(
            "fails for index labels: it divides by the weights of the labels",
            lambda e: (
                abs(e["our mean, index labels"] - e["divided by the weights"])
                <= ROUNDING
            ),
        ),
    ),
    Claim(
        "C10",
        "[[980, 15, 5], [10, 180, 10], [2, 8, 40]] has recalls 0.98, 0.90, 0.80 and "
        "precisions 0.988, 0.887, 0.727.",
        "Recalls and precisions of the matrix, to three decimals.",
        _confusion,
        _judge_confusion,
        note=Note("holds", _as_printed),
    ),
)

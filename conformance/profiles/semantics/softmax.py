"""Identities of losses over classes."""

from collections.abc import Iterator

import numpy as np

from conformance.profiles.calls import Call
from conformance.profiles.points import (
    CE,
    INDEX,
    PROBABILITIES,
    ROWS,
    SOFTMAX,
    V2,
    W2,
    V,
    W,
    X,
    bce,
    ce,
    focal,
    softmax,
)
from conformance.profiles.semantics._identity import (
    Answer,
    Identity,
    Pair,
    combined,
    different,
    equal,
)

CLASSES = ROWS.shape[1]
ONE_HOT = np.eye(CLASSES)[INDEX]
IGNORED = np.array([0, 3])
KEPT = np.setdiff1d(np.arange(len(INDEX)), IGNORED)
HOLES = np.where(np.isin(np.arange(len(INDEX)), IGNORED), -100, INDEX)
PERMUTATION = np.array([2, 0, 3, 1])
RANK = np.argsort(PERMUTATION)
SHIFT = np.array([4.0, -3, 0.5, 0, 2, -1])[:, None]
HARD = (X > 0).astype(np.int64)[::-1].copy()
PAIRS = np.stack([np.roll(X, 3), np.roll(X, 3) + X], axis=1)


def filled(a: np.ndarray) -> np.ndarray:
    """Puts the kept examples where they were, and 0 where one was ignored."""
    out = np.zeros((len(INDEX), *a.shape[1:]))
    out[KEPT] = a
    return out


def targets(labels: np.ndarray, share: float, smoothing: str) -> np.ndarray:
    """Smoothed probabilities, as the specification writes them."""
    spread = 1 / CLASSES if smoothing == "uniform" else (1 - labels) / (CLASSES - 1)
    return (1 - share) * labels + share * spread


def chosen(answer: Answer, call: Call, reduction: str) -> Iterator[Pair]:
    """Ignored examples are as if they were not there."""
    holes = call(labels=HOLES, reduction=reduction)
    dropped = call(logits=ROWS[KEPT], labels=INDEX[KEPT], reduction=reduction)
    (value,), (expected,) = answer(holes, "value"), answer(dropped, "value")
    yield Pair("value", value, filled(expected) if reduction == "none" else expected)
    if reduction == "none":
        (grad,), (expected,) = answer(holes, "grad"), answer(dropped, "grad")
        yield Pair("grad", grad, filled(expected))
        rows = np.concatenate([value[IGNORED], grad[IGNORED].ravel()])
        yield Pair("ignored", rows, np.zeros_like(rows), exact=True)


def ignored(call: Call, name: str) -> Iterator[Identity]:
    """Dropping is the same under every reduction and normalizer."""
    for reduction, normalizer in (
        ("none", "count"),
        ("mean", "count"),
        ("mean", "weights"),
    ):
        asked = call(class_weights=W, normalizer=normalizer)
        yield Identity(
            name,
            f"ignored is dropped under {reduction} {normalizer}",
            lambda answer, a=asked, r=reduction: chosen(answer, a, r),
            once=True,
        )


def on_the_difference(call: Call, binary: Call) -> tuple[Call, Call]:
    """Two classes are one logit: that of the second minus that of the first."""
    return (
        call(logits=PAIRS, labels=HARD, class_weights=np.array([1.0, 3.0])),
        binary(logits=X, labels=HARD.astype(float), pos_weight=3.0),
    )


def opposite(a: np.ndarray) -> np.ndarray:
    """The gradient of both logits from that of their difference."""
    return np.stack([-a, a], axis=1)


def permuted(call: Call) -> tuple[Call, Call]:
    """Classes in another order, with labels and weights that follow."""
    return (
        call(
            logits=ROWS[:, PERMUTATION],
            labels=RANK[INDEX],
            class_weights=W[PERMUTATION],
        ),
        call(class_weights=W),
    )


def _both(call: Call, name: str) -> Iterator[Identity]:
    """What holds of cross-entropy and focal loss alike."""
    weighted = call(class_weights=W)
    yield from ignored(call, name)
    yield Identity(
        name, "unit weights change nothing", equal(call(class_weights=np.ones(4)), call)
    )
    yield Identity(
        name,
        "class_weights are linear",
        combined(
            call(class_weights=W + W2), (weighted, call(class_weights=W2)), (1, 1)
        ),
    )
    yield Identity(
        name,
        "class_weights are those of the label",
        equal(
            weighted,
            call,
            value=lambda a: W[INDEX] * a,
            grad=lambda a: W[INDEX][:, None] * a,
        ),
    )
    yield Identity(
        name, "adding a constant to a row", equal(call(logits=ROWS + SHIFT), call)
    )
    yield Identity(
        name,
        "permuting the classes",
        equal(*permuted(call), grad=lambda a: a[:, PERMUTATION]),
    )
    first = call(logits=np.ascontiguousarray(ROWS.T), class_axis=0)
    yield Identity(
        name,
        "class_axis moves the classes",
        equal(first, call, grad=lambda a: a.T),
        once=True,
    )
    for normalizer, own in (("weights", W[INDEX].sum()), ("count", len(INDEX))):
        yield Identity(
            name,
            f"mean divides by {normalizer}",
            equal(
                weighted(normalizer=normalizer, reduction="mean"),
                weighted(reduction="sum"),
                value=lambda a, n=float(own): a / n,
                outputs=("value",),
            ),
        )


def _one_hot() -> Iterator[Identity]:
    for normalizer in ("weights", "count"):
        for reduction in ("none", "mean"):
            if (normalizer, reduction) == ("count", "none"):
                continue
            call = ce(class_weights=W, label_smoothing=0.25, normalizer=normalizer)
            call = call(reduction=reduction)
            yield Identity(
                CE,
                f"one-hot is index under {reduction} {normalizer}",
                equal(
                    call(labels=ONE_HOT),
                    call,
                    outputs=("value", "grad") if reduction == "none" else ("value",),
                ),
            )


def _smoothing() -> Iterator[Identity]:
    half, spread = ce(label_smoothing=0.5), ce(label_smoothing=0.375)
    off = {"smoothing": "off_target", "class_weights": W}
    for name, option in (("uniform", "uniform"), ("off_target", "off_target")):
        yield Identity(
            CE,
            f"smoothing changes the loss {name}",
            different(ce(label_smoothing=0.25, smoothing=option), ce),
        )
        moved = targets(PROBABILITIES, 0.5, option)
        call = ce(class_weights=W, normalizer="count", labels=PROBABILITIES)
        yield Identity(
            CE,
            f"smoothing moves the probabilities {name}",
            equal(call(label_smoothing=0.5, smoothing=option), call(labels=moved)),
        )
    yield Identity(
        CE, "smoothing modes differ", different(half(smoothing="off_target"), half)
    )
    yield Identity(
        CE,
        "smoothing modes agree at their own shares",
        equal(spread(**off), half(class_weights=W)),
    )
    own = V[:6] * 0 + W[INDEX]
    for share, relation, words in (
        (0.0, equal, "equals class_weights without smoothing"),
        (0.25, different, "differs from class_weights under smoothing"),
    ):
        yield Identity(
            CE,
            f"weight of the label as sample_weight {words}",
            relation(
                ce(sample_weight=own, label_smoothing=share),
                ce(class_weights=W, label_smoothing=share),
            ),
        )


IDENTITIES = (
    *_both(ce, CE),
    *_both(softmax, SOFTMAX),
    *_one_hot(),
    *_smoothing(),
    Identity(
        CE,
        "sample_weight is linear",
        combined(
            ce(sample_weight=V[:6] + V2[:6]),
            (ce(sample_weight=V[:6]), ce(sample_weight=V2[:6])),
            (1, 1),
        ),
    ),
    Identity(
        CE,
        "sample_weight stays out of the normalizer",
        equal(
            ce(sample_weight=V[:6], reduction="parts"),
            ce(reduction="parts"),
            outputs=("normalizer",),
        ),
    ),
    Identity(
        CE,
        "two classes are binary on the difference",
        equal(*on_the_difference(ce, bce), grad=opposite),
    ),
    Identity(
        SOFTMAX,
        "two classes are binary on the difference",
        equal(*on_the_difference(softmax, focal), grad=opposite),
    ),
    Identity(
        CE,
        "one class costs nothing",
        lambda answer: (
            Pair(output, found, np.zeros_like(found), exact=True)
            for output in ("value", "grad")
            for (found,) in [answer(ce(logits=ROWS[:, :1], labels=0 * INDEX), output)]
        ),
        once=True,
    ),
    Identity(SOFTMAX, "gamma 0 is cross-entropy", equal(softmax(gamma=0.0), ce)),
    *(
        Identity(
            SOFTMAX,
            f"gamma 0 is the mean of cross-entropy over {normalizer}",
            equal(
                softmax(
                    gamma=0.0, class_weights=W, normalizer=normalizer, reduction="mean"
                ),
                ce(class_weights=W, normalizer=normalizer, reduction="mean"),
                outputs=("value",),
            ),
        )
        for normalizer in ("weights", "count")
    ),
    Identity(SOFTMAX, "gamma changes the loss", different(softmax(gamma=2.0), ce)),
)

"""Identities of losses on independent logits."""

from collections.abc import Iterator

import numpy as np

from conformance.profiles.calls import Call
from conformance.profiles.points import (
    ADAPTIVE,
    BCE,
    FOCAL,
    HARD,
    HEATMAP,
    PROBS,
    SOFT,
    V2,
    V,
    X,
    adaptive,
    bce,
    focal,
    heatmap,
    probs,
)
from conformance.profiles.semantics._identity import (
    Answer,
    Identity,
    Pair,
    combined,
    different,
    equal,
)

ONES = np.ones_like(X)
COLUMNS = np.array([1.0, 5, 0.5])
TABLE = {"logits": X.reshape(4, 3), "labels": SOFT.reshape(4, 3)}
PEAKS = {"labels": (SOFT == 1).astype(float)}
# The same probabilities as those of `probs`, given as logits.
P = np.arange(1, 13) / 16


def per_class(answer: Answer, call: Call) -> Iterator[Pair]:
    """One weight per class is one call per class."""
    whole = call(**TABLE, pos_weight=COLUMNS)
    for output in ("value", "grad"):
        columns = [
            answer(
                call(
                    logits=X.reshape(4, 3)[:, k].copy(),
                    labels=SOFT.reshape(4, 3)[:, k].copy(),
                    pos_weight=float(COLUMNS[k]),
                ),
                output,
            )[0]
            for k in range(3)
        ]
        yield Pair(output, answer(whole, output)[0], np.stack(columns, axis=1))


def moved(call: Call) -> tuple[Call, Call]:
    """The same data with the classes along the first and along the last axis."""
    last = call(**TABLE, pos_weight=COLUMNS, class_axis=-1)
    first = call(
        **{name: np.ascontiguousarray(v.T) for name, v in TABLE.items()},
        pos_weight=COLUMNS,
        class_axis=0,
    )
    return first, last


def smoothed(y: np.ndarray, share: float) -> np.ndarray:
    """Labels moved towards one half."""
    return y * (1 - share) + share / 2


def transposed(a: np.ndarray) -> np.ndarray:
    """Reads an output with its axes exchanged."""
    return a.T


def negated(a: np.ndarray) -> np.ndarray:
    """Reads an output with the other sign."""
    return -a


def _both(call: Call, name: str) -> tuple[Identity, ...]:
    """What holds of cross-entropy and focal loss alike."""
    weighted = call(sample_weight=V)
    return (
        Identity(
            name,
            "unit weights change nothing",
            equal(call(sample_weight=ONES, pos_weight=np.ones(())), call),
        ),
        Identity(
            name,
            "sample_weight is a factor",
            equal(weighted, call, value=lambda a: V * a, grad=lambda a: V * a),
        ),
        Identity(
            name,
            "sample_weight is linear",
            combined(
                call(sample_weight=V + V2), (weighted, call(sample_weight=V2)), (1, 1)
            ),
        ),
        Identity(
            name,
            "pos_weight is linear",
            combined(
                call(pos_weight=3.0),
                (call(pos_weight=1.0), call(pos_weight=5.0)),
                (0.5,) * 2,
            ),
        ),
        Identity(
            name, "pos_weight changes the loss", different(call(pos_weight=3.0), call)
        ),
        Identity(
            name,
            "pos_weight per class",
            lambda answer: per_class(answer, call),
            once=True,
        ),
        Identity(
            name,
            "class_axis moves the classes",
            equal(*moved(call), transposed, transposed),
            once=True,
        ),
        Identity(
            name,
            "swapping the classes negates logits",
            equal(call(logits=-X, labels=1 - SOFT), call, grad=negated),
        ),
    )


IDENTITIES = (
    *_both(bce, BCE),
    *_both(focal, FOCAL),
    Identity(
        BCE,
        "labels are linear",
        combined(bce, (bce(labels=ONES), bce(labels=0 * X)), (SOFT, 1 - SOFT)),
    ),
    Identity(
        BCE,
        "smoothing moves labels towards one half",
        equal(bce(label_smoothing=0.25), bce(labels=smoothed(SOFT, 0.25))),
    ),
    Identity(
        BCE, "smoothing changes the loss", different(bce(label_smoothing=0.25), bce)
    ),
    Identity(FOCAL, "gamma 0 is cross-entropy", equal(focal(gamma=0.0), bce)),
    Identity(
        FOCAL,
        "gamma 0 is weighted cross-entropy",
        equal(focal(gamma=0.0, pos_weight=3.0), bce(pos_weight=3.0)),
    ),
    Identity(FOCAL, "gamma changes the loss", different(focal(gamma=2.0), bce)),
    Identity(
        FOCAL,
        "alpha and its complement add up",
        combined(focal, (focal(alpha=0.25), focal(alpha=0.75)), (1, 1)),
    ),
    Identity(
        FOCAL,
        "alpha is the weight of the positive class",
        combined(
            focal(alpha=0.25, labels=HARD),
            (focal(labels=HARD),),
            (np.where(HARD == 1, 0.25, 0.75),),
        ),
    ),
    Identity(
        ADAPTIVE,
        "gamma 0 is weighted cross-entropy",
        equal(adaptive(gamma=0.0), bce(pos_weight=3.0)),
    ),
    Identity(
        ADAPTIVE,
        "gamma 0 of weighted_loss is weighted cross-entropy",
        equal(adaptive(gamma=0.0, modulator="weighted_loss"), bce(pos_weight=3.0)),
    ),
    Identity(
        ADAPTIVE,
        "probability is focal with pos_weight",
        equal(adaptive(modulator="probability"), focal(pos_weight=3.0)),
    ),
    Identity(
        ADAPTIVE,
        "modulators agree without a weight",
        equal(
            adaptive(pos_weight=1.0, labels=HARD, modulator="weighted_loss"),
            adaptive(pos_weight=1.0, labels=HARD, modulator="probability"),
        ),
    ),
    Identity(
        ADAPTIVE,
        "modulators differ under a weight",
        different(
            adaptive(modulator="weighted_loss"), adaptive(modulator="probability")
        ),
    ),
    Identity(
        HEATMAP,
        "alpha 0 and beta 0 is cross-entropy",
        equal(heatmap(alpha=0.0, beta=0.0), bce(**PEAKS)),
    ),
    Identity(
        HEATMAP,
        "beta 0 is focal",
        equal(heatmap(alpha=2.0, beta=0.0), focal(**PEAKS)),
    ),
    Identity(
        HEATMAP,
        "a map without slopes is focal",
        equal(heatmap(heatmap=HARD, alpha=1.5), focal(labels=HARD, gamma=1.5)),
    ),
    Identity(
        HEATMAP,
        "the mask is where the map is 1",
        equal(heatmap(pos_mask=SOFT == 1), heatmap),
    ),
    Identity(
        HEATMAP,
        "the mask decides what is a peak",
        equal(
            heatmap(heatmap=0.75 * ONES, pos_mask=HARD == 1, beta=1.0),
            focal(labels=HARD),
            value=lambda a: np.where(HARD == 1, a, 0.25 * a),
            grad=lambda a: np.where(HARD == 1, a, 0.25 * a),
        ),
    ),
    Identity(
        HEATMAP,
        "mean without peaks is the sum",
        equal(
            heatmap(heatmap=SOFT / 2, reduction="mean"),
            heatmap(heatmap=SOFT / 2, reduction="sum"),
            outputs=("value",),
        ),
    ),
    Identity(
        PROBS,
        "probabilities are cross-entropy from logits",
        equal(
            probs,
            bce(logits=np.log(P / (1 - P))),
            grad=lambda a: a / (P * (1 - P)),
        ),
    ),
    Identity(
        PROBS, "unit weights change nothing", equal(probs(sample_weight=ONES), probs)
    ),
    Identity(
        PROBS,
        "sample_weight is a factor",
        equal(
            probs(sample_weight=V), probs, value=lambda a: V * a, grad=lambda a: V * a
        ),
    ),
)

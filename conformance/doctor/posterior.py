"""What scores say of the labels, if the loss was what the file tells."""

import numpy as np
from scipy.special import logit, logsumexp

from conformance.doctor.balance import sampled, sides, used_pos_weight
from conformance.doctor.statistics import END
from conformance.scores import Array, Scores
from refimpl.links import (
    binary_cross_entropy_posterior,
    cross_entropy_posterior,
    sigmoid_focal_posterior,
    softmax_focal_posterior,
)


def declared(scores: Scores) -> Array | None:
    """Undoes the loss that the file tells, by its link.

    Args:
        scores: With ``pos_weight``, ``class_weights``, ``gamma``, ``alpha``,
            ``label_smoothing`` or a sampler.

    Returns:
        Calibrated log-odds of each class, shaped like the scores; nothing where the
        file tells of none of them, or of weights that are none.
    """
    told = scores.told
    known = ("pos_weight", "class_weights", "gamma", "alpha", "label_smoothing")
    shares = sampled(scores)
    if shares is None and not any(name in told for name in known):
        return None
    try:
        found = _classes(scores) if scores.task == "multiclass" else _binary(scores)
    except ValueError:
        # Weights or smoothing out of range are another finding.
        return None
    if shares is not None and scores.task != "multiclass":
        counts = sides(scores).astype(np.float64)
        drawn = np.log(shares[:, 1] / shares[:, 0])
        found = found - drawn + np.log(counts[:, 1] / counts[:, 0])
    # Weights that are no numbers are another finding too.
    return None if np.isnan(found).any() else found


def _binary(scores: Scores) -> Array:
    told, used = scores.told, used_pos_weight(scores)
    weight = np.ones(scores.classes) if used is None else used
    # One label is no class axis.
    weight = weight if scores.values.ndim == 2 else weight[0]
    logits = np.clip(scores.logits, -END, END)
    if "gamma" in told or "alpha" in told:
        return sigmoid_focal_posterior(
            logits,
            alpha=told.get("alpha"),
            gamma=told.get("gamma", 2.0),
            pos_weight=weight,
            log_odds=True,
        )
    return binary_cross_entropy_posterior(
        logits,
        pos_weight=weight,
        label_smoothing=told.get("label_smoothing", 0.0),
        log_odds=True,
    )


def _classes(scores: Scores) -> Array:
    told, values = scores.told, scores.values
    if scores.kind == "probabilities":
        values = np.log(np.clip(values, np.exp(-END), 1.0))
    weights = told.get("class_weights")
    shares = sampled(scores)
    if "gamma" in told:
        p = softmax_focal_posterior(values, gamma=told["gamma"], class_weights=weights)
    else:
        p = cross_entropy_posterior(
            values,
            class_weights=weights,
            label_smoothing=told.get("label_smoothing", 0.0),
        )
    if shares is not None:
        with np.errstate(divide="ignore"):
            logs = np.log(p * scores.counts / (shares[0] * scores.counts.sum()))
        p = np.exp(logs - logsumexp(logs, axis=1, keepdims=True))
    return np.asarray(logit(p))

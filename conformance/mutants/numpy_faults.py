"""Planted faults in NumPy; a function ``<name>_grad`` is the gradient of ``<name>``.

Where one of the two is absent, the reference's own stands in its place.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

import refimpl
from refimpl._reduce import reduce

Array = NDArray[Any]


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def cancelling_grad(
    logits: Array, labels: Array, *, argument: str = "logits", **options: Any
) -> Any:
    if options or argument != "logits":
        return refimpl.binary_cross_entropy_with_logits_grad(
            logits, labels, argument=argument, **options
        )
    return _sigmoid(logits) - labels


def both_terms_weighted(
    logits: Array, labels: Array, *, pos_weight: Any = None, **options: Any
) -> Any:
    options, reduction = {**options, "reduction": "none"}, options["reduction"]
    loss = refimpl.binary_cross_entropy_with_logits(logits, labels, **options)
    weight = np.asarray(1.0 if pos_weight is None else pos_weight)
    if weight.ndim:
        raise NotImplementedError("one weight of each class")
    return reduce(weight * loss, loss.size, reduction)


def unsmoothed_slope_grad(
    logits: Array, labels: Array, *, argument: str = "logits", **options: Any
) -> Any:
    if argument == "labels":
        options["label_smoothing"] = 0.0
    return refimpl.binary_cross_entropy_with_logits_grad(
        logits, labels, argument=argument, **options
    )


def float32_inside(logits: Array, labels: Array, **options: Any) -> Any:
    narrow = logits.astype(np.float32).astype(np.float64)
    loss = refimpl.binary_cross_entropy_with_logits(narrow, labels, **options)
    return np.asarray(loss, np.float32).astype(np.float64)


def running_sum(
    logits: Array, labels: Array, *, reduction: str = "mean", **options: Any
) -> Any:
    loss = refimpl.binary_cross_entropy_with_logits(
        logits, labels, reduction="none", **options
    )
    if reduction != "sum" or not loss.size:
        return reduce(loss, loss.size, reduction)
    return np.cumsum(loss)[-1]


def labels_not_checked(logits: Array, labels: Array, **options: Any) -> Any:
    clean = np.clip(np.nan_to_num(labels, nan=0.5), 0, 1)
    return refimpl.binary_cross_entropy_with_logits(logits, clean, **options)


def labels_not_checked_grad(logits: Array, labels: Array, **options: Any) -> Any:
    clean = np.clip(np.nan_to_num(labels, nan=0.5), 0, 1)
    return refimpl.binary_cross_entropy_with_logits_grad(logits, clean, **options)


def gamma_off_by_1e_6(
    logits: Array, labels: Array, *, gamma: Any = 2.0, **options: Any
) -> Any:
    return refimpl.sigmoid_focal_loss(logits, labels, gamma=gamma + 1e-6, **options)


def one_minus_sigmoid(
    logits: Array, labels: Array, *, gamma: Any = 2.0, reduction: str = "mean"
) -> Any:
    p = _sigmoid(logits)
    pt = labels * p + (1 - labels) * (1 - p)
    loss = refimpl.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return reduce((1 - pt) ** gamma * loss, loss.size, reduction)


def alpha_of_the_paper(
    logits: Array, labels: Array, *, alpha: Any = 0.25, **options: Any
) -> Any:
    return refimpl.sigmoid_focal_loss(logits, labels, alpha=alpha, **options)


def modulator_held_grad(
    logits: Array, labels: Array, *, argument: str = "logits", **options: Any
) -> Any:
    if argument != "logits":
        return refimpl.adaptive_bce_with_logits_grad(
            logits, labels, argument=argument, **options
        )
    loss = refimpl.adaptive_bce_with_logits(logits, labels, reduction="none", **options)
    weight = options["pos_weight"]
    plain = refimpl.adaptive_bce_with_logits(
        logits, labels, pos_weight=weight, gamma=0.0, reduction="none"
    )
    slope = refimpl.adaptive_bce_with_logits_grad(
        logits, labels, pos_weight=weight, gamma=0.0
    )
    return loss / np.where(plain == 0, 1, plain) * slope


def clamped_slope_grad(
    probs: Array, labels: Array, *, argument: str = "probs", **options: Any
) -> Any:
    if options or argument != "probs":
        return refimpl.binary_cross_entropy_grad(
            probs, labels, argument=argument, **options
        )
    return (probs - labels) / np.maximum(probs * (1 - probs), 1e-12)


def weight_of_the_label(
    logits: Array, labels: Array, *, class_weights: Any = None, **options: Any
) -> Any:
    """Multiplies smoothed mass by the weight of the true class."""
    if class_weights is None or labels.dtype.kind == "f" or logits.ndim != 2:
        return refimpl.cross_entropy(
            logits, labels, class_weights=class_weights, **options
        )
    own = np.asarray(class_weights)[np.clip(labels, 0, logits.shape[-1] - 1)]
    return refimpl.cross_entropy(logits, labels, sample_weight=own, **options)


def ignored_moves_grad(logits: Array, labels: Array, **options: Any) -> Any:
    """Ignored examples have the gradient of class 0."""
    ignored = options.get("ignore_index", -100)
    known = np.where(labels == ignored, 0, labels)
    return refimpl.cross_entropy_grad(np.nan_to_num(logits), known, **options)


def normalizer_of_means(
    logits: Array, labels: Array, *, normalizer: str = "count", **options: Any
) -> Any:
    del normalizer
    return refimpl.softmax_focal_loss(logits, labels, normalizer="count", **options)


def probability_minus_one_grad(
    logits: Array, labels: Array, *, argument: str = "logits", **options: Any
) -> Any:
    if set(options) - {"gamma"} or argument != "logits" or options.get("gamma") != 0:
        return refimpl.softmax_focal_loss_grad(
            logits, labels, argument=argument, **options
        )
    rise = np.exp(logits - logits.max(-1, keepdims=True))
    p = rise / rise.sum(-1, keepdims=True)
    return p - np.eye(logits.shape[-1])[labels]


def one_for_no_peak(
    logits: Array, heatmap: Array, *, reduction: str = "mean", **options: Any
) -> Any:
    found = refimpl.heatmap_focal_loss(logits, heatmap, reduction=reduction, **options)
    return (found[0], np.maximum(found[1], 1)) if reduction == "parts" else found


def penalty_at_peaks(
    logits: Array, heatmap: Array, *, pos_mask: Any = None, **options: Any
) -> Any:
    """A peak of the mask is discounted by its height."""
    beta, reduction = options.get("beta", 4.0), options.pop("reduction", "mean")
    loss = refimpl.heatmap_focal_loss(
        logits, heatmap, pos_mask=pos_mask, reduction="none", **options
    )
    if pos_mask is not None:
        loss = np.where(pos_mask, heatmap**beta, 1) * loss
    peaks = (heatmap == 1) if pos_mask is None else pos_mask
    return reduce(loss, np.maximum(peaks.sum(), reduction != "parts"), reduction)


def strict_bins(logits: Array, labels: Array, state: Any = None, **options: Any) -> Any:
    """Rounds norms up to the next bin instead of down."""
    options, reduction = {**options, "reduction": "none"}, options["reduction"]
    bins = options.get("bins", 10)
    loss, after = refimpl.ghmc_loss(logits, labels, state, **options)
    norm = np.abs(_sigmoid(logits) - labels)
    edge = (norm * bins == np.floor(norm * bins)) & (norm > 0) & (norm < 1)
    return reduce(np.where(edge, 0.5, 1) * loss, loss.size, reduction), after


def slope_of_the_target_grad(
    predictions: Array, targets: Array, *args: Any, **options: Any
) -> Any:
    options["argument"] = "predictions"
    return refimpl.ghmr_loss_grad(predictions, targets, *args, **options)


def halves_to_even(losses: Array, *, fraction: float = 0.2) -> Any:
    count = max(round(fraction * len(losses)), 1) if len(losses) else 0
    indices = refimpl.hard_example_mining(losses, fraction=1.0)[0][:count]
    mask = np.zeros(len(losses), bool)
    mask[indices] = True
    return indices, mask

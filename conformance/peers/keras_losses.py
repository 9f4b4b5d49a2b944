"""keras's losses on the backend of this process, under the names and arguments of ours.

Each is a loss object, made as a user makes it, in the dtype of the logits. keras takes
the mean over the last axis, so every element is an example of its own.
"""

from typing import Any

from conformance.peers.claims import Claiming, not_in_parts, on_torch

REDUCTIONS = {"mean": "sum_over_batch_size", "none": None}


def _options(like: Any, reduction: Any) -> dict[str, Any]:
    from keras import backend

    not_in_parts(reduction)
    dtype = backend.standardize_dtype(like.dtype)
    return {"reduction": REDUCTIONS.get(reduction, reduction), "dtype": dtype}


def _elementwise(loss: Any, scores: Any, labels: Any, sample_weight: Any) -> Any:
    """Calls a loss with an example for each element."""
    from keras import ops

    rows = [ops.expand_dims(array, -1) for array in (scores, labels)]
    return loss(rows[1], rows[0], sample_weight=sample_weight)


def binary_cross_entropy_with_logits(
    logits: Any,
    labels: Any,
    *,
    sample_weight: Any = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Any:
    """Calls ``BinaryCrossentropy`` of logits."""
    from keras import losses

    loss = losses.BinaryCrossentropy(
        from_logits=True,
        label_smoothing=label_smoothing,
        **_options(logits, reduction),
    )
    return _elementwise(loss, logits, labels, sample_weight)


def binary_cross_entropy(
    probs: Any, labels: Any, *, sample_weight: Any = None, reduction: str = "mean"
) -> Any:
    """Calls ``BinaryCrossentropy`` of probabilities."""
    from keras import losses

    loss = losses.BinaryCrossentropy(**_options(probs, reduction))
    return _elementwise(loss, probs, labels, sample_weight)


def sigmoid_focal_loss(
    logits: Any,
    labels: Any,
    *,
    alpha: Any = None,
    gamma: Any = 2.0,
    sample_weight: Any = None,
    reduction: str = "mean",
) -> Any:
    """Calls ``BinaryFocalCrossentropy`` of logits; its balancing is off by default."""
    from keras import losses

    balance = {} if alpha is None else {"apply_class_balancing": True, "alpha": alpha}
    loss = losses.BinaryFocalCrossentropy(
        from_logits=True, gamma=gamma, **balance, **_options(logits, reduction)
    )
    return _elementwise(loss, logits, labels, sample_weight)


def cross_entropy(
    logits: Any,
    labels: Any,
    *,
    sample_weight: Any = None,
    label_smoothing: float | None = None,
    ignore_index: int = -100,
    class_axis: int = -1,
    normalizer: str = "count",
    reduction: str = "mean",
) -> Any:
    """Calls ``SparseCategoricalCrossentropy`` or ``CategoricalCrossentropy``."""
    from keras import backend, losses

    if normalizer not in ("weights", "count"):
        raise NotImplementedError("no argument 'normalizer'")
    options = {"axis": class_axis, **_options(logits, reduction)}
    if "int" in backend.standardize_dtype(labels.dtype):
        if label_smoothing is not None:
            raise NotImplementedError("no smoothing of indices")
        loss: Any = losses.SparseCategoricalCrossentropy(
            from_logits=True, ignore_class=ignore_index, **options
        )
    else:
        loss = losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=label_smoothing or 0.0, **options
        )
    return loss(labels, logits, sample_weight=sample_weight)


def softmax_focal_loss(
    logits: Any,
    labels: Any,
    *,
    gamma: Any = 2.0,
    class_weights: Any = None,
    class_axis: int = -1,
    normalizer: str = "count",
    reduction: str = "mean",
) -> Any:
    """Calls ``CategoricalFocalCrossentropy``, whose ``alpha`` holds a weight per class.

    It wants one-hot labels.
    """
    from keras import losses, ops

    if normalizer != "count" and (reduction == "mean" or normalizer != "weights"):
        raise NotImplementedError("no argument 'normalizer'")
    if class_weights is not None and class_axis not in (-1, logits.ndim - 1):
        raise NotImplementedError("weights lie along the last axis")
    loss = losses.CategoricalFocalCrossentropy(
        from_logits=True,
        alpha=1.0 if class_weights is None else class_weights,
        gamma=gamma,
        axis=class_axis,
        **_options(logits, reduction),
    )
    hot = ops.one_hot(
        labels, logits.shape[class_axis], axis=class_axis, dtype=logits.dtype
    )
    return loss(hot, logits)


FUNCTIONS = {
    "binary_cross_entropy_with_logits": binary_cross_entropy_with_logits,
    "binary_cross_entropy": binary_cross_entropy,
    "cross_entropy": cross_entropy,
    "sigmoid_focal_loss": sigmoid_focal_loss,
    "softmax_focal_loss": softmax_focal_loss,
}


def make() -> Claiming:
    """Makes the adapter."""
    import keras

    backend = keras.backend.backend()
    name, version = f"keras on {backend}", keras.__version__
    if backend == "torch":
        return on_torch(FUNCTIONS, name=name, version=version)
    from conformance.peers.jitted import on_jax

    traced = ("alpha", "gamma")
    return on_jax(FUNCTIONS, name=name, version=version, traced=traced)

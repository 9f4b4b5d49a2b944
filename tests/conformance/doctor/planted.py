"""Ailments, each planted into a file that is healthy without it."""

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax

from tests.conformance.doctor.made import (
    as_probabilities,
    binary,
    multiclass,
    multilabel,
)

PLANTED = {}


def planted(name, *, beside=()):
    """Registers a file; ``beside`` are findings that belong to the same ailment."""

    def register(make):
        key = make.__name__.replace("_", "-")
        PLANTED[key] = (name, tuple(beside), make)
        return make

    return register


def _with(arrays, **more):
    return {**arrays, **{name: np.asarray(value) for name, value in more.items()}}


def _p(arrays):
    return as_probabilities(arrays)["probabilities"]


def _half(labels):
    """Every other label, as the training part of the same data."""
    return labels[::2]


@planted("nonfinite-labels")
def labels_with_gaps():
    arrays = binary()
    arrays["labels"][17] = np.nan
    return arrays


@planted("labels-not-binary")
def labels_of_an_svm():
    arrays = binary()
    return _with(arrays, labels=2 * arrays["labels"] - 1)


@planted("labels-not-binary")
def labels_one_and_two():
    arrays = binary()
    return _with(arrays, labels=arrays["labels"].astype(int) + 1)


@planted("labels-not-binary")
def labels_of_a_mask():
    arrays = multilabel()
    return _with(arrays, labels=(255 * arrays["labels"]).astype(np.uint8))


@planted("soft-labels")
def labels_smoothed():
    arrays = binary()
    return _with(arrays, labels=0.9 * arrays["labels"] + 0.05)


@planted("class-indices-from-one")
def indices_from_one():
    arrays = multiclass()
    return _with(arrays, labels=arrays["labels"] + 1)


@planted("class-indices-out-of-range")
def indices_of_unknown():
    arrays = multiclass()
    arrays["labels"][[3, 99]] = -1
    return arrays


@planted("class-without-positives")
def label_without_positives():
    arrays = multilabel(rates=(0.1, 0.0005, 0.3), n=20_000)
    few = np.flatnonzero(arrays["labels"][:, 1] == 0)
    return {name: array[few] for name, array in arrays.items()}


@planted("class-without-negatives")
def label_without_negatives():
    arrays = binary(rate=0.99)
    kept = arrays["labels"] == 1
    return {name: array[kept] for name, array in arrays.items()}


@planted("nonfinite-scores")
def logits_diverged():
    arrays = binary()
    arrays["logits"][[5, 6, 7]] = np.nan, np.inf, -np.inf
    return arrays


@planted("nonfinite-scores")
def rows_diverged():
    arrays = multiclass()
    arrays["logits"][8, 1] = np.nan
    return arrays


@planted("hard-predictions")
def decisions_saved():
    arrays = binary(rate=0.3)
    return {"labels": arrays["labels"], "probabilities": _p(arrays) >= 0.5}


@planted("percentages-as-probabilities")
def per_cent():
    arrays = as_probabilities(binary())
    return _with(arrays, probabilities=100 * arrays["probabilities"])


@planted("log-probabilities-as-probabilities")
def log_softmax_as_probabilities():
    arrays = multiclass()
    logs = log_softmax(arrays["logits"], axis=1)
    return {"labels": arrays["labels"], "probabilities": logs}


@planted("log-probabilities-as-probabilities")
def log_sigmoid_as_probabilities():
    arrays = binary(rate=0.3)
    return {"labels": arrays["labels"], "probabilities": log_expit(arrays["logits"])}


@planted("logits-as-probabilities")
def logits_as_probabilities():
    arrays = binary()
    return {"labels": arrays["labels"], "probabilities": arrays["logits"]}


@planted("logits-as-probabilities")
def logits_of_classes_as_probabilities():
    arrays = multiclass()
    return {"labels": arrays["labels"], "probabilities": arrays["logits"]}


@planted("log-probabilities-as-logits")
def log_sigmoid_as_logits():
    arrays = binary(rate=0.3)
    return _with(arrays, logits=log_expit(arrays["logits"]))


@planted("probabilities-as-logits")
def probabilities_as_logits():
    arrays = binary()
    return _with(arrays, logits=_p(arrays))


@planted("probabilities-as-logits")
def softmax_as_logits():
    arrays = multiclass()
    return _with(arrays, logits=_p(arrays).astype(np.float32))


@planted("double-sigmoid")
def sigmoid_twice():
    arrays = as_probabilities(binary())
    return _with(arrays, probabilities=expit(arrays["probabilities"]))


@planted("double-sigmoid")
def sigmoid_twice_near_balance():
    """Where the mean of the probabilities tells least."""
    arrays = as_probabilities(binary(rate=0.62, n=2000))
    return _with(arrays, probabilities=expit(arrays["probabilities"]))


@planted("double-sigmoid")
def sigmoid_twice_for_each_label():
    arrays = as_probabilities(multilabel())
    return _with(arrays, probabilities=expit(arrays["probabilities"]))


@planted("double-softmax")
def softmax_twice():
    arrays = as_probabilities(multiclass())
    return _with(arrays, probabilities=softmax(arrays["probabilities"], axis=1))


@planted("rows-do-not-sum-to-one")
def sigmoid_for_each_class():
    arrays = multiclass()
    return {"labels": arrays["labels"], "probabilities": expit(arrays["logits"])}


@planted("column-against-vector")
def column_of_logits():
    arrays = binary()
    return _with(arrays, logits=arrays["logits"][:, None])


@planted("constant-scores")
def dead_head():
    arrays = binary()
    return _with(arrays, logits=np.full(arrays["labels"].shape, -2.197))


@planted("constant-scores")
def dead_label():
    arrays = multilabel()
    arrays["logits"][:, 2] = 0.0
    return arrays


@planted("saturated-probabilities")
def certain_and_wrong():
    arrays = as_probabilities(binary(skill=4.0))
    wrong = np.flatnonzero(arrays["labels"])[:3]
    arrays["probabilities"][wrong] = 0.0
    return arrays


@planted("quantised-scores")
def saved_in_bfloat16():
    arrays = binary()
    bits = arrays["logits"].astype(np.float32).view(np.uint32) & 0xFFFF0000
    return _with(arrays, logits=bits.view(np.float32))


@planted("quantised-scores")
def three_decimals():
    arrays = as_probabilities(binary())
    return _with(arrays, probabilities=arrays["probabilities"].round(3))


@planted("bad-weights")
def negative_weight():
    return _with(binary(), pos_weight=-9.0)


@planted("bad-weights")
def infinite_class_weight():
    return _with(multiclass(), class_weights=[0.5, np.inf, 2.0])


@planted("inverted-pos-weight")
def pos_weight_inverted():
    arrays = binary(rate=0.05)
    shifted = arrays["logits"] + np.log(0.05 / 0.95)
    return _with(arrays, logits=shifted, pos_weight=0.05 / 0.95)


@planted("inverted-pos-weight")
def one_pos_weight_inverted():
    arrays = multilabel()
    return _with(arrays, pos_weight=[49.0, 0.111, 2.33], thresholds=[0.5, 0.1, 0.5])


@planted("pos-weight-differs")
def pos_weight_of_an_article():
    arrays = binary(rate=0.02, n=8000)
    shifted = arrays["logits"] + np.log(5.0)
    return _with(arrays, logits=shifted, pos_weight=5.0, thresholds=0.5)


@planted("inverted-class-weights")
def class_weights_inverted():
    return _with(multiclass(), class_weights=[2.1, 0.6, 0.3], thresholds=[0.5] * 3)


@planted("double-correction")
def sampler_and_pos_weight():
    arrays = binary(rate=0.05)
    shifted = arrays["logits"] + 2 * np.log(19.0)
    return _with(arrays, logits=shifted, pos_weight=19.0, sampling="balanced")


@planted("double-correction")
def sampler_and_class_weights():
    arrays = multiclass()
    w = np.array([0.214, 0.75, 1.5])
    shifted = arrays["logits"] + 2 * np.log(w)
    told = {"class_weights": w * 1.2, "sampler_weights": w}
    return _with(arrays, logits=shifted, **told)


@planted("double-correction-measured")
def sampler_that_is_not_told():
    arrays = binary(rate=0.05)
    shifted = arrays["logits"] + 2 * np.log(19.0)
    return _with(arrays, logits=shifted, pos_weight=19.0, thresholds=0.95)


@planted("beta-without-effect")
def beta_of_small_data():
    return _with(multiclass(n=60_000, priors=(0.5, 0.3, 0.2)), beta=0.99)


@planted("element-weight")
def weight_for_pos_weight():
    arrays = binary()
    return _with(arrays, sample_weight=np.full(len(arrays["labels"]), 0.5))


@planted("reversed-scores")
def other_column():
    arrays = as_probabilities(binary())
    return _with(arrays, probabilities=1 - arrays["probabilities"])


@planted("no-skill")
def rows_shuffled():
    arrays = binary(rate=0.3)
    generator = np.random.default_rng(5)
    return _with(arrays, logits=generator.permutation(arrays["logits"]))


@planted("all-negative-predictions")
def nothing_passes():
    arrays = multilabel(rates=(0.01, 0.1, 0.3), n=20_000)
    arrays["logits"][:, 0] = np.minimum(arrays["logits"][:, 0], -0.01)
    return arrays


@planted("all-positive-predictions", beside=["mean-probability-off"])
def everything_passes():
    arrays = binary(rate=0.2)
    logits = arrays["logits"]
    return _with(arrays, logits=logits - logits.min() + 0.1)


@planted("threshold-far-from-best")
def threshold_of_accuracy():
    return binary(rate=0.04, n=20_000, skill=1.9)


@planted("weighted-probabilities", beside=["threshold-far-from-best"])
def weight_that_is_told():
    arrays = binary(rate=0.05)
    return _with(arrays, logits=arrays["logits"] + np.log(19.0), pos_weight=19.0)


@planted("undeclared-weights")
def weight_that_is_not_told():
    arrays = binary(rate=0.05)
    return _with(arrays, logits=arrays["logits"] + np.log(19.0), thresholds=0.9)


@planted("undeclared-inversion")
def inversion_that_is_not_told():
    arrays = binary(rate=0.15, skill=4.0)
    shift = np.log(0.15 / 0.85)
    return _with(arrays, logits=arrays["logits"] + shift, thresholds=0.15)


@planted("mean-probability-off")
def another_base_rate():
    arrays = binary(rate=0.2)
    return _with(arrays, logits=arrays["logits"] - 0.5)


@planted("nonfinite-losses")
def losses_diverged():
    return _with(binary(), losses=[0.7, 0.5, np.inf, np.nan, np.nan])


@planted("magic-loss")
def losses_at_a_clamp():
    losses = np.geomspace(2.0, 0.4, 200)
    losses[[50, 90, 91, 140]] = -np.log(1e-7)
    return _with(binary(), losses=losses)


@planted("stuck-loss")
def losses_at_log_two():
    losses = np.log(2) + 1e-5 * np.sin(np.arange(100.0))
    return _with(binary(), losses=losses)


@planted("half-precision-overflow")
def scaled_too_far():
    losses = np.geomspace(3.0, 0.3, 50)
    return _with(binary(), losses=losses, loss_scale=65536.0)


@planted("epsilon-vanishes")
def epsilon_of_float32():
    return _with(binary(), epsilon=1e-7, dtype="float16")


@planted("gradient-underflow")
def mean_over_a_million():
    return _with(binary(), batch_size=2.0**20, dtype="float16")

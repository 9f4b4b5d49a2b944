"""Ailments of trainings and decisions, planted into files that are healthy else."""

import numpy as np

from tests.conformance.doctor.made import (
    as_probabilities,
    binary,
    multiclass,
    multilabel,
)
from tests.conformance.doctor.planting import planted, told


@planted("bad-weights")
def negative_weight():
    return told(binary(), pos_weight=-9.0)


@planted("bad-weights")
def infinite_class_weight():
    return told(multiclass(), class_weights=[0.5, np.inf, 2.0])


@planted("inverted-pos-weight")
def pos_weight_inverted():
    arrays = binary(rate=0.05)
    shifted = arrays["logits"] + np.log(0.05 / 0.95)
    return told(arrays, logits=shifted, pos_weight=0.05 / 0.95)


@planted("inverted-pos-weight")
def one_pos_weight_inverted():
    arrays = multilabel()
    return told(arrays, pos_weight=[49.0, 0.111, 2.33], thresholds=[0.5, 0.1, 0.5])


@planted("pos-weight-differs")
def pos_weight_of_an_article():
    arrays = binary(rate=0.02, n=8000)
    shifted = arrays["logits"] + np.log(5.0)
    return told(arrays, logits=shifted, pos_weight=5.0, thresholds=0.5)


@planted("inverted-class-weights")
def class_weights_inverted():
    return told(multiclass(), class_weights=[2.1, 0.6, 0.3], thresholds=[0.5] * 3)


@planted("double-correction")
def sampler_and_pos_weight():
    arrays = binary(rate=0.05)
    shifted = arrays["logits"] + 2 * np.log(19.0)
    return told(arrays, logits=shifted, pos_weight=19.0, sampling="balanced")


@planted("double-correction")
def sampler_and_class_weights():
    arrays = multiclass()
    w = np.array([0.214, 0.75, 1.5])
    shifted = arrays["logits"] + 2 * np.log(w)
    return told(arrays, logits=shifted, class_weights=w * 1.2, sampler_weights=w)


@planted("double-correction-measured")
def sampler_that_is_not_told():
    arrays = binary(rate=0.05)
    shifted = arrays["logits"] + 2 * np.log(19.0)
    return told(arrays, logits=shifted, pos_weight=19.0, thresholds=0.95)


@planted("beta-without-effect")
def beta_of_small_data():
    return told(multiclass(n=60_000, priors=(0.5, 0.3, 0.2)), beta=0.99)


@planted("element-weight")
def weight_for_pos_weight():
    arrays = binary()
    return told(arrays, sample_weight=np.full(len(arrays["labels"]), 0.5))


@planted("reversed-scores")
def other_column():
    arrays = as_probabilities(binary())
    return told(arrays, probabilities=1 - arrays["probabilities"])


@planted("no-skill")
def rows_shuffled():
    arrays = binary(rate=0.3)
    generator = np.random.default_rng(5)
    return told(arrays, logits=generator.permutation(arrays["logits"]))


@planted("all-negative-predictions")
def nothing_passes():
    arrays = multilabel(rates=(0.01, 0.1, 0.3), n=20_000)
    arrays["logits"][:, 0] = np.minimum(arrays["logits"][:, 0], -0.01)
    return arrays


@planted("all-positive-predictions", beside=["mean-probability-off"])
def everything_passes():
    arrays = binary(rate=0.2)
    logits = arrays["logits"]
    return told(arrays, logits=logits - logits.min() + 0.1)


@planted("all-positive-predictions", beside=["mean-probability-off"])
def everything_passes_as_probabilities():
    arrays = as_probabilities(everything_passes())
    assert arrays["probabilities"].min() >= 0.5
    return arrays


@planted("threshold-far-from-best")
def threshold_of_accuracy():
    return binary(rate=0.04, n=20_000, skill=1.9)


@planted("weighted-probabilities", beside=["threshold-far-from-best"])
def weight_that_is_told():
    arrays = binary(rate=0.05)
    return told(arrays, logits=arrays["logits"] + np.log(19.0), pos_weight=19.0)


@planted("undeclared-weights")
def weight_that_is_not_told():
    arrays = binary(rate=0.05)
    return told(arrays, logits=arrays["logits"] + np.log(19.0), thresholds=0.9)


@planted("undeclared-inversion")
def inversion_that_is_not_told():
    arrays = binary(rate=0.15, skill=4.0)
    shift = np.log(0.15 / 0.85)
    return told(arrays, logits=arrays["logits"] + shift, thresholds=0.15)


@planted("mean-probability-off")
def another_base_rate():
    arrays = binary(rate=0.2)
    return told(arrays, logits=arrays["logits"] - 0.5)


@planted("nonfinite-losses")
def losses_diverged():
    return told(binary(), losses=[0.7, 0.5, np.inf, np.nan, np.nan])


@planted("magic-loss")
def losses_at_a_clamp():
    losses = np.geomspace(2.0, 0.4, 200)
    losses[[50, 90, 91, 140]] = -np.log(1e-7)
    return told(binary(), losses=losses)


@planted("stuck-loss")
def losses_at_log_two():
    losses = np.log(2) + 1e-5 * np.sin(np.arange(100.0))
    return told(binary(), losses=losses)


@planted("half-precision-overflow")
def scaled_too_far():
    losses = np.geomspace(3.0, 0.3, 50)
    return told(binary(), losses=losses, loss_scale=65536.0)


@planted("epsilon-vanishes")
def epsilon_of_float32():
    return told(binary(), epsilon=1e-7, dtype="float16")


@planted("gradient-underflow")
def mean_over_a_million():
    return told(binary(), batch_size=2.0**20, dtype="float16")

"""Ailments of scores and labels, planted into files that are healthy else."""

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax

from tests.conformance.doctor.made import (
    as_probabilities,
    binary,
    multiclass,
    multilabel,
)
from tests.conformance.doctor.planting import planted, probabilities, told


@planted("nonfinite-labels")
def labels_with_gaps():
    arrays = binary()
    arrays["labels"][17] = np.nan
    return arrays


@planted("labels-not-binary")
def labels_of_an_svm():
    arrays = binary()
    return told(arrays, labels=2 * arrays["labels"] - 1)


@planted("labels-not-binary")
def labels_one_and_two():
    arrays = binary()
    return told(arrays, labels=arrays["labels"].astype(int) + 1)


@planted("labels-not-binary")
def labels_of_a_mask():
    arrays = multilabel()
    return told(arrays, labels=(255 * arrays["labels"]).astype(np.uint8))


@planted("soft-labels")
def labels_smoothed():
    arrays = binary()
    return told(arrays, labels=0.9 * arrays["labels"] + 0.05)


@planted("class-indices-from-one")
def indices_from_one():
    arrays = multiclass()
    return told(arrays, labels=arrays["labels"] + 1)


@planted("class-indices-out-of-range")
def indices_of_unknown():
    arrays = multiclass()
    arrays["labels"][[3, 99]] = -1
    return arrays


@planted("class-indices-out-of-range")
def head_too_small():
    arrays = multiclass(priors=(0.6, 0.2, 0.1, 0.1))
    return told(arrays, logits=arrays["logits"][:, :3])


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
    return {"labels": arrays["labels"], "probabilities": probabilities(arrays) >= 0.5}


@planted("percentages-as-probabilities")
def per_cent():
    arrays = as_probabilities(binary())
    return told(arrays, probabilities=100 * arrays["probabilities"])


@planted("percentages-as-probabilities")
def per_cent_of_classes():
    arrays = as_probabilities(multiclass())
    return told(arrays, probabilities=100 * arrays["probabilities"])


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
    return told(arrays, logits=log_expit(arrays["logits"]))


@planted("probabilities-as-logits")
def probabilities_as_logits():
    arrays = binary()
    return told(arrays, logits=probabilities(arrays))


@planted("probabilities-as-logits")
def softmax_as_logits():
    arrays = multiclass()
    return told(arrays, logits=probabilities(arrays).astype(np.float32))


@planted("double-sigmoid")
def sigmoid_twice():
    arrays = as_probabilities(binary())
    return told(arrays, probabilities=expit(arrays["probabilities"]))


@planted("double-sigmoid")
def sigmoid_twice_near_balance():
    """Where the mean of the probabilities tells least."""
    arrays = as_probabilities(binary(rate=0.62, n=2000))
    return told(arrays, probabilities=expit(arrays["probabilities"]))


@planted("double-sigmoid")
def sigmoid_twice_for_each_label():
    arrays = as_probabilities(multilabel())
    return told(arrays, probabilities=expit(arrays["probabilities"]))


@planted("double-softmax")
def softmax_twice():
    arrays = as_probabilities(multiclass())
    return told(arrays, probabilities=softmax(arrays["probabilities"], axis=1))


@planted("rows-do-not-sum-to-one")
def sigmoid_for_each_class():
    arrays = multiclass()
    return {"labels": arrays["labels"], "probabilities": expit(arrays["logits"])}


@planted("column-against-vector")
def column_of_logits():
    arrays = binary()
    return told(arrays, logits=arrays["logits"][:, None])


@planted("constant-scores")
def dead_head():
    arrays = binary()
    return told(arrays, logits=np.full(arrays["labels"].shape, -2.197))


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
    return told(arrays, logits=bits.view(np.float32))


@planted("quantised-scores")
def saved_in_float16():
    arrays = binary(n=20_000)
    return told(arrays, logits=arrays["logits"].astype(np.float16))


@planted("quantised-scores")
def three_decimals():
    arrays = as_probabilities(binary())
    return told(arrays, probabilities=arrays["probabilities"].round(3))

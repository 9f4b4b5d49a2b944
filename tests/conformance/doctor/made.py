"""Files of scores from models whose posterior is known."""

import numpy as np
from scipy.special import expit, softmax

from conformance.doctor.examine import examine
from conformance.scores import assemble


def log_odds(generator, labels, rate, skill):
    """True log-odds of labels: unit normal features, ``skill`` apart."""
    feature = generator.normal(size=labels.shape) + skill * (labels - 0.5)
    return np.log(rate / (1 - rate)) + skill * feature


def draw(generator, n, rate):
    """Labels with both classes: a file with one only is no healthy one."""
    while True:
        labels = (generator.random(n) < rate).astype(np.float64)
        if 0 < labels.sum() < n:
            return labels


def binary(seed=0, *, n=4000, rate=0.1, skill=2.5):
    generator = np.random.default_rng(seed)
    labels = draw(generator, n, rate)
    return {"logits": log_odds(generator, labels, rate, skill), "labels": labels}


def multilabel(seed=0, *, n=4000, rates=(0.02, 0.1, 0.3), skill=2.5):
    generator = np.random.default_rng(seed)
    labels = np.stack([draw(generator, n, rate) for rate in rates], axis=1)
    columns = zip(labels.T, rates, strict=True)
    logits = [log_odds(generator, own, rate, skill) for own, rate in columns]
    return {"logits": np.stack(logits, axis=1), "labels": labels}


def multiclass(seed=0, *, n=4000, priors=(0.7, 0.2, 0.1), skill=3.0):
    generator = np.random.default_rng(seed)
    classes = len(priors)
    labels = np.arange(0)
    while np.unique(labels).size < classes:
        labels = generator.choice(classes, size=n, p=priors)
    features = generator.normal(size=(n, classes)) + skill * np.eye(classes)[labels]
    return {"logits": np.log(priors) + skill * features, "labels": labels}


def as_probabilities(arrays):
    """The same file with probabilities."""
    logits = arrays["logits"]
    several = arrays["labels"].ndim < logits.ndim
    p = softmax(logits, axis=1) if several else expit(logits)
    rest = {name: array for name, array in arrays.items() if name != "logits"}
    return {"probabilities": p, **rest}


def names(arrays, **told):
    """Names of what is found in a file."""
    return [finding.name for finding in found(arrays, **told)]


def found(arrays, **told):
    more = {name: np.asarray(value) for name, value in told.items()}
    return examine(assemble({**arrays, **more})).findings

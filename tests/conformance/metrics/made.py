"""Predictions of the three kinds, uneven and with ties."""

import numpy as np
from scipy.special import expit, softmax

RATES = np.array([0.05, 0.3, 0.6, 0.02])
PRIORS = np.array([0.6, 0.25, 0.1, 0.05])


def binary(seed=0, size=400, rate=0.2):
    generator = np.random.default_rng(seed)
    labels = (generator.random(size) < rate).astype(int)
    scores = generator.normal(size=size) + 1.5 * labels - 1.0
    # Two places, so that many tie, also across classes.
    return labels, np.round(expit(scores), 2)


def multilabel(seed=0, size=500):
    generator = np.random.default_rng(seed)
    labels = (generator.random((size, RATES.size)) < RATES).astype(int)
    scores = generator.normal(size=labels.shape) + 1.5 * labels + np.log(RATES)
    return labels, np.round(expit(scores), 2)


def multiclass(seed=0, size=600):
    generator = np.random.default_rng(seed)
    labels = generator.choice(PRIORS.size, size=size, p=PRIORS)
    scores = generator.normal(size=(size, PRIORS.size)) + np.log(PRIORS)
    return labels, softmax(scores + 1.5 * np.eye(PRIORS.size)[labels], axis=1)

"""A small stack of models to train, the same for PyTorch and JAX."""

import numpy as np

from refimpl.mlp import init_mlp

CONSTANTS = {
    "learning_rate": 3e-3,
    "beta1": 0.85,
    "beta2": 0.97,
    "eps": 1e-5,
    "weight_decay": 0.03,
    "max_norm": 0.5,
}
MODELS, STEPS, BATCH = 3, 12, 8


def stacked_problem():
    """Returns parameters, features, labels, batch indices and positive weights."""
    generator = np.random.default_rng(11)
    drawn = [init_mlp(generator, (4, 5, 1)) for _ in range(MODELS)]
    parameters = [np.stack(layer) for layer in zip(*drawn, strict=True)]
    features = generator.normal(size=(40, 4))
    labels = (generator.random(40) < 0.3).astype(float)
    indices = generator.integers(0, 40, (MODELS, STEPS, BATCH))
    return parameters, features, labels, indices, np.array([1.0, 3.0, 7.0])

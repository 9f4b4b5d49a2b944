import numpy as np

import refimpl
from refimpl.mlp import init_mlp, mlp
from refimpl.train import Trainer

CONSTANTS = {
    "beta1": 0.9,
    "beta2": 0.999,
    "eps": 1e-8,
    "weight_decay": 0.0,
    "max_norm": 1e9,
    "clip_eps": 0.0,
}


def make(parameters, features, labels, learning_rate=1e-3):
    return Trainer(
        parameters,
        features,
        labels,
        loss=refimpl.binary_cross_entropy_with_logits,
        loss_grad=refimpl.binary_cross_entropy_with_logits_grad,
        learning_rate=learning_rate,
        **CONSTANTS,
    )


def problem():
    generator = np.random.default_rng(5)
    drawn = [init_mlp(generator, (4, 5, 1)) for _ in range(2)]
    parameters = [np.stack(layer) for layer in zip(*drawn, strict=True)]
    features, labels = generator.normal(size=(30, 4)), generator.random(30) < 0.3
    return parameters, features, labels.astype(float)


def test_loss_and_norm_are_those_of_the_weighted_mean():
    parameters, features, labels = problem()
    rows = np.stack([np.arange(8), np.arange(8, 16)])
    weights = np.array([2.0, 5.0])
    losses, norms = make(parameters, features, labels).run(rows[:, None], weights)
    for index in range(2):
        own = [p[index].astype(complex) for p in parameters]
        x, y = features[rows[index]], labels[rows[index]]

        def loss(model, x=x, y=y, weight=weights[index]):
            z = mlp(model, x)[0][:, 0]
            terms = weight * y * np.log1p(np.exp(-z)) + (1 - y) * np.log1p(np.exp(z))
            return terms.mean()

        square = 0.0
        for position, array in enumerate(own):
            for place in np.ndindex(array.shape):
                moved = [p.copy() for p in own]
                moved[position][place] += 1e-30j
                square += (loss(moved).imag / 1e-30) ** 2
        np.testing.assert_allclose(losses[index, 0], loss(own).real, rtol=1e-13)
        np.testing.assert_allclose(norms[index, 0], np.sqrt(square), rtol=1e-12)


def test_models_of_a_stack_do_not_touch_each_other():
    parameters, features, labels = problem()
    indices = np.random.default_rng(0).integers(0, 30, (2, 6, 8))
    weights = np.array([1.0, 4.0])
    together = make(parameters, features, labels)
    losses, _ = together.run(indices, weights)
    for index in range(2):
        chosen = slice(index, index + 1)
        alone = make([p[chosen] for p in parameters], features, labels)
        own, _ = alone.run(indices[chosen], weights[chosen])
        np.testing.assert_allclose(own[0], losses[index], rtol=1e-13)


def test_without_a_learning_rate_nothing_moves():
    parameters, features, labels = problem()
    trainer = make(parameters, features, labels, learning_rate=0.0)
    trainer.run(np.zeros((2, 3, 4), int), np.ones(2))
    for before, after in zip(parameters, trainer.parameters(), strict=True):
        np.testing.assert_array_equal(before, after)

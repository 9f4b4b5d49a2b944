import numpy as np
import pytest

from refimpl.mlp import init_mlp, mlp, mlp_grad

SIZES = (3, 5, 4, 2)


@pytest.fixture
def drawn():
    generator = np.random.default_rng(7)
    parameters = init_mlp(generator, SIZES)
    parameters = [p + 0.1 * generator.normal(size=p.shape) for p in parameters]
    return parameters, generator.normal(size=(6, 3)), generator.normal(size=(6, 2))


def test_gradient_agrees_with_complex_step(drawn):
    parameters, features, upstream = drawn
    _, inputs = mlp(parameters, features)
    gradients = mlp_grad(parameters, inputs, upstream)
    for position, parameter in enumerate(parameters):
        expected = np.empty_like(parameter)
        for index in np.ndindex(parameter.shape):
            moved = [p.astype(complex) for p in parameters]
            moved[position][index] += 1e-30j
            expected[index] = (mlp(moved, features)[0].imag * upstream).sum() / 1e-30
        # A complex step has no cancellation: only sums of a few dozen terms round.
        np.testing.assert_allclose(gradients[position], expected, rtol=0, atol=1e-13)


def test_every_hidden_layer_has_its_own_mask(drawn):
    parameters, features, upstream = drawn
    masks = [np.random.default_rng(n).random((6, n)) < 0.6 for n in SIZES[1:3]]
    output, inputs = mlp(parameters, features, masks=masks, rate=0.25)
    hidden = features
    for layer, mask in enumerate(masks):
        hidden = np.tanh(hidden @ parameters[2 * layer] + parameters[2 * layer + 1])
        hidden = hidden * mask / 0.75
    np.testing.assert_allclose(output, hidden @ parameters[4] + parameters[5])
    gradients = mlp_grad(parameters, inputs, upstream, masks=masks, rate=0.25)
    for position, parameter in enumerate(parameters):
        for index in np.ndindex(parameter.shape):
            ends = []
            for step in (1e-5, -1e-5):
                moved = [p.copy() for p in parameters]
                moved[position][index] += step
                ends.append(
                    (mlp(moved, features, masks=masks, rate=0.25)[0] * upstream).sum()
                )
            # Central differences at 1e-5 are right to some 1e-9.
            slope = (ends[0] - ends[1]) / 2e-5
            assert gradients[position][index] == pytest.approx(slope, abs=1e-8)


def test_stack_equals_one_model_at_a_time(drawn):
    parameters, features, upstream = drawn
    models = [parameters, [2.0 * p for p in parameters]]
    stacked = [np.stack(layer) for layer in zip(*models, strict=True)]
    batches = np.stack([features, -features])
    output, inputs = mlp(stacked, batches)
    gradients = mlp_grad(stacked, inputs, np.stack([upstream, upstream]))
    for index, model in enumerate(models):
        own, own_inputs = mlp(model, batches[index])
        np.testing.assert_array_equal(output[index], own)
        for stack, one in zip(
            gradients, mlp_grad(model, own_inputs, upstream), strict=True
        ):
            np.testing.assert_allclose(stack[index], one, rtol=1e-14)


def test_first_parameters_are_glorot_uniform():
    kernel, bias = init_mlp(np.random.default_rng(0), (300, 100))
    limit = np.sqrt(6.0 / 400.0)
    assert 0.99 * limit < np.abs(kernel).max() <= limit
    # The standard deviation of 30 000 uniform draws is known to about 1 %.
    assert kernel.std() == pytest.approx(limit / np.sqrt(3.0), rel=0.02)
    assert not bias.any()


@pytest.mark.parametrize("sizes", [(3,), (3, 0, 1)])
def test_sizes_that_make_no_network_raise(sizes):
    with pytest.raises(ValueError, match="sizes"):
        init_mlp(np.random.default_rng(0), sizes)


def test_parameters_and_inputs_must_pair_up(drawn):
    parameters, features, upstream = drawn
    with pytest.raises(ValueError, match="pairs"):
        mlp(parameters[:3], features)
    with pytest.raises(ValueError, match="inputs"):
        mlp_grad(parameters, [features], upstream)

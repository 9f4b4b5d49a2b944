"""What only JAX can get wrong: tracing once, batching, nested derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jax_impl

LOGITS = np.linspace(-4.0, 5.0, 12, dtype=np.float32)
LABELS = np.resize(np.array([1, 0, 0.25], np.float32), 12)
ROWS, INDEX = LOGITS.reshape(4, 3), np.array([0, 2, -100, 1])

CASES = {
    "binary_cross_entropy_with_logits": (LOGITS, LABELS, {"label_smoothing": 0.1}),
    "sigmoid_focal_loss": (LOGITS, LABELS, {"gamma": 1.5, "alpha": 0.25}),
    "adaptive_bce_with_logits": (LOGITS, LABELS, {"pos_weight": 3.0, "gamma": 1.5}),
    "binary_cross_entropy": (jax.nn.sigmoid(LOGITS), LABELS, {}),
    "cross_entropy": (ROWS, INDEX, {"label_smoothing": 0.1}),
    "softmax_focal_loss": (ROWS, INDEX, {"gamma": 1.5}),
    "heatmap_focal_loss": (LOGITS, LABELS, {"alpha": 2.0, "beta": 4.0}),
    "ghmc_loss": (LOGITS, LABELS, {"momentum": 0.5}),
    "ghmr_loss": (LOGITS, LABELS, {"momentum": 0.5, "mu": 0.5}),
}
each = pytest.mark.parametrize("name", CASES)


def _loss(name):
    """The loss with its options traced, without the state it may return."""

    def loss(scores, labels, options, reduction="mean"):
        found = getattr(jax_impl, name)(scores, labels, **options, reduction=reduction)
        return found[0] if isinstance(found, tuple) else found

    return loss


def test_every_loss_is_transformed():
    losses = {n for n in jax_impl.__all__ if n.islower()} - {"hard_example_mining"}
    assert set(CASES) == losses


@each
def test_traced_once_for_one_shape(name):
    scores, labels, options = CASES[name]
    loss, traces = _loss(name), []

    @jax.jit
    def both(scores, labels, options):
        traces.append(None)
        return jax.value_and_grad(loss)(scores, labels, options)

    for factor in (1.0, 0.5, 0.75):
        other = {k: factor * v for k, v in options.items()}
        value, _ = both(factor * scores, labels, other)
        expected = loss(jnp.asarray(factor * scores), labels, other)
        # Fusion under jit may round otherwise.
        np.testing.assert_allclose(value, expected, rtol=4e-6)
    assert len(traces) == 1


@each
def test_hessian_is_that_of_the_gradient(name):
    scores, labels, options = CASES[name]
    with jax.enable_x64(True):
        scores = jnp.asarray(scores, jnp.float64)

        def total(scores):
            return _loss(name)(scores, labels, options, "sum")

        tangent = jnp.asarray(np.resize([1.0, -0.5, 0.25], scores.shape))
        _, exact = jax.jvp(jax.grad(total), (scores,), (tangent,))
        step = 1e-6
        ahead, behind = (jax.grad(total)(scores + s * tangent) for s in (step, -step))
        numeric = (ahead - behind) / (2 * step)
    assert np.abs(exact).max() > 1e-3
    # Central differences: 1e-16 / 1e-6 of the gradient, which is of order 1.
    np.testing.assert_allclose(exact, numeric, rtol=1e-6, atol=1e-8)


@each
def test_checkpoint_changes_nothing(name):
    scores, labels, options = CASES[name]

    def total(scores):
        return _loss(name)(scores, labels, options)

    plain = jax.jit(jax.grad(total))(scores)
    kept = jax.jit(jax.grad(jax.checkpoint(total)))(scores)
    np.testing.assert_allclose(kept, plain, rtol=4e-6)


@pytest.mark.parametrize("name", ["cross_entropy", "softmax_focal_loss"])
def test_examples_may_be_mapped(name):
    loss = getattr(jax_impl, name)
    mapped = jax.vmap(lambda x, y: loss(x, y, reduction="none"))(ROWS, INDEX)
    np.testing.assert_allclose(mapped, loss(ROWS, INDEX, reduction="none"), rtol=4e-6)


@pytest.mark.parametrize("name", ["ghmc_loss", "ghmr_loss"])
def test_mapped_batches_have_densities_of_their_own(name):
    loss = getattr(jax_impl, name)
    batches, labels = LOGITS.reshape(3, 4), LABELS.reshape(3, 4)
    mapped, states = jax.vmap(loss)(batches, labels)
    for i in range(3):
        alone, state = loss(jnp.asarray(batches[i]), jnp.asarray(labels[i]))
        np.testing.assert_allclose(mapped[i], alone, rtol=4e-6)
        np.testing.assert_array_equal(states.counts[i], state.counts)


def test_mined_examples_under_jit():
    losses = jnp.asarray([0.5, 2.0, 0.1, 2.0, 1.0])
    indices, mask = jax.jit(
        lambda losses: jax_impl.hard_example_mining(losses, fraction=0.6)
    )(losses)
    assert indices.tolist() == [1, 3, 4]
    assert mask.tolist() == [False, True, False, True, True]


def test_state_is_carried_through_a_scan():
    def step(state, batch):
        logits, labels = batch
        loss, state = jax_impl.ghmc_loss(logits, labels, state, momentum=0.75)
        return state, loss

    batches = LOGITS.reshape(3, 4), LABELS.reshape(3, 4)
    start = jax_impl.GHMState(jnp.zeros(10), jnp.zeros(10, jnp.int32))
    state, losses = jax.lax.scan(step, start, batches)
    expected = None
    for i in range(3):
        alone, expected = jax_impl.ghmc_loss(
            batches[0][i], batches[1][i], expected, momentum=0.75
        )
        np.testing.assert_allclose(losses[i], alone, rtol=4e-6)
    assert expected is not None
    np.testing.assert_allclose(state.counts, expected.counts, rtol=1e-6)

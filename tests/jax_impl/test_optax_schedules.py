from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jax_impl import binary_cross_entropy_with_logits
from jax_impl.early_stopping import early_stopping, init_early_stopping
from jax_impl.optax_schedules import scaled_schedule
from jax_impl.schedules import (
    curriculum_factor,
    dynamic_pos_weight,
    init_dynamic_pos_weight,
    progressive_pos_weight,
    warmup_factor,
)

EPS = 2.0**-52
COUNTS = range(60)


@pytest.fixture(autouse=True)
def wide():
    with jax.enable_x64(True):
        yield


def close(actual, expected):
    actual, expected = (
        np.array([schedule(jnp.array(count)) for count in COUNTS], np.float64)
        for schedule in (actual, expected)
    )
    # Optax forms 1 - t / n and a cosine, each of them in units of 1.
    np.testing.assert_allclose(actual, expected, rtol=8 * EPS, atol=2 * EPS)


def draws():
    rng = np.random.default_rng(4)
    for _ in range(5):
        yield rng.uniform(0, 1), rng.uniform(0, 1), int(rng.integers(2, 50))


def test_warmup_is_the_linear_schedule():
    for first, _, steps in draws():
        ours = partial(warmup_factor, steps=steps, first=first)
        close(ours, optax.linear_schedule(first, 1.0, steps))


def test_cosine_is_the_cosine_decay():
    for start, alpha, steps in draws():
        ours = partial(
            progressive_pos_weight,
            start=start,
            end=alpha * start,
            steps=steps,
            shape="cosine",
        )
        close(ours, optax.cosine_decay_schedule(start, steps, alpha))


def test_curriculum_is_the_piecewise_constant_schedule():
    ours = partial(curriculum_factor, boundaries=[5, 20], factors=[0.1, 1.0, 0.5])
    close(ours, optax.piecewise_constant_schedule(0.1, {5: 10.0, 20: 0.5}))


def test_warmup_and_decay_join():
    warmup = scaled_schedule(0.3, partial(warmup_factor, steps=10, first=0.2))
    decay = optax.cosine_decay_schedule(0.3, 30)
    joined = optax.join_schedules([warmup, decay], [10])
    close(joined, optax.warmup_cosine_decay_schedule(0.06, 0.3, 10, 40))


def test_factors_of_the_epoch_multiply():
    warmup = partial(warmup_factor, steps=4, first=0.0)
    decay = optax.exponential_decay(1.0, 1, 0.5)
    schedule = scaled_schedule(3.0, warmup, decay, every=7)

    def expected(count):
        epoch = count // 7
        return 3.0 * min(epoch / 4, 1.0) * 0.5**epoch

    close(jax.jit(schedule), lambda count: expected(int(count)))
    assert scaled_schedule(0.5)(3) == 0.5


@pytest.mark.parametrize(
    ("args", "every", "error", "text"),
    [
        ((-1.0,), 1, ValueError, "value must be finite and >= 0, got -1.0"),
        ((1.0, 0.5), 1, TypeError, r"factors\[0\] must be callable, got 0.5"),
        ((1.0,), 0, ValueError, "every must be >= 1, got 0"),
        ((1.0,), 2.5, TypeError, "every must be an integer, got 2.5"),
    ],
)
def test_bad_calls_raise(args, every, error, text):
    with pytest.raises(error, match=text):
        scaled_schedule(*args, every=every)


FEATURES, EXAMPLES = 5, 400
EPOCHS, PATIENCE = 60, 6


def data():
    """Returns training and validation parts with one positive in six."""
    rng = np.random.default_rng(11)
    x = rng.normal(size=(EXAMPLES, FEATURES))
    score = x @ np.array([1.5, -1.0, 0.5, 0.0, 0.0]) - 2.2
    y = (rng.random(EXAMPLES) < 1 / (1 + np.exp(-score))).astype(float)
    return (jnp.array(x[::2]), jnp.array(y[::2])), (
        jnp.array(x[1::2]),
        jnp.array(y[1::2]),
    )


def f1(w, x, y):
    found = x @ w[:-1] + w[-1] > 0
    return 2 * jnp.sum(found * y) / (jnp.sum(found) + jnp.sum(y))


def epoch_of(optimizer) -> tuple[Callable[..., Any], Any]:
    train, validation = data()

    def loss(w, weight):
        x, y = train
        logits = x @ w[:-1] + w[-1]
        return binary_cross_entropy_with_logits(logits, y, pos_weight=weight)

    def epoch(carry, _):
        w, moments, weight, stopping, best = carry
        gradient = jax.grad(loss)(w, weight.value)
        updates, moments = optimizer.update(gradient, moments, w)
        w = w + updates
        score = f1(w, *validation)
        weight = dynamic_pos_weight(weight, score, step=0.25, max_value=3.0)
        stopping = early_stopping(stopping, score, patience=PATIENCE)
        best = jnp.where(stopping.improved, w, best)
        return (w, moments, weight, stopping, best), (weight.value, score)

    w = jnp.zeros(FEATURES + 1)
    first = (w, optimizer.init(w), init_dynamic_pos_weight(), init_early_stopping(), w)
    return epoch, first


def test_training_in_a_scan_ends_as_a_loop_that_breaks():
    rate = scaled_schedule(
        0.05,
        partial(warmup_factor, steps=4, first=0.2),
        partial(curriculum_factor, boundaries=[2], factors=[0.5, 1.0]),
    )
    epoch, first = epoch_of(optax.adamw(rate))
    (*_, scanned, best), (weights, scores) = jax.jit(
        lambda first: jax.lax.scan(epoch, first, length=EPOCHS)
    )(first)
    carry, step = first, jax.jit(epoch)
    for _ in range(EPOCHS):
        carry, _ = step(carry, None)
        if carry[3].stop:
            break
    assert carry[3].stop
    assert [float(a) for a in scanned] == [float(a) for a in carry[3]]
    np.testing.assert_allclose(best, carry[4], rtol=1e-12)
    assert 3 < scanned.best_step < EPOCHS - PATIENCE - 2
    assert scores[scanned.best_step] == scores[: scanned.best_step + PATIENCE].max()
    assert f1(best, *data()[1]) == scanned.best > 0.4
    assert weights[0] == 1.0
    assert weights[-1] > 1.0


def test_scale_by_schedule_and_adamw_take_them_alike():
    rate = scaled_schedule(0.05, partial(warmup_factor, steps=10, first=0.0), every=2)
    direct, chained = (
        optax.adamw(rate),
        optax.chain(
            optax.scale_by_adam(),
            optax.add_decayed_weights(1e-4),
            optax.scale_by_schedule(lambda count: -jnp.asarray(rate(count))),
        ),
    )
    results = []
    for optimizer in (direct, chained):
        epoch, first = epoch_of(optimizer)
        (w, *_), _ = jax.jit(lambda c, e=epoch: jax.lax.scan(e, c, length=5))(first)
        results.append(w)
    np.testing.assert_allclose(*results, rtol=1e-12)
    assert jnp.all(results[0] != 0)
    one, _ = epoch_of(direct)[0](epoch_of(direct)[1], None)
    assert not jnp.any(one[0])  # the first epoch has a rate of 0

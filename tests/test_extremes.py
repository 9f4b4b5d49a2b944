"""Where other libraries lose the gradient, or turn it into NaN."""

import jax
import numpy as np
import pytest
import torch

import jax_impl
import torch_impl
from tests.backends import ALL, COMPILED, JAX, NUMPY, Backend, to_numpy

FOCAL, BCE = "sigmoid_focal_loss", "binary_cross_entropy_with_logits"
ADAPTIVE = "adaptive_bce_with_logits"
GAMMAS = (0.0, 0.5, 1.0, 1.5, 2.0, 5.0)
EXTREMES = np.array([0.0, 0.5, 17.0, 37.0, 89.0, 104.0, 710.0, 746.0, 1e4, 1e30])
LOGITS = np.concatenate([EXTREMES, -EXTREMES])


@pytest.fixture(autouse=True)
def _wide_jax(request):
    backend: Backend = request.node.callspec.params.get("backend", NUMPY)
    with backend.precision("float64"):
        yield


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("label", [0.0, 1.0, 0.3])
@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("backend", COMPILED, ids=str)
def test_first_and_second_derivatives_are_finite(backend, gamma, label, dtype):
    x = backend.array(LOGITS, dtype)
    y = backend.array(np.full_like(LOGITS, label), dtype)
    if backend is JAX:

        def element(x, y):
            return jax_impl.sigmoid_focal_loss(x, y, gamma=gamma, reduction="sum")

        first = jax.vmap(jax.grad(element))(x, y)
        second = jax.vmap(jax.grad(jax.grad(element)))(x, y)
        to_label = jax.vmap(jax.grad(element, argnums=1))(x, y)
    else:
        x.requires_grad_()
        y.requires_grad_()
        loss = torch_impl.sigmoid_focal_loss(x, y, gamma=gamma, reduction="sum")
        first, to_label = torch.autograd.grad(loss, (x, y), create_graph=True)
        (second,) = torch.autograd.grad(first.sum(), x)
    for derivative in (first, second, to_label):
        assert np.isfinite(to_numpy(derivative)).all()
    wrong_side = to_numpy(x) * (1 - 2 * label) > 20
    if label in (0.0, 1.0):
        assert (np.abs(to_numpy(first)[wrong_side]) >= 1).all()


SECOND = [
    *((FOCAL, {"gamma": gamma}) for gamma in GAMMAS),
    (FOCAL, {"gamma": 1.5, "alpha": 0.25, "pos_weight": 3.0}),
    (BCE, {"pos_weight": 3.0, "label_smoothing": 0.1}),
    (ADAPTIVE, {"pos_weight": 3.0, "gamma": 0.5, "modulator": "weighted_loss"}),
    (ADAPTIVE, {"pos_weight": 3.0, "gamma": 2.0, "modulator": "weighted_loss"}),
]


@pytest.mark.parametrize(("name", "options"), SECOND)
@pytest.mark.parametrize("backend", COMPILED, ids=str)
def test_second_derivative_is_right(backend, name, options):
    points = np.array([-30.0, -3.0, -0.5, 0.0, 0.5, 3.0, 30.0])
    x, y = (a.ravel() for a in np.meshgrid(points, np.array([0.0, 1.0, 0.25])))
    step = 1e-6
    analytic = getattr(NUMPY.module, f"{name}_grad")
    ahead = analytic(x + step, y, **options)
    expected = (ahead - analytic(x - step, y, **options)) / (2 * step)

    def element(x, y):
        return backend.loss(name)(x, y, **options, reduction="sum")

    if backend is JAX:
        hessian = jax.vmap(jax.hessian(element))
    else:
        hessian = torch.func.vmap(torch.func.hessian(element))
    actual = hessian(backend.array(x), backend.array(y))
    # Central differences of float64: 1e-16 / 1e-6 relative to the gradient.
    scale = np.abs(expected) + 1e-3 * np.abs(analytic(x, y, **options))
    assert (np.abs(to_numpy(actual) - expected) <= 1e-6 * scale).all()


@pytest.mark.parametrize("name", [FOCAL, BCE])
@pytest.mark.parametrize("backend", ALL, ids=str)
def test_infinite_logits_give_the_limit(backend, name):
    x, y = np.array([np.inf, np.inf, -np.inf, -np.inf]), np.array([1.0, 0.0, 1.0, 0.0])
    loss = backend.loss(name)
    value = loss(backend.array(x), backend.array(y), reduction="none")
    np.testing.assert_array_equal(to_numpy(value), [0.0, np.inf, np.inf, 0.0])
    if backend is NUMPY:
        gradient = getattr(backend.module, f"{name}_grad")(x, y)
    else:

        def summed(x):
            return loss(x, backend.array(y), reduction="sum")

        (gradient,) = backend.grad(summed, backend.array(x))
    np.testing.assert_array_equal(to_numpy(gradient), [0.0, 1.0, -1.0, 0.0])


@pytest.mark.parametrize("backend", ALL, ids=str)
def test_weight_zero_switches_an_infinite_loss_off(backend):
    x, y = backend.array([np.inf, 1.0]), backend.array([0.0, 1.0])
    weight = backend.array([0.0, 1.0])
    value = backend.loss(BCE)(x, y, sample_weight=weight, reduction="none")
    assert to_numpy(value)[0] == 0.0


@pytest.mark.parametrize("name", [FOCAL, BCE])
@pytest.mark.parametrize("backend", ALL, ids=str)
def test_nan_stays_in_its_element(backend, name):
    x, y = backend.array([1.0, np.nan, -1.0]), backend.array([1.0, 0.0, 1.0])
    value = to_numpy(backend.loss(name)(x, y, reduction="none"))
    np.testing.assert_array_equal(np.isnan(value), [False, True, False])


@pytest.mark.parametrize("backend", COMPILED, ids=str)
def test_no_kink_at_zero(backend):
    """max(x, 0) - x y + log1p(exp(-|x|)) gives -1 or -1.5 here when differentiated."""
    x, y = backend.array([0.0, -0.0]), backend.array([1.0, 1.0])
    (gradient,) = backend.grad(lambda x: backend.loss(BCE)(x, y, reduction="sum"), x)
    np.testing.assert_array_equal(to_numpy(gradient), [-0.5, -0.5])

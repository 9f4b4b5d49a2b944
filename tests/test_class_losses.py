"""Cross-entropy and focal loss over classes, in every backend."""

import jax
import numpy as np
import pytest
import torch
from mpmath import mp, mpf

from tests.backends import ALL, COMPILED, JAX, NUMPY, Backend, to_numpy

CE, FOCAL = "cross_entropy", "softmax_focal_loss"
LOGITS = np.array([[2.0, 0, -1], [0.5, 1, -0.5], [0, 0, 3], [1, 1, 1]])
LABELS = np.array([0, 2, 2, 0])
WEIGHTS = np.array([1.0, 2.0, 5.0])

backends = pytest.mark.parametrize("backend", ALL, ids=str)
compiled = pytest.mark.parametrize("backend", COMPILED, ids=str)


@pytest.fixture(autouse=True)
def _wide_jax(backend: Backend):
    with backend.precision("float64"):
        yield


def _ce(backend, **options):
    arrays = {
        k: backend.array(v) for k, v in options.items() if isinstance(v, np.ndarray)
    }
    return to_numpy(
        backend.loss(CE)(
            backend.array(LOGITS), backend.exact(LABELS), **{**options, **arrays}
        )
    )


# From the specification, to the digits printed there.
KNOWN = [
    (
        {"class_weights": WEIGHTS, "label_smoothing": 0.1, "reduction": "none"},
        [
            0.83148702281566659,
            9.8963558854384048,
            0.75246609227324692,
            1.2817143367794613,
        ],
    ),
    ({"class_weights": WEIGHTS, "label_smoothing": 0.1}, 1.063501944775565),
    (
        {"class_weights": WEIGHTS, "label_smoothing": 0.1, "normalizer": "count"},
        3.1905058343266949,
    ),
]


@backends
@pytest.mark.parametrize(("options", "expected"), KNOWN)
def test_known_values(backend, options, expected):
    np.testing.assert_allclose(_ce(backend, **options), expected, rtol=4e-16)


@backends
def test_weight_of_the_true_class_on_the_smoothed_loss_is_another_loss(backend):
    total = _ce(
        backend,
        sample_weight=WEIGHTS[LABELS],
        label_smoothing=0.1,
        reduction="sum",
    )
    known = 1.0844771764177368
    np.testing.assert_allclose(total / WEIGHTS[LABELS].sum(), known, rtol=4e-16)


@backends
@pytest.mark.parametrize(
    ("smoothing", "expected"),
    [("uniform", 0.33651268622295232), ("off_target", 0.41984601955628565)],
)
def test_both_kinds_of_smoothing(backend, smoothing, expected):
    found = _ce(backend, label_smoothing=0.1, smoothing=smoothing, reduction="none")
    np.testing.assert_allclose(found[0], expected, rtol=4e-16)


@backends
def test_parts_of_two_shards_give_the_mean_of_the_whole(backend):
    shards = [
        (np.array([[2.0, 0], [1, 0]]), np.array([0, 0])),
        (np.array([[0, 1.0], [0.5, 0]]), np.array([0, 1])),
    ]
    weights, loss = backend.array([1.0, 9.0]), backend.loss(CE)

    def reduced(logits, labels, reduction):
        return loss(
            backend.array(logits),
            backend.exact(labels),
            class_weights=weights,
            reduction=reduction,
        )

    parts = [reduced(x, y, "parts") for x, y in shards]
    total, normalizer = (sum(to_numpy(p[i]) for p in parts) for i in (0, 1))
    means = np.mean([to_numpy(reduced(x, y, "mean")) for x, y in shards])
    assert total / normalizer == pytest.approx(0.876678687, abs=5e-10)
    assert means == pytest.approx(0.614045152, abs=5e-10)


def _truth(gap, gamma):
    """Loss and true-class gradient with one rival of two at this distance."""
    with mp.workdps(50):
        rest = mp.exp(-mpf(gap)) + mp.exp(-mpf(gap) - 1)
        p, q = 1 / (1 + rest), rest / (1 + rest)
        value = q**gamma * mp.log1p(rest)
        slope = -(q**gamma) * (gamma * p * mp.log1p(rest) + q)
        return float(value), float(slope)


@pytest.mark.parametrize(
    ("backend", "dtype"),
    [(NUMPY, "float64"), *((b, d) for b in COMPILED for d in ("float64", "float32"))],
    ids=str,
)
@pytest.mark.parametrize("gap", [5.0, 17.0, 20.0, 37.0, 57.0])
@pytest.mark.parametrize(("name", "gamma"), [(CE, 0.0), (FOCAL, 0.0), (FOCAL, 0.5)])
def test_confident_tail_keeps_its_digits(backend, name, gamma, gap, dtype):
    """Grade A+: p - 1 and logsumexp - x are 100 % wrong here from a gap of 17 on."""
    logits = np.array([[0.0, -gap, -gap - 1]])
    options = {"gamma": gamma} if name == FOCAL else {}
    x, y = backend.array(logits, dtype), backend.exact(np.array([0]))
    value = backend.loss(name)(x, y, **options, reduction="none")
    if backend is NUMPY:
        gradient = getattr(backend.module, f"{name}_grad")(x, y, **options)
    else:

        def summed(x):
            return backend.loss(name)(x, y, **options, reduction="sum")

        (gradient,) = backend.grad(summed, x)
    expected, slope = _truth(gap, gamma)
    # Eight roundings, each magnified by the logit: the error model at its largest.
    unit = np.finfo(dtype).eps / 2
    bound = 8 * unit * (1 + gap) * (1 + gamma)
    np.testing.assert_allclose(to_numpy(value), [expected], rtol=bound)
    np.testing.assert_allclose(to_numpy(gradient)[0, 0], slope, rtol=bound)
    np.testing.assert_allclose(to_numpy(gradient)[0, 1:].sum(), -slope, rtol=bound)


EXTREMES = np.array(
    [[1e4, 0, -1e4], [0, 0, 0], [104.0, -104, 17], [-1e30, 1e30, 0], [5, 5, -89]]
)


@compiled
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        (CE, {}),
        (CE, {"label_smoothing": 0.1, "smoothing": "off_target"}),
        *((FOCAL, {"gamma": gamma}) for gamma in (0.0, 0.5, 1.0, 1.5, 2.0)),
    ],
)
def test_derivatives_are_finite_for_finite_logits(backend, name, options, dtype):
    for label in (0, 1, 2):
        x = backend.array(EXTREMES, dtype)
        y = backend.exact(np.full(len(EXTREMES), label))

        def summed(x, y=y):
            return backend.loss(name)(x, y, **options, reduction="sum")

        if backend is JAX:
            first = jax.grad(summed)(x)
            second = jax.jvp(jax.grad(summed), (x,), (jax.numpy.ones_like(x),))[1]
        else:
            x.requires_grad_()
            (first,) = torch.autograd.grad(summed(x), x, create_graph=True)
            (second,) = torch.autograd.grad(first.sum(), x)
        assert np.isfinite(to_numpy(first)).all()
        assert np.isfinite(to_numpy(second)).all()


@backends
@pytest.mark.parametrize("name", [CE, FOCAL])
def test_infinite_logits_give_the_limit_where_there_is_one(backend, name):
    inf, nan = np.inf, np.nan
    logits = [[inf, 0, 0], [inf, 0, 0], [0, -inf, 1], [nan, 0, 0], [inf, inf, 0]]
    x = backend.array([*logits, [0, -inf, -inf]])
    y = backend.exact(np.array([0, 1, 1, 1, 0, 0]))
    value = to_numpy(backend.loss(name)(x, y, reduction="none"))
    np.testing.assert_array_equal(value, [0, inf, inf, nan, nan, 0])
    if backend is NUMPY:
        gradient = getattr(backend.module, f"{name}_grad")(x, y)
    else:
        (gradient,) = backend.grad(
            lambda x: backend.loss(name)(x, y, reduction="sum"), x
        )
    gradient = to_numpy(gradient)
    np.testing.assert_array_equal(gradient[:2], [[0, 0, 0], [1, -1, 0]])
    assert np.isnan(gradient[3:5]).all()
    np.testing.assert_array_equal(gradient[5], [0, 0, 0])


@backends
@pytest.mark.parametrize("name", [CE, FOCAL])
def test_ignored_examples_are_not_looked_at(backend, name):
    x = np.vstack([LOGITS, np.full((2, 3), np.nan)])
    y = np.concatenate([LABELS, [-100, -100]])
    loss = backend.loss(name)
    whole = loss(backend.array(x), backend.exact(y))
    kept = loss(backend.array(LOGITS), backend.exact(LABELS))
    assert float(whole) == float(kept)
    if backend is NUMPY:
        gradient = getattr(backend.module, f"{name}_grad")(x, y)
    else:
        (gradient,) = backend.grad(
            lambda x: loss(x, backend.exact(y)), backend.array(x)
        )
    np.testing.assert_array_equal(to_numpy(gradient)[4:], 0)


@backends
@pytest.mark.parametrize("name", [CE, FOCAL])
def test_all_ignored_is_zero_with_zero_gradient(backend, name):
    loss, y = backend.loss(name), backend.exact(np.full(4, -100))
    total, normalizer = loss(backend.array(LOGITS), y, reduction="parts")
    assert (float(total), float(normalizer)) == (0.0, 0.0)
    assert float(loss(backend.array(LOGITS), y)) == 0.0
    if backend is not NUMPY:
        (gradient,) = backend.grad(lambda x: loss(x, y), backend.array(LOGITS))
        np.testing.assert_array_equal(to_numpy(gradient), np.zeros((4, 3)))


@compiled
@pytest.mark.parametrize("name", [CE, FOCAL])
def test_bad_index_poisons_its_example_alone(backend, name):
    y = backend.exact(np.array([0, -1, 3, 2]))
    loss = backend.loss(name)
    value = loss(backend.array(LOGITS), y, reduction="none")
    (gradient,) = backend.grad(
        lambda x: loss(x, y, reduction="sum"), backend.array(LOGITS)
    )
    bad = np.array([False, True, True, False])
    np.testing.assert_array_equal(np.isnan(to_numpy(value)), bad)
    np.testing.assert_array_equal(np.isnan(to_numpy(gradient)).all(axis=1), bad)
    np.testing.assert_array_equal(np.isnan(to_numpy(gradient)).any(axis=1), bad)


@compiled
@pytest.mark.parametrize("bad", [1.5, -0.25, np.nan])
def test_bad_probability_poisons_its_example_alone(backend, bad):
    y = backend.array([[0.5, 0.25, 0.25], [0.5, bad, 0.0], [1, 0, 0], [0, 0, 1]])

    def loss(x, reduction="sum"):
        return backend.loss(CE)(x, y, reduction=reduction)

    x = backend.array(LOGITS)
    expected = np.array([False, True, False, False])
    np.testing.assert_array_equal(np.isnan(to_numpy(loss(x, "none"))), expected)
    gradient = np.isnan(to_numpy(backend.grad(loss, x)[0]))
    np.testing.assert_array_equal(gradient, np.repeat(expected[:, None], 3, axis=1))


@compiled
@pytest.mark.parametrize("bad", [-2.0, np.nan, np.inf])
@pytest.mark.parametrize("case", ["index", "probabilities", "focal"])
def test_bad_class_weight_poisons_every_example(backend, case, bad):
    name = FOCAL if case == "focal" else CE
    # No example has the label whose weight is bad.
    labels = backend.exact(LABELS)
    if case == "probabilities":
        labels = backend.array(np.eye(3)[LABELS])
    weights = backend.array([1.0, bad, 1.0])

    def loss(x, reduction="sum"):
        return backend.loss(name)(x, labels, class_weights=weights, reduction=reduction)

    x = backend.array(LOGITS)
    assert np.isnan(to_numpy(loss(x, "none"))).all()
    assert np.isnan(to_numpy(backend.grad(loss, x)[0])).all()


@compiled
def test_weights_of_other_classes_have_no_slope_at_infinity(backend):
    x, y = backend.array([[0.0, -np.inf, 1.0]]), backend.exact(np.array([1]))
    for name in (CE, FOCAL):

        def loss(weights, name=name):
            return backend.loss(name)(x, y, class_weights=weights, reduction="sum")

        (gradient,) = backend.grad(loss, backend.array([1.0, 2.0, 3.0]))
        np.testing.assert_array_equal(to_numpy(gradient), [0, np.inf, 0])


@backends
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "int64"])
def test_every_integer_type_holds_indices(backend, dtype):
    expected = _ce(backend, reduction="none")
    loss, y = backend.loss(CE), backend.exact(LABELS.astype(dtype))
    found = to_numpy(loss(backend.array(LOGITS), y, reduction="none"))
    np.testing.assert_array_equal(found, expected)


@compiled
def test_ignored_index_does_not_wrap_in_a_narrow_type(backend):
    labels = backend.exact(np.array([0, 2, 156, 0], np.uint8))  # 156 = -100 mod 256
    value = backend.loss(CE)(backend.array(LOGITS), labels, reduction="none")
    np.testing.assert_array_equal(
        np.isnan(to_numpy(value)), [False, False, True, False]
    )


@backends
@pytest.mark.parametrize("name", [CE, FOCAL])
def test_one_class_has_nothing_to_lose(backend, name):
    x, y = backend.array([[3.0], [-2.0]]), backend.exact(np.array([0, 0]))
    assert float(backend.loss(name)(x, y)) == 0.0


@backends
def test_a_single_example_needs_no_batch(backend):
    whole = _ce(backend, reduction="none")
    loss = backend.loss(CE)
    one = loss(backend.array(LOGITS[1]), backend.exact(LABELS[1]), reduction="none")
    assert one.shape == ()
    assert float(one) == whole[1]


@compiled
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_computed_in_float32(backend, dtype):
    x, y = backend.array(LOGITS, dtype), backend.exact(LABELS)
    value = backend.loss(CE)(x, y, reduction="none")
    assert str(value.dtype).removeprefix("torch.") == "float32"
    (gradient,) = backend.grad(lambda x: backend.loss(CE)(x, y), x)
    assert gradient.dtype == x.dtype
    np.testing.assert_allclose(to_numpy(value), _ce(NUMPY, reduction="none"), rtol=1e-6)


@compiled
@pytest.mark.parametrize(
    ("labels", "dtype"),
    [(2**32 + 1, "int64"), (2**32 - 100, "uint32"), (2**64 - 100, "uint64")],
)
def test_large_indices_neither_wrap_nor_become_the_ignored_one(backend, labels, dtype):
    y = np.array([labels, 2], dtype)
    if backend is not JAX:
        y = torch.tensor(y)
    with jax.enable_x64(False):
        x = backend.array(LOGITS[:2], "float32")
        value = to_numpy(backend.loss(CE)(x, y, reduction="none"))
    np.testing.assert_array_equal(np.isnan(value), [True, False])


@compiled
def test_an_ignored_index_beyond_every_type_ignores_nothing(backend):
    x, y = backend.array(LOGITS), backend.exact(LABELS.astype(np.int32))
    found = backend.loss(CE)(x, y, ignore_index=-(2**40), reduction="none")
    np.testing.assert_array_equal(to_numpy(found), _ce(backend, reduction="none"))

"""What every loss promises in every backend, beyond the golden vectors."""

import numpy as np
import pytest
import torch

from tests.backends import ALL, COMPILED, NUMPY, Backend, to_numpy

BCE, FOCAL = "binary_cross_entropy_with_logits", "sigmoid_focal_loss"
ADAPTIVE = "adaptive_bce_with_logits"
LOSSES = (
    (BCE, {}),
    (BCE, {"pos_weight": 3.0, "label_smoothing": 0.1}),
    (FOCAL, {}),
    (FOCAL, {"alpha": 0.25, "gamma": 0.5, "pos_weight": 3.0}),
    (ADAPTIVE, {"pos_weight": 5.0}),
    (ADAPTIVE, {"pos_weight": 5.0, "gamma": 0.5, "modulator": "weighted_loss"}),
)
LOGITS = np.array([[0.5, -1.25, 3.0], [-2.0, 0.75, -0.5]])
LABELS = np.array([[1.0, 0.0, 0.25], [0.0, 1.0, 0.75]])

backends = pytest.mark.parametrize("backend", ALL, ids=str)
compiled = pytest.mark.parametrize("backend", COMPILED, ids=str)
losses = pytest.mark.parametrize(("name", "options"), LOSSES)


@pytest.fixture(autouse=True)
def _wide_jax(backend: Backend):
    with backend.precision("float64"):
        yield


@backends
@losses
def test_reductions_belong_together(backend, name, options):
    x, y = backend.array(LOGITS), backend.array(LABELS)

    def reduced(reduction):
        return backend.loss(name)(x, y, **options, reduction=reduction)

    each = to_numpy(reduced("none"))
    total, normalizer = reduced("parts")
    assert each.shape == LOGITS.shape
    np.testing.assert_allclose(to_numpy(reduced("sum")), each.sum(), rtol=1e-14)
    np.testing.assert_array_equal(to_numpy(total), to_numpy(reduced("sum")))
    assert float(normalizer) == LOGITS.size
    np.testing.assert_array_equal(
        to_numpy(reduced("mean")), to_numpy(total) / LOGITS.size
    )


@backends
@losses
def test_nothing_kept_means_zero(backend, name, options):
    x, y = backend.array(np.zeros((0, 3))), backend.array(np.zeros((0, 3)))
    assert float(backend.loss(name)(x, y, **options)) == 0.0
    total, normalizer = backend.loss(name)(x, y, **options, reduction="parts")
    assert (float(total), float(normalizer)) == (0.0, 0.0)
    if backend is not NUMPY:
        (gradient,) = backend.grad(lambda x: backend.loss(name)(x, y, **options), x)
        assert to_numpy(gradient).shape == (0, 3)


@backends
@pytest.mark.parametrize("name", [BCE, FOCAL])
def test_class_axis_moves_the_weights(backend, name):
    loss, weights = backend.loss(name), backend.array([1.0, 2.0, 5.0])
    rows = loss(
        backend.array(LOGITS),
        backend.array(LABELS),
        pos_weight=weights,
        reduction="none",
    )
    columns = loss(
        backend.array(LOGITS.T),
        backend.array(LABELS.T),
        pos_weight=weights,
        class_axis=0,
        reduction="none",
    )
    by_hand = [
        to_numpy(
            loss(
                backend.array(LOGITS[:, k]),
                backend.array(LABELS[:, k]),
                pos_weight=w,
                reduction="none",
            )
        )
        for k, w in enumerate((1.0, 2.0, 5.0))
    ]
    np.testing.assert_array_equal(to_numpy(rows), to_numpy(columns).T)
    np.testing.assert_array_equal(to_numpy(rows).T, by_hand)


@backends
def test_focal_without_focusing_is_bce(backend):
    x, y, w = backend.array(LOGITS), backend.array(LABELS), 3.0
    bce = backend.loss(BCE)(x, y, pos_weight=w, reduction="none")
    focal = backend.loss(FOCAL)(x, y, gamma=0.0, pos_weight=w, reduction="none")
    np.testing.assert_array_equal(to_numpy(focal), to_numpy(bce))


@backends
def test_alpha_weights_positives_and_its_rest_negatives(backend):
    x, y = backend.array(LOGITS), backend.array(np.round(LABELS))
    plain = to_numpy(backend.loss(FOCAL)(x, y, reduction="none"))
    weighted = to_numpy(backend.loss(FOCAL)(x, y, alpha=0.25, reduction="none"))
    expected = plain * np.where(np.round(LABELS) == 1, 0.25, 0.75)
    np.testing.assert_allclose(weighted, expected, rtol=1e-15)


@backends
def test_adaptive_by_probability_is_weighted_focal(backend):
    x, y = backend.array(LOGITS), backend.array(LABELS)
    adaptive = backend.loss(ADAPTIVE)(x, y, pos_weight=5.0, reduction="none")
    focal = backend.loss(FOCAL)(x, y, pos_weight=5.0, reduction="none")
    np.testing.assert_array_equal(to_numpy(adaptive), to_numpy(focal))


@backends
@pytest.mark.parametrize("name", [BCE, FOCAL])
def test_integer_and_bool_labels_count_as_numbers(backend, name):
    loss, x = backend.loss(name), backend.array(LOGITS)
    expected = to_numpy(loss(x, backend.array(LABELS > 0.5), reduction="none"))
    labels = np.asarray(LABELS > 0.5)
    if backend.name == "torch":
        labels = torch.tensor(labels)
    actual = to_numpy(loss(x, labels, reduction="none"))
    np.testing.assert_array_equal(actual, expected)


@compiled
@losses
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_computed_in_float32(backend, name, options, dtype):
    x, y = backend.array(LOGITS, dtype), backend.array(LABELS, dtype)
    loss = backend.loss(name)
    value = loss(x, y, **options, reduction="none")
    (gradient,) = backend.grad(lambda x: loss(x, y, **options), x)
    wide = loss(
        backend.array(LOGITS, "float32"),
        backend.array(LABELS, "float32"),
        **options,
        reduction="none",
    )
    assert str(value.dtype).endswith("float32")
    assert str(gradient.dtype).endswith(dtype)
    np.testing.assert_array_equal(to_numpy(value), to_numpy(wide))


@compiled
@losses
def test_gradients_agree_with_the_analytic_ones(backend, name, options):
    """Upstream gradients other than 1 must pass through unchanged."""
    upstream = np.array([[0.5, -2.0, 1.5], [3.0, 0.25, -1.0]])
    scale = backend.array(upstream)

    def scaled(x, y):
        loss = backend.loss(name)(x, y, **options, reduction="none")
        return (scale * loss).sum()

    actual = backend.grad(scaled, backend.array(LOGITS), backend.array(LABELS))
    analytic = getattr(NUMPY.module, f"{name}_grad")
    for argument, gradient in zip(("logits", "labels"), actual, strict=True):
        expected = upstream * analytic(LOGITS, LABELS, **options, argument=argument)
        # The two terms of a soft label's gradient cancel to a tenth: 8 u times 10.
        np.testing.assert_allclose(to_numpy(gradient), expected, rtol=1e-14)


@compiled
@pytest.mark.parametrize("name", [BCE, FOCAL])
def test_weights_and_hyperparameters_are_differentiable(backend, name):
    arguments = {"pos_weight": [1.0, 2.0, 5.0], "sample_weight": LABELS + 0.5}
    arguments |= {"gamma": 1.5, "alpha": 0.25} if name == FOCAL else {}
    arguments |= {"label_smoothing": 0.1} if name == BCE else {}
    arrays = {k: np.asarray(v, dtype=np.float64) for k, v in arguments.items()}
    x, y = backend.array(LOGITS), backend.array(LABELS)

    def summed(*values):
        options = dict(zip(arrays, values, strict=True))
        return backend.loss(name)(x, y, **options, reduction="sum")

    actual = backend.grad(summed, *(backend.array(a) for a in arrays.values()))
    analytic = getattr(NUMPY.module, f"{name}_grad")
    for argument, gradient in zip(arrays, actual, strict=True):
        expected = analytic(LOGITS, LABELS, **arrays, argument=argument)
        np.testing.assert_allclose(to_numpy(gradient), expected, rtol=1e-14)


OFFENDERS = ("labels above", "labels below", "pos_weight", "sample_weight")


@compiled
@pytest.mark.parametrize(
    ("name", "options", "offender"),
    [
        (name, options, offender)
        for name, options in LOSSES
        for offender in OFFENDERS
        if (name, offender) != (ADAPTIVE, "sample_weight")  # it has none
    ],
)
def test_bad_values_poison_their_element_only(backend, name, options, offender):
    x, y = LOGITS[0], np.array([1.0, 0.0, 1.0])
    weights = {}
    if offender.startswith("labels"):
        y = y + np.array([0.0, 1.5 if offender == "labels above" else -0.5, 0.0])
    else:
        weights[offender] = backend.array([1.0, -1.0, 1.0])
    options = options | weights

    def summed(x, y):
        return backend.loss(name)(x, y, **options, reduction="sum")

    arrays = backend.array(x), backend.array(y)
    value = to_numpy(backend.loss(name)(*arrays, **options, reduction="none"))
    for result in (value, *map(to_numpy, backend.grad(summed, *arrays))):
        np.testing.assert_array_equal(np.isnan(result), [False, True, False])


@compiled
@pytest.mark.parametrize("value", [-1.0, np.inf, np.nan])
@pytest.mark.parametrize("argument", ["gamma", "alpha", "pos_weight"])
def test_bad_scalars_poison_everything(backend, argument, value):
    x, y = backend.array(LOGITS), backend.array(LABELS)
    bad = backend.array(value)
    loss = backend.loss(FOCAL)(x, y, **{argument: bad}, reduction="none")
    assert np.isnan(to_numpy(loss)).all()


@backends
def test_large_python_integers_are_numbers(backend):
    x, y = backend.array(LOGITS, "float32"), backend.array(LABELS, "float32")
    weight = 3_000_000_000
    loss = backend.loss(BCE)(x, y, pos_weight=weight)
    expected = backend.loss(BCE)(x, y, pos_weight=float(weight))
    assert float(loss) == float(expected)


@backends
@losses
def test_inputs_are_not_changed(backend, name, options):
    x, y = backend.array(LOGITS), backend.array(LABELS)
    backend.loss(name)(x, y, **options)
    np.testing.assert_array_equal(to_numpy(x), LOGITS)
    np.testing.assert_array_equal(to_numpy(y), LABELS)

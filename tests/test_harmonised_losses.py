"""Gradient harmonising, heat maps, probabilities and mining, in every backend."""

import numpy as np
import pytest

from tests.backends import ALL, COMPILED, NUMPY, Backend, to_numpy

GHMC, GHMR, HEATMAP = "ghmc_loss", "ghmr_loss", "heatmap_focal_loss"
BCE, MINING = "binary_cross_entropy", "hard_example_mining"
LOGITS = np.array([-4.0, -3.5, -0.25, 1.5, 2.0, 6.0, -1.0])
LABELS = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0])

backends = pytest.mark.parametrize("backend", ALL, ids=str)
compiled = pytest.mark.parametrize("backend", COMPILED, ids=str)


@pytest.fixture(autouse=True)
def _wide_jax(backend: Backend):
    with backend.precision("float64"):
        yield


def _ghmc(backend, state=None, logits=LOGITS, labels=LABELS, **options):
    options = {
        k: backend.exact(v) if isinstance(v, np.ndarray) else v
        for k, v in options.items()
    }
    x, y = backend.array(logits), backend.array(labels)
    return backend.loss(GHMC)(x, y, state, **options)


@backends
def test_weights_are_the_inverse_density(backend):
    loss, state = _ghmc(backend, reduction="none")
    margin = np.where(LABELS == 1, LOGITS, -LOGITS)
    norm = 1 / (1 + np.exp(margin))
    bins = np.floor(norm * 10).astype(int)
    counts = np.bincount(bins, minlength=10)
    weight = LABELS.size / counts[bins] / np.count_nonzero(counts)
    np.testing.assert_allclose(
        to_numpy(loss), weight * np.log1p(np.exp(-margin)), rtol=1e-14
    )
    np.testing.assert_array_equal(to_numpy(state.counts), counts)
    np.testing.assert_array_equal(to_numpy(state.updates), counts > 0)


@backends
def test_average_starts_heavy_unless_debiased(backend):
    """Momentum 0.75 on the same batch again and again; ratios of the specification."""
    plain = float(_ghmc(backend)[0])
    published, debiased = None, None
    for known in (4.0, 2.2857, 1.7297, 1.4629):
        loss, published = _ghmc(backend, published, momentum=0.75, debias=False)
        assert float(loss) / plain == pytest.approx(known, abs=5e-5)
        loss, debiased = _ghmc(backend, debiased, momentum=0.75)
        assert float(loss) == pytest.approx(plain, rel=1e-14)


@backends
def test_last_bin_is_closed(backend):
    loss, state = _ghmc(
        backend,
        logits=np.array([np.inf, 50.0]),
        labels=np.zeros(2),
        bins=4,
        reduction="none",
    )
    np.testing.assert_array_equal(to_numpy(state.counts), [0, 0, 0, 2])
    np.testing.assert_array_equal(to_numpy(loss), [np.inf, 50.0])


@backends
def test_exact_edges_belong_to_the_upper_bin(backend):
    labels = np.array([0.5, 0.25, 0.75, 1.0, 0.0])
    _, state = _ghmc(backend, logits=np.zeros(5), labels=labels, bins=4)
    np.testing.assert_array_equal(to_numpy(state.counts), [1, 2, 2, 0])


@backends
def test_masked_elements_are_as_if_dropped(backend):
    mask = np.array([True, True, False, True, True, False, True])
    logits = np.where(mask, LOGITS, np.nan)
    loss, state = _ghmc(backend, logits=logits, sample_mask=mask)
    dropped, other = _ghmc(backend, logits=LOGITS[mask], labels=LABELS[mask])
    assert float(loss) == pytest.approx(float(dropped), rel=1e-15)
    np.testing.assert_array_equal(to_numpy(state.counts), to_numpy(other.counts))
    nothing, _ = _ghmc(backend, sample_mask=np.zeros(7, bool))
    assert float(nothing) == 0.0


@backends
def test_bins_without_elements_keep_their_average(backend):
    _, first = _ghmc(backend, momentum=0.5)
    _, second = _ghmc(
        backend, first, logits=np.full(3, -4.0), labels=np.zeros(3), momentum=0.5
    )
    before, after = to_numpy(first.counts), to_numpy(second.counts)
    np.testing.assert_array_equal(before[1:], after[1:])
    assert after[0] == 0.5 * before[0] + 0.5 * 3
    assert to_numpy(second.updates).tolist()[0] == 2


@compiled
def test_weights_are_constants_for_the_gradient(backend):
    x, y = backend.array(LOGITS), backend.array(LABELS)

    def total(x):
        return backend.loss(GHMC)(x, y, reduction="sum")[0]

    (gradient,) = backend.grad(total, x)
    expected = getattr(NUMPY.module, f"{GHMC}_grad")(LOGITS, LABELS)
    np.testing.assert_allclose(to_numpy(gradient), expected, rtol=1e-14)


@backends
def test_counts_of_all_shards_make_the_weights(backend):
    whole, _ = _ghmc(backend, reduction="sum")
    _, other = _ghmc(backend, logits=LOGITS[:3], labels=LABELS[:3])
    counts = to_numpy(other.counts).astype(int)
    shard, state = _ghmc(
        backend,
        logits=LOGITS[3:],
        labels=LABELS[3:],
        reduce_counts=lambda own: own + backend.exact(counts),
        reduction="none",
    )
    each = to_numpy(_ghmc(backend, reduction="none")[0])
    np.testing.assert_allclose(to_numpy(shard), each[3:], rtol=1e-15)
    assert to_numpy(state.counts).sum() == 7
    assert float(whole) == pytest.approx(each.sum(), rel=1e-15)


@backends
def test_regression_is_smooth_and_bounded(backend):
    d = np.array([0.0, 1e-12, -1e-12, 0.02, -1e30, np.inf, np.nan])
    targets = backend.array(np.zeros(7))
    loss, state = backend.loss(GHMR)(backend.array(d), targets, reduction="none")
    counts = to_numpy(state.counts)
    assert counts.tolist() == [3, 0, 0, 0, 0, 0, 0, 1, 0, 2]
    # d^2 / 2 mu near 0, where sqrt(d^2 + mu^2) - mu would be 0.
    small = 6 / 3 / 3 * 1e-24 / 0.04
    np.testing.assert_allclose(to_numpy(loss)[:3], [0, small, small], rtol=1e-14)
    np.testing.assert_allclose(to_numpy(loss)[4], 1e30, rtol=1e-14)
    assert to_numpy(loss)[5] == np.inf
    assert np.isnan(to_numpy(loss)[6])


@backends
def test_missed_peak_keeps_its_gradient(backend):
    """CenterNet's clamp gives 9.2085 and 0 here."""
    x, h = backend.array([-12.0]), backend.array([1.0])
    assert float(backend.loss(HEATMAP)(x, h)) == pytest.approx(11.99986, abs=5e-6)
    if backend is NUMPY:
        gradient = getattr(backend.module, f"{HEATMAP}_grad")(x, h)
    else:
        (gradient,) = backend.grad(lambda x: backend.loss(HEATMAP)(x, h), x)
    assert to_numpy(gradient)[0] == pytest.approx(-1.0001, abs=5e-5)


@backends
def test_heat_map_divides_by_its_peaks(backend):
    x, h = backend.array([0.5, -1.0, 2.0]), [1.0, 0.25, 1.0]
    loss = backend.loss(HEATMAP)
    total, peaks = loss(x, backend.array(h), reduction="parts")
    assert float(peaks) == 2
    assert float(loss(x, backend.array(h))) == float(total) / 2
    cold = backend.array([0.0, 0.25, 0.5])
    total, peaks = loss(x, cold, reduction="parts")
    assert float(peaks) == 0
    assert float(loss(x, cold)) == float(total) > 0
    mask = backend.exact(np.array([False, True, False]))
    _, peaks = loss(x, cold, pos_mask=mask, reduction="parts")
    assert float(peaks) == 1


@backends
def test_probabilities_are_clamped_as_in_pytorch(backend):
    p, y = backend.array([0.0, 1.0, 0.25, 1.0]), backend.array([1.0, 0.0, 1.0, 1.0])
    value = to_numpy(backend.loss(BCE)(p, y, reduction="none"))
    np.testing.assert_allclose(value, [100.0, 100.0, np.log(4), 0.0], rtol=1e-15)
    if backend is NUMPY:
        gradient = getattr(backend.module, f"{BCE}_grad")(p, y)
    else:
        (gradient,) = backend.grad(
            lambda p: backend.loss(BCE)(p, y, reduction="sum"), p
        )
    np.testing.assert_allclose(to_numpy(gradient), [0.0, 0.0, -4.0, -1.0], rtol=1e-15)


@backends
def test_mining_takes_the_largest_in_a_stable_order(backend):
    losses = np.array([0.5, 2.0, np.inf, 2.0, 0.0, -0.0, np.nan, 1.0, 2.0, 0.1])
    mine = backend.loss(MINING)
    indices, mask = mine(backend.array(losses), fraction=0.5)
    assert to_numpy(indices).tolist() == [2, 6, 1, 3, 8]
    assert np.flatnonzero(to_numpy(mask)).tolist() == [1, 2, 3, 6, 8]
    for fraction, k in ((0.01, 1), (0.2, 2), (0.25, 3), (0.24, 2), (1.0, 10)):
        indices, mask = mine(backend.array(losses), fraction=fraction)
        assert indices.shape == (k,)
        assert to_numpy(mask).sum() == k
    indices, mask = mine(backend.array(np.zeros(0)))
    assert indices.shape == mask.shape == (0,)


@compiled
@pytest.mark.parametrize(("count", "update"), [(-5.0, 1), (np.nan, 1), (3.0, -1)])
def test_bad_state_poisons_its_bins(backend, count, update):
    state = backend.array([1.0, count]), backend.exact(np.array([1, update]))
    loss, _ = _ghmc(
        backend,
        state,
        logits=np.array([2.0, -2.0, 2.0]),
        labels=np.array([1.0, 1.0, 1.0]),
        bins=2,
        momentum=0.5,
        reduction="none",
    )
    np.testing.assert_array_equal(np.isnan(to_numpy(loss)), [False, True, False])


@pytest.mark.parametrize("backend", [NUMPY], ids=str)
def test_reference_refuses_a_bad_state(backend):
    state = np.array([1.0, -5.0]), np.array([1, 1])
    with pytest.raises(ValueError, match="state counts must be finite and >= 0"):
        backend.module.ghmc_loss(LOGITS, LABELS, state, bins=2)

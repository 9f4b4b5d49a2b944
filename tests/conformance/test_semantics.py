"""Every identity holds for the reference, and a planted fault breaks the right one."""

from fnmatch import fnmatchcase

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import refimpl
from conformance.adapters import from_functions, resolve
from conformance.profiles.evaluate import ask
from conformance.profiles.semantics import IDENTITIES, units
from conformance.profiles.unit import Scope
from conformance.registry import OPERATIONS

BCE, FOCAL = "binary_cross_entropy_with_logits", "sigmoid_focal_loss"
ADAPTIVE, HEATMAP = "adaptive_bce_with_logits", "heatmap_focal_loss"
CE, SOFTMAX = "cross_entropy", "softmax_focal_loss"
GHMC, MINING = "ghmc_loss", "hard_example_mining"
RIGHT = {name: getattr(refimpl, name) for name in refimpl.__all__ if name.islower()}
bce, focal, ce, ghmc = (RIGHT[name] for name in (BCE, FOCAL, CE, GHMC))


def results(adapter, operation, *, quick=False, limit=8.0):
    scope = Scope(operation, [], [], adapter.start(), quick=quick)
    for check in units(scope):
        yield from check.run(lambda asked: ask(adapter, asked), "any", "cpu", limit)


def planted(operation, fault):
    return from_functions({**RIGHT, operation: fault}, framework="numpy")


@pytest.mark.parametrize("name", ["numpy", "torch"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_identities_hold(name, operation):
    found = list(results(resolve(name), operation))
    assert len(found) > 5
    assert not [r for r in found if r.status != "pass"]
    assert all(r.compared for r in found)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_identities_hold_in_jax(operation):
    found = list(results(resolve("jax"), operation, quick=True))
    assert found
    assert not [r for r in found if r.status != "pass"]


def test_names_are_unique_and_need_no_quotes():
    paths = [identity.check("float64").path for identity in IDENTITIES]
    assert len(set(paths)) == len(paths)
    assert all(path.isprintable() and not set(path) & set(" '\"*()") for path in paths)


def normalised_weights(x, y, *, sample_weight=None, **options):
    weight = None if sample_weight is None else sample_weight / sample_weight.mean()
    return bce(x, y, sample_weight=weight, **options)


def smoothing_to_zero(x, y, *, label_smoothing=0.0, **options):
    return bce(x, y * (1 - label_smoothing), **options)


def no_smoothing(x, y, *, label_smoothing=0.0, **options):
    return bce(x, y, label_smoothing=0 * label_smoothing, **options)


def default_axis(x, y, *, class_axis=-1, **options):
    del class_axis
    weight = np.resize(options.pop("pos_weight", 1.0), x.shape[-1:] or (1,))
    return bce(x, y, pos_weight=weight, **options)


def hardened(x, y, **options):
    return bce(x, np.round(y), **options)


def gamma_or_two(x, y, *, gamma=2.0, **options):
    return focal(x, y, gamma=gamma or 2.0, **options)


def alpha_for_both(x, y, *, alpha=None, reduction="mean", **options):
    loss = focal(x, y, reduction=reduction, **options)
    return loss if alpha is None else alpha * loss


def swapped_alpha(x, y, *, alpha=None, **options):
    return focal(x, y, alpha=None if alpha is None else 1 - alpha, **options)


def one_modulator(x, y, *, modulator="probability", **options):
    del modulator
    return RIGHT[ADAPTIVE](x, y, **options)


def no_mask(x, h, *, pos_mask=None, **options):
    del pos_mask
    return RIGHT[HEATMAP](x, h, **options)


def over_elements(x, h, *, reduction="mean", **options):
    if reduction != "mean":
        return RIGHT[HEATMAP](x, h, reduction=reduction, **options)
    return RIGHT[HEATMAP](x, h, reduction="sum", **options) / x.size


def ignored_in_the_mean(x, y, *, reduction="mean", **options):
    if reduction != "mean" or y.dtype.kind == "f":
        return ce(x, y, reduction=reduction, **options)
    return ce(x, y, reduction="sum", **options) / y.size


def weight_of_the_label(x, y, *, class_weights=None, **options):
    if class_weights is None or y.dtype.kind == "f":
        return ce(x, y, class_weights=class_weights, **options)
    options["sample_weight"] = class_weights[np.maximum(y, 0)]
    return ce(x, y, **options)


def spread_over_all(x, y, *, smoothing="uniform", **options):
    del smoothing
    return ce(x, y, **options)


def one_hot_by_count(x, y, *, normalizer="weights", **options):
    return ce(
        x, y, normalizer="count" if y.dtype.kind == "f" else normalizer, **options
    )


def weights_in_the_normalizer(x, y, *, sample_weight=None, **options):
    found = ce(x, y, sample_weight=sample_weight, **options)
    if options.get("reduction") != "parts" or sample_weight is None:
        return found
    return found[0], sample_weight.sum()


def always_by_count(x, y, *, normalizer="count", **options):
    del normalizer
    return RIGHT[SOFTMAX](x, y, **options)


def always_debiased(x, y, state=None, *, debias=True, **options):
    del debias
    return ghmc(x, y, state, **options)


def never_debiased(x, y, state=None, *, debias=True, **options):
    del debias
    return ghmc(x, y, state, debias=False, **options)


def forgetful(x, y, state=None, **options):
    del state
    return ghmc(x, y, **options)


def counts_what_is_masked(x, y, state=None, *, sample_mask=None, **options):
    loss, state = ghmc(x, y, state, **options)
    return loss if sample_mask is None else loss * sample_mask, state


def over_filled_bins(x, y, state=None, *, average_over="nonempty", **options):
    del average_over
    return ghmc(x, y, state, **options)


def last_of_ties(losses, *, fraction=0.2):
    indices, mask = RIGHT[MINING](losses[::-1], fraction=fraction)
    return len(losses) - 1 - indices, mask[::-1]


def rounded_down(losses, *, fraction=0.2):
    return RIGHT[MINING](losses, fraction=max(int(fraction * len(losses)), 1) / 12)


def unordered(losses, *, fraction=0.2):
    indices, mask = RIGHT[MINING](losses, fraction=fraction)
    return np.sort(indices), mask


def in_place(x, y, **options):
    loss = focal(x, y, **options)
    np.multiply(y, 0.5, out=y)
    return loss


def assumes_contiguous(x, y, **options):
    steps = np.empty(x.shape).strides
    return focal(as_strided(x, x.shape, steps), y, **options)


def assumes_row_major(x, y, **options):
    return focal(x.ravel(order="K").reshape(x.shape), y, **options)


CATALOGUE = [
    (BCE, normalised_weights, "sample_weight-is-a-factor"),
    (BCE, normalised_weights, "sample_weight-is-linear"),
    (BCE, smoothing_to_zero, "smoothing-moves-labels-towards-one-half"),
    (BCE, no_smoothing, "smoothing-changes-the-loss"),
    (BCE, default_axis, "class_axis-moves-the-classes"),
    (BCE, hardened, "labels-are-linear"),
    (FOCAL, gamma_or_two, "gamma-0-is-cross-entropy"),
    (FOCAL, alpha_for_both, "alpha-is-the-weight-of-the-positive-class"),
    (FOCAL, swapped_alpha, "alpha-is-the-weight-of-the-positive-class"),
    (FOCAL, in_place, "inputs-unchanged-contiguous"),
    (FOCAL, assumes_contiguous, "strided-arrays"),
    (FOCAL, assumes_row_major, "transposed-arrays"),
    (ADAPTIVE, one_modulator, "modulators-differ-under-a-weight"),
    (HEATMAP, no_mask, "the-mask-decides-what-is-a-peak"),
    (HEATMAP, over_elements, "mean-without-peaks-is-the-sum"),
    (CE, ignored_in_the_mean, "ignored-is-dropped-under-mean-count"),
    (CE, weight_of_the_label, "weight-of-the-label-*-differs-*"),
    (CE, spread_over_all, "smoothing-modes-differ"),
    (CE, spread_over_all, "smoothing-moves-the-probabilities-off_target"),
    (CE, one_hot_by_count, "one-hot-is-index-under-mean-weights"),
    (CE, weights_in_the_normalizer, "sample_weight-stays-out-of-the-normalizer"),
    (CE, weights_in_the_normalizer, "mean-is-total-over-normalizer"),
    (SOFTMAX, always_by_count, "mean-divides-by-weights"),
    (GHMC, always_debiased, "published-average-of-the-same-batch"),
    (GHMC, never_debiased, "debiased-average-of-the-same-batch"),
    (GHMC, forgetful, "empty-bins-keep-their-state"),
    (GHMC, counts_what_is_masked, "masked-is-dropped"),
    (GHMC, over_filled_bins, "average-over-bins-and-over-filled-bins"),
    (MINING, last_of_ties, "ties-go-to-the-smaller-index"),
    (MINING, rounded_down, "half-an-example-is-one"),
    (MINING, unordered, "negative-and-infinite-losses"),
]


@pytest.mark.parametrize(
    ("operation", "fault", "name"),
    CATALOGUE,
    ids=[f"{fault.__name__}-{name}" for _, fault, name in CATALOGUE],
)
def test_fault_breaks_the_identity_it_denies(operation, fault, name):
    path = f"{operation}/semantics/{name}"
    failed = [
        r for r in results(planted(operation, fault), operation) if r.status == "fail"
    ]
    assert [r for r in failed if fnmatchcase(r.group, path)], {r.group for r in failed}
    assert all(r.reason and r.failed for r in failed)


def test_wrong_gradient_breaks_identities_of_gradients_alone():
    def doubled(*arguments, **options):
        return 2 * RIGHT[f"{FOCAL}_grad"](*arguments, **options)

    adapter = from_functions({**RIGHT, f"{FOCAL}_grad": doubled}, framework="numpy")
    failed = {
        (r.output, r.group) for r in results(adapter, FOCAL) if r.status == "fail"
    }
    assert {output for output, _ in failed} == {"grad"}
    assert ("grad", f"{FOCAL}/semantics/gamma-0-is-cross-entropy") in failed


def state_of(change):
    def changed(x, y, state=None, *, momentum=0.0, **options):
        loss, after = ghmc(x, y, state, momentum=momentum, **options)
        return loss, change(after) if momentum else after

    return changed


BAD_STATES = {
    "nan": lambda s: s._replace(counts=s.counts * np.nan),
    "infinite": lambda s: s._replace(counts=s.counts + np.inf),
    "negative": lambda s: s._replace(counts=-1 - s.counts),
    "negative updates": lambda s: s._replace(updates=-1 - s.updates),
    "too short": lambda s: s._replace(counts=s.counts[1:], updates=s.updates[1:]),
}


@pytest.mark.parametrize("name", BAD_STATES)
def test_state_that_none_may_have_is_a_deviation_and_no_fault(name):
    # Handed back, it would rightly be refused, and the refusal taken for a fault.
    adapter = planted(GHMC, state_of(BAD_STATES[name]))
    found = list(results(adapter, GHMC))
    assert not [r for r in found if r.status == "errored"]
    for average in ("debiased", "published"):
        path = f"{GHMC}/semantics/{average}-average-of-the-same-batch"
        failed = [r for r in found if r.group == path and r.status == "fail"]
        assert failed
        assert all(r.output.startswith("state_") and r.lost for r in failed)

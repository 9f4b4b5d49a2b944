import numpy as np
import pytest

import refimpl
from conformance.training import claims
from conformance.training.claims import AS_PRINTED, PRINTED_CLASS_WEIGHTS
from refimpl.weights import (
    count_positives,
    effective_number,
    init_positive_counts,
    inverse_frequency,
    inverse_square_root,
    pos_weight,
)

COUNTS = (900, 90, 10)
LOGITS = np.array([2.0, -1.0, 0.5, -3.0])
LABELS = np.array([1.0, 1.0, 0.0, 0.0])
SOFT = np.array([0.7, 0.2, 0.0, 1.0])


def library_bce(labels, pos_weight=None, reduction="none"):
    return refimpl.binary_cross_entropy_with_logits(
        LOGITS, labels, pos_weight=pos_weight, reduction=reduction
    )


@pytest.mark.parametrize("claim", AS_PRINTED)
def test_docstring_begins_with_its_claims(claim):
    first = (AS_PRINTED[claim].__doc__ or "").splitlines()[0]
    assert first.startswith("Claim")
    assert claim in first.partition(":")[0]


def test_a1_agrees_on_hard_labels_alone():
    printed = claims.label_weighted_bce(LOGITS, LABELS, pos_weight=5.0)
    np.testing.assert_allclose(printed, library_bce(LABELS, 5.0), rtol=1e-15)
    printed = claims.label_weighted_bce(LOGITS, SOFT, pos_weight=5.0)
    ratio = printed / library_bce(SOFT, 5.0)
    assert ratio[0] > 1.5
    assert ratio[1] < 0.5
    np.testing.assert_allclose(ratio[2:], 1, rtol=1e-15)


def test_a5_reads_off_a_power_of_the_probability():
    loss, pt = claims.adaptive_bce(LOGITS, LABELS, pos_weight=5.0)
    p = 1 / (1 + np.exp(-LOGITS))
    np.testing.assert_allclose(pt, [*p[:2] ** 5, *(1 - p[2:])], rtol=1e-14)
    options = {"pos_weight": 5.0, "gamma": 2.0, "reduction": "none"}
    default = refimpl.adaptive_bce_with_logits(LOGITS, LABELS, **options)
    option = refimpl.adaptive_bce_with_logits(
        LOGITS, LABELS, modulator="weighted_loss", **options
    )
    np.testing.assert_allclose(loss, option, rtol=1e-13)
    assert (loss[:2] > 1.5 * default[:2]).all()
    np.testing.assert_allclose(loss[2:], default[2:], rtol=1e-13)


def test_b1_gives_the_rare_class_the_smallest_weight():
    rates = np.array([0.01, 0.02, 0.05, 0.1, 0.2])
    labels = (np.arange(100)[:, None] < rates * 100).astype(float)
    right = pos_weight(*count_positives(init_positive_counts(5), labels))
    inverted = claims.inverted_pos_weight(labels)
    np.testing.assert_allclose(right, [99.0, 49.0, 19.0, 9.0, 4.0])
    np.testing.assert_allclose(inverted, 1 / right)


def test_b6_class_without_positives_stays_finite():
    labels = np.zeros((200, 1))
    assert pos_weight(*count_positives(init_positive_counts(), labels)) == 100.0
    assert claims.inverted_pos_weight(labels) == 1e-3


def test_c1_prints_other_weights_than_it_states():
    stated, printed = inverse_frequency(COUNTS), claims.rarest_over_count(COUNTS)
    np.testing.assert_allclose(stated, [0.029703, 0.297030, 2.673267], atol=5e-7)
    np.testing.assert_allclose(
        printed, PRINTED_CLASS_WEIGHTS["inverse_frequency"], atol=5e-5
    )
    np.testing.assert_allclose(printed, stated / stated.max())


def test_c2_prints_figures_of_no_beta():
    stated = effective_number(COUNTS, normalization=None)
    np.testing.assert_allclose(stated, [0.0016846, 0.0116131, 0.1004508], atol=5e-8)
    printed = PRINTED_CLASS_WEIGHTS["effective_number"]
    errors = [
        np.abs(effective_number(COUNTS, beta=beta, normalization=None) / printed - 1)
        for beta in 1 - np.logspace(-8, -0.01, 400)
    ]
    assert np.max(errors, axis=1).min() > 0.03
    assert printed[2] == PRINTED_CLASS_WEIGHTS["inverse_square_root"][1]


def test_c3_holds():
    weights = inverse_square_root(COUNTS, normalization=None)
    printed = PRINTED_CLASS_WEIGHTS["inverse_square_root"]
    np.testing.assert_allclose(weights, printed, atol=5e-5)


def test_c4_has_two_smoothings():
    onehot = np.array([1.0, 0.0])
    np.testing.assert_allclose(claims.manually_smoothed(onehot, 0.1), [0.9, 0.1])
    formula = onehot * (1 - 0.1) + 0.1 / 2
    np.testing.assert_allclose(formula, [0.95, 0.05])


def test_c4_both_are_the_librarys():
    logits, onehot = np.array([[2.0, 0.0, -1.0]]), np.array([[1.0, 0.0, 0.0]])
    for smoothing, labels in (
        ("off_target", claims.manually_smoothed(onehot, 0.1)),
        ("uniform", onehot * (1 - 0.1) + 0.1 / 3),
    ):
        smoothed = refimpl.cross_entropy(
            logits, np.array([0]), label_smoothing=0.1, smoothing=smoothing
        )
        assert smoothed == pytest.approx(refimpl.cross_entropy(logits, labels))


def test_c9_differs_from_the_mean_over_weights():
    losses, weights = np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 7.0])
    assert claims.weighted_mean_over_count(losses, weights) == 8.0
    assert np.average(losses, weights=weights) == pytest.approx(24 / 9)


def test_c9_both_are_the_librarys():
    logits, labels = np.array([[2.0, 0.0], [1.0, 3.0], [0.5, 0.5]]), np.array([0, 0, 1])
    weights = np.array([1.0, 9.0])
    losses = refimpl.cross_entropy(logits, labels, reduction="none")
    by_count = refimpl.cross_entropy(
        logits, labels, class_weights=weights, normalizer="count"
    )
    printed = claims.weighted_mean_over_count(losses, weights[labels])
    assert by_count == pytest.approx(printed)
    by_weights = refimpl.cross_entropy(logits, labels, class_weights=weights)
    assert by_weights == pytest.approx(np.average(losses, weights=weights[labels]))


def test_d3_is_bounded_and_no_fix_in_half_precision():
    probs, labels = np.array([0.0, 1.0, 1e-3]), np.array([1.0, 0.0, 1.0])
    loss = claims.bce_of_shifted_probabilities(probs, labels)
    np.testing.assert_allclose(loss[:2], 16.118, atol=5e-4)
    assert refimpl.binary_cross_entropy_with_logits(
        np.array([-40.0]), np.ones(1)
    ) == pytest.approx(40)
    half = claims.bce_of_shifted_probabilities(
        np.array([1e-3], np.float16), np.zeros(1)
    )
    plain = -np.log(1 - np.array([1e-3], np.float16))
    assert half.dtype == np.float16
    assert half == plain


def test_d6_is_a_product_of_means():
    printed = claims.where_weighted_bce(LOGITS, LABELS, pos_weight=5.0)
    weights = np.where(LABELS == 1, 5.0, 1.0)
    assert printed.mean() == pytest.approx(weights.mean() * library_bce(LABELS).mean())
    assert printed.mean() < 0.9 * library_bce(LABELS, 5.0, "mean")
    unreduced = claims.where_weighted_bce(LOGITS, LABELS, pos_weight=5.0, reduced=False)
    np.testing.assert_allclose(unreduced, library_bce(LABELS, 5.0), rtol=1e-15)
    unreduced = claims.where_weighted_bce(LOGITS, SOFT, pos_weight=5.0, reduced=False)
    np.testing.assert_allclose(unreduced[:2], library_bce(SOFT)[:2], rtol=1e-15)


def test_d7_is_a_constant_factor():
    printed = claims.focal_with_one_alpha(LOGITS, LABELS, alpha=0.25)
    off = refimpl.sigmoid_focal_loss(LOGITS, LABELS, reduction="none")
    own = refimpl.sigmoid_focal_loss(LOGITS, LABELS, alpha=0.25, reduction="none")
    np.testing.assert_allclose(printed / off, 0.25, rtol=1e-15)
    np.testing.assert_allclose(own / off, [0.25, 0.25, 0.75, 0.75], rtol=1e-15)


def test_d9_fails_on_uneven_shards_and_weights():
    losses = [np.array([1.0, 2.0, 3.0]), np.array([10.0])]
    assert claims.mean_of_batch_means(losses) == 6.0
    assert np.concatenate(losses).mean() == 4.0
    even = [np.array([1.0, 2.0]), np.array([3.0, 10.0])]
    assert claims.mean_of_batch_means(even) == 4.0


def test_d9_two_shards_of_known_value():
    logits = np.array([[2.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.5, 0.0]])
    labels, weights = np.array([0, 0, 0, 1]), np.array([1.0, 1.0, 1.0, 9.0])
    losses = refimpl.cross_entropy(logits, labels, reduction="none")
    halves = claims.mean_of_batch_means(np.split(losses, 2), np.split(weights, 2))
    assert halves == pytest.approx(0.614045152, abs=5e-10)
    class_weights = np.array([1.0, 9.0])
    parts = [
        refimpl.cross_entropy(
            logits[half], labels[half], class_weights=class_weights, reduction="parts"
        )
        for half in (slice(0, 2), slice(2, 4))
    ]
    total, normalizer = np.sum(parts, axis=0)
    assert total / normalizer == pytest.approx(0.876678687, abs=5e-10)
    whole = refimpl.cross_entropy(logits, labels, class_weights=class_weights)
    assert whole == pytest.approx(total / normalizer)


def test_e1_depends_on_what_is_added_up():
    assert round(100 * claims.loss_share_of_negatives(), 1) == 85.4
    assert round(100 * claims.loss_share_of_negatives(summed=True), 1) == 98.3


def test_e5_hardest_example_falls_out():
    logits, labels = np.array([-800.0, 2.0, -3.0]), np.array([1.0, 1.0, 1.0])
    loss, counts = claims.ghmc(logits, labels, momentum=0.0)
    assert loss[0] == 0.0
    assert (loss[1:] > 0).all()
    assert counts.sum() == 2


def test_e5_weights_sum_to_bins_times_examples():
    loss, counts = claims.ghmc(LOGITS, LABELS, momentum=0.0)
    weights = loss / library_bce(LABELS)
    assert weights.sum() == pytest.approx(LOGITS.size * np.count_nonzero(counts))
    assert np.count_nonzero(counts) == 4


def test_e5_first_batches_weigh_too_much():
    unaveraged, _ = claims.ghmc(LOGITS, LABELS, momentum=0.0)
    counts, ratios = None, []
    for _ in range(4):
        loss, counts = claims.ghmc(LOGITS, LABELS, counts, momentum=0.75)
        ratios.append(loss.sum() / unaveraged.sum())
    np.testing.assert_allclose(ratios, [4.0, 2.2857, 1.7297, 1.4629], atol=5e-5)


def test_e5_without_its_faults_is_the_librarys():
    counts, state = None, None
    for _ in range(3):
        printed, counts = claims.ghmc(LOGITS, LABELS, counts, momentum=0.75)
        own, state = refimpl.ghmc_loss(
            LOGITS, LABELS, state, momentum=0.75, debias=False, reduction="none"
        )
        np.testing.assert_allclose(printed, np.count_nonzero(counts) * own, rtol=1e-12)
    hardest, _ = refimpl.ghmc_loss(np.array([-800.0, 2.0]), np.ones(2))
    assert hardest > 400


def test_e5_debiasing_gives_no_batch_too_much():
    first, state = refimpl.ghmc_loss(LOGITS, LABELS, momentum=0.75)
    second, _ = refimpl.ghmc_loss(LOGITS, LABELS, state, momentum=0.75)
    unaveraged, _ = refimpl.ghmc_loss(LOGITS, LABELS)
    assert first == pytest.approx(unaveraged)
    assert second == pytest.approx(unaveraged)


def test_e8_breaks_where_a_probability_rounds():
    logits = np.array([40.0, 40.0, 3.0])
    labels = np.array([1.0, 0.0, 1.0])
    printed = claims.focal_of_probabilities(1 / (1 + np.exp(-logits)), labels)
    assert np.isnan(printed[0])
    assert np.isinf(printed[1])
    own = refimpl.sigmoid_focal_loss(logits, labels, alpha=0.25, reduction="none")
    assert np.isfinite(own).all()
    assert printed[2] == pytest.approx(own[2])

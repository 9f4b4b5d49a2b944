import re
from typing import Any

import numpy as np
import pytest
import torch

import refimpl
from refimpl.weights import (
    effective_number,
    explain_pos_weight,
    explain_weights,
    inverse_frequency,
    inverse_square_root,
    pos_weight,
)

COUNTS = np.array([900, 90, 10])


def notes(counts, weights, **options):
    return explain_weights(counts, weights, **options).notes


def label_notes(positives, negatives, weights, **options):
    return explain_pos_weight(positives, negatives, weights, **options).notes


def test_numbers_of_class_weights():
    weights = np.array([0.5, 1.0, 9.0])
    report = explain_weights(COUNTS, torch.tensor(weights))
    assert (report.ratio, report.weight_ratio) == (90, 18)
    np.testing.assert_allclose(report.prior, [0.9, 0.09, 0.01])
    np.testing.assert_allclose(report.effective_prior, np.array([45, 9, 9]) / 63)
    each = np.repeat(weights, COUNTS)
    assert report.effective_size == pytest.approx(each.sum() ** 2 / (each**2).sum())
    assert report.notes == ()


def test_effective_prior_is_what_the_loss_is_least_at():
    weights = np.array([0.5, 1.0, 9.0])
    labels = np.repeat(np.arange(3), COUNTS)
    prior = explain_weights(COUNTS, weights).effective_prior
    logits = np.broadcast_to(np.log(prior), (labels.size, 3))
    gradient = refimpl.cross_entropy_grad(logits, labels, class_weights=weights)
    np.testing.assert_allclose(gradient.sum(axis=0), 0, atol=1e-10)


def test_effective_prior_of_positives_is_what_the_loss_is_least_at():
    prior = explain_pos_weight(30, 970, 7.0).effective_prior
    labels = np.repeat([1.0, 0.0], [30, 970])
    logits = np.full(1000, np.log(prior / (1 - prior)))
    gradient = refimpl.binary_cross_entropy_with_logits_grad(
        logits, labels, pos_weight=7.0
    )
    assert gradient.sum() == pytest.approx(0, abs=1e-10)


def test_numbers_of_pos_weight():
    report = explain_pos_weight([20, 3], [80, 997], [2.0, 50.0])
    np.testing.assert_allclose(report.ratio, [4, 997 / 3])
    assert report.weight_ratio.tolist() == [2, 50]
    np.testing.assert_allclose(report.prior, [0.2, 0.003])
    np.testing.assert_allclose(report.effective_prior, [40 / 120, 150 / 1147])
    each = np.repeat([50.0, 1.0], [3, 997])
    expected = each.sum() ** 2 / (each**2).sum()
    assert report.effective_size[1] == pytest.approx(expected)
    single = explain_pos_weight(20, 80, 2.0)
    assert single.effective_size == report.effective_size[0]
    assert isinstance(single.ratio, float)


@pytest.mark.parametrize(
    "formula", [inverse_frequency, effective_number, inverse_square_root]
)
@pytest.mark.parametrize("normalization", ["sum", "mean", None])
def test_weights_of_the_formulas_need_no_note(formula, normalization):
    assert notes(COUNTS, formula(COUNTS, normalization=normalization)) == ()


def test_balance_has_the_uniform_prior():
    report = explain_weights([900, 90, 0, 10], inverse_frequency([900, 90, 0, 10]))
    np.testing.assert_allclose(report.effective_prior, np.array([1, 1, 0, 1]) / 3)
    assert report.weight_ratio == pytest.approx(report.ratio)
    report = explain_pos_weight(
        [30, 700], [970, 300], pos_weight([30, 700], [970, 300])
    )
    np.testing.assert_allclose(report.effective_prior, 0.5)
    assert report.notes == ()


@pytest.mark.parametrize("scale", [1e-3, 1, 50])
def test_inverted_class_weights_are_named(scale):
    (note,) = notes(COUNTS, scale * np.sqrt(COUNTS))
    expected = f"class 2 with 10 examples weighs {scale * 10**0.5:.4g}"
    assert "inverted" in note
    assert expected in note
    assert "class 0 with 900 examples" in note


def test_over_correction_is_named():
    weights = inverse_frequency(COUNTS) ** 2
    (note,) = notes(COUNTS, weights)
    # 1 / 900, 1 / 90 and 1 / 10 once more: the rarest has 90 of 101 parts.
    assert "over-correct" in note
    assert "class 2 is the rarest, with 0.01 of the examples" in note
    assert "0.891 of the weighted loss, where balance is 0.333" in note
    slightly = inverse_frequency(COUNTS) * [1, 1, 1.005]
    assert notes(COUNTS, slightly) == ()


def test_equal_weights_are_named():
    (note,) = notes(COUNTS, [0.5, 0.5, 0.5])
    assert "all equal" in note
    assert "ratio of 90" in note
    assert notes([50, 50], [0.5, 0.5]) == ()


@pytest.mark.parametrize(
    ("beta", "message"),
    [
        (0.5, "from 10 on, lie far above 1 / (1 - beta) = 2, so the weights are equal"),
        (1 - 1e-6, "up to 900, lie far below 1 / (1 - beta) = 1e+06, so the weights"),
        (1, "lie far below 1 / (1 - beta) = inf"),
    ],
)
def test_beta_without_effect_is_named(beta, message):
    for normalization in ("sum", None):
        weights = effective_number(COUNTS, beta=beta, normalization=normalization)
        note = notes(COUNTS, weights, beta=beta)[-1]
        assert f"beta = {float(beta)!r} has no effect at these counts" in note
        assert message in note


@pytest.mark.parametrize("beta", [0.9, 0.99, 0.999, 0.9999])
def test_beta_with_effect_is_not_named(beta):
    weights = effective_number(COUNTS, beta=beta)
    assert notes(COUNTS, weights, beta=beta) == ()


def test_classes_out_of_play_are_named():
    found = notes([5, 0, 9, *[0] * 7], [1.8, 1, 0, *[1] * 7])
    assert found == (
        "No examples, so the weight is a guess, in classes 1, 3, 4, 5, 6 and 3 more.",
        "Weight 0, so the examples do not train, in class 2.",
        "The weights over-correct: class 0 is the rarest, with 0.357 of the examples, "
        "and has 1 of the weighted loss, where balance is 0.5.",
    )
    assert np.isnan(explain_weights([5, 3], [0, 0]).effective_prior).all()


def test_class_without_examples_has_no_say_in_the_other_notes():
    (note,) = notes([900, 0, 100], [1, 1, 9])
    assert "No examples" in note
    assert "where balance is 0.5" in notes([900, 0, 100], [1, 1, 10])[1]
    assert "all equal" in notes([900, 0, 100], [2, 7, 2])[1]
    weights = effective_number([900, 0, 100], beta=0.5)
    assert "beta = 0.5 has no effect" in notes([900, 0, 100], weights, beta=0.5)[-1]


@pytest.mark.parametrize(
    ("positives", "negatives", "weight", "headline"),
    [
        (100, 500, 0.2, "The weight looks inverted"),
        (500, 100, 5.0, "The weight looks inverted"),
        (100, 500, 5.1, "The weight over-corrects"),
        (500, 100, 0.19, "The weight over-corrects"),
        (100, 500, 1.0, "Weight 1, which is no weighting, for rare positives"),
        (100, 500, 0.0, "Weight 0, so the positives do not train,"),
        (500, 100, 0.0, "Weight 0, so the positives do not train,"),
        (0, 0, 0.0, "No positives, so the weight is a guess,"),
        (0, 500, 100.0, "No positives, so the weight is a guess,"),
        (500, 0, 0.0, "No negatives, so nothing can be learned,"),
        (1, 500, 100.0, "The cap of 100 is reached"),
    ],
)
def test_ailment_of_a_label_is_named(positives, negatives, weight, headline):
    (note,) = label_notes(positives, negatives, weight)
    assert note.startswith(f"{headline} in label 0: label 0 with {positives} positives")
    assert f"{negatives} negatives has weight {weight:g}" in note
    # A sound label before it changes the place and nothing else.
    (second,) = label_notes([10, positives], [30, negatives], [2, weight])
    assert second == note.replace("label 0", "label 1")


@pytest.mark.parametrize(
    ("positives", "negatives", "weight"),
    [
        (100, 500, 5.04),
        (100, 500, 2),
        (500, 100, 0.2),
        (50, 50, 1),
        (1000, 1001, 1),
        (1, 100, 100),
    ],
)
def test_sound_label_has_no_note(positives, negatives, weight):
    assert label_notes(positives, negatives, weight) == ()


def test_cap_is_that_of_the_caller():
    assert label_notes(1, 99, 33.3) == ()
    assert label_notes(1, 99, 100, max_value=None)[0].startswith("The weight over-")
    (note,) = label_notes(1, 99, torch.tensor(33.3), max_value=33.3)
    assert note.startswith("The cap of 33.3 is reached in label 0")
    assert note.endswith("where 99 is balance.")


def test_labels_of_one_ailment_share_a_note():
    (note,) = label_notes([1, 2, 50], [99, 98, 50], 1.0)
    assert "in labels 0, 1: label 0 with 1 positives" in note


BAD: list[Any] = [
    (explain_weights, ([1, 2], [1, 2, 3]), {}, "weights must have shape (2,), one"),
    (explain_weights, ([1, 2], [1, -2]), {}, "weights must be finite and >= 0, got -2"),
    (explain_weights, ([1, 2], [1, np.inf]), {}, "weights must be finite and >= 0"),
    (explain_weights, ([0, 0], [1, 1]), {}, "class_counts must count an example"),
    (explain_weights, ([1], [1]), {"beta": 2}, "beta must be in [0, 1], got 2"),
    (explain_pos_weight, ([1], [2], [1, 2]), {}, "a number or have shape (1,), got (2"),
    (explain_pos_weight, (1, 2, np.nan), {}, "weights must be finite and >= 0"),
    (explain_pos_weight, (1, 2, 1), {"max_value": -1}, "max_value must be finite and"),
]


@pytest.mark.parametrize(("explain", "arguments", "options", "message"), BAD)
def test_bad_arguments_raise(explain, arguments, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        explain(*arguments, **options)

import math

import numpy as np
import pytest

from conformance.doctor.examine import examine
from conformance.doctor.findings import Severity
from conformance.scores import assemble
from refimpl.thresholds import search_threshold
from tests.conformance.doctor.all_planted import PLANTED
from tests.conformance.doctor.made import binary, found, multiclass, multilabel


def one(key):
    name, _, make = PLANTED[key]
    return next(finding for finding in found(make()) if finding.name == name)


def counted(positives, negatives, **told):
    """A healthy file whose training part has these counts."""
    return found(binary(), class_counts=[negatives, positives], **told)


@pytest.mark.parametrize(
    ("key", "numbers"),
    [
        ("labels-with-gaps", {"bad": 1}),
        ("labels-of-an-svm", {"low": -1, "high": 1}),
        ("indices-of-unknown", {"outside": 2}),
        ("logits-diverged", {"nan": 1, "infinite": 2, "examples": 3}),
        ("certain-and-wrong", {"missed": 3, "invented": 0}),
        ("saved-in-bfloat16", {"examples": 4000}),
        ("beta-of-small-data", {"beta": 0.99}),
        ("weight-for-pos-weight", {"weight": 0.5}),
        ("losses-diverged", {"bad": 3, "step": 3}),
        ("losses-at-a-clamp", {"loss": 16.11809565095832, "times": 4}),
        ("scaled-too-far", {"product": 3 * 65536, "loss": 3.0}),
        ("epsilon-of-float32", {"epsilon": 1e-7, "least": 2.0**-12}),
        ("mean-over-a-million", {"batch_size": 2.0**20, "loss_scale": 1.0}),
    ],
)
def test_numbers_that_are_known(key, numbers):
    finding = one(key)
    for name, value in numbers.items():
        assert finding.numbers[name] == pytest.approx(value), name


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("saved-in-bfloat16", "bfloat16"),
        ("saved-in-float16", "float16"),
        ("three-decimals", "three decimals"),
    ],
)
def test_what_coarse_scores_fit(key, name):
    assert f"All scores fit {name}: " in one(key).evidence


def test_an_inverted_weight_is_told_with_the_right_one():
    (finding,) = counted(400, 3600, pos_weight=1 / 9, thresholds=0.3)
    assert finding.numbers == {
        "used positive": pytest.approx(1 / 9),
        "expected positive": 9.0,
    }
    assert "pos_weight is 0.1111" in finding.evidence
    assert finding.remedy == "Use pos_weight = 9."


@pytest.mark.parametrize(
    ("weight", "names"),
    [
        (9.0, []),
        (1.0, []),
        (9.0 * 1.45, []),
        (9.0 * 1.55, ["pos-weight-differs"]),
        (9.0 / 1.55, ["pos-weight-differs"]),
        (9.0**-0.4, ["inverted-pos-weight"]),
    ],
)
def test_where_a_weight_begins_to_differ(weight, names):
    told = counted(400, 3600, pos_weight=weight, thresholds=0.3)
    assert [finding.name for finding in told] == names


@pytest.mark.parametrize(
    ("weight", "names"),
    [(0.25, []), (4.0, ["inverted-pos-weight"]), (0.1, ["pos-weight-differs"])],
)
def test_positives_may_be_the_commoner_side(weight, names):
    told = counted(800, 200, pos_weight=weight, thresholds=0.3)
    assert [finding.name for finding in told] == names


def test_training_examples_may_lack_a_class_that_is_here():
    (finding,) = counted(0, 500)
    assert finding.name == "class-without-positives"
    assert finding.evidence == "No training example is positive."
    labels = found(multilabel(), class_counts=[[9, 1], [9, 0], [9, 0]])
    assert labels[0].numbers == {"classes": 2}


def test_a_cap_is_no_difference():
    for weight in (100.0, 999.0, 300.0):
        assert counted(10, 9990, pos_weight=weight, thresholds=0.3) == ()
    (finding,) = counted(10, 9990, pos_weight=5.0, thresholds=0.3)
    assert finding.numbers["expected positive"] == 100.0


def test_counts_of_the_file_have_an_error_that_is_allowed_for():
    """Ten positives may be twenty in the training part."""
    arrays = binary(n=400, rate=0.025, skill=4.0)
    weight = 0.5 * (400 / arrays["labels"].sum() - 1)
    assert found(arrays, pos_weight=weight, thresholds=0.1) == ()
    counts = [400 - arrays["labels"].sum(), arrays["labels"].sum()]
    told = found(arrays, pos_weight=weight, thresholds=0.1, class_counts=counts)
    assert [finding.name for finding in told] == ["pos-weight-differs"]


def test_double_correction_names_the_prior_that_it_makes():
    arrays = binary()
    told = {"class_counts": [950, 50], "pos_weight": 19.0, "thresholds": 0.5}
    balanced = found(arrays, sampling="balanced", **told)
    assert balanced[0].numbers == {
        "prior 0": pytest.approx(0.05),
        "drawn 0": pytest.approx(0.5),
        "effective 0": pytest.approx(0.95),
    }
    by_class = found(arrays, sampler_weights=[1.0, 19.0], **told)
    assert by_class[0].numbers == balanced[0].numbers
    # Half of the correction each is no more than the whole.
    half = {**told, "pos_weight": math.sqrt(19), "sampler_weights": [1, math.sqrt(19)]}
    assert "double-correction" not in [
        finding.name for finding in found(arrays, **half)
    ]


def test_weights_of_a_sampler_by_example():
    arrays = binary()
    each = np.where(arrays["labels"] == 1, 9.0, 1.0)
    told = found(arrays, sampler_weights=each, pos_weight=9.0, thresholds=0.5)
    rate = arrays["labels"].mean()
    drawn = 9 * rate / (9 * rate + 1 - rate)
    assert told[0].numbers["drawn 0"] == pytest.approx(drawn)


def test_shifts_are_measured():
    finding = one("weight-that-is-not-told")
    shift, error = finding.numbers["shift positive"], finding.numbers["error positive"]
    assert abs(shift - math.log(19)) < 3 * error
    assert 0.05 < error < 0.15
    twice = one("sampler-that-is-not-told").numbers["shift positive"]
    assert abs(twice - 2 * math.log(19)) < 3 * error


def test_a_threshold_is_one_of_the_probabilities_that_it_was_searched_on():
    arrays = binary(rate=0.05)
    calibrated = 1 / (1 + np.exp(-arrays["logits"]))
    best = search_threshold(calibrated, arrays["labels"])
    weighted = arrays["logits"] + np.log(19.0)
    told = {"logits": weighted, "pos_weight": 19.0, "thresholds": best.value}
    (finding,) = found(arrays, **told)
    assert finding.name == "threshold-far-from-best"
    assert f" at {best.value:.4g}, and {best.score:.3f} at " in finding.evidence
    assert "before calibration" in finding.cause


def test_the_share_of_gradients_that_vanish():
    finding = one("mean-over-a-million")
    p = 1 / (1 + np.exp(-binary()["logits"][binary()["labels"] == 0]))
    halves = np.float32(p / 2**20).astype(np.float16)
    assert finding.numbers["lost"] == pytest.approx((halves == 0).mean(), abs=1e-3)
    scale = float(finding.remedy.split("by ")[1].split(",")[0])
    assert found(binary(), batch_size=2.0**20, dtype="float16", loss_scale=scale) == ()


def test_the_scale_that_is_advised_does_not_overflow():
    finding = one("scaled-too-far")
    assert "16384" in finding.remedy
    assert 3 * 16384 <= 65504 < 3 * 32768


def test_the_loss_of_weighted_examples_overflows_without_losses():
    arrays = binary()
    logits, labels = arrays["logits"], arrays["labels"]
    mean = np.mean(
        9 * labels * np.logaddexp(0, -logits) + (1 - labels) * np.logaddexp(0, logits)
    )
    told = found(arrays, pos_weight=9.0, loss_scale=2.0**20, thresholds=0.3)
    assert told[0].numbers["product"] == pytest.approx(mean * 2**20)
    assert found(arrays, pos_weight=9.0, loss_scale=1024.0, thresholds=0.3) == ()
    bfloat16 = {"loss_scale": 2.0**30, "dtype": "bfloat16"}
    assert found(arrays, **bfloat16) == ()


@pytest.mark.parametrize(
    ("dtype", "bits"), [("float16", 11), ("bfloat16", 8), ("float32", 24)]
)
@pytest.mark.parametrize("factor", [0.51, 1.0, 1.01])
def test_what_1_notices(dtype, bits, factor):
    epsilon = 2.0 ** -(bits + 1) * factor
    # Half goes to even, as in every type.
    kept = np.round((1 - epsilon) * 2.0**bits) < 2.0**bits
    if dtype != "bfloat16":
        type_ = np.dtype(dtype).type
        assert kept == (type_(1) - type_(epsilon) < 1)
    assert kept == (factor > 1)
    told = found(binary(rate=0.2), epsilon=epsilon, dtype=dtype)
    assert [finding.name for finding in told] == ["epsilon-vanishes"] * (not kept)


def test_classes_are_named():
    arrays = multilabel()
    arrays["logits"][:, 1] = 3.0
    (finding,) = found(arrays, class_names=["cat", "dog", "cow"])
    assert finding.evidence == "Class dog: all 4000 scores are 3."
    many = multiclass(n=400, priors=[0.1] * 10)
    many["logits"][:] = 0.0
    (finding,) = found(many)
    assert finding.evidence.endswith("class 4: all 400 scores are 0; and 5 more.")


def test_a_stuck_loss_is_named_by_what_it_guesses():
    labels = np.arange(100) % 10 == 0
    arrays = {"logits": binary(n=100)["logits"], "labels": labels}
    rate = 0.32508297339144826
    assert (
        "guessing the rate"
        in found(arrays, losses=[rate] * 2 + [rate + 1e-5] * 9)[-1].evidence
    )
    # What repeats and is no clamp is stuck, not magic.
    three = found(multiclass(), losses=np.log(3) + 1e-5 * np.arange(12))
    assert "log 3" in three[-1].evidence


def test_a_loss_that_falls_slowly_is_not_stuck():
    assert found(binary(rate=0.2), losses=np.linspace(0.70, 0.66, 100)) == ()


def test_the_worst_comes_first_and_what_it_explains_is_not_asked():
    arrays = binary()
    labels = 2 * arrays["labels"] - 1
    told = {**arrays, "labels": labels, "epsilon": np.float64(1e-9)}
    told |= {"dtype": np.array("float16"), "sample_weight": np.array(2.0)}
    seen = examine(assemble(told))
    assert [finding.severity for finding in seen.findings] == [
        Severity.WRONG,
        Severity.WRONG,
        Severity.WARNING,
    ]
    assert seen.wrong == 2
    assert seen.skipped["mean-probability-off"] == "labels-not-binary"
    assert seen.asked + len(seen.skipped) == 44


def test_one_weight_for_all_classes():
    (finding,) = found(multiclass(), class_weights=[2, 2, 2], class_counts=[6, 3, 1])
    assert finding.name == "element-weight"
    assert "inverse frequencies are 0.3333, 0.6667, 2" in finding.remedy

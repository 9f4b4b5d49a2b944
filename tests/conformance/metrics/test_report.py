import json

import numpy as np
import pytest

from conformance.metrics import evaluate
from tests.conformance.metrics.made import binary, multiclass, multilabel


@pytest.mark.parametrize("made", [binary, multilabel, multiclass])
def test_json_is_strict_and_says_the_same(made):
    report = evaluate(*made())

    def refuse(word):
        raise AssertionError(word)

    found = json.loads(report.to_json(), parse_constant=refuse)
    assert found == report.to_dict()
    assert list(found) == [
        "kind",
        "examples",
        "overall",
        "classes",
        "averages",
        "confusions",
        "reliability",
    ]
    assert found["classes"][-1]["auroc"] == report.classes[-1].auroc
    assert (
        found["reliability"]["bins"][-1]["count"] == report.reliability.bins[-1].count
    )
    assert found["confusions"][0]["counts"][0] == list(report.confusions[0].counts[0])


def test_no_data_is_null():
    labels, p = multilabel()
    labels[:, 2] = 0
    found = json.loads(evaluate(labels, p).to_json())
    assert found["classes"][2]["average_precision"] is None
    assert found["classes"][2]["recall"] is None
    assert found["confusions"][2]["recalls"][1] is None
    assert found["overall"]["balanced_accuracy"] is None


def test_overall_is_of_the_whole():
    labels, p = binary()
    report = evaluate(labels, p, thresholds=0.25, bins=7)
    assert report.examples == 400
    assert report.overall.accuracy == np.mean((p >= 0.25) == labels)
    recalls = [np.mean(p[labels == 0] < 0.25), np.mean(p[labels == 1] >= 0.25)]
    assert report.overall.balanced_accuracy == pytest.approx(np.mean(recalls))
    assert report.overall.ece == report.reliability.ece == report.classes[0].ece
    assert len(report.reliability.bins) == 7


def test_bins_reach_every_class():
    labels, p = multilabel()
    uniform = evaluate(labels, p)
    quantile = evaluate(labels, p, bins=4, strategy="quantile")
    assert quantile.reliability.strategy == "quantile"
    for one, other in zip(uniform.classes, quantile.classes, strict=True):
        assert one.ece != other.ece


def test_same_predictions_make_equal_reports():
    labels, p = multiclass()
    assert evaluate(labels, p) == evaluate(labels.copy(), p.copy())
    assert evaluate(labels, p) != evaluate(labels, p[:, ::-1])


def test_arguments_are_left_alone():
    labels, p = multiclass()
    kept = labels.copy(), p.copy()
    evaluate(labels, p)
    assert (labels == kept[0]).all()
    assert (p == kept[1]).all()

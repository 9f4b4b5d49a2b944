import math
from dataclasses import replace

import numpy as np
import pytest

from conformance import vectors
from conformance.profiles.curve import curve
from conformance.profiles.unit import Unit

BCE = "binary_cross_entropy_with_logits"


def unit(operation, path, profile="accuracy", **changes):
    groups = {group.path: group for group in vectors.load(operation).groups}
    case = groups[path]
    return Unit(profile, operation, case, "float64", ("value",), **changes)


@pytest.fixture
def plain():
    return unit(BCE, f"{BCE}/saturation/default")


def test_worst_error_at_each_logit(plain):
    logits = plain.case.inputs["logits"]
    units = np.zeros(logits.size)
    units[logits == 17] = [2.0, 0.123456]
    found = dict(curve(plain, "value", units))
    assert found[17.0] == max(units)
    assert set(found) == set(logits.tolist())
    assert list(found) == sorted(found)
    assert found == dict(curve(plain, "grad_logits", units))


def test_three_digits_are_enough(plain):
    size = plain.case.inputs["logits"].size
    assert {error for _, error in curve(plain, "value", np.full(size, 1.23456))} == {
        1.23
    }
    assert curve(plain, "value", np.full(size, np.inf))[0][1] == math.inf


@pytest.mark.parametrize(
    ("output", "changes"),
    [
        ("grad_labels", {}),
        ("bad_value", {}),
        ("value", {"profile": "transforms"}),
        ("value", {"reduction": "mean"}),
        ("value", {"case": vectors.load(BCE).sums[0]}),
    ],
)
def test_nothing_else_has_a_curve(plain, output, changes):
    size = plain.case.inputs["logits"].size
    assert curve(replace(plain, **changes), output, np.ones(size)) == ()


def test_infinite_logits_are_left_out():
    asked = unit(BCE, f"{BCE}/nan_policy/default")
    logits = asked.case.inputs["logits"]
    assert not np.isfinite(logits).all()
    found = curve(asked, "value", np.ones(logits.size))
    assert [x for x, _ in found] == sorted(set(logits[np.isfinite(logits)].tolist()))


def test_class_losses_go_by_the_margin():
    asked = unit("cross_entropy", "cross_entropy/basic/default")
    logits, labels = (asked.case.inputs[k] for k in ("logits", "labels"))
    margins = []
    for row, label in zip(logits, labels.astype(int), strict=True):
        margins.append(row[label] - max(np.delete(row, label)))
    assert {x for x, _ in curve(asked, "value", np.ones(len(margins)))} == set(margins)
    units = np.zeros(logits.shape)
    units[1, 2] = 5
    slopes = dict(curve(asked, "grad_logits", units.ravel()))
    assert slopes[margins[1]] == 5
    assert sorted(slopes.values())[-2] in (0, 5)


def test_probability_labels_have_no_labelled_class():
    groups = vectors.load("cross_entropy").groups
    soft = next(g for g in groups if "labels" not in g.kinds and g.policy == "value")
    asked = unit("cross_entropy", soft.path)
    assert curve(asked, "value", np.ones(soft.shape).ravel()) == ()


def test_label_that_is_no_class_has_no_margin():
    asked = unit("cross_entropy", "cross_entropy/basic/default")
    labels = asked.case.inputs["labels"].copy()
    labels[1:] = -100
    case = replace(asked.case, inputs={**asked.case.inputs, "labels": labels})
    found = curve(replace(asked, case=case), "value", np.ones(labels.size))
    assert len(found) == 1
    assert found[0] in curve(asked, "value", np.ones(labels.size))

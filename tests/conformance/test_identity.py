"""What an identity does with answers that cannot be compared."""

from typing import Any

import numpy as np
import pytest

import refimpl
from conformance.adapters import from_functions
from conformance.profiles.evaluate import ask
from conformance.profiles.semantics import units
from conformance.profiles.unit import Scope

BCE, FOCAL = "binary_cross_entropy_with_logits", "sigmoid_focal_loss"
focal = refimpl.sigmoid_focal_loss


def results(adapter, operation):
    for check in units(Scope(operation, [], [], adapter.start())):
        yield from check.run(lambda asked: ask(adapter, asked), "any", "cpu", 8.0)


def test_missing_operation_to_compare_with_is_no_fault_of_this_one():
    adapter = from_functions({FOCAL: focal}, framework="numpy")
    found = {
        (r.group.rpartition("/")[2], r.status, r.reason)
        for r in results(adapter, FOCAL)
    }
    reason = f"to be compared with {BCE}: no {BCE}"
    assert ("gamma-0-is-cross-entropy", "skipped", reason) in found
    assert (
        "alpha-and-its-complement-add-up",
        "not_implemented",
        "no grad_logits",
    ) in found
    assert {status for _, status, _ in found} == {"pass", "skipped", "not_implemented"}


def test_function_with_few_arguments_is_asked_about_those_it_has():
    def few(x, y, *, reduction="mean"):
        return focal(x, y, reduction=reduction)

    def shapeless(x, y, **_):
        return np.zeros(len(x) + 1) + y.sum()

    adapter = from_functions({FOCAL: few}, framework="numpy")
    found = {r.group.rpartition("/")[2]: r for r in results(adapter, FOCAL)}
    for name in ("mean-is-total-over-normalizer", "inputs-unchanged-strided"):
        assert found[name].status == "pass"
    adapter = from_functions({FOCAL: shapeless}, framework="numpy")
    reasons = {r.reason for r in results(adapter, FOCAL) if r.status == "fail"}
    assert any("that do not fit together" in reason for reason in reasons)


@pytest.mark.parametrize(("factor", "words"), [(np.nan, "not finite"), (0, "empty")])
def test_answers_that_are_nothing_do_not_agree(factor, words):
    def loss(x, y, **_):
        return (x + y) * factor if factor else x[:0]

    functions: dict[str, Any] = {FOCAL: loss, BCE: loss}
    adapter = from_functions(functions, framework="numpy")
    reasons = {
        r.reason
        for r in results(adapter, FOCAL)
        if r.status == "fail" and r.group.endswith("gamma-0-is-cross-entropy")
    }
    assert reasons == {f"an answer to compare with is {words}"}

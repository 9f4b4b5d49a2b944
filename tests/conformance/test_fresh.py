from dataclasses import replace

import numpy as np
import pytest

import refimpl
from conformance import vectors
from conformance.adapters import (
    NotImplementedOperation,
    Outputs,
    Skipped,
    from_functions,
    resolve,
)
from conformance.plan import Options, choose, start, units
from conformance.profiles import Check, Scope, batches, evaluate, fresh
from conformance.profiles.fresh_points import POINTS, drawn, plainest
from conformance.registry import OPERATIONS

FOCAL, MINING = "sigmoid_focal_loss", "hard_example_mining"


def results(adapter, operation=FOCAL, **changes):
    capabilities = replace(adapter.start(), **changes)
    for check in fresh.units(Scope(operation, [], [], capabilities)):
        yield from evaluate(check, adapter, "any", "cpu", 8.0)


class Instead:
    """An adapter with other answers than those of another."""

    def __init__(self, answer):
        self._own, self._answer = resolve("numpy"), answer

    def start(self):
        return self._own.start()

    def eval(self, request):
        return self._answer(self._own.eval(request))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_points_are_in_no_vector_and_of_the_form_of_a_group(operation):
    plain = plainest(operation)
    group = drawn(plain.path)
    first = OPERATIONS[operation].positional[0]
    stored = {
        x for g in vectors.load(operation).groups for x in g.inputs[first].ravel()
    }
    assert not stored & set(group.inputs[first].ravel())
    assert group.params == plain.params
    assert list(group.inputs) == list(plain.inputs)
    assert set(group.expected) == set(plain.expected)
    coupled = OPERATIONS[operation].form == "coupled"
    assert len(group.ids) == (len(plain.ids) if coupled else POINTS)
    assert len(set(group.ids)) == len(group.ids)
    for array in group.inputs.values():
        np.testing.assert_array_equal(array, array.astype(np.float32))


def test_plain_means_few_arguments():
    assert plainest(MINING).path == f"{MINING}/basic/default"
    assert plainest("cross_entropy").kinds == {"labels": "index"}
    for operation in OPERATIONS:
        given = [
            len(g.params) + len(g.arrays)
            for g in vectors.load(operation).groups
            if g.policy == "value"
        ]
        plain = plainest(operation)
        assert len(plain.params) + len(plain.arrays) == min(given)


@pytest.mark.parametrize("impl", ["numpy", "torch"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_own_implementations_pass(impl, operation):
    found = list(results(resolve(impl), operation))
    assert found
    assert not [r for r in found if r.status != "pass"]
    outputs = {r.output for r in found}
    assert {"mask", "indices"} <= outputs or {"value"} < outputs


def test_jax_passes_in_the_form_that_is_compiled_anyway():
    options = Options(impls=("jax",), quick=True)
    one = start("jax", "cpu")
    asked = list(units(one, "fresh", choose(options), options))
    assert {check.operation for check in asked} == set(OPERATIONS)
    assert {check.transform for check in asked} == {"jit"}
    focal = [check for check in batches(asked) if isinstance(check, Check)]
    focal = [check for check in focal if check.operation == FOCAL]
    found = [r for c in focal for r in evaluate(c, one.adapter, "jax", "cpu", 8.0)]
    assert {r.status for r in found} == {"pass"}


@pytest.mark.parametrize(
    "answer",
    [NotImplementedOperation("not today"), Skipped("no room")],
)
def test_declining_is_a_failure(answer):
    (found,) = results(Instead(lambda _: answer))
    assert found.status == "fail"
    assert "its plainest call is declined" in found.reason
    assert found.compared == POINTS


def test_numbers_of_another_place_fail_in_words():
    def shifted(answer):
        assert isinstance(answer, Outputs)
        rolled = {k: np.roll(v, 1) for k, v in answer.arrays.items()}
        return replace(answer, arrays=rolled)

    found = list(results(Instead(shifted)))
    assert {r.status for r in found} == {"fail"}
    assert all("logits=" in r.reason and "expected" in r.reason for r in found)
    assert not any(r.failures for r in found)


def test_a_value_is_owed_and_a_gradient_is_not():
    without = from_functions({FOCAL: refimpl.sigmoid_focal_loss}, framework="numpy")
    statuses = {r.output: r.status for r in results(without)}
    assert statuses == {
        "value": "pass",
        "grad_labels": "not_implemented",
        "grad_logits": "not_implemented",
    }

    def gone(answer):
        arrays = {k: v for k, v in answer.arrays.items() if k != "value"}
        return replace(answer, arrays=arrays)

    statuses = {r.output: r.status for r in results(Instead(gone))}
    assert statuses["value"] == "fail"


def test_selected_by_path():
    options = Options(impls=("numpy",), select=f"{FOCAL}/fresh/*")
    one = start("numpy", "cpu")
    (check,) = units(one, "fresh", choose(options), options)
    assert check.operation == FOCAL

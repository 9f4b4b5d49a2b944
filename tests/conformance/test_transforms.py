"""How a run is cut to what compilers can answer in time, and what it asks of them."""

from dataclasses import replace

import numpy as np
import pytest

from conformance import vectors
from conformance.adapters import Outputs, from_functions, resolve
from conformance.adapters.remembering import Remembering
from conformance.budgets import DIFFERENCE_STEP
from conformance.profiles import (
    Batch,
    Scope,
    Unit,
    batches,
    evaluate,
    thin,
    transforms,
)
from conformance.profiles.forms import compiled_at_once, few, form
from conformance.registry import OPERATIONS
from tests.conformance.test_profiles import EVERYTHING

operations = pytest.mark.parametrize("operation", OPERATIONS)
SOFTMAX = "softmax_focal_loss"


def scope(operation, **changes):
    file = vectors.load(operation)
    groups, sums = list(file.groups), list(file.sums)
    return Scope(operation, groups, sums, EVERYTHING, **changes)


def shown(groups):
    return {
        (name, group.kinds.get(name, ""))
        for group in groups
        for name in (*group.inputs, *group.params, *group.arrays)
    } | {
        (name, value)
        for group in groups
        for name, value in group.params.items()
        if isinstance(value, str)
    }


@operations
def test_few_forms_show_every_argument_and_option(operation):
    record, groups = OPERATIONS[operation], vectors.load(operation).groups
    kept = few(record, groups)
    asked = [group for group in groups if form(record, group) in kept]
    assert shown(asked) == shown(groups)
    assert len(kept) < len({form(record, group) for group in groups}) or len(kept) < 4


@operations
def test_quick_runs_compile_little(operation):
    file = vectors.load(operation)
    groups, sums = thin(list(file.groups), list(file.sums))
    whole = Scope(operation, groups, sums, EVERYTHING, quick=True)
    cut = compiled_at_once(whole)
    forms = {form(cut.record, group) for group in cut.groups}
    assert 1 <= len(forms) <= 2
    dtypes = {d for group in cut.groups for d in cut.dtypes(group, EVERYTHING.dtypes)}
    assert {"float32"} <= dtypes <= {"float64", "float32", "bfloat16"}
    assert len(cut.sums) <= 1


@operations
def test_what_is_static_is_never_traced(operation):
    static = set(OPERATIONS[operation].static)
    asked = list(transforms.units(scope(operation)))
    assert asked
    assert not any(static & set(unit.traced) for unit in asked)
    vmapped = [unit for unit in asked if unit.transform == "vmap"]
    assert bool(vmapped) == (OPERATIONS[operation].form != "coupled")


def row_batch(**changes):
    case = next(
        g
        for g in vectors.load(SOFTMAX).groups
        if g.family == "basic" and g.exact_in == "bfloat16" and not g.arrays
    )
    fields = {"dtype": "float64", "want": ("value", "grad_logits"), **changes}
    (batch,) = batches([Unit("any", SOFTMAX, case, **fields)])
    assert isinstance(batch, Batch)
    return case, batch


class Answering:
    """An adapter that answers as a test demands."""

    def __init__(self, answer):
        self.eval = answer

    def start(self):
        return EVERYTHING

    def stop(self):
        pass


def test_upstream_weighs_the_whole_row():
    case, batch = row_batch(weighted=True)
    (value, slope) = evaluate(batch, resolve("torch"), "torch", "cpu", 8.0)
    assert (value.status, slope.status) == ("pass", "pass")
    assert slope.compared == case.inputs["logits"].size == 3 * value.compared
    lone = replace(batch, units=(replace(batch.units[0], weighted=False),))
    request = lone.request("cpu")
    assert request.kinds == {"labels": "index"}
    assert request.inputs["logits"].shape == (*batch.shape, 3)
    answer = resolve("torch").eval(request)

    unweighted = Answering(lambda _request: answer)
    (value, slope) = evaluate(batch, unweighted, "any", "cpu", 8.0)
    assert (value.status, slope.status) == ("pass", "fail")


@pytest.mark.parametrize(("factor", "status"), [(1, "pass"), (1 + 1e-6, "fail")])
def test_curvature_is_compared_with_the_reference(factor, status):
    _, batch = row_batch(want=("hvp",), transform="hessian")
    torch = resolve("torch")

    def scaled(request):
        outputs = torch.eval(request)
        assert isinstance(outputs, Outputs)
        return replace(outputs, arrays={"hvp": outputs.arrays["hvp"] * factor})

    (result,) = evaluate(batch, Answering(scaled), "any", "cpu", 8.0)
    assert (result.output, result.status) == ("hvp", status)
    assert DIFFERENCE_STEP.hex() == "0x1.0000000000000p-17"


def test_curvature_must_be_finite_in_every_dtype():
    _, batch = row_batch(want=("hvp",), transform="hessian", dtype="float32")

    def broken(request):
        hvp = np.zeros(request.inputs["logits"].shape)
        hvp[3, 1] = np.nan
        return Outputs({"hvp": hvp}, {"hvp": "float32"})

    (result,) = evaluate(batch, Answering(broken), "any", "cpu", 8.0)
    assert (result.status, result.failed) == ("fail", 1)


def test_plain_answers_are_remembered_and_others_are_not():
    asked = []

    def counted(logits, labels, *, reduction="mean", **_):
        asked.append(reduction)
        return logits * labels.sum() if reduction == "none" else logits.sum()

    plain = from_functions({SOFTMAX: counted}, framework="numpy")
    adapter = Remembering(plain)
    _, batch = row_batch(want=("value",))
    request = batch.request("cpu")
    assert adapter.eval(request) is adapter.eval(request)
    assert asked == ["none"]
    other = {**request.inputs, "logits": request.inputs["logits"] + 1}
    adapter.eval(replace(request, inputs=other))
    adapter.eval(replace(request, dtype="float32"))
    assert asked == ["none"] * 3
    for _ in range(2):
        adapter.eval(replace(request, reduction="sum"))
    assert asked[3:] == ["sum"] * 2

from dataclasses import replace

import numpy as np
import pytest

from conformance import vectors
from conformance.adapters import Capabilities, Outputs, Skipped, from_functions
from conformance.plan import Options, choose
from conformance.profiles import PROFILES, Batch, Scope, Unit, batches, evaluate, thin
from conformance.profiles.unit import WIDTH
from conformance.registry import OPERATIONS

FOCAL = "sigmoid_focal_loss"
EVERYTHING = Capabilities(
    name="any",
    version="1",
    framework="any",
    dtypes=("float64", "float32", "bfloat16", "float16"),
    devices=("cpu",),
    transforms=("eager", "jit", "compile", "vmap"),
    operations=tuple(OPERATIONS),
)


def group(family, **wanted):
    return next(
        group
        for group in vectors.load(FOCAL).groups
        if group.family == family
        and all(getattr(group, k) == v for k, v in wanted.items())
    )


class Recorded:
    """Answers with the truth, spoilt as a test demands."""

    def __init__(self, unit, *, spoil=lambda outputs: outputs):
        self.unit, self.spoil, self.requests = unit, spoil, []

    def start(self):
        return EVERYTHING

    def stop(self):
        pass

    def eval(self, request):
        self.requests.append(request)
        size = request.inputs["logits"].shape
        factor = request.cotangent if request.cotangent is not None else np.ones(size)
        if request.reduction == "mean":
            factor = factor / factor.size
        arrays, dtypes = {}, {}
        for name in request.want:
            hi = self.unit.case.expected[name].hi
            padded = np.pad(hi, (0, size[0] - hi.size), constant_values=np.nan)
            arrays[name] = padded * (factor if name != "value" else 1)
            half = "float32" if name == "value" else request.dtype
            dtypes[name] = half if "16" in request.dtype else request.dtype
        return self.spoil(Outputs(arrays, dtypes, traces=1))


def judged(unit, **options):
    adapter = Recorded(unit, **options)
    (batch,) = batches([unit])
    return list(evaluate(batch, adapter, "any", "cpu", 8.0)), adapter


def unit(**changes):
    fields = {"dtype": "float64", "want": ("value", "grad_logits")}
    case = group("basic", exact_in="bfloat16")
    return Unit("any", FOCAL, **{"case": case, **fields, **changes})


@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_truth_passes_under_any_upstream(reduction):
    asked = unit(reduction=reduction, weighted=reduction == "none")
    if reduction == "mean":
        asked = replace(asked, want=("grad_logits",))
    results, adapter = judged(asked)
    assert [r.status for r in results] == ["pass"] * len(asked.want)
    assert all(r.compared == len(asked.ids) for r in results)
    assert adapter.requests[0].inputs["logits"].shape == (WIDTH,)


def spoilt(change):
    def spoil(outputs):
        arrays = {k: change(v) for k, v in outputs.arrays.items()}
        return replace(outputs, arrays=arrays)

    return spoil


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v * (1 + 1e-6),
        lambda v: -v,
        lambda v: v * 0,
        lambda v: v * np.nan,
        lambda v: np.roll(v, 1),
        lambda v: v[:-1],
        lambda v: v.sum(),
    ],
)
def test_anything_else_fails(change):
    results, _ = judged(unit(), spoil=spoilt(change))
    assert {r.status for r in results} == {"fail"}
    assert all(r.failed for r in results)


def test_ignored_upstream_gradient_fails():
    def ignoring(outputs):
        true = asked.case.expected["grad_logits"].hi
        return replace(
            outputs, arrays={"grad_logits": np.pad(true, (0, WIDTH - true.size))}
        )

    asked = unit(weighted=True, want=("grad_logits",))
    (result,), _ = judged(asked, spoil=ignoring)
    assert result.status == "fail"


@pytest.mark.parametrize(
    ("dtype", "value", "gradient", "failed"),
    [
        ("bfloat16", "float32", "bfloat16", []),
        ("bfloat16", "bfloat16", "bfloat16", ["value"]),
        ("float16", "float32", "float32", ["grad_logits"]),
        ("float32", "float64", "float32", ["value"]),
    ],
)
def test_dtype_that_comes_back(dtype, value, gradient, failed):
    def recast(outputs):
        return replace(outputs, dtypes={"value": value, "grad_logits": gradient})

    results, _ = judged(unit(dtype=dtype), spoil=recast)
    # The truth rounded to float64 is within the budget of every narrower dtype.
    assert [r.output for r in results if r.status == "fail"] == failed
    assert all("came back as" in r.reason for r in results if r.status == "fail")


@pytest.mark.parametrize(("traces", "status"), [(1, "pass"), (2, "fail"), (0, "fail")])
def test_retracing_fails(traces, status):
    asked = unit(transform="jit", repeat=True)
    results, adapter = judged(asked, spoil=lambda o: replace(o, traces=traces))
    assert [r.status for r in results if r.output == "traces"] == [status]
    assert len(adapter.requests) == 2


def test_skipped_and_missing_outputs_are_not_passes():
    results, _ = judged(unit(), spoil=lambda _: Skipped("no compiler"))
    assert {(r.status, r.reason) for r in results} == {("skipped", "no compiler")}
    results, _ = judged(unit(), spoil=lambda _: None)
    assert {r.status for r in results} == {"errored"}
    results, _ = judged(unit(), spoil=lambda _: Outputs({}, {}))
    assert {r.status for r in results} == {"not_implemented"}


def bad_value(function):
    groups = vectors.load(FOCAL).groups
    asked = unit(case=next(g for g in groups if g.path.endswith(";labels")))
    (batch,) = batches([asked])
    adapter = from_functions({FOCAL: function}, framework="numpy")
    (result,) = evaluate(batch, adapter, "any", "cpu", 8.0)
    return result


def test_bad_values_must_raise_one_by_one_or_poison():
    def raising(logits, labels, **_):
        if np.any(~((labels >= 0) & (labels <= 1))):
            raise ValueError("labels")
        return logits

    def shy(logits, labels, **_):
        if np.any(labels < 0):
            raise ValueError("labels")
        return logits

    def poisoning(logits, labels, **_):
        return np.where((labels >= 0) & (labels <= 1), logits, np.nan)

    assert bad_value(raising).status == "pass"
    assert bad_value(poisoning).status == "pass"
    partly = bad_value(shy)
    assert partly.status == "fail"
    assert 0 < partly.failed < partly.compared
    assert bad_value(lambda logits, labels, **_: logits * labels).status == "fail"


def test_units_are_unique_and_batched_once():
    for operation, (groups, sums) in choose(Options()).items():
        scope = Scope(operation, groups, sums, EVERYTHING)
        units = [unit for make in PROFILES.values() for unit in make(scope)]
        assert len({unit.key for unit in units}) == len(units)
        joined = [
            unit
            for batch in batches(units)
            for unit in (batch.units if isinstance(batch, Batch) else (batch,))
        ]
        assert {id(unit) for unit in joined} == {id(unit) for unit in units}
        assert len(joined) == len(units)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_thinning_keeps_every_family_and_argument(operation):
    file = vectors.load(operation)
    groups, sums = thin(list(file.groups), list(file.sums))

    def kinds(groups):
        return {
            (g.family, g.exact_in, g.policy, name)
            for g in groups
            for name in (*g.inputs, *g.params, *g.arrays)
            if len(g.shape) == 1
        } | {(g.family, len(g.shape)) for g in groups}

    assert kinds(groups) == kinds(file.groups)
    assert len(groups) < len(file.groups)
    assert {case.tile for case in sums} == ({0, WIDTH} if file.sums else set())


def test_vmap_shifts_the_class_axis():
    case = group("weighting", shape=(2, 3, 4))
    (batch,) = batches([unit(case=case, transform="vmap")])
    assert isinstance(batch, Batch)
    assert batch.request("cpu").params["class_axis"] == case.params["class_axis"] - 1

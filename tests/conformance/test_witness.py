import numpy as np
import pytest
import torch

import jax_impl
import torch_impl
from conformance.adapters import Outputs, from_functions
from conformance.mutants import torch_binary as faults
from conformance.profiles import Scope, witness
from conformance.registry import GENERAL
from conformance.registry import OPERATIONS as OPERATIONS_OF_THE_SUITE
from conformance.witness import DEPARTURES, Peer, draws, forms, peer
from conformance.witness.__main__ import lines
from conformance.witness.draws import BCE, CE, FOCAL, PROBS
from conformance.witness.draws import LARGEST_LOGIT as LARGEST

OPERATIONS = (BCE, FOCAL, CE, PROBS)
KINDS = (BCE, "soft"), (FOCAL, "soft"), (PROBS, "soft"), (CE, "soft"), (CE, "index")
OWN = {
    framework: from_functions(
        {name: getattr(module, name) for name in OPERATIONS}, framework=framework
    )
    for framework, module in (("torch", torch_impl), ("jax", jax_impl))
}


def checks(adapter, operation, *, quick=False):
    scope = Scope(operation, [], [], adapter.start(), quick=quick)
    return list(witness.units(scope))


def results(adapter, operation, kind="", **options):
    for check in checks(adapter, operation, **options):
        if kind in check.path:
            yield from check.run(adapter.eval, "candidate", "cpu", 8.0)


@pytest.fixture
def few_calls(monkeypatch):
    monkeypatch.setattr(witness, "CALLS", {"torch": 40, "jax": 2})


@pytest.mark.usefixtures("few_calls")
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_own_functions_pass(framework, operation):
    found = list(results(OWN[framework], operation))
    assert {result.status for result in found} <= {"pass"}
    assert all(result.compared for result in found)
    kinds = {o for o, _ in KINDS} - ({PROBS} if framework == "jax" else set())
    assert bool(found) == (operation in kinds)


def mean_over_all(logits, labels, **options):
    options["normalizer"] = "count"
    return torch_impl.cross_entropy(logits, labels, **options)


def off_target(logits, labels, **options):
    return torch_impl.cross_entropy(logits, labels, smoothing="off_target", **options)


def keeps_ignored(logits, labels, *, ignore_index=-100, **options):
    if not labels.is_floating_point():
        labels = torch.where(labels == ignore_index, 0, labels)
    return torch_impl.cross_entropy(logits, labels, **options)


def reversed_weights(logits, labels, *, pos_weight=None, **options):
    if pos_weight is not None and pos_weight.ndim:
        pos_weight = pos_weight.flip(0)
    options["pos_weight"] = pos_weight
    return torch_impl.binary_cross_entropy_with_logits(logits, labels, **options)


def weighted_twice(logits, labels, *, pos_weight=None, **options):
    loss = torch_impl.binary_cross_entropy_with_logits(logits, labels, **options)
    return loss if pos_weight is None else loss * pos_weight.mean()


def clamped(probs, labels, **options):
    return torch_impl.binary_cross_entropy(probs.clamp(0.01, 0.99), labels, **options)


def detached_labels(logits, labels, **options):
    return torch_impl.sigmoid_focal_loss(logits, labels.detach(), **options)


@pytest.mark.usefixtures("few_calls")
@pytest.mark.parametrize(
    ("function", "operation", "reduction", "output"),
    [
        (mean_over_all, CE, "mean", "value"),
        (off_target, CE, "none", "value"),
        (keeps_ignored, CE, "none", "grad_logits"),
        (reversed_weights, BCE, "none", "value"),
        (weighted_twice, BCE, "sum", "value"),
        (clamped, PROBS, "none", "grad_probs"),
        (detached_labels, FOCAL, "none", "grad_labels"),
        (faults.swapped_alpha, FOCAL, "mean", "value"),
        (faults.gradient_times_1_01, FOCAL, "sum", "grad_logits"),
        (faults.gamma_off_by_1e_6, FOCAL, "none", "value"),
    ],
)
def test_planted_fault_is_seen(function, operation, reduction, output):
    adapter = from_functions({operation: function}, framework="torch")
    found = results(adapter, operation, "labels=")
    failed = {(r.reduction, r.output) for r in found if r.status == "fail"}
    assert (reduction, output) in failed


@pytest.mark.usefixtures("few_calls")
def test_planted_fault_in_jax_is_seen():
    def shifted(logits, labels, **options):
        return jax_impl.sigmoid_focal_loss(logits * (1 + 1e-12), labels, **options)

    adapter = from_functions({FOCAL: shifted}, framework="jax")
    failed = [r for r in results(adapter, FOCAL, "labels=") if r.status == "fail"]
    assert {r.output for r in failed} == {"value", "grad_logits"}
    assert failed[0].failures[0].id.startswith(f"{FOCAL}/witness/jax;soft;none#")


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_installed_peer_still_departs_everywhere(framework):
    found = [r for o in OPERATIONS for r in results(OWN[framework], o, "departure")]
    assert {result.group for result in found} == {
        d.path(framework) for d in DEPARTURES if framework in d.frameworks
    }
    for result in found:
        assert result.reason.startswith(peer(framework).name)
        assert "specified" in result.reason, result.group


def test_every_number_is_asked():
    assert {departure.number for departure in DEPARTURES} == set(range(1, 10))
    paths = [d.path(framework) for d in DEPARTURES for framework in d.frameworks]
    assert len(set(paths)) == len(paths)


def test_a_departure_cites_its_clause():
    found = results(peer("torch").adapter, BCE, "departure")
    cited = {r.group.rpartition(";")[2]: r.clauses for r in found if r.lost}
    assert cited["mean-of-nothing"] == ("GEN-4",)
    assert cited["infinite-logits"] == ("GEN-7",)
    assert cited["tail-of-the-gradient"] == ("BCE-2",)
    assert cited["label-out-of-range"] == ("GEN-9",)
    assert cited["half-precision"] == ("GEN-6",)
    for departure in DEPARTURES:
        own = OPERATIONS_OF_THE_SUITE[departure.operation].clauses
        assert departure.clause in {**own, **GENERAL}


@pytest.mark.parametrize(("change", "cited"), [("shape", "GEN-2"), ("dtype", "GEN-6")])
def test_another_form_is_cited_before_the_numbers(change, cited):
    (departure,) = (
        d for d in DEPARTURES if d.operation == BCE and d.title == "mean of nothing"
    )
    shape = (1,) if change == "shape" else ()
    dtype = "float32" if change == "dtype" else "float64"
    arrays = {"value": np.zeros(shape), "grad_logits": np.zeros(0)}
    answer = Outputs(arrays, {"value": dtype, "grad_logits": "float64"})
    assert witness.clause(departure, answer) == cited


@pytest.mark.usefixtures("few_calls")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_peer_itself_agrees_with_itself_and_fails_its_departures(operation):
    adapter = peer("torch").adapter
    found = list(results(adapter, operation))
    departures = [r for r in found if "departure" in r.group]
    assert departures
    assert {r.status for r in departures} == {"fail"}
    assert departures[0].reason.startswith("ours: ")
    assert {r.status for r in found if r not in departures} == {"pass"}


def test_departure_that_is_gone_is_reported(monkeypatch):
    monkeypatch.setattr(witness, "peer", lambda _: Peer("repaired 1", OWN["torch"]))
    found = list(results(OWN["torch"], CE, "departure"))
    assert {r.status for r in found} == {"pass"}
    assert {r.reason for r in found} == {"repaired 1: the peer now agrees"}


def test_peer_that_is_not_installed_is_skipped(monkeypatch):
    def absent(framework):
        raise ImportError(f"No module named {framework!r}")

    monkeypatch.setattr(witness, "peer", absent)
    (first, *_) = results(OWN["torch"], BCE, "labels=")
    assert first.status == "skipped"
    assert "No module named 'torch'" in first.reason
    # What is specified can be judged without the peer.
    assert {r.status for r in results(OWN["torch"], BCE, "departure")} == {"pass"}


def test_what_raises_is_named():
    def raising(*_, **__):
        raise RuntimeError("out of order")

    adapter = from_functions({BCE: raising}, framework="torch")
    (first, *_) = results(adapter, BCE, "labels=")
    assert first.status == "errored"
    assert first.reason.startswith(f"RuntimeError: out of order at {BCE}/witness/")
    assert {r.status for r in results(adapter, BCE, "departure")} == {"fail"}


@pytest.mark.usefixtures("few_calls")
def test_shape_that_differs_fails():
    def averaged(logits, labels, **options):
        options["reduction"] = "mean"
        return torch_impl.sigmoid_focal_loss(logits, labels, **options)

    adapter = from_functions({FOCAL: averaged}, framework="torch")
    (first, *_) = results(adapter, FOCAL, "labels=")
    assert (first.status, first.reason[:10]) == ("fail", "shape (), ")


@pytest.mark.parametrize("kind", KINDS)
def test_draws_repeat_and_begin_alike(kind):
    operation, labels = kind
    path = ("torch", operation, labels, "mean")
    once, more = list(draws(*path, 5)), list(draws(*path, 8))
    assert [d.id for d in once] == [d.id for d in more[:5]]
    for left, right in zip(once, more, strict=False):
        assert left.request.params == right.request.params
        for name, array in left.request.inputs.items():
            np.testing.assert_array_equal(array, right.request.inputs[name])
    assert len({form.shape for form in forms(*path, 50)}) > 20


@pytest.mark.parametrize("framework", ["torch", "jax"])
@pytest.mark.parametrize("kind", KINDS)
def test_draws_stay_where_the_peer_is_accurate(framework, kind):
    for draw in draws(framework, kind[0], kind[1], "mean", 100):
        first = next(iter(draw.request.inputs.values()))
        finite = first[first > -np.inf]
        assert np.abs(finite).max() <= LARGEST
        assert all(np.isfinite(scale).all() for scale in draw.scale.values())


def test_quick_runs_ask_less():
    assert checks(OWN["jax"], CE, quick=True) == []
    assert len(checks(OWN["torch"], CE, quick=True)) == len(checks(OWN["torch"], CE))
    assert witness.QUICK_CALLS["torch"] < witness.CALLS["torch"]


def test_other_frameworks_have_no_witness():
    adapter = from_functions({BCE: lambda *_, **__: None}, framework="numpy")
    assert checks(adapter, BCE) == []


def test_every_departure_has_a_line():
    head, *rest = lines("torch")
    assert head.startswith(f"PyTorch {torch.__version__} ")
    departures = [d for d in DEPARTURES if "torch" in d.frameworks]
    for line, departure in zip(rest, departures, strict=True):
        about = f"  {departure.number} {departure.title}, {departure.operation}: "
        assert line.startswith(about)
        assert "specified" in line

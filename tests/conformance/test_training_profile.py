"""The profile of training: outcomes agree, and what spoils them is seen."""

import numpy as np
import pytest
import torch.nn.functional as F  # noqa: N812 - the field's name for it

import refimpl
import torch_impl
from conformance.adapters import from_functions
from conformance.profiles import Scope, training
from conformance.profiles.courses import COURSES, GHMC, MINING, PROBS, STEPS, Course
from conformance.profiles.points import BCE, FOCAL
from conformance.registry import OPERATIONS

OWN = {name: getattr(torch_impl, name) for name in OPERATIONS}


def results(functions, framework="torch", quick=False):
    adapter = from_functions(functions, framework=framework)
    found = []
    for operation in adapter.operations:
        scope = Scope(operation, [], [], adapter.start(), quick=quick)
        for check in training.units(scope):
            found += check.run(adapter.eval, "candidate", "cpu", 8.0)
    return found


def test_every_operation_has_a_course():
    assert set(COURSES) == set(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_own_losses_train_like_the_reference(operation):
    found = results({operation: OWN[operation]})
    assert {r.status for r in found} == {"pass"}
    assert {r.output for r in found} == {"parameters", "loss"}
    assert sum(r.compared for r in found) >= STEPS + 1
    curve = next(r.curve for r in found if r.output == "parameters")
    assert [step for step, _ in curve] == [*range(1, STEPS + 1)]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_course_is_chaotic(operation):
    """A bound that grows would let anything pass."""
    for dtype, floor in (("float64", 2.0**-53), ("float32", 2.0**-24)):
        if dtype == "float32" and OPERATIONS[operation].form == "coupled":
            continue
        bound = training._expected(operation, dtype, full=True).bound
        assert bound.max() <= 8 * 64 * floor


def steep(logits, labels, **options):
    return torch_impl.sigmoid_focal_loss(logits * (1 + 1e-9), labels, **options)


def dead(logits, labels, **options):
    return torch_impl.sigmoid_focal_loss(logits, labels, **options).detach() + 0 * (
        logits.sum()
    )


def upwards(logits, labels, **options):
    return torch_impl.sigmoid_focal_loss(-logits, labels, **options)


def gamma_off(logits, labels, *, gamma=2.0, **options):
    return torch_impl.sigmoid_focal_loss(logits, labels, gamma=gamma * 1.001, **options)


@pytest.mark.parametrize("fault", [steep, dead, upwards, gamma_off])
def test_spoiled_training_is_seen(fault):
    found = results({FOCAL: fault})
    wide = [r for r in found if r.dtype == "float64" and r.output == "parameters"]
    assert [r.status for r in wide] == ["fail"]
    assert wide[0].lost == "L3"
    assert wide[0].reason.startswith("after 1 of 40 steps the parameters are ")


def test_training_that_learns_nothing_is_seen():
    found = [r for r in results({FOCAL: dead}) if r.output == "loss"]
    assert {r.status for r in found} == {"fail"}
    assert found[0].reason.startswith("nothing is learned: the loss is ")


def test_forgotten_state_is_seen():
    def forgetful(logits, labels, state=None, **options):
        del state
        return torch_impl.ghmc_loss(logits, labels, **options)

    parameters, _ = results({GHMC: forgetful})
    assert parameters.status == "fail"
    # Before there is a state, there is nothing to forget.
    assert not parameters.reason.startswith("after 1 of")


def test_other_selection_is_seen():
    def half(losses, *, fraction=0.2):
        return torch_impl.hard_example_mining(losses, fraction=fraction / 2)

    parameters = results({MINING: half})[0]
    assert parameters.status == "fail"


def test_lost_tail_does_not_spoil_a_training():
    """PyTorch's own loss trains, and lacks only what nobody sees in training."""

    def native(logits, labels, *, reduction="mean"):
        return F.binary_cross_entropy_with_logits(logits, labels, reduction=reduction)

    assert {r.status for r in results({BCE: native})} == {"pass"}


def test_fewer_arguments_are_enough():
    def plain(logits, labels, *, reduction="mean"):
        return refimpl.sigmoid_focal_loss(logits, labels, reduction=reduction)

    def plain_grad(logits, labels, *, argument="logits"):
        return refimpl.sigmoid_focal_loss_grad(logits, labels, argument=argument)

    functions = {FOCAL: plain, f"{FOCAL}_grad": plain_grad}
    found = results(functions, "numpy")
    assert [r.status for r in found] == ["pass", "pass"]


def test_what_has_no_gradient_is_not_judged():
    (one,) = results({FOCAL: refimpl.sigmoid_focal_loss}, "numpy")
    assert (one.status, one.reason) == ("not_implemented", "no grad_logits")


def test_what_raises_is_told():
    def raising(logits, labels, **_):
        raise RuntimeError(f"out of order with {logits.size} and {labels.size}")

    (one,) = results({FOCAL: raising}, "numpy")
    assert (one.status, one.lost) == ("errored", "L3")
    assert one.reason == "RuntimeError: out of order with 1023 and 1023"


def test_quick_runs_do_not_train():
    assert results({FOCAL: OWN[FOCAL]}, quick=True) == []


def test_plain_course_keeps_what_must_be_given():
    course = COURSES["adaptive_bce_with_logits"]
    assert [*course.plain().options] == ["pos_weight"]
    assert Course(FOCAL, 1.0, {"gamma": 1.5}).plain().options == {}


def test_first_weights_are_drawn_once():
    again = [training.first_parameters(COURSES[FOCAL]) for _ in range(2)]
    for left, right in zip(*again, strict=True):
        np.testing.assert_array_equal(left, right)


def with_state(change):
    def spoilt(logits, labels, state=None, **options):
        loss, after = refimpl.ghmc_loss(logits, labels, state, **options)
        return loss, change(after)

    return {GHMC: spoilt, f"{GHMC}_grad": refimpl.ghmc_loss_grad}


def with_slope(change):
    def slope(*arguments, **options):
        return change(refimpl.binary_cross_entropy_grad(*arguments, **options))

    return {PROBS: refimpl.binary_cross_entropy, f"{PROBS}_grad": slope}


def with_mask(change):
    def mined(losses, *, fraction=0.2):
        indices, mask = refimpl.hard_example_mining(losses, fraction=fraction)
        return indices, change(mask)

    return {MINING: mined}


# Handed on, these would rightly be refused, and the refusal taken for a fault.
DERAILED = {
    "counts are NaN": (
        with_state(lambda s: s._replace(counts=s.counts * np.nan)),
        "after step 1 of 40 the state_counts are not 10 numbers that are finite and >=",
    ),
    "updates are negative": (
        with_state(lambda s: s._replace(updates=-1 - s.updates)),
        "after step 1 of 40 the state_updates are not",
    ),
    "a bin is lost": (
        with_state(lambda s: s._replace(counts=s.counts[1:], updates=s.updates[1:])),
        "after step 1 of 40 the state_counts are not",
    ),
    "slope is NaN": (
        with_slope(lambda g: g * np.nan),
        "after step 1 of 40 the gradient is not finite",
    ),
    "slope is a mean": (
        with_slope(lambda g: g.mean()),
        "after step 1 of 40 the gradient has shape (), expected (",
    ),
    "nothing is mined": (
        with_mask(np.zeros_like),
        "after step 1 of 40 the mask selects none of",
    ),
    "mask is too short": (
        with_mask(lambda mask: mask[1:]),
        "after step 1 of 40 the mask has shape",
    ),
}


@pytest.mark.parametrize("name", DERAILED)
def test_training_that_cannot_go_on_is_a_deviation(name):
    functions, words = DERAILED[name]
    found = results(functions, "numpy")
    assert found
    for one in found:
        assert (one.status, one.output, one.lost) == ("fail", "parameters", "L3")
        assert one.reason.startswith(words)

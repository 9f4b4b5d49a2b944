import itertools

import numpy as np
import pytest

import refimpl
from conformance import vectors
from conformance.adapters import from_functions, resolve
from conformance.profiles.determinism import RUNS, units
from conformance.profiles.evaluate import ask
from conformance.profiles.unit import Scope
from conformance.registry import OPERATIONS

FOCAL, MINING = "sigmoid_focal_loss", "hard_example_mining"
RIGHT = {name: getattr(refimpl, name) for name in refimpl.__all__ if name.islower()}


def results(adapter, operation, *, quick=False):
    file = vectors.load(operation)
    scope = Scope(operation, list(file.groups), list(file.sums), adapter.start(), quick)
    for check in units(scope):
        yield from check.run(lambda asked: ask(adapter, asked), "any", "cpu", 0.0)


@pytest.mark.parametrize("name", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("operation", [FOCAL, "ghmc_loss", MINING])
def test_own_implementations_repeat_themselves(name, operation):
    found = list(results(resolve(name), operation))
    assert {r.status for r in found} == {"pass"}
    expected = {"ghmc_loss": "state_counts", MINING: "indices", FOCAL: "grad_logits"}
    assert expected[operation] in {r.output for r in found}
    assert all(r.compared for r in found)
    kinds = {r.group.rpartition("/")[2] for r in found}
    assert kinds == ({"points"} if operation == MINING else {"points", "mean"})


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_is_asked_in_a_quick_run(operation):
    adapter = from_functions(RIGHT, framework="numpy")
    found = list(results(adapter, operation, quick=True))
    assert {r.status for r in found} == {"pass"}
    assert len({r.group for r in found}) == 1


def test_last_bit_of_the_last_run_is_seen():
    calls = itertools.count(1)

    def drifting(x, y, **options):
        loss = RIGHT[FOCAL](x, y, **options)
        return np.nextafter(loss, np.inf) if next(calls) % RUNS == 0 else loss

    adapter = from_functions({**RIGHT, FOCAL: drifting}, framework="numpy")
    found = {(r.output, r.status, r.reason) for r in results(adapter, FOCAL)}
    assert ("value", "fail", f"run {RUNS} of {RUNS} gave other bits") in found
    assert {output for output, status, _ in found if status == "fail"} == {"value"}


def test_order_of_ties_that_changes_is_seen():
    seeds = itertools.count()

    def shuffled(losses, *, fraction=0.2):
        order = np.random.default_rng(next(seeds)).permutation(len(losses))
        indices, _ = RIGHT[MINING](losses[order], fraction=fraction)
        mask = np.zeros(len(losses), bool)
        mask[order[indices]] = True
        return order[indices], mask

    adapter = from_functions({MINING: shuffled}, framework="numpy")
    failed = {r.output for r in results(adapter, MINING) if r.status == "fail"}
    assert "indices" in failed


def test_call_that_breaks_later_is_reported():
    calls = itertools.count()

    def breaking(x, y, **options):
        if next(calls) == 3:
            raise RuntimeError("out of memory")
        return RIGHT[FOCAL](x, y, **options)

    adapter = from_functions({**RIGHT, FOCAL: breaking}, framework="numpy")
    found = [(r.status, r.reason) for r in results(adapter, FOCAL, quick=True)]
    assert found == [("errored", "RuntimeError: out of memory")]

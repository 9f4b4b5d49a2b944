"""A port that lacks a part of a mean has no shards, and is not at fault."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conformance.adapters import (
    NotImplementedOperation,
    Outputs,
    Request,
    exec_shards,
    resolve,
)
from conformance.adapters.exec_runtime import ExecAdapter

FAULTY = Path(__file__).parent / "ports" / "faulty.py"
INPUTS = {"logits": np.array([0.5, 1.0, -2.0]), "labels": np.array([1.0, 0.0, 0.5])}
MEAN = Request(
    "binary_cross_entropy_with_logits",
    INPUTS,
    want=("value", "grad_logits", "grad_labels"),
    reduction="mean",
    shards=(2, 1),
)


def asked(mode, request=MEAN):
    adapter = ExecAdapter([sys.executable, "-S", str(FAULTY), mode])
    adapter.start()
    try:
        return adapter.eval(request)
    finally:
        adapter.stop()


def test_whole_port_is_added_up():
    answer = asked("good")
    assert isinstance(answer, Outputs)
    assert {name: array.shape for name, array in answer.arrays.items()} == {
        "value": (), "normalizer": (), "grad_logits": (3,), "grad_labels": (3,),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["value", "normalizer"])
def test_mean_needs_its_parts(name):
    assert asked(f"lacks_{name}") == NotImplementedOperation(f"no {name}")


@pytest.mark.parametrize("mode", ["lacks_gradient", "lacks_gradient_later"])
def test_gradient_that_a_shard_lacks_is_missing(mode):
    answer = asked(mode)
    assert isinstance(answer, Outputs)
    assert set(answer.arrays) == {"value", "normalizer", "grad_logits"}


def test_gradient_of_what_all_share_may_be_missing_too():
    weighted = replace(
        MEAN,
        arrays={"pos_weight": np.array(2.0)},
        want=("value", "grad_logits", "grad_pos_weight"),
    )
    reference = resolve("numpy")
    whole = exec_shards.evaluate_all(reference.eval, weighted)
    assert isinstance(whole, Outputs)
    assert whole.arrays["grad_pos_weight"].shape == ()

    def lacking(request):
        answer = reference.eval(request)
        last = len(request.inputs["logits"]) == weighted.shards[-1]
        if not (isinstance(answer, Outputs) and last):
            return answer
        kept = {k: v for k, v in answer.arrays.items() if k != "grad_pos_weight"}
        return replace(answer, arrays=kept)

    found = exec_shards.evaluate_all(lacking, weighted)
    assert isinstance(found, Outputs)
    assert set(found.arrays) == {"value", "normalizer", "grad_logits"}
    np.testing.assert_array_equal(
        found.arrays["grad_logits"], whole.arrays["grad_logits"]
    )

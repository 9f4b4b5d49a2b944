"""Small faults in the program of one backend, which the lockstep must see."""

from dataclasses import replace

import pytest

from conformance.mutants.training_faults import (
    batches_one_late,
    gamma_times_1_001,
    rows_reversed,
)
from conformance.training.planting import verdict

BACKENDS = ("numpy", "torch", "jax")
every_backend = pytest.mark.parametrize("backend", BACKENDS)


def coupled_decay(build, given):
    """Weight decay through the moments: Adam where AdamW was meant."""
    return build(**{**given, "optimizer": replace(given["optimizer"], name="adam")})


@every_backend
def test_right_program_passes(backend):
    assert verdict(backend, None, "adaptive") == ("pass", None)


@every_backend
def test_another_order_of_addition_passes(backend):
    assert verdict(backend, rows_reversed, "adaptive") == ("pass", None)


@every_backend
@pytest.mark.parametrize(
    "fault",
    [coupled_decay, batches_one_late, gamma_times_1_001],
    ids=["coupled weight decay", "batch order shifted", "gamma * 1.001"],
)
def test_wrong_program_fails(backend, fault):
    found, first = verdict(backend, fault, "adaptive")
    assert found == "fail"
    assert first is not None

import pytest

from conformance.bench.bars import (
    BARS,
    COMPILED,
    EAGER,
    HOLDS,
    MISSES,
    UNKNOWN,
    Bar,
    verdicts,
)
from conformance.bench.contenders import contenders
from conformance.bench.plan import Options, plan

CELL = "focal/float32/N=4194304"
OTHER = "torchvision's formula torch eager"


def record(device="cpu", **contender):
    measured = {
        "name": EAGER,
        "samples": [1.0, 1.0, 4.0],
        "peak_inputs": 4.0,
        "times_floor": {"median": 2.0, "low": 1.0, "high": 4.0},
    }
    other = {"name": OTHER, "samples": [2.0, 3.0, 8.0]}
    cells = {CELL: {"contenders": [measured | contender, other]}}
    return {"header": {"options": {"device": device}}, "cells": cells}


def judge(bar, found):
    return bar.measured(found["cells"])


@pytest.mark.parametrize(
    ("quantity", "other", "expected"),
    [
        ("speed-up", OTHER, (2.0, 2.0, 2.5)),
        ("slow-down", OTHER, (0.5, 0.41666, 0.5)),
        ("times floor", "", (2.0, 1.0, 4.0)),
        ("bandwidth", "", (0.5, 0.25, 1.0)),
        ("memory", "", (4.0, 4.0, 4.0)),
    ],
)
def test_what_is_measured(quantity, other, expected):
    spread = judge(Bar(CELL, quantity, EAGER, 1.0, "", other), record())
    assert spread is not None
    found = (spread.median, spread.low, spread.high)
    assert found == pytest.approx(expected, rel=1e-4)


def verdict(found, quantity, contender):
    (bar,) = (
        bar
        for bar in verdicts(found)
        if (bar["cell"], bar["quantity"], bar["contender"])
        == (CELL, quantity, contender)
    )
    return bar["verdict"]


def test_a_number_decides_the_verdict():
    assert verdict(record(), "speed-up", EAGER) == HOLDS
    assert verdict(record(samples=[1.0, 2.0, 5.0]), "speed-up", EAGER) == MISSES
    assert verdict(record(), "memory", EAGER) == HOLDS
    assert verdict(record(peak_inputs=4.1), "memory", EAGER) == MISSES


def test_what_was_not_measured_does_not_hold():
    assert verdict(record(), "times floor", COMPILED) == UNKNOWN
    found = record()
    del found["cells"][CELL]["contenders"][0]["samples"]
    assert verdict(found, "speed-up", EAGER) == UNKNOWN
    assert verdict(record(peak_inputs=None), "memory", EAGER) == UNKNOWN
    assert {bar["verdict"] for bar in verdicts(record() | {"cells": {}})} == {UNKNOWN}


def test_bars_apply_to_their_device():
    assert {bar["device"] for bar in verdicts(record("cuda"))} == {"cuda"}
    assert {bar["quantity"] for bar in verdicts(record("cuda"))} == {"bandwidth"}


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_every_bar_is_measured_by_a_run_without_options(device, tmp_path):
    cells = plan(Options(device, None, None, "", None, quick=False, out=tmp_path))
    named = {cell.name: cell for cell in cells}
    trained = {f"training/{name}" for name in ("torch", "jax")}
    for bar in BARS:
        if bar.device == device and bar.cell not in trained:
            loss = named[bar.cell].loss
            names = {c.name for c in contenders(loss, ("torch", "jax"))}
            assert bar.contender in names
            assert bar.other in {"", *names}
            assert bar.reason

"""Shards give what the whole gives, in real processes and on several devices."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import refimpl
import torch_impl
from conformance import vectors
from conformance.adapters import crew, from_functions, resolve
from conformance.adapters.protocol import Request
from conformance.adapters.shards import split
from conformance.mutants import shards
from conformance.profiles.distributed import SHARDS, units
from conformance.profiles.evaluate import ask
from conformance.profiles.unit import WIDTH, Scope
from conformance.registry import OPERATIONS
from tests.conformance import planted_shards

FOCAL, CE, GHMC = "sigmoid_focal_loss", "cross_entropy", "ghmc_loss"
MINING = "hard_example_mining"
RIGHT = {name: getattr(refimpl, name) for name in refimpl.__all__ if name.islower()}


def checks(adapter, operation, **changes):
    file = vectors.load(operation)
    return list(
        units(Scope(operation, [], list(file.sums), adapter.start(), **changes))
    )


def results(adapter, operation, *, device="cpu", only=""):
    for check in checks(adapter, operation):
        if check.path.endswith(only):
            yield from check.run(lambda a: ask(adapter, a), "any", device, 8.0)


@pytest.fixture(scope="module")
def torch_adapter():
    adapter = resolve("torch")
    yield adapter
    adapter.stop()


@pytest.fixture(scope="module")
def jax_adapter():
    adapter = resolve("jax")
    yield adapter
    adapter.stop()


def test_shards_are_the_whole():
    assert [len(shards) for shards in SHARDS.values()] == [1, 2, 3, 3]
    assert {sum(shards) for shards in SHARDS.values()} == {WIDTH}
    assert [len(set(shards)) for shards in SHARDS.values()] == [1, 2, 3, 1]
    assert max(map(len, SHARDS.values())) == crew.MAX_SHARDS


@pytest.mark.parametrize("operation", sorted(set(OPERATIONS) - {MINING}))
def test_numpy_adds_shards_by_hand(operation):
    found = list(results(resolve("numpy"), operation))
    assert not [r for r in found if r.status != "pass"]
    assert len({r.group for r in found}) == len(SHARDS)
    assert {"mean", f"grad_{OPERATIONS[operation].positional[0]}"} <= {
        r.output for r in found
    }


@pytest.mark.parametrize("operation", sorted(set(OPERATIONS) - {MINING}))
def test_processes_of_torch_add_up(torch_adapter, operation):
    found = list(results(torch_adapter, operation))
    assert not [r for r in found if r.status != "pass"]
    assert all(r.compared for r in found)


@pytest.mark.parametrize("operation", [FOCAL, CE, "heatmap_focal_loss", GHMC])
def test_devices_of_jax_add_up(jax_adapter, operation):
    found = list(results(jax_adapter, operation, only="two-shards"))
    found += list(results(jax_adapter, operation, only="three-shards"))
    found += list(results(jax_adapter, operation, only="three-even-shards"))
    assert not [r for r in found if r.status != "pass"]
    assert all(r.compared for r in found)


def test_quick_runs_and_other_devices_leave_shards_out():
    adapter = resolve("numpy")
    assert not checks(adapter, FOCAL, quick=True)
    (first, *_) = results(adapter, FOCAL, device="cuda")
    assert (first.status, first.reason) == (
        "skipped",
        "shards are made on the processor",
    )


def test_mean_of_means_is_another_number():
    (case, *_) = (c for c in vectors.load(CE).sums if c.tile == WIDTH and c.arrays)
    options = {**case.params, **case.arrays}
    inputs = {
        k: v.astype(int) if k in case.kinds else v for k, v in case.inputs.items()
    }
    size = SHARDS["two shards"][0]
    means = [
        refimpl.cross_entropy(**{k: v[rows] for k, v in inputs.items()}, **options)
        for rows in (slice(size), slice(size, None))
    ]
    truth = float(case.expected["mean"].hi)
    assert refimpl.cross_entropy(**inputs, **options) == pytest.approx(truth)
    assert abs(np.mean(means) - truth) > 1e-3 * abs(truth)


def failed(adapter, operation):
    try:
        found = list(results(adapter, operation))
    finally:
        adapter.stop()
    assert {r.status for r in found} <= {"pass", "fail"}
    wrong = [r for r in found if r.status == "fail"]
    assert all("expected" in r.reason and not r.failures for r in wrong)
    return {(r.group.rpartition("/")[2], r.output) for r in wrong}


def test_weights_from_local_counts_are_found_in_numpy_and_torch():
    def local_counts(x, y, state=None, *, reduce_counts=None, **options):
        del reduce_counts
        return RIGHT[GHMC](x, y, state, **options)

    by_hand = from_functions({**RIGHT, GHMC: local_counts}, framework="numpy")
    apart = from_functions({GHMC: shards.local_counts}, framework="torch")
    for adapter in (by_hand, apart):
        found = failed(adapter, GHMC)
        assert {("two-shards", "mean"), ("three-shards", "state_counts")} <= found
        assert ("one-shard", "mean") not in found


def test_mean_of_means_is_found():
    adapter = from_functions({FOCAL: shards.mean_as_parts}, framework="torch")
    found = failed(adapter, FOCAL)
    assert {("two-shards", "mean"), ("three-shards", "grad_logits")} <= found
    assert not [group for group, _ in found if group == "one-shard"]


def test_local_counts_and_counted_padding_are_found_in_jax():
    local, counted = (
        shards.local_counts_in_jax,
        shards.counts_padding_in_jax,
    )
    adapter = from_functions({GHMC: local, CE: counted}, framework="jax")
    found = list(results(adapter, GHMC)) + list(results(adapter, CE, only="two-shards"))
    adapter.stop()
    wrong = {(r.group, r.output) for r in found if r.status != "pass"}
    assert (f"{GHMC}/distributed/two-shards", "mean") in wrong
    assert (f"{GHMC}/distributed/one-shard", "mean") not in wrong
    assert (f"{CE}/distributed/two-shards", "mean") in wrong


def test_local_function_cannot_travel():
    adapter = from_functions(
        {FOCAL: lambda *a, **k: torch_impl.sigmoid_focal_loss(*a, **k)},
        framework="torch",
    )
    (first, *_) = results(adapter, FOCAL)
    assert first.status == "skipped"
    assert "cannot go to another process" in first.reason


def test_failing_shard_is_named_and_the_next_crew_works():
    raising = planted_shards.raising_in_the_small_shard
    adapter = from_functions({FOCAL: raising}, framework="torch")
    try:
        found = list(results(adapter, FOCAL))
    finally:
        adapter.stop()
    broken = [r for r in found if r.status != "pass"]
    assert {(r.group.rpartition("/")[2], r.reason) for r in broken} == {
        ("two-shards", "RuntimeError: out of examples")
    }
    assert {r.group.rpartition("/")[2] for r in found if r.status == "pass"} == {
        "one-shard",
        "three-shards",
        "three-even-shards",
    }


@pytest.mark.parametrize(
    ("function", "patience", "kinds"),
    [
        # The other worker may notice first.
        (planted_shards.dying, 60.0, ("EOFError", "RuntimeError")),
        (planted_shards.sleeping, 8.0, ("TimeoutError",)),
    ],
)
def test_workers_that_die_or_hang_are_an_error(monkeypatch, function, patience, kinds):
    began = time.monotonic()
    monkeypatch.setattr(crew, "PATIENCE_S", patience)
    adapter = from_functions({FOCAL: function}, framework="torch")
    try:
        (first, *_) = results(adapter, FOCAL, only="two-shards")
    finally:
        adapter.stop()
    assert first.status == "errored"
    assert first.reason.startswith(kinds)
    assert time.monotonic() - began < 50


def test_workers_end_with_their_parent():
    code = (
        "from conformance.adapters.crew import Crew\n"
        "from conformance.adapters.jax_shards import worker\n"
        "import time\n"
        "crew = Crew(worker, 1)\n"
        "crew._hire()\n"
        "print(crew._workers[0][0].pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        os.kill(pid, 0)
        parent.send_signal(signal.SIGKILL)
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.2)
    pytest.fail(f"worker {pid} outlived its parent")


def test_split_must_be_the_whole():
    request = Request(FOCAL, {"logits": np.zeros(4)}, shards=(1, 2))
    with pytest.raises(ValueError, match="must add up to 4 examples"):
        split(request)

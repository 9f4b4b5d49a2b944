import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from conformance.adapters import Errored, Outputs, Request, resolve
from conformance.adapters import jax_runtime as jax_adapter
from conformance.adapters import torch_runtime as torch_adapter
from conformance.adapters.remote import Remote, one_worker, serve
from conformance.adapters.stopwatch import COMPILING, STARTING, STOPWATCH, Timed

POINTS = {"logits": np.arange(5.0), "labels": np.ones(5)}
FOCAL = Request("sigmoid_focal_loss", POINTS, dtype="float32", want=("value",))


def asked(transform, size=5):
    points = {"logits": np.arange(float(size)), "labels": np.ones(size)}
    return Request("sigmoid_focal_loss", points, dtype="float32", transform=transform)


@pytest.fixture(autouse=True)
def _emptied():
    STOPWATCH.take()


def test_what_happens_within_something_is_part_of_it():
    with STOPWATCH.during("outer"):
        for _ in range(2):
            with STOPWATCH.during("inner"):
                time.sleep(0.01)
    with STOPWATCH.during("inner"):
        time.sleep(0.02)
    found = STOPWATCH.take()
    assert found["outer"] >= 0.02
    assert 0.02 <= found["inner"] < found["outer"] + 0.02
    assert STOPWATCH.take() == {}


def test_durations_that_are_reported_at_their_end_are_nested_too():
    begun = time.perf_counter()
    time.sleep(0.01)
    STOPWATCH.ended(COMPILING, time.perf_counter() - begun)
    time.sleep(0.01)
    whole = time.perf_counter() - begun
    STOPWATCH.ended(COMPILING, whole)
    assert STOPWATCH.take() == {COMPILING: whole}


def test_threads_are_kept_apart_and_other_processes_added():
    STOPWATCH.elsewhere({COMPILING: 2.0})
    thread = threading.Thread(target=lambda: STOPWATCH.elsewhere({COMPILING: 5.0}))
    thread.start()
    thread.join()
    STOPWATCH.elsewhere({COMPILING: 1.0, STARTING: 3.0})
    assert STOPWATCH.take() == {COMPILING: 3.0, STARTING: 3.0}


def test_timed_adapter_counts_its_requests_and_nothing_else():
    class Slow:
        def eval(self, request, /):
            time.sleep(0.01)
            STOPWATCH.elsewhere({COMPILING: 0.004})
            if request.dtype == "float64":
                raise RuntimeError
            return Errored("kind", "message")

    timed = Timed(Slow())
    STOPWATCH.elsewhere({COMPILING: 100.0})
    for _ in range(2):
        assert isinstance(timed.eval(FOCAL), Errored)
    STOPWATCH.elsewhere({COMPILING: 100.0})
    with pytest.raises(RuntimeError):
        timed.eval(Request("sigmoid_focal_loss", POINTS))
    requests, seconds, known = timed.take()
    assert (requests, known) == (3, {COMPILING: pytest.approx(0.012)})
    assert 0.03 <= seconds < 3
    assert timed.take() == (0, 0.0, {})


@pytest.mark.parametrize(("name", "transform"), [("jax", "jit"), ("torch", "export")])
def test_frameworks_report_what_they_compile(name, transform):
    timed = Timed(resolve(name))
    resolve(name).start()
    # Of a shape that nothing else asks for.
    assert isinstance(timed.eval(asked(transform, 37)), Outputs)
    _, seconds, known = timed.take()
    assert 0 < known[COMPILING] < seconds
    if name == "jax":
        timed.eval(asked(transform, 37))
        assert COMPILING not in timed.take()[2]


def test_dynamo_reports_what_it_compiles():
    torch_adapter._time_compilations()
    began = time.perf_counter()
    torch.compile(lambda x: x + 1, backend="eager")(torch.ones(3))
    assert 0 < STOPWATCH.take()[COMPILING] < time.perf_counter() - began


def test_arrays_are_handed_to_jax_without_a_compilation():
    programs = jax_adapter._compilations()
    before = programs.copy()
    made = jax_adapter.array_of(np.ones((41, 3)), "logits", asked("eager"))
    assert made.shape == (41, 3)
    assert programs == before


def test_jax_forgets_what_was_compiled_once_that_is_much(monkeypatch):
    adapter = resolve("jax")
    adapter.start()
    assert isinstance(adapter, jax_adapter.JaxAdapter)
    # What other tests compiled in this process counts too.
    adapter.release()
    adapter.eval(asked("jit"))
    adapter.release()
    assert adapter._compiled
    monkeypatch.setattr(jax_adapter, "KEPT", 0)
    adapter.release()
    assert not adapter._compiled
    again = adapter.eval(asked("jit"))
    assert isinstance(again, Outputs)
    # Traced anew, and counted anew.
    assert again.traces == 1


def test_worker_reports_its_share():
    crew = one_worker()
    try:
        timed = Timed(Remote("jax", crew))
        assert isinstance(timed.eval(asked("jit")), Outputs)
        _, seconds, first = timed.take()
        # The other request finds the worker at work, and its program compiled.
        answer = timed.eval(asked("jit"))
        assert isinstance(answer, Outputs)
        assert answer.traces == 1
        _, _, second = timed.take()
    finally:
        crew.dismiss()
    assert set(first) == {STARTING, COMPILING}
    assert 0.1 < first[STARTING] < seconds
    assert sum(first.values()) < seconds
    assert second == {}


def test_worker_forgets_between_operations_and_not_within_one(monkeypatch):
    monkeypatch.setattr(jax_adapter, "KEPT", 0)
    serve_here = serve(0, 1, Path())
    other = replace(asked("jit"), operation="binary_cross_entropy_with_logits")
    requests = (asked("jit"), asked("vmap"), asked("jit"), other, asked("jit"))
    compiled = [COMPILING in serve_here("jax", request)[2] for request in requests]
    assert compiled == [True, True, False, True, True]

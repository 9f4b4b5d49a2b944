import os
import signal

import numpy as np
import pytest

from conformance.adapters import Errored, Outputs, Request, resolve
from conformance.adapters.remote import Remote, one_worker

POINTS = {"logits": np.array([40.0, -1.0]), "labels": np.array([1.0, 0.0])}
FOCAL = Request("sigmoid_focal_loss", POINTS, want=("value", "grad_logits"))


@pytest.fixture
def crew():
    crew = one_worker()
    yield crew
    crew.dismiss()


def test_answers_are_those_of_the_adapter_itself(crew):
    here = resolve("numpy")
    here.start()
    expected, found = here.eval(FOCAL), Remote("numpy", crew).eval(FOCAL)
    assert isinstance(expected, Outputs)
    assert isinstance(found, Outputs)
    assert found.dtypes == expected.dtypes
    for name, array in expected.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)


def test_one_worker_serves_several_implementations(crew):
    planted = Remote("py:tests.conformance.planted:broken", crew)
    refused = planted.eval(FOCAL)
    assert isinstance(refused, Errored)
    assert refused.kind == "RuntimeError"
    pid = crew.pids()
    assert isinstance(Remote("numpy", crew).eval(FOCAL), Outputs)
    # What was refused did not cost the worker.
    assert crew.pids() == pid


def test_worker_that_ends_is_an_answer_and_is_replaced(crew):
    remote = Remote("numpy", crew)
    assert isinstance(remote.eval(FOCAL), Outputs)
    (pid,) = crew.pids()
    os.kill(pid, signal.SIGKILL)
    ended = remote.eval(FOCAL)
    assert isinstance(ended, Errored)
    assert "worker process ended" in ended.message
    assert isinstance(remote.eval(FOCAL), Outputs)


def test_interrupt_is_not_for_the_worker(crew):
    remote = Remote("numpy", crew)
    assert isinstance(remote.eval(FOCAL), Outputs)
    (pid,) = crew.pids()
    assert os.getsid(pid) != os.getsid(0)

"""Whatever an adapter answers, a run ends in a verdict on it."""

from dataclasses import replace

import numpy as np
import pytest

import refimpl
from conformance.adapters import Errored, Outputs, from_functions
from conformance.plan import Judged, Options, choose, units
from conformance.profiles import PROFILES, batches, evaluate
from conformance.profiles.points import FOCAL

FUNCTIONS = {
    FOCAL: refimpl.sigmoid_focal_loss,
    f"{FOCAL}_grad": refimpl.sigmoid_focal_loss_grad,
}


def one_more(array):
    return np.append(array, 0.0)


def one_axis_more(array):
    return array[..., None]


def as_objects(array):
    return array.astype(object)


def as_list(array):
    return array.tolist()


def as_text(array):
    return array.astype(str)


def nothing(array):
    return array[:0] if array.ndim else np.zeros(0)


class Twisted:
    """The reference, whose arrays are changed on their way."""

    def __init__(self, change, *, by_point=False):
        self._inner = from_functions(FUNCTIONS, framework="numpy")
        self._change = change
        self._by_point = by_point

    def eval(self, request):
        answer = self._inner.eval(request)
        size = len(next(iter(request.inputs.values())))
        if self._by_point and size > 1 and isinstance(answer, Outputs):
            return Errored("ValueError", "only one at a time")
        if not isinstance(answer, Outputs):
            return answer
        arrays = {k: self._change(v) for k, v in answer.arrays.items()}
        return replace(answer, arrays=arrays)


def results(adapter, profiles=tuple(PROFILES)):
    able = from_functions(FUNCTIONS, framework="numpy").start()
    one = Judged("twisted", adapter, able, "cpu")
    asked = Options(select=f"{FOCAL}/*")
    cases = choose(asked)
    for profile in profiles:
        for batch in batches(units(one, profile, cases, asked)):
            yield from evaluate(batch, adapter, one.name, "cpu", 8.0)


@pytest.mark.parametrize(
    "change", [one_more, one_axis_more, as_objects, as_list, as_text, nothing]
)
@pytest.mark.parametrize("by_point", [False, True])
def test_what_is_no_answer_passes_nowhere(change, by_point):
    adapter = Twisted(change, by_point=by_point)
    found = list(results(adapter, ("accuracy", "gradients", "fresh", "bad_input")))
    vectors = [r for r in found if r.profile != "bad_input"]
    ordinary = {r.status for r in vectors if r.output != "bad_value"}
    assert ordinary <= {"fail", "errored"}
    # What is refused, as it should be, has no answer to twist.
    assert {r.status for r in vectors if r.output == "bad_value"} > {"pass"}


@pytest.mark.parametrize("change", [one_more, one_axis_more, as_objects, nothing])
def test_every_profile_survives(change):
    found = list(results(Twisted(change)))
    wrong = [r for r in found if r.status in ("fail", "errored")]
    assert len({r.profile for r in wrong}) >= 6
    assert all(r.lost for r in wrong)


def test_output_without_a_dtype_is_named():
    class Unnamed(Twisted):
        def eval(self, request):
            answer = super().eval(request)
            return replace(answer, dtypes={}) if isinstance(answer, Outputs) else answer

    first = next(r for r in results(Unnamed(np.copy), ("accuracy",)))
    assert first.status == "errored"
    assert first.reason == "adapter: KeyError: value: expected its dtype, got none"

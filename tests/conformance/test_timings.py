import io
import time

import pytest
from rich.console import Console

import refimpl
from conformance.adapters import from_functions
from conformance.plan import Options
from conformance.report import seconds
from conformance.report.stream import read
from conformance.runner import run
from conformance.timings import Lane, Timings

SLOW, FAST = "sigmoid_focal_loss", "binary_cross_entropy_with_logits"
PARTS = ("starting", "compiling", "evaluating", "judging")
DELAY = 0.02


def slow(*arguments, **options):
    time.sleep(DELAY)
    return refimpl.sigmoid_focal_loss(*arguments, **options)


planted = from_functions(
    {SLOW: slow, FAST: refimpl.binary_cross_entropy_with_logits}, framework="numpy"
)
IMPL = "py:tests.conformance.test_timings:planted"


def timed(tmp_path, *, timings=True, width=200, **changes):
    fields = {"quick": True, "profiles": ("accuracy", "semantics"), **changes}
    options = Options(impls=(IMPL,), out=tmp_path, timings=timings, **fields)
    text = io.StringIO()
    assert run(options, Console(file=text, width=width)) == 0
    return read(tmp_path / "report.json"), text.getvalue()


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return timed(tmp_path_factory.mktemp("timings"))


def test_slow_operation_is_on_top(found):
    stored, _ = found
    calls = stored.closing["timings"]["calls"]
    assert {row["operation"] for row in calls[:2]} == {SLOW}
    assert {row["profile"] for row in calls} == {"accuracy", "semantics"}
    assert all(row["seconds"] >= row["evaluating"] > 5 * DELAY for row in calls[:2])
    slowest = stored.closing["timings"]["slowest"]
    assert all(SLOW in row["call"] for row in slowest[:3])
    assert [row["seconds"] for row in slowest] == sorted(
        (row["seconds"] for row in slowest), reverse=True
    )


def test_counts_are_those_of_the_results(found):
    stored, _ = found
    calls = stored.closing["timings"]["calls"]
    judged = [r for r in stored.results if r.profile != "all"]
    for row in calls:
        own = [
            r
            for r in judged
            if (r.operation, r.profile) == (row["operation"], row["profile"])
        ]
        assert row["compared"] == sum(r.compared for r in own) > 0
        assert row["units"] == len({r.unit_key for r in own})
        assert row["requests"] > 0


def test_sums_add_up(found):
    timings = found[0].closing["timings"]
    (lane,) = timings["lanes"]
    of_calls = sum(row["seconds"] for row in timings["calls"])
    of_parts = sum(lane[part] for part in PARTS)
    # Stored to a tenth of a millisecond each.
    assert of_calls == pytest.approx(of_parts, abs=0.01)
    for row in timings["calls"]:
        parts = sum(row[part] for part in PARTS)
        assert parts == pytest.approx(row["seconds"], abs=0.001)
    assert lane["other"] >= 0
    assert of_parts + lane["other"] == pytest.approx(lane["seconds"], abs=0.001)
    assert lane["seconds"] <= timings["phases"]["lanes"] + 0.001
    assert sum(timings["phases"].values()) <= timings["seconds"] + 0.001


def test_tables_fit_a_pipe(found, tmp_path):
    _, wide = found
    assert "seconds by call, slowest first" in wide
    assert "seconds by lane" in wide
    _, narrow = timed(tmp_path, width=100)
    lines = narrow.splitlines()
    start = next(i for i, x in enumerate(lines) if x.startswith("seconds by call"))
    end = next(i for i, x in enumerate(lines) if x.startswith("imports"))
    assert end > start + 10
    assert all(len(line) <= 100 for line in lines[start:end])


def test_nothing_changes_without_the_flag(found, tmp_path):
    stored, text = timed(tmp_path, timings=False)
    assert set(stored.closing) == {"interrupted", "counts", "seconds"}
    assert "seconds by" not in text
    assert stored.results == found[0].results
    assert stored.header["options"] == found[0].header["options"]


def test_resumed_run_reports_what_it_did_itself(tmp_path):
    whole, _ = timed(tmp_path, timings=False)
    again, text = timed(tmp_path, resume=True)
    assert again.closing["counts"] == whole.closing["counts"]
    assert again.closing["timings"]["calls"] == []
    assert again.closing["timings"]["lanes"] == []
    assert "seconds by call" in text


def test_lanes_of_an_interrupted_run_have_no_end_yet():
    timings = Timings()
    timings.lanes = [Lane("numpy 1", began=timings.began), Lane("torch 1")]
    lanes = seconds.record(timings)["lanes"]
    assert all(0 <= lane["seconds"] < 60 for lane in lanes)
    assert all(lane["idle"] == 0 for lane in lanes)

import io
import json

import pytest
from rich.console import Console

from conformance import runner
from conformance.errors import UsageError
from conformance.plan import Options, choose, start, units
from conformance.profiles import PROFILES
from conformance.report.stream import Stored, Stream, read
from conformance.report.terminal import INTERRUPTED
from conformance.runner import run

FOCAL = "sigmoid_focal_loss"


def planted(name):
    return f"py:tests.conformance.planted:{name}"


@pytest.fixture
def options(tmp_path):
    def make(*impls, **changes):
        fields = {"quick": True, "out": tmp_path, **changes}
        return Options(impls=impls or (planted("good"),), **fields)

    return make


@pytest.fixture
def shown():
    return Console(file=io.StringIO(), width=200)


def report(options) -> Stored:
    return read(options.out / "report.json")


def test_reference_conforms(options, shown):
    asked = options("numpy")
    assert run(asked, shown) == 0
    stored = report(asked)
    profiles = {r.profile for r in stored.results}
    assert profiles == {
        "accuracy",
        "gradients",
        "fresh",
        "reductions",
        "semantics",
        "bad_input",
        "determinism",
    }
    assert profiles < set(PROFILES)
    assert stored.closing["interrupted"] is False
    assert stored.closing["counts"]["numpy"]["compared"] > 10_000
    assert "CONFORMS: numpy" in shown.file.getvalue()
    document = json.loads((asked.out / "report.json").read_text())
    assert len(document["results"]) == len(stored.results)
    versions = document["header"]["versions"]
    assert {"python", "numpy", "torch", "jax", "flax", "optax"} <= set(versions)


def test_missing_operations_are_reported_and_do_not_fail(options, shown):
    asked = options()
    assert run(asked, shown) == 0
    missing = [r for r in report(asked).results if r.status == "not_implemented"]
    assert {r.operation for r in missing} > {"adaptive_bce_with_logits"}
    assert FOCAL not in {r.operation for r in missing}


def test_missing_arguments_are_reported_and_the_rest_is_judged(options, shown):
    asked = options(planted("partial"))
    assert run(asked, shown) == 0
    reasons = {r.reason for r in report(asked).results if r.status != "pass"}
    assert "no argument 'label_smoothing'" in reasons
    assert report(asked).closing["counts"][planted("partial")]["compared"] > 100


def test_wrong_function_fails_with_a_named_case(options, shown):
    asked = options(planted("wrong"))
    assert run(asked, shown) == 1
    failed = [r for r in report(asked).results if r.status == "fail"]
    named = [r.failures[0].id for r in failed if r.failures]
    assert any(name.startswith(f"{FOCAL}/saturation/") for name in named)
    text = shown.file.getvalue()
    assert "DOES NOT CONFORM" in text
    assert f"repro '{named[0]}'" in text


def test_raising_function_is_an_adapter_fault(options, shown):
    assert run(options(planted("broken")), shown) == 2
    assert "RuntimeError: out of order" in shown.file.getvalue()


def test_nothing_compared_is_not_a_pass(options, shown):
    assert run(options(planted("empty")), shown) == 1
    assert run(options(planted("good"), planted("empty")), shown) == 1
    assert run(options(select="no/such/*"), shown) == 1
    assert "nothing" in shown.file.getvalue()


def test_select_by_path_and_by_id(options, shown):
    asked = options("numpy", select=f"{FOCAL}/basic/*", quick=False)
    assert run(asked, shown) == 0
    results = report(asked).results
    assert {r.group.split("/")[1] for r in results} == {"basic"}
    point = next(r.worst_id for r in results if r.worst_id)
    assert run(options("numpy", select=point, quick=False), shown) == 0
    assert {r.worst_id for r in report(asked).results} == {point}
    assert {r.compared for r in report(asked).results} == {1}


def test_select_checks_by_path(options, shown):
    asked = options("numpy", select="cross_entropy/semantics/*weights*", quick=False)
    assert run(asked, shown) == 0
    results = [r for r in report(asked).results if r.profile != "all"]
    assert {r.profile for r in results} == {"semantics"}
    assert all("weights" in r.group for r in results)


def test_operations_take_turns_where_the_adapter_does_not_mind(options):
    cases = choose(options(select="*_loss/basic/default", quick=False))
    for name, lanes in (("jax", 2), ("torch", 1)):
        one = start(name, "cpu")
        asked = list(units(one, "accuracy", cases, options()))
        shares = runner._lanes([(one, asked)], [])
        assert len(shares) == lanes
        found = [[u for _, part in share for u in part] for share in shares.values()]
        assert sum(map(len, found)) == len(asked)
        operations = [{unit.operation for unit in share} for share in found]
        assert sum(map(len, operations)) == len(set.union(*operations))


def test_profiles_of_an_operation_follow_each_other(options):
    cases = choose(options(quick=False, select="*_loss/basic/default"))
    one = start("numpy", "cpu")
    plan = [
        (one, list(units(one, profile, cases, options())))
        for profile in ("accuracy", "gradients")
    ]
    (lane,) = runner._lanes(plan, []).values()
    names = [(unit.operation, unit.profile) for _, rest in lane for unit in rest]
    begun = list(dict.fromkeys(names))
    # Each operation begins once, and asks for values before gradients.
    assert begun == [
        (operation, profile)
        for operation in dict.fromkeys(operation for operation, _ in names)
        for profile in ("accuracy", "gradients")
    ]
    assert len(begun) > 4


def test_an_operation_is_announced_once(options, shown):
    run(options("numpy", profiles=("accuracy", "gradients")), shown)
    lines = [x for x in shown.file.getvalue().splitlines() if x.endswith(" units")]
    names = [line.split(":")[0] for line in lines]
    assert len(names) == len(set(names)) > 5
    results = {r.unit_key for r in report(options()).results if r.operation == FOCAL}
    assert f"numpy {FOCAL}: {len(results)} units" in lines


def interrupt_after(monkeypatch, batches):
    evaluate, left = runner.evaluate, [batches]

    def interrupting(*arguments):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return evaluate(*arguments)

    monkeypatch.setattr(runner, "evaluate", interrupting)


def test_resumed_run_counts_like_an_uninterrupted_one(options, shown, monkeypatch):
    whole = options("numpy")
    run(whole, shown)
    expected = report(whole)
    with monkeypatch.context() as context:
        interrupt_after(context, 40)
        assert run(whole, shown) == INTERRUPTED
    part = report(whole)
    assert part.closing["interrupted"] is True
    assert 0 < len(part.results) < len(expected.results)
    assert "--resume" in shown.file.getvalue()
    with monkeypatch.context() as context:
        # All batches but the finished ones: nothing is done twice.
        interrupt_after(context, 10_000)
        assert run(options("numpy", resume=True), shown) == 0
    resumed = report(whole)
    assert resumed.closing["interrupted"] is False
    assert resumed.closing["counts"] == expected.closing["counts"]
    assert set(resumed.results) == set(expected.results)


@pytest.mark.parametrize("cut", [1, 40, 400])
def test_file_cut_by_a_kill_is_continued(options, shown, cut):
    asked = options("numpy")
    run(asked, shown)
    expected = report(asked)
    path = asked.out / "report.json"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: len(lines) // 2])[:-cut])
    assert run(options("numpy", resume=True), shown) == 0
    assert report(asked).closing["interrupted"] is False
    assert report(asked).closing["counts"] == expected.closing["counts"]
    assert len(report(asked).results) == len(expected.results)


def test_resume_evaluates_only_what_is_missing(options, shown, monkeypatch):
    run(options("numpy"), shown)
    interrupt_after(monkeypatch, 0)
    assert run(options("numpy", resume=True), shown) == 0


def test_resume_refuses_another_run(options, shown):
    run(options("numpy"), shown)
    with pytest.raises(UsageError, match=r"options\.quick: True then, False now"):
        run(options("numpy", quick=False, resume=True), shown)
    (options().out / "report.json").write_text("{}\n")
    with pytest.raises(UsageError, match="does not begin with the header"):
        run(options("numpy", resume=True), shown)


def test_resume_without_a_report_starts_afresh(options, shown):
    assert run(options("numpy", resume=True), shown) == 0


def test_report_that_cannot_be_written(options, shown, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="--out: cannot write"):
        run(options(out=tmp_path / "file"), shown)


def test_device_that_is_not_there():
    with pytest.raises(UsageError, match="--device: torch can run on cpu here"):
        start("torch", "tpu")


def test_stream_is_valid_json_at_once_and_after_an_error(tmp_path):
    path = tmp_path / "report.json"
    with pytest.raises(RuntimeError), Stream(path, {"spec": "1"}):
        raise RuntimeError
    document = json.loads(path.read_text())
    assert document == {
        "header": {"spec": "1"},
        "results": [],
        "interrupted": True,
        "counts": {},
    }


@pytest.mark.parametrize("line", ["3", "garbage", '{"impl": "numpy"}', "]garbage"])
def test_unreadable_report_is_refused_and_kept(options, shown, line):
    run(options("numpy"), shown)
    path = options().out / "report.json"
    lines = path.read_text().splitlines()
    lines[7] = line
    path.write_text("\n".join(lines) + "\n")
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"--resume: .*report\.json, line 8"):
        run(options("numpy", resume=True), shown)
    assert path.read_bytes() == before

import io
import json

import pytest
from rich.console import Console

from conformance import ratchet, runner
from conformance.budgets import C_MAX, C_REFERENCE, RATCHET_FLOOR
from conformance.errors import UsageError
from conformance.plan import Options
from conformance.profiles import PROFILES, Result
from conformance.ratchet import FILE, Key
from conformance.ratchet.command import run as command
from conformance.report.stream import Stream, read
from tests.conformance.test_cli import PLANTED, conformance

HERE = ratchet.here("cpu")
KEY = Key("torch", "cross_entropy", "float32", "gradient")


def result(worst, *, impl="torch", output="grad_logits", status="pass", **changes):
    fields = {
        "profile": "gradients",
        "operation": "cross_entropy",
        "group": "cross_entropy/basic/default",
        "dtype": "float32",
        "transform": "eager",
        "reduction": "none",
        "compared": 10,
        **changes,
    }
    return Result(impl=impl, output=output, status=status, worst=worst, **fields)


def holding(**values):
    worst = {
        impl: {"cross_entropy": {"float32": {"gradient": value}}}
        for impl, value in values.items()
    }
    own = {"measured": {}, "worst": worst, "raised": []}
    return {"platforms": {HERE: {"full": own}}}


def holding_quick(value):
    own = holding(torch=value)["platforms"][HERE]["full"]
    return {"platforms": {HERE: {"quick": own}}}


def judge(kept, results, *, name=HERE, quick=False, complete=True):
    return ratchet.check(kept, name, results, quick=quick, complete=complete)


def check(kept, *worsts, quick=False, complete=True, **changes):
    results = [result(worst, **changes) for worst in worsts]
    return judge(kept, results, quick=quick, complete=complete)


def report(path, *results, quick=False, select="", profiles=PROFILES, cut=False):
    head = {
        "spec": "1.0.0",
        "digest": "d",
        "versions": {"numpy": "2", "platform": "somewhere"},
        "device": {"name": "cpu", "machine": HERE.removeprefix("cpu-"), "cpu": "x"},
        "options": {
            "impl": list(dict.fromkeys(r.impl for r in results)),
            "profile": list(profiles),
            "select": select,
            "quick": quick,
            "device": "cpu",
        },
    }
    with Stream(path, head, results) as stream:
        stream.conclude({}, interrupted=cut)
    return path


@pytest.fixture
def update(tmp_path):
    """Updates a file from a report of these results; returns file and text."""

    def run(*results, kept=None, reason="", update=True, **form):
        file, shown = tmp_path / "ratchet.json", io.StringIO()
        if kept:
            file.write_text(json.dumps(kept))
        source = report(tmp_path / "report.json", *results, **form)
        console = Console(file=shown, width=200)
        status = command(source, file, console, update=update, reason=reason)
        return status, json.loads(file.read_text()), shown.getvalue()

    return run


def value_of(kept, size="full"):
    return dict(ratchet.entries(kept, HERE, size))[KEY]


def test_twice_holds_and_more_does_not():
    assert check(holding(torch=1.0), 0.3, 2.0).status == 0
    grown = check(holding(torch=1.0), 0.3, 2.01)
    assert grown.status == 1
    (line,) = grown.lines
    for phrase in ("torch cross_entropy float32 gradient", "2.01 now", "1 is stored"):
        assert phrase in line


def test_below_half_a_rounding_there_is_nothing_to_keep():
    assert check(holding(torch=0.01), 2 * RATCHET_FLOOR).status == 0
    assert check(holding(torch=0.01), 1.01).status == 1


@pytest.mark.parametrize("error", [float("nan"), float("inf")])
def test_what_is_no_number_does_not_hold(error):
    assert check(holding(torch=1.0), error).status == 1


def test_value_and_gradient_are_apart():
    verdict = check(holding(torch=1.0), 0.5, output="value")
    assert verdict.status == 1
    assert any(
        "float32 value" in line and "nothing is stored" in line
        for line in verdict.lines
    )
    assert any("--update" in line for line in verdict.lines)


def test_what_is_stored_must_be_measured_by_a_full_run():
    both = holding(torch=1.0, jax=1.0)
    assert check(both, 1.0).status == 0
    other = check(both, 1.0, dtype="float64")
    assert any("nothing was measured" in line for line in other.lines)
    kept = holding(torch=1.0)
    new = {"float32": {"value": 1.0}}
    kept["platforms"][HERE]["full"]["worst"]["torch"]["new_loss"] = new
    assert check(kept, 1.0).status == 1
    assert check(kept, 1.0, complete=False).status == 0


def test_nothing_measured_is_no_pass():
    assert judge(holding(torch=1.0), [], complete=False).status == 1


def test_another_platform_is_said_and_passes():
    verdict = judge(holding(torch=1.0), [result(7.9)], name="cpu-vax")
    assert verdict.status == 0
    assert "no ratchet of full runs for this platform, cpu-vax" in verdict.lines[0]


def test_a_file_cannot_lift_the_budget(tmp_path):
    assert check(holding(torch=100.0), C_MAX).status == 0
    assert check(holding(torch=100.0), 9.0).status == 1
    assert check(holding(numpy=100.0), C_REFERENCE + 0.1, impl="numpy").status == 1
    file = tmp_path / "ratchet.json"
    for impl, value in (
        ("torch", 100.0),
        ("numpy", 2.5),
        ("torch", "1"),
        ("torch", -1),
    ):
        file.write_text(json.dumps(holding(**{impl: value})))
        with pytest.raises(UsageError, match="no ratchet can exceed"):
            ratchet.load(file)


@pytest.mark.parametrize("stored", [None, C_MAX])
def test_judging_does_not_ask_the_file(stored, tmp_path):
    impl = f"{PLANTED}:wrong"
    file = tmp_path / "ratchet.json"
    file.write_text(json.dumps(holding(**{impl: stored} if stored else {})))
    options = Options(
        (impl,), select="sigmoid_focal_loss/basic/*", out=tmp_path, ratchet=file
    )
    assert runner.run(options, Console(file=io.StringIO())) == 1
    found = read(tmp_path / "report.json").results
    assert {r.status for r in found if r.worst and r.worst > C_MAX} == {"fail"}


def test_update_lowers_and_adds(update):
    status, kept, text = update(result(0.7001), kept=holding(torch=1.0))
    assert status == 0
    # Rounded up, so that the run that wrote it holds.
    assert value_of(kept) == 0.701
    assert "1 -> 0.701" in text
    _, kept, text = update(result(0.25, output="value"), kept=holding(torch=1.0))
    assert dict(ratchet.entries(kept, HERE, "full"))[KEY._replace(kind="value")] == 0.25
    assert kept["platforms"][HERE]["full"]["measured"]["versions"] == {"numpy": "2"}
    # What went away stays until somebody says why.
    assert value_of(kept) == 1.0


def test_update_raises_only_for_a_reason(update):
    _, kept, text = update(result(3.0), kept=holding(torch=1.0))
    assert value_of(kept) == 1.0
    assert "kept torch cross_entropy float32 gradient: 1, 3 now; --raise" in text
    _, kept, _ = update(result(3.0), kept=holding(torch=1.0), reason="a faster form")
    assert value_of(kept) == 3.0
    (raised,) = kept["platforms"][HERE]["full"]["raised"]
    assert raised == {
        "what": str(KEY),
        "from": 1.0,
        "to": 3.0,
        "reason": "a faster form",
    }
    _, kept, _ = update(result(1.0, output="value"), kept=kept, reason="no gradient")
    raised = kept["platforms"][HERE]["full"]["raised"]
    assert [r["to"] for r in raised] == [3.0, None]


def test_quick_and_full_runs_have_values_of_their_own(update):
    kept = holding(torch=3.0)
    kept["platforms"][HERE] |= holding_quick(1.0)["platforms"][HERE]
    assert check(kept, 2.5).status == 0
    (line,) = check(kept, 2.5, quick=True).lines
    assert "2.5 now, 1 is stored" in line
    (line,) = check(holding(torch=3.0), 2.5, quick=True).lines
    assert "no ratchet of quick runs" in line
    for quick, full_now, quick_now in ((True, 3.0, 0.5), (False, 0.5, 1.0)):
        status, new, _ = update(result(0.5), kept=kept, quick=quick)
        assert status == 0
        assert value_of(new) == full_now
        assert value_of(new, "quick") == quick_now
        assert [*new["platforms"][HERE]] == ["full", "quick"]
    # Checking a report goes by what it is of, too.
    assert update(result(2.5), kept=kept, quick=True, update=False)[0] == 1
    assert update(result(2.5), kept=kept, quick=False, update=False)[0] == 0


def test_a_complete_quick_run_misses_nothing():
    kept = holding_quick(1.0)
    assert check(kept, 1.0, quick=True, dtype="float64").status == 1
    (line,) = check(kept, 1.0, quick=True, complete=False, output="value").lines
    assert "nothing is stored" in line


@pytest.mark.parametrize("reason", ["", "because"])
def test_update_never_writes_more_than_passes(update, reason):
    for error in (8.1, float("inf"), float("nan")):
        with pytest.raises(UsageError, match="at most 8"):
            update(result(error), kept=holding(torch=1.0), reason=reason)
    with pytest.raises(UsageError, match="at most 2"):
        update(result(2.1, impl="torch"), result(2.1, impl="numpy"), reason=reason)


@pytest.mark.parametrize(
    ("form", "phrase"),
    [
        ({"select": "*"}, "--select"),
        ({"profiles": ["accuracy"]}, "no profile"),
        ({"cut": True}, "interruption"),
    ],
)
def test_update_needs_a_complete_run(update, form, phrase):
    with pytest.raises(UsageError, match=phrase):
        update(result(1.0), **form)


def test_update_needs_a_run_that_conforms(update):
    with pytest.raises(UsageError, match="everything conforms"):
        update(result(1.0), result(9.0, status="fail", failed=1))


def test_what_is_neither_full_nor_quick_is_refused(tmp_path):
    file = tmp_path / "k.json"
    for sizes in ({"worst": {}}, {}):
        file.write_text(json.dumps({"platforms": {HERE: sizes}}))
        with pytest.raises(UsageError, match="expected full or quick"):
            ratchet.load(file)


def test_what_is_no_report_or_no_ratchet(tmp_path):
    source, file = report(tmp_path / "r.json", result(1.0)), tmp_path / "k.json"
    file.write_text("[]")
    console = Console(file=io.StringIO())
    for bad in ((file, FILE), (source, file), (source, tmp_path / "none.json")):
        with pytest.raises(UsageError):
            command(*bad, console, update=False, reason="")
    with pytest.raises(UsageError, match="--update"):
        command(source, FILE, console, update=False, reason="why")


@pytest.mark.parametrize("size", ["full", "quick"])
def test_the_file_holds_our_implementations(size):
    stored = dict(ratchet.entries(ratchet.load(FILE), "cpu-x86_64", size))
    assert {key.impl for key in stored} == {"numpy", "torch", "jax"}
    assert {key.dtype for key in stored} == {
        "float64",
        "float32",
        "float16",
        "bfloat16",
    }
    assert max(stored.values()) > 1


def test_run_with_a_ratchet(tmp_path):
    asked = ("run", "--impl", "numpy", "--quick", "--out", str(tmp_path))
    done = conformance(*asked, "--ratchet")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith("ratchet: ")
    kept = json.loads(FILE.read_text())
    name = "cpu-x86_64"
    kept["platforms"] = {HERE: kept["platforms"][name]}
    values = kept["platforms"][HERE]["quick"]["worst"]["numpy"]["sigmoid_focal_loss"]
    values = values["float64"]
    values["gradient"] = 0.1
    tight = tmp_path / "tight.json"
    tight.write_text(json.dumps(kept))
    done = conformance(*asked, "--ratchet-file", str(tight))
    assert done.returncode == 1
    assert "ratchet: numpy sigmoid_focal_loss float64 gradient" in done.stdout
    done = conformance(*asked, "--ratchet-file", str(tmp_path / "absent.json"))
    assert done.returncode == 2
    assert "absent.json" in done.stderr

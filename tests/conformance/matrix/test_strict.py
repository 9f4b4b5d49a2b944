import json

import pytest
from rich.console import Console

from conformance.errors import UsageError
from conformance.matrix import Options, known, matrix
from conformance.matrix import run as command
from conformance.peers import LIBRARIES, Library
from conformance.report.libraries import parse
from tests.conformance.matrix import planted

ENTRY = """
[[deviation]]
id = "label-gradient"
versions = "<2"
operation = "binary_cross_entropy"
level = "LEVEL"
clause = "CLAUSE"
observed = { input = "p = 0.5, y = 1", theirs = "0", specified = "1" }
cause = "Labels are detached."
thread = ""
reproduction = "print(0)"
selectors = [
    { profile = "gradients", output = "OUTPUT", group = "GROUP" },
]
"""
GROUPS = '", "'.join(
    f"{family}/*"
    for family in (
        "basic",
        "cancellation",
        "dead_gradient",
        "kink",
        "nan_policy",
        "one_class",
        "saturation",
        "soft_label",
        "underflow",
        "weighting",
    )
)


def entry(level="L0", clause="BCP-3", output="grad_labels", group=None):
    text = ENTRY.replace("LEVEL", level).replace("CLAUSE", clause)
    text = text.replace("OUTPUT", output)
    return text.replace('"GROUP"', f'"{group}"' if group else f'["{GROUPS}"]')


@pytest.fixture
def run(tmp_path, monkeypatch):
    def run(text, variant=planted.LISTED, version="1.5", **options):
        library = Library(
            "planted", planted.__name__, ("torch",), "torch", restates=version
        )
        monkeypatch.setitem(LIBRARIES, "planted", library)
        monkeypatch.setattr(planted, "variant", [variant])
        folder = tmp_path / "deviations"
        folder.mkdir(exist_ok=True)
        (folder / "planted.toml").write_text(text)
        monkeypatch.setattr(command, "load", lambda: known.load(folder))
        with (tmp_path / "out.txt").open("w") as file:
            console = Console(file=file, width=100, markup=False, highlight=False)
            status = matrix(Options(("planted",), out=tmp_path, **options), console)
        printed = (tmp_path / "out.txt").read_text()
        return status, printed, json.loads((tmp_path / "matrix.json").read_text())

    return run


def test_what_is_listed_and_reproduces_passes(run):
    status, printed, report = run(entry(), table=True)
    assert status == 0, printed
    assert "AS LISTED: 1 deviations" in printed
    (found,) = report["deviations"]
    assert found["status"] == "reproduced"
    assert found["results"] > 10
    operation = report["libraries"][0]["operations"]["binary_cross_entropy"]
    assert operation["levels"]["L0"] == "lost"
    assert "| planted 1.5 | `binary_cross_entropy` | ○" in printed
    assert "L0: BCP-3 |" in printed
    assert report["unlisted"] == report["problems"] == []


def test_one_more_failure_is_unlisted(run):
    status, printed, report = run(entry(), planted.WORSE)
    assert status == 1
    assert "NOT AS LISTED" in printed
    assert any(result["output"] == "value" for result in report["unlisted"])


def test_a_repaired_function_no_longer_reproduces(run):
    status, printed, report = run(entry(), planted.REPAIRED)
    assert status == 1
    assert "label-gradient no longer reproduces" in printed
    assert report["deviations"][0]["status"] == "gone"
    assert report["unlisted"] == []


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        ({"level": "L1"}, "unlisted"),  # what loses more is not explained
        ({"clause": "BCP-99"}, "clause BCP-99 does not exist"),
        ({"clause": "CE-6"}, "clause CE-6 is not about binary_cross_entropy"),
        ({"output": "*", "group": "*"}, "selector 1 is too wide"),
        ({"output": "grad_probs"}, "no longer reproduces"),
        # What the suite names for these results are BCP-3 and GEN-11.
        ({"clause": "BCP-2"}, "no longer reproduces"),
        ({"clause": "GEN-18"}, "unlisted"),
    ],
)
def test_an_entry_must_be_what_it_says(changes, phrase, run):
    status, printed, _ = run(entry(**changes))
    assert status == 1
    assert phrase in printed


def test_a_level_too_low_is_a_fault(run):
    status, printed, _ = run(entry(level="L0", group="underflow/*"))
    assert status == 1
    assert "level: listed as L0, loses L" in printed


def test_a_selector_that_matches_nothing_is_a_fault(run):
    text = entry().replace("selectors = [", 'selectors = [\n{ group = "never/*" },')
    status, printed, _ = run(text)
    assert status == 1
    assert "selector 1 matches nothing that fails" in printed


def test_every_selector_is_about_the_clause(run):
    value = '{ profile = "accuracy", output = "value", group = "basic/*" },'
    text = entry().replace("selectors = [", f"selectors = [\n{value}")
    status, printed, report = run(text, planted.WORSE)
    assert status == 1
    assert "selector 1: no result cites BCP-3" in printed
    # What departs from another clause is not covered by it either.
    assert "value" in {result["output"] for result in report["unlisted"]}


def test_a_version_that_nothing_is_about_is_not_judged(run):
    for variant in (planted.LISTED, planted.REPAIRED):
        status, printed, report = run(entry(), variant, version="2.1", table=True)
        assert status == 1
        assert "not checked for this version" in printed
        assert "NOT JUDGED: planted not judged: nothing is listed" in printed
        assert "AS LISTED" not in printed
        assert "| planted 2.1 | not judged |" in printed
        assert report["deviations"][0]["status"] == "not checked"
        assert report["libraries"][0]["operations"] == {}
        assert report["libraries"][0]["not_judged"]
        assert report["unlisted"] == []
        assert not parse(report).as_listed


def test_an_entry_covers_its_own_versions_alone(run):
    other = entry(group="never/*").replace("label-gradient", "another")
    text = entry().replace('"<2"', '"<1"') + other
    status, printed, report = run(text)
    assert status == 1
    assert "NOT AS LISTED" in printed
    assert {one["output"] for one in report["unlisted"]} == {"grad_labels"}
    by_id = {one["id"]: one["status"] for one in report["deviations"]}
    assert by_id == {"label-gradient": "not checked", "another": "gone"}


def test_a_choice_is_set_apart(run):
    text = entry().replace("[[deviation]]", "[[choice]]").replace('level = "L0"\n', "")
    status, printed, report = run(text.replace("cause", "convention"))
    assert status == 0, printed
    operation = report["libraries"][0]["operations"]["binary_cross_entropy"]
    assert operation["levels"]["L0"] == "held"
    assert operation["set_apart"]["L0"] > 0
    assert report["choices"][0]["convention"] == "Labels are detached."
    assert "◐" in printed


def test_a_library_that_is_absent_is_said_to_be(run, monkeypatch):
    monkeypatch.setattr(Library, "installed", property(lambda _: False))
    status, printed, report = run(entry())
    assert status == 1
    assert "nothing was compared" in printed
    assert report["deviations"][0]["status"] == "not installed"


def test_interrupting_keeps_what_was_found(run, monkeypatch):
    def stop(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "side_by_side", stop)
    status, printed, report = run(entry())
    assert status == 130
    assert "interrupted" in printed
    assert report["interrupted"]
    assert {one["status"] for one in report["deviations"]} == {"not checked"}
    assert report["problems"] == report["unlisted"] == []
    assert report["libraries"][0]["operations"] == {}


def test_a_report_that_cannot_be_written(run, tmp_path):
    (tmp_path / "matrix.json").mkdir()
    with pytest.raises(UsageError, match="--out"):
        run(entry())

import json
from dataclasses import replace

import pytest

from conformance.report.evidence import gather
from conformance.report.facts import NO_LEVEL, narrowing, reach, standings, verdict
from tests.conformance.report.made import (
    BCE,
    CUT,
    DOUBT,
    ERRORED,
    FAIL,
    MISSING,
    PASS,
    SKIPPED,
    comparison,
    mutant,
    outcome,
    proof,
    report,
    whole,
)


def judged(folder, results, **options):
    return verdict(gather(report(folder, results, **options))).word


@pytest.mark.parametrize(
    ("results", "options", "word"),
    [
        ([PASS], {}, "CONFORMS"),
        ([PASS, SKIPPED, MISSING], {}, "CONFORMS"),
        ([PASS, FAIL], {}, "DOES NOT CONFORM"),
        ([PASS, ERRORED], {}, "DOES NOT CONFORM"),
        ([SKIPPED], {}, "DOES NOT CONFORM"),
        ([], {}, "DOES NOT CONFORM"),
        ([PASS], {"impls": ("torch", "jax")}, "DOES NOT CONFORM"),
        ([PASS], {"ended": CUT}, "INCOMPLETE"),
        ([], {"ended": CUT}, "INCOMPLETE"),
        ([PASS, FAIL], {"ended": CUT}, "DOES NOT CONFORM"),
        ([PASS], {"ended": DOUBT}, "NOT TRUSTED"),
        ([PASS, FAIL], {"ended": DOUBT}, "NOT TRUSTED"),
    ],
)
def test_verdict(results, options, word, tmp_path):
    assert judged(tmp_path, results, **options) == word


def test_a_run_that_was_killed_is_incomplete(tmp_path):
    path = report(tmp_path, [PASS, PASS]) / "report.json"
    path.write_text("\n".join(path.read_text().splitlines()[:2]))
    assert verdict(gather(tmp_path)).word == "INCOMPLETE"


def test_removing_a_failed_line_makes_no_report_that_conforms(tmp_path):
    path = report(tmp_path, [PASS, FAIL]) / "report.json"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if '"status": "fail"' not in line))
    found = gather(tmp_path)
    assert verdict(found).word == "NO DATA"
    assert "do not add up" in found.problems[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("report.json", "{}"),
        ("report.json", "\xff"),
        ("report.json", '{"header": {"options": 3}, "results": [\n]\n'),
        ("prove.json", "[1, 2"),
        ("prove.json", '{"mutants": [{"name": "x", "kind": "virus"}]}'),
        ("prove.json", '{"mutants": [{"name": "x", "kind": "fault", "killed": "no"}]}'),
        ("matrix.json", '{"libraries": 3}'),
        ("matrix.json", "[]"),
        ("outcome/outcome.json", '{"data": {}}'),
    ],
)
def test_damaged_files_are_named_and_taken_as_missing(name, text, tmp_path):
    (tmp_path / "outcome").mkdir()
    (tmp_path / name).write_text(text, encoding="latin-1")
    found = gather(tmp_path)
    (problem,) = found.problems
    assert str(tmp_path / name) in problem
    assert problem.endswith("taken as missing.")
    assert [found.run, found.proof, found.comparison] == [None] * 3
    assert found.outcomes == ()


def test_status_that_no_run_writes_is_damage(tmp_path):
    path = report(tmp_path, [PASS]) / "report.json"
    path.write_text(path.read_text().replace('"status": "pass"', '"status": "great"'))
    assert gather(tmp_path).run is None


def test_everything_is_found(tmp_path, monkeypatch):
    report(tmp_path, [PASS])
    proof(tmp_path, mutant("a"))
    comparison(tmp_path)
    outcome(tmp_path / "outcome")
    found = gather(tmp_path)
    assert found.proof is not None
    assert found.proof.holds
    assert found.comparison is not None
    assert found.comparison.as_listed
    assert [one.recipe for one in found.outcomes] == ["pos_weight"]
    assert not found.problems
    outcome(tmp_path / "other" / "outcome" / "second", recipe={"name": "second"})
    assert gather(tmp_path, tmp_path / "other/outcome").outcomes[0].recipe == "second"
    monkeypatch.chdir(tmp_path / "other")
    (tmp_path / "outcome" / "outcome.json").unlink()
    assert gather(tmp_path).outcomes[0].recipe == "second"


def test_every_recipe_has_a_folder(tmp_path):
    names = ["pos_weight", "multilabel", "smoothing"]
    for name in names:
        outcome(tmp_path / "runs" / name, recipe={"name": name})
    found = gather(tmp_path, tmp_path / "runs")
    assert sorted(one.recipe for one in found.outcomes) == sorted(names)
    (alone,) = gather(tmp_path, tmp_path / "runs" / "smoothing").outcomes
    assert alone.recipe == "smoothing"


def test_parts_of_other_sources_are_named(tmp_path):
    report(tmp_path, [PASS])
    outcome(tmp_path / "outcome", source="older")
    (problem,) = gather(tmp_path).problems
    assert "the outcome of pos_weight is of other sources (older)" in problem


@pytest.mark.parametrize(
    ("mutants", "holds"),
    [
        ([mutant("a"), mutant("b", "control", killed=False)], True),
        ([mutant("a"), mutant("b", killed=False)], False),
        ([mutant("a"), mutant("b", "control")], False),
        ([mutant("a"), mutant("b", "harness", killed=False)], False),
        ([mutant("a", killed=None)], False),
        ([mutant("b", "control", killed=None), mutant("a")], False),
        ([mutant("a"), mutant("b", "control", killed=False, status="broken")], False),
        (
            [mutant("a"), mutant("b", "control", killed=False, status="unfounded")],
            False,
        ),
        ([mutant("b", "control", killed=False)], False),
        ([], False),
    ],
)
def test_proof_holds_only_if_everything_is_as_wanted(mutants, holds, tmp_path):
    proof(tmp_path, *mutants)
    found = gather(tmp_path).proof
    assert found is not None
    assert found.holds is holds


@pytest.mark.parametrize(
    "options", [{"interrupted": True}, {"quick": True}, {"select": "torch/*"}]
)
def test_part_of_a_proof_is_none(options, tmp_path):
    proof(tmp_path, mutant("a"), **options)
    found = gather(tmp_path).proof
    assert found is not None
    assert not found.holds
    assert next(iter(options)) in found.phrases[-1]


@pytest.mark.parametrize(
    "changes",
    [
        {"unlisted": [{"impl": "optax", "group": "x", "lost": "L1"}]},
        {"problems": ["kornia: more than is listed"]},
        {"interrupted": True},
        {"choices": [{"id": "a", "status": "gone"}]},
        {"deviations": [{"id": "a", "status": "gone"}]},
        {"libraries": []},
    ],
)
def test_comparison_is_strict_both_ways(changes, tmp_path):
    comparison(tmp_path, **changes)
    found = gather(tmp_path).comparison
    assert found is not None
    assert not found.as_listed


def test_what_was_not_asked_is_not_gone(tmp_path):
    entries = [{"id": "a", "status": "not installed"}, {"status": "not checked"}]
    comparison(tmp_path, deviations=entries)
    found = gather(tmp_path).comparison
    assert found is not None
    assert found.as_listed
    comparison(tmp_path, libraries=[{"name": "x", "installed": False}])
    found = gather(tmp_path).comparison
    assert found is not None
    assert not found.as_listed


def reached(folder, results, **options):
    found = gather(report(folder, results, **options))
    assert found.run is not None
    return reach(found.run, "torch")


def test_reach_is_the_lowest_over_operations(tmp_path):
    assert reached(tmp_path, whole()).level == "L2"
    other = whole(operation="cross_entropy", group="cross_entropy/basic/default")
    bad = [replace(FAIL, operation="cross_entropy", lost="L1"), *other]
    assert reached(tmp_path, [*whole(), *bad]).level == "L0"
    bad[0] = replace(bad[0], lost="L0")
    assert reached(tmp_path, [*whole(), *bad]).level == NO_LEVEL


def test_reach_counts_what_is_there(tmp_path):
    found = reached(tmp_path, [*whole(), *whole(dtype="float64"), MISSING])
    assert found.dtypes == ("float64", "float32")
    assert (found.operations, found.among) == (1, 2)


@pytest.mark.parametrize(
    "options", [{"quick": True}, {"select": "x*"}, {"ended": CUT}, {"ended": DOUBT}]
)
def test_a_narrowed_run_holds_no_level_but_can_lose_one(options, tmp_path):
    assert reached(tmp_path, whole(), **options).level == ""
    found = gather(report(tmp_path, [*whole(), FAIL], **options))
    assert found.run is not None
    assert narrowing(found.run)
    states = standings(found.run)["torch", BCE].levels
    assert states["L1"] == "lost"
    assert "held" not in states.values()


def test_a_problem_of_json_names_the_file_once(tmp_path):
    (tmp_path / "prove.json").write_text(json.dumps({"mutants": [{}]}))
    (problem,) = gather(tmp_path).problems
    assert problem.count("prove.json") == 1

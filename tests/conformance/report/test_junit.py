import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from shlex import quote

import pytest

from conformance.report.evidence import gather
from conformance.report.junit import junit
from tests.conformance.report.made import (
    BCE,
    CHECK,
    CUT,
    DOUBT,
    ERRORED,
    FAIL,
    HOSTILE,
    MISSING,
    PASS,
    POINT,
    SKIPPED,
    report,
)

# What a case may hold, and in which order a suite and a case have their parts.
CASE = ("skipped", "error", "failure", "system-out")
COUNTS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def written(folder):
    """The document, held to the shape that systems of CI agree on."""
    text = junit(gather(folder))
    assert text.startswith('<?xml version="1.0" encoding="utf-8"?>\n<testsuites')
    root = ET.fromstring(text.encode())
    assert root.tag == "testsuites"
    assert len(root) > 0
    for suite in root:
        assert suite.tag == "testsuite"
        assert [one.tag for one in suite if one.tag != "testcase"] in (
            [],
            ["properties"],
        )
        cases = suite.findall("testcase")
        assert int(suite.attrib["tests"]) == len(cases) > 0
        for attribute, tag in COUNTS.items():
            found = [case for case in cases if case.find(tag) is not None]
            assert int(suite.attrib[attribute]) == len(found)
        names = [(case.attrib["classname"], case.attrib["name"]) for case in cases]
        assert len(names) == len(set(names))
        for case in cases:
            tags = [part.tag for part in case]
            assert tags == sorted(tags, key=CASE.index)
            assert len([tag for tag in tags if tag != "system-out"]) <= 1
    for attribute in ("tests", *COUNTS):
        total = sum(int(suite.attrib[attribute]) for suite in root)
        assert int(root.attrib[attribute]) == total
    return root


def case(root, tag):
    return next(case for case in root.iter("testcase") if case.find(tag) is not None)


def test_one_suite_for_each_implementation_and_operation(tmp_path):
    other = replace(PASS, impl="jax", operation="cross_entropy")
    root = written(report(tmp_path, [PASS, FAIL, other], ("torch", "jax")))
    names = [suite.attrib["name"] for suite in root]
    assert names == [f"torch.{BCE}", "jax.cross_entropy"]
    assert (root.attrib["tests"], root.attrib["failures"]) == ("3", "1")


def test_outputs_of_a_unit_are_one_case(tmp_path):
    slope = replace(FAIL, profile="accuracy")
    root = written(report(tmp_path, [PASS, slope]))
    assert root.attrib["tests"] == "1"
    assert root.attrib["failures"] == "1"


def test_failure_says_what_is_wrong_and_how_to_see_it(tmp_path):
    failed = case(written(report(tmp_path, [FAIL])), "failure")
    assert failed.attrib["classname"] == f"torch.{BCE}.gradients"
    assert "[float32, eager, reduction none]" in failed.attrib["name"]
    fault = failed.find("failure")
    assert fault is not None
    message = fault.attrib["message"]
    for phrase in (
        "deviates from clause BCE-2",
        "expected -0.5, got nan",
        "∞ units",
        POINT,
        "factor 2",
    ):
        assert phrase in message
    output = failed.findtext("system-out") or ""
    assert output.startswith("python -m conformance repro")
    assert POINT in output


def test_a_check_is_asked_again(tmp_path):
    failed = case(written(report(tmp_path, [CHECK])), "failure")
    output = failed.findtext("system-out") or ""
    assert output.startswith("python -m conformance run --impl ")
    assert f"--select {quote(CHECK.group)}" in output
    fault = failed.find("failure")
    assert fault is not None
    assert "0.25 of the largest" in fault.attrib["message"]


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (SKIPPED, "skipped: no compiler"),
        (MISSING, "not_implemented: no such operation"),
    ],
)
def test_what_was_not_judged_is_skipped(result, reason, tmp_path):
    skipped = case(written(report(tmp_path, [PASS, result])), "skipped").find("skipped")
    assert skipped is not None
    assert skipped.attrib["message"] == reason


def test_a_pass_beside_a_skip_is_a_pass(tmp_path):
    other = replace(SKIPPED, transform="eager", output="mean")
    root = written(report(tmp_path, [PASS, other]))
    assert (root.attrib["tests"], root.attrib["skipped"]) == ("1", "0")


def test_hostile_text_is_text(tmp_path):
    hostile = replace(ERRORED, impl=HOSTILE.replace("\ud800", ""), group=HOSTILE)
    root = written(report(tmp_path, [hostile], (hostile.impl,)))
    broken = case(root, "error").find("error")
    assert broken is not None
    assert "</script><img src=x" in broken.attrib["message"]
    everything = ET.tostring(root, encoding="unicode")
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e\u2028]", everything)


def test_versions_are_properties(tmp_path):
    root = written(report(tmp_path, [PASS]))
    found = {p.attrib["name"]: p.attrib["value"] for p in root.iter("property")}
    assert found["versions.torch"] == "2.13.0"
    assert found["spec"] == "1.0.0"
    assert found["implementation"] == "torch"


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda _: None, "there is no report.json"),
        (lambda folder: (folder / "report.json").write_text("x"), "does not begin"),
        (lambda folder: report(folder, [PASS], ended=CUT), "interrupted"),
        (lambda folder: report(folder, [PASS], ended=DOUBT), "does not see: NaN"),
        (lambda folder: report(folder, []), "nothing was compared"),
        (lambda folder: report(folder, [PASS], ("torch", "jax")), "nothing was comp"),
    ],
)
def test_no_data_is_no_pass(prepare, reason, tmp_path):
    prepare(tmp_path)
    broken = case(written(tmp_path), "error").find("error")
    assert broken is not None
    assert reason in broken.attrib["message"]

"""Results as JUnit XML, which systems of continuous integration read."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from conformance.profiles import Result
from conformance.report.evidence import Evidence
from conformance.report.facts import interruption
from conformance.report.points import command_of
from conformance.report.wording import clean, deviates, units

# What XML 1.0 has no way to say, beside what is unfit anyway.
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(evidence: Evidence) -> str:
    """Writes a suite for each implementation and operation, a case for each unit.

    Args:
        evidence: What there is to tell; without a run it is one case that broke.

    Returns:
        The document.
    """
    root = ET.Element("testsuites", name="equipoise conformance")
    if evidence.run:
        properties = _properties(evidence.header)
        for (impl, operation), own in _by_suite(evidence.run.results).items():
            root.append(_suite(f"{impl}.{operation}", impl, own, properties))
        doubts = map(str, evidence.run.closing.get("doubts") or ())
        for reason in (*interruption(evidence.run), *doubts):
            root.append(_broken("run", reason))
        for impl in evidence.impls:
            if not any(result.impl == impl for result in evidence.run.results):
                root.append(_broken(impl, "nothing was compared"))
    else:
        reasons = evidence.problems or ("there is no report.json",)
        root.append(_broken("run", "; ".join(reasons)))
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


Suites = dict[tuple[str, str], dict[tuple[str, ...], list[Result]]]


def _by_suite(results: Iterable[Result]) -> Suites:
    found: Suites = {}
    for result in results:
        suite = found.setdefault((result.impl, result.operation), {})
        suite.setdefault(result.unit_key, []).append(result)
    return found


def _suite(
    name: str,
    impl: str,
    units_: Mapping[tuple[str, ...], Sequence[Result]],
    properties: Mapping[str, str],
) -> ET.Element:
    suite = ET.Element("testsuite", name=_fit(name))
    holder = ET.SubElement(suite, "properties")
    for key, value in {"implementation": impl, **properties}.items():
        ET.SubElement(holder, "property", name=_fit(key), value=_fit(value))
    counts = {"failure": 0, "error": 0, "skipped": 0}
    for own in units_.values():
        case = _case(name, own)
        for child in case:
            if child.tag in counts:
                counts[child.tag] += 1
        suite.append(case)
    suite.set("tests", str(len(units_)))
    suite.set("failures", str(counts["failure"]))
    suite.set("errors", str(counts["error"]))
    suite.set("skipped", str(counts["skipped"]))
    return suite


def _case(suite: str, results: Sequence[Result]) -> ET.Element:
    first = results[0]
    form = f"{first.dtype}, {first.transform}, reduction {first.reduction}"
    case = ET.Element(
        "testcase",
        classname=_fit(f"{suite}.{first.profile}"),
        name=_fit(f"{first.group} [{form}]"),
    )
    errored = [result for result in results if result.status == "errored"]
    failed = [result for result in results if result.status == "fail"]
    if errored or failed:
        tag, kind = ("error", "errored") if errored else ("failure", "deviation")
        worst = (errored or failed)[0]
        fault = ET.SubElement(case, tag, type=kind, message=_fit(message_of(worst)))
        fault.text = _fit("\n".join(map(message_of, [*errored, *failed])))
        command = command_of(worst)
        if command:
            ET.SubElement(case, "system-out").text = _fit(command)
    elif not any(result.status == "pass" for result in results):
        reasons = dict.fromkeys(f"{r.status}: {r.reason}" for r in results)
        ET.SubElement(case, "skipped", message=_fit("; ".join(reasons)))
    return case


def message_of(result: Result) -> str:
    """Says in one line what failed: output, clauses, how many, expected and got.

    Args:
        result: That failed or broke.
    """
    parts = [result.output]
    if result.clauses:
        parts.append(deviates(result.clauses))
    if result.compared:
        parts.append(f"{result.failed} of {result.compared} out of budget")
    for first in result.failures[:1]:
        parts.append(f"expected {first.expected!r}, got {first.actual!r}")
        parts.append(f"{units(first.units)} units of u·K at {first.id}")
    parts += filter(None, (result.diagnosis, result.reason))
    return "; ".join(parts)


def _broken(name: str, reason: str) -> ET.Element:
    """A suite of one case, for what is no result and no pass either."""
    counts = {"tests": "1", "failures": "0", "errors": "1", "skipped": "0"}
    suite = ET.Element("testsuite", {"name": _fit(name), **counts})
    case = ET.SubElement(suite, "testcase", classname=_fit(name), name="complete")
    ET.SubElement(case, "error", type="incomplete", message=_fit(reason))
    return suite


def _properties(header: Mapping[str, Any]) -> dict[str, str]:
    known = {key: header.get(key) for key in ("spec", "digest", "source", "date")}
    found = {key: str(value) for key, value in known.items() if value}
    for part in ("versions", "device", "precision"):
        for key, value in header.get(part, {}).items():
            found[f"{part}.{key}"] = str(value)
    return found


def _fit(text: str) -> str:
    return FORBIDDEN.sub("", clean(text))

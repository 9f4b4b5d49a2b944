import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from conformance.report.evidence import gather
from conformance.report.html import cases as cases_of
from conformance.report.html.page import page
from conformance.report.html.training import FEW
from tests.conformance.report.made import (
    BCE,
    CHECK,
    ERRORED,
    FAIL,
    HOSTILE,
    MISSING,
    PASS,
    POINT,
    SKIPPED,
    comparison,
    mutant,
    outcome,
    proof,
    report,
    whole,
)

BLOCKS = {"td", "th", "span", "b", "dt", "dd", "li", "p", "h2", "h3", "code"}
VOID = {"meta", "link", "input", "br", "wbr", "hr", "img"}


class Document(HTMLParser):
    """A page as a parser sees it: its elements, and the text by the id around it."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.texts, self.ids = [], [], {}, []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.elements.append((tag, found))
        if "id" in found:
            self.ids.append(found["id"])
        if tag not in VOID:
            self.open.append((tag, found.get("id")))

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open[-1][0] == tag
        self.open.pop()
        if tag in BLOCKS:
            self.handle_data(" ")

    def handle_data(self, data):
        for _, name in self.open:
            if name:
                self.texts[name] = self.texts.get(name, "") + data

    def text(self, name):
        return " ".join(self.texts.get(name, "").split())


def shown(folder, outcome_folder=None):
    return Document(page(gather(folder, outcome_folder)))


@pytest.fixture
def full(tmp_path):
    errored = replace(ERRORED, dtype="float64")
    results = [*whole(), *whole("jax"), FAIL, errored, SKIPPED, MISSING, CHECK]
    report(tmp_path, results, ("torch", "jax"))
    proof(
        tmp_path, mutant("bent"), mutant("kept", "control", killed=False, backend="jax")
    )
    comparison(tmp_path)
    outcome(tmp_path / "outcome")
    return tmp_path


def test_everything_is_on_the_page(full):
    found = shown(full)
    top = found.text("verdict")
    assert top.startswith("DOES NOT CONFORM torch broke 1 times")
    for fact in ("1.0.0", "dddddddddddd", "2026-01-02 03:04 UTC", "some <cpu>", "12.5"):
        assert fact in top
    assert "conformance run --impl torch,jax" in top
    assert "torch_matmul highest" in top
    assert "1 of 1 faults killed" in top
    assert "jax L2 1 of 1 operations, float32" in found.text("levels")
    assert "torch no level" in found.text("levels")
    assert "gradient of logits" in found.text("curves")
    assert "torch pass at 0.50 of the bound" in found.text("training")
    assert "torch - numpy, plain: equivalent , +0.001" in found.text("training")
    assert "bent the gradient times 1.01" in found.text("proof")
    assert "kornia 0.8" in found.text("libraries")
    assert "The run took 12.5 s" in found.text("times")
    assert "17 results in 14 rows" in found.text("results")


@pytest.mark.parametrize(("strategies", "opened"), [(FEW, True), (FEW + 1, False)])
def test_many_locksteps_are_folded_up(strategies, opened, tmp_path):
    outcome(tmp_path / "outcome")
    path = tmp_path / "outcome" / "outcome.json"
    record = json.loads(path.read_text())
    cells = record["data"]["digits"]["lockstep"]
    cells |= {f"strategy-{k}": cells["plain"] for k in range(1, strategies)}
    path.write_text(json.dumps(record))
    found = shown(tmp_path)
    assert f"{strategies} locksteps, update by update" in found.text("training")
    first = next(attrs for tag, attrs in found.elements if tag == "details")
    assert ("open" in first) is opened
    assert "strategy-1" in found.text("training")


def test_failing_case_has_clause_diagnosis_and_script(full):
    found = shown(full)
    case = found.text("case-1")
    assert case.startswith(f"FAIL torch {POINT} float32, eager BCE-2")
    assert "Deviates from clause BCE-2: gradient: closed form" in case
    assert "Diagnosis: off by the factor 2 throughout" in case
    assert "-0.5 nan ∞ L1 2 of 7 failed" in case
    assert "from torch_impl import binary_cross_entropy_with_logits" in case
    assert "python -m conformance repro" in case


def test_what_failed_without_a_point_has_its_words(full):
    case = shown(full).text("case-3")
    assert "weights of 1 change nothing" in case
    assert "0.25 of the largest number" in case
    assert "A check without a point of its own: this asks it again." in case


def test_errored_group_is_reproduced_by_its_first_point(tmp_path):
    case = shown(report(tmp_path, [ERRORED])).text("case-1")
    assert case.startswith(f"ERRORED torch {POINT}")
    assert "from torch_impl import" in case


def test_case_that_has_no_script_says_why(tmp_path):
    report(tmp_path, [replace(FAIL, impl="exotic:thing")], ("exotic:thing",))
    assert "There is no script: --" in shown(tmp_path).text("case-1")


def test_a_number_leads_to_its_case(full):
    found = shown(full)
    links = [a["href"][1:] for tag, a in found.elements if tag == "a" and "href" in a]
    inner = [link for link in links if not link.startswith("ttps:")]
    assert "case-1" in inner
    assert any(link.startswith("worst-") for link in inner)
    assert set(inner) <= set(found.ids)


def test_ids_are_unique(full):
    found = shown(full)
    assert len(found.ids) == len(set(found.ids))


def test_empty_folder_claims_nothing(tmp_path):
    found = shown(tmp_path)
    assert found.text("verdict").startswith("NO DATA")
    text = " ".join(found.text(name) for name in ("main",))
    assert "CONFORMS" not in text
    assert "100" not in text
    assert "0 %" not in text
    for command in ("run", "prove", "matrix", "compare", "run --timings"):
        assert f"conformance {command}" in text


def test_quick_run_shows_no_level_as_held(tmp_path):
    found = shown(report(tmp_path, whole(), quick=True))
    assert "torch unknown" in found.text("levels")
    assert "a --quick run asks few cases" in found.text("levels")


def test_unwanted_fates_are_on_top_of_the_kill_matrix(tmp_path):
    proof(tmp_path, mutant("a", killed=False), mutant("b", killed=None), mutant("c"))
    found = shown(tmp_path).text("proof")
    assert "fault a : survived, clause BCE-2" in found
    assert "fault b : not run" in found
    assert "1 of 3" in found


@pytest.mark.parametrize("field", ["impl", "operation", "group", "reason", "dtype"])
def test_hostile_text_stays_text(field, tmp_path):
    hostile = HOSTILE.replace("\ud800", "")
    result = replace(FAIL, **{field: hostile})
    impls = (hostile,) if field == "impl" else ("torch",)
    report(tmp_path, [result], impls)
    html = page(gather(tmp_path))
    found = Document(html)
    assert "onerror" in html
    assert not any(tag == "img" for tag, _ in found.elements)
    assert not any("onerror" in attributes for _, attributes in found.elements)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u2028\u202e]", html)
    assert len(json.loads(found.texts["index"])["rows"]) == 1


def test_hostile_files_of_others_stay_text(tmp_path):
    proof(tmp_path, mutant(HOSTILE, backend=HOSTILE, killed=False, what=HOSTILE))
    link = "javascript:alert(1)"
    deviation = {"id": "a", "thread": link, "reproduction": HOSTILE, "library": HOSTILE}
    comparison(tmp_path, deviations=[deviation], unlisted=[{"group": HOSTILE}])
    outcome(tmp_path / "outcome", failures=[HOSTILE], recipe={"name": HOSTILE})
    html = page(gather(tmp_path))
    html.encode()
    found = Document(html)
    assert not any(tag == "img" for tag, _ in found.elements)
    assert not any(a.get("href") == link for _, a in found.elements)


def test_nothing_is_asked_of_a_network(full):
    found = shown(full)
    policy = next(a["content"] for _, a in found.elements if "http-equiv" in a)
    digest = "'sha256-[A-Za-z0-9+/]{43}='"
    assert re.fullmatch(
        f"default-src 'none'; style-src {digest}; script-src {digest}; "
        "img-src data:; base-uri 'none'; form-action 'none'",
        policy,
    )
    for tag, attributes in found.elements:
        assert "src" not in attributes
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        if tag != "a":
            assert attributes.get("href", "data:,") == "data:,"


def test_tables_and_figures_are_described(full):
    found = shown(full)
    heads = [attributes for tag, attributes in found.elements if tag == "th"]
    assert all("scope" in attributes for attributes in heads)
    for tag, attributes in found.elements:
        if tag == "svg":
            assert attributes.get("aria-hidden") or attributes.get("aria-label")


def test_many_cases_do_not_make_a_page_that_no_browser_opens(tmp_path, monkeypatch):
    monkeypatch.setattr(cases_of, "MAX_CASES", 3)
    monkeypatch.setattr(cases_of, "MAX_SCRIPTS", 10)
    dtypes = ("float64", "float32", "bfloat16", "float16", "complex64")
    report(tmp_path, [replace(FAIL, dtype=dtype) for dtype in dtypes])
    found = shown(tmp_path).text("cases")
    assert found.count("FAIL") == 3
    assert found.count("import torch") == 1
    assert found.count("the page has no room for more") >= 2
    assert "2 more failed results" in found


def test_operations_stand_in_the_order_of_the_registry(tmp_path):
    results = [replace(PASS, operation=name) for name in ("zebra", "ghmc_loss", BCE)]
    found = shown(report(tmp_path, results)).text("levels")
    assert found.index(BCE) < found.index("ghmc_loss") < found.index("zebra")

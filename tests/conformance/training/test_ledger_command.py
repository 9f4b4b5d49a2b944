"""The command, its files and its page."""

import io
import json

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from conformance.cli_claims import claims
from conformance.errors import UsageError
from conformance.report.evidence import gather
from conformance.report.html.page import page as report_page
from conformance.training.ledger import CLAIMS, VERDICTS, Runs, ledger
from conformance.training.ledger import run as command
from conformance.training.ledger.terminal import summary, table
from tests.conformance.report.made import PASS, report
from tests.conformance.training.ledgers import WORLD, write

EXPECTED = [
    f"{letter}{place}"
    for letter, last in {"A": 9, "B": 6, "C": 10, "D": 10, "E": 8}.items()
    for place in range(1, last + 1)
]
app = typer.Typer()
app.command()(claims)


def asked(*options):
    return CliRunner().invoke(app, list(map(str, options)))


@pytest.fixture(autouse=True)
def no_records(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "Runs", lambda folder: Runs(folder, records=None))


def test_every_claim_of_the_articles_is_there_in_order():
    assert [claim.number for claim in CLAIMS] == EXPECTED
    texts = [claim.text for claim in CLAIMS] + [claim.checked for claim in CLAIMS]
    assert len(set(texts)) == 2 * len(EXPECTED)


def test_every_claim_gets_a_verdict_a_sentence_and_a_command(tmp_path):
    write(tmp_path / "outcome")
    entries = ledger(Runs(tmp_path / "outcome", records=None))
    for entry in entries:
        assert entry.verdict.word in VERDICTS[:4], entry.claim.number
        assert entry.verdict.sentence.endswith("."), entry.claim.number
        assert entry.evidence, entry.claim.number
        assert entry.commands[-1] == f"conformance claims --select {entry.claim.number}"
    assert summary(entries).startswith("43 claims: ")


def test_status_is_one_until_every_claim_has_evidence(tmp_path):
    missing = asked()
    assert missing.exit_code == 1
    assert "B1: no evidence" in missing.output
    assert "`conformance compare multilabel`" in missing.output
    write(tmp_path / "outcome")
    whole = asked()
    assert whole.exit_code == 0
    assert "no evidence" not in whole.output
    assert "intervals and tests over paired seeds: 99 %" in whole.output
    assert "read from smoothing: run outcome/smoothing/outcome.json" in whole.output


def test_a_selection_is_of_the_named_claims():
    found = asked("--select", "C1, d*", "--json", "-")
    assert found.exit_code == 0
    numbers = [row["number"] for row in json.loads(found.output)["claims"]]
    assert numbers == ["C1", *(f"D{place}" for place in range(1, 11))]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--select", "Z*"), "--select: expected claims of A1 to E8, got 'Z*'."),
        (("--select", "A1,Q7"), "--select: expected claims of A1 to E8, got 'Q7'."),
        (("--outcome", "none"), "--outcome: expected a folder, got 'none'."),
        (("--select", "A1", "--json", "no/such/file"), "--json: cannot write no/such"),
    ],
)
def test_what_is_wrong_is_named(options, message):
    error = asked(*options).exception
    assert isinstance(error, UsageError)
    assert str(error).startswith(message)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"data": {"a": {"seeds": {"torch": {"plain": {}}}}}}']
)
def test_a_damaged_outcome_is_named(text, tmp_path):
    path = tmp_path / "outcome" / "extreme" / "outcome.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    error = asked("--select", "E6").exception
    assert isinstance(error, UsageError)
    assert "outcome/extreme/outcome.json" in str(error)


def test_files_tell_the_same_as_the_terminal(tmp_path):
    write(tmp_path / "outcome", recipes=["multilabel"])
    found = asked("--json", "a.json", "--html", "a.html", "--out", "report")
    record = json.loads((tmp_path / "a.json").read_text())
    assert record == json.loads((tmp_path / "report" / "claims.json").read_text())
    html = (tmp_path / "a.html").read_text()
    assert html == (tmp_path / "report" / "claims.html").read_text()
    assert sum(record["counts"].values()) == len(EXPECTED)
    for row in record["claims"]:
        told = f"{row['number']}: {row['verdict']} {row['condition']}".rstrip()
        assert told in found.output
        assert f'id="claim-{row["number"]}"' in html
    assert "paired seeds have a level of 99 %" in html
    for word in ("http://", "https://", "<script"):
        assert word not in html


def test_the_report_has_a_section_of_claims(tmp_path):
    empty = report_page(gather(tmp_path))
    assert "no claim was judged. <code>conformance claims --out" in empty
    asked("--out", tmp_path, "--select", "E5,B1")
    evidence = gather(tmp_path)
    assert evidence.problems == ()
    html = report_page(evidence)
    assert 'href="#claims"' in html
    assert 'id="claim-E5"' in html
    assert '<strong>1</strong><span class="name">fails</span>' in html


def test_a_damaged_ledger_is_a_problem_of_the_report(tmp_path):
    asked("--out", tmp_path, "--select", "E5")
    path = tmp_path / "claims.json"
    path.write_text(path.read_text().replace('"fails"', '"perhaps"'))
    evidence = gather(tmp_path)
    assert evidence.ledger is None
    assert evidence.problems == (f"{path}: no verdict: 'perhaps'; taken as missing.",)


def test_a_ledger_of_other_sources_is_a_stranger(tmp_path):
    report(tmp_path, [PASS])
    asked("--out", tmp_path, "--select", "E5")
    (problem,) = gather(tmp_path).problems
    assert problem.startswith("claims.json is of other sources")


def test_a_terminal_shows_a_table_for_each_article(tmp_path):
    write(tmp_path / "outcome", recipes=list(WORLD)[:1])
    console = Console(width=100, record=True, file=io.StringIO())
    for part in table(ledger(Runs(tmp_path / "outcome", records=None), "A3,E1")):
        console.print(part)
    text = console.export_text()
    assert "A. pos_weight at 5 : 1" in text
    assert "E. cross entropy" in text
    assert "evidence: mean against mean: 0.8543" in text
    assert "2 claims: 1 holds when, 1 fails" in text

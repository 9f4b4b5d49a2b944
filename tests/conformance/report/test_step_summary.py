import re
from dataclasses import replace

from conformance.report.evidence import gather
from conformance.report.step_summary import step_summary
from tests.conformance.report.made import (
    BCE,
    CHECK,
    FAIL,
    HOSTILE,
    MISSING,
    PASS,
    POINT,
    mutant,
    proof,
    report,
    whole,
)


def written(folder):
    return step_summary(gather(folder))


def rows(text):
    return [line for line in text.splitlines() if line.startswith("|")]


def test_summary_of_a_run_that_conforms(tmp_path):
    results = [*whole(), *whole("jax"), MISSING]
    text = written(report(tmp_path, results, ("torch", "jax")))
    assert text.startswith("## ✅ CONFORMS\n")
    assert f"| <code>{BCE}</code> | L0✓ L1✓ L2✓ L3? | L0✓ L1✓ L2✓ L3? |" in text
    assert "| **all** | **L2** | **L2** |" in text
    assert "not implemented" in text
    assert "- Fault injection: no data" in text
    assert "First failures" not in text


def test_summary_of_a_run_that_does_not(tmp_path):
    proof(tmp_path, mutant("a"))
    text = written(report(tmp_path, [*whole(), FAIL, CHECK]))
    assert text.startswith("## ❌ DOES NOT CONFORM\n")
    assert "L1✗" in text
    assert "| ∞ |" in text
    assert text.count("<details>") == text.count("</details>") == 2
    assert "deviates from clause BCE-2" in text
    assert text.count("<pre><code>python -m conformance repro") == 1
    assert "1 of 1 faults killed" in text


def test_only_the_first_failures_are_shown(tmp_path):
    failed = [replace(FAIL, reduction=str(i)) for i in range(13)]
    text = written(report(tmp_path, failed))
    assert text.count("<details>") == 10
    assert "and 3 more failed results." in text


def test_tables_have_the_cells_they_should(tmp_path):
    hostile = replace(FAIL, impl="a|b`c\nd", worst_id="x|y`z")
    text = written(report(tmp_path, [hostile, PASS], ("a|b`c\nd", "torch")))
    widths = {line.count("|") for line in rows(text)}
    assert widths == {4, 5}
    assert "`" not in "".join(rows(text))
    assert "a&#124;b&#96;c d" in text


def test_hostile_text_is_text(tmp_path):
    result = replace(FAIL, reason=HOSTILE, group=HOSTILE, failures=())
    text = written(report(tmp_path, [result]))
    assert "<img" not in text
    assert "</script" not in text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", text)
    text.encode()


def test_nothing_is_no_pass(tmp_path):
    text = written(tmp_path)
    assert text.startswith("## ⚠️ NO DATA")
    assert "✅" not in text


def test_names_stay_readable(tmp_path):
    text = written(report(tmp_path, [PASS]))
    assert BCE in text
    assert POINT.split("#")[0] in text

import io
import json

import pytest
from rich.console import Console

from conformance import ratchet
from conformance.errors import UsageError
from conformance.ratchet.command import run as command
from tests.conformance.ratchet.made import (
    HERE,
    KEY,
    check,
    holding,
    holding_quick,
    report,
    result,
)


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

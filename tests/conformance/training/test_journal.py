import json

import pytest

from conformance.errors import UsageError
from conformance.training.journal import Journal

CONDITIONS = {"digest": "a", "seeds": [0, 1]}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "cells.jsonl"
    journal = Journal(path, CONDITIONS, resume=False)
    journal.append("one", {"x": 0.1})
    journal.append("two", {"x": float("nan")})
    return path


def test_resume_returns_what_was_finished(path):
    journal = Journal(path, CONDITIONS, resume=True)
    assert journal.get("one") == {"x": 0.1}
    assert journal.get("three") is None


def test_interrupted_line_is_dropped_and_written_again(path):
    path.write_text(path.read_text()[:-5])
    journal = Journal(path, CONDITIONS, resume=True)
    assert journal.get("one") == {"x": 0.1}
    assert journal.get("two") is None
    journal.append("two", {"x": 2.0})
    assert Journal(path, CONDITIONS, resume=True).get("two") == {"x": 2.0}


def test_other_conditions_are_rejected_and_nothing_is_lost(path):
    before = path.read_text()
    with pytest.raises(UsageError, match=r"--resume: .*seeds changed"):
        Journal(path, {**CONDITIONS, "seeds": [0]}, resume=True)
    assert path.read_text() == before


def test_without_resume_a_run_starts_afresh(path):
    assert Journal(path, CONDITIONS, resume=False).get("one") is None
    assert [json.loads(line) for line in path.read_text().splitlines()] == [CONDITIONS]


def test_resume_without_a_file_starts_afresh(tmp_path):
    path = tmp_path / "cells.jsonl"
    assert Journal(path, CONDITIONS, resume=True).get("one") is None
    assert path.exists()

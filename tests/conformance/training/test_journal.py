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


@pytest.mark.parametrize("line", ["3", "garbage", '{"cell": "o'])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_unreadable_line_is_rejected_and_nothing_is_lost(path, line, number):
    lines = path.read_text().splitlines()
    lines[number] = line
    path.write_text("\n".join(lines) + "\n")
    before = path.read_bytes()
    with pytest.raises(UsageError, match=f"--resume: .*cells.jsonl, line {number + 1}"):
        Journal(path, CONDITIONS, resume=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"some text", b"\xff\n"])
def test_file_of_another_kind_is_rejected(path, content):
    path.write_bytes(content)
    with pytest.raises(UsageError, match="--resume: "):
        Journal(path, CONDITIONS, resume=True)
    assert path.read_bytes() == content


def test_cell_without_a_result_is_rejected(path):
    path.write_text(path.read_text().replace("result", "other"))
    with pytest.raises(UsageError, match=r"line 2 is not what a comparison writes"):
        Journal(path, CONDITIONS, resume=True)


def test_folder_that_is_gone_is_told(path):
    journal = Journal(path, CONDITIONS, resume=True)
    path.unlink()
    path.parent.rmdir()
    with pytest.raises(UsageError, match=r"--out: cannot write .*jsonl \(No such file"):
        journal.append("three", {})

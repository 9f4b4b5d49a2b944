import io

import pytest
from rich.console import Console

from conformance.training import drive as module
from conformance.training import workers
from conformance.training.cache import Cache
from conformance.training.drive import Memory, drive
from conformance.training.journal import Journal
from conformance.training.workers import make_workers
from tests.conformance.training.made_tasks import Study, Task


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Drives rounds, and returns the study and what was printed."""
    monkeypatch.setattr(module, "source_digest", lambda: "now")

    def call(*studies, source="now", resume=False, cache=None, terminal=False):
        file = io.StringIO()
        path = tmp_path / "cells.jsonl"
        journal = Journal(path, {"made": True}, resume=resume)
        memory = Memory(journal, Cache(cache), source=source, data_digest=None)
        console = Console(file=file, force_terminal=terminal, width=100)
        with make_workers(1) as one:
            drive(studies, one, memory, console)
        return file.getvalue()

    return call


def squares(*numbers):
    return [Task(f"square/{number}", number) for number in numbers]


def test_rounds_follow_each_other(run):
    first, second = Study(squares(1, 2), squares(3)), Study(squares(4))
    text = run(first, second)
    assert list(first.results) == ["square/1", "square/2", "square/3"]
    assert second.results["square/4"]["square"] == 16
    assert [" ".join(line.split()[:2]) for line in text.splitlines()] == [
        "[1/3] square/1",
        "[2/4] square/2",
        "[3/4] square/4",
        "[4/4] square/3",
    ]
    assert "square/4 0.0 s, about 10 s left\n" in text


def test_nothing_to_do(run):
    assert run() == ""
    assert run(Study(), Study([])) == ""


def test_finished_cells_are_resumed(run):
    run(Study(squares(1, 2)))
    text = run(Study(squares(1, 2), squares(3)), resume=True)
    assert text == (
        "[1/2] square/1 resumed, about 10 s left\n"
        "[2/3] square/2 resumed, about 10 s left\n"
        "[3/3] square/3 0.0 s\n"
    )


def test_results_of_other_runs_are_cached(run, tmp_path):
    cache = tmp_path / "cache"
    run(Study(squares(1, 2)), cache=cache)
    again = Study(squares(2, 3))
    text = run(again, cache=cache)
    assert text == ("[1/2] square/2 cached, about 10 s left\n[2/2] square/3 0.0 s\n")
    assert again.results["square/2"]["square"] == 4
    # What was cached is in the journal, too.
    text = run(Study(squares(2)), resume=True)
    assert text == "[1/1] square/2 resumed\n"


def test_code_that_changed_is_not_cached_under_the_old_name(run, tmp_path):
    cache = tmp_path / "cache"
    run(Study(squares(1)), cache=cache, source="before")
    assert not cache.exists()
    assert "cached" not in run(Study(squares(1)), cache=cache)


def test_time_left_is_of_one_data_set_and_backend(run, monkeypatch):
    cells = [Task(f"square/{b}/{n}") for b in ("torch", "jax") for n in range(3)]
    seconds = iter((20.0, 20.0, 20.0, 300.0, 300.0, 300.0))
    monkeypatch.setattr(Task, "compute", lambda _: {"square": 0})
    monkeypatch.setattr(workers, "_timed", lambda _: {"seconds": next(seconds)})
    assert [line.rpartition(", ")[2] for line in run(Study(cells)).splitlines()] == [
        "about 2 min left",
        "about 80 s left",
        "about 60 s left",
        "about 10 min left",
        "about 5 min left",
        "[6/6] square/jax/2 300.0 s",
    ]


def test_time_left_is_shorter_with_more_workers(run, monkeypatch):
    monkeypatch.setattr(workers.Inline, "count", 2)
    monkeypatch.setattr(workers, "_timed", lambda _: {"seconds": 60.0})
    assert run(Study(squares(1, 2, 3))).startswith("[1/3] square/1 60.0 s, about 60 s")


def test_resumed_cells_tell_the_time_left(run):
    run(Study(squares(1)))
    text = run(Study(squares(1, 2)), resume=True)
    assert text.startswith("[1/2] square/1 resumed, about 10 s left\n")


def test_time_left_is_shown_on_a_terminal(run):
    text = run(Study(squares(1), [Task("sleep/2", 0.5)]), terminal=True)
    assert "2/2" in text
    assert "about 10 s left" in text
    assert "[1/1]" not in text

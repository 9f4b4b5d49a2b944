import io
from dataclasses import replace

import pytest
from rich.console import Console

from conformance import canaries, runner
from conformance.adapters import resolve
from conformance.plan import Options
from conformance.report.coverage import partial, sentences
from conformance.report.stream import read
from conformance.runner import run

FOCAL = canaries.FOCAL


@pytest.fixture
def options(tmp_path):
    return Options(("numpy",), ("accuracy",), f"{FOCAL}/basic/*", out=tmp_path)


@pytest.fixture
def shown():
    return Console(file=io.StringIO(), width=200)


@pytest.mark.parametrize("canary", canaries.ALL, ids=lambda canary: canary.name)
def test_each_gets_what_it_is_owed(canary):
    reference = resolve("numpy")
    able = replace(reference.start(), operations=(FOCAL,))
    assert canaries.is_seen(canary, reference, able)
    other = replace(canary, status=(canary.status + 1) % 3)
    assert not canaries.is_seen(other, reference, able)


def test_all_are_killed_but_the_right_ones():
    found = canaries.judge()
    assert found.trusted
    assert found.killed >= canaries.FEWEST
    assert found.killed + found.spared == found.asked == len(canaries.ALL)
    names = [canary.name for canary in canaries.ALL]
    assert len(set(names)) == len(names)


def test_header_says_how_many(options, shown):
    assert run(options, shown) == 0
    header = read(options.out / "report.json").header
    assert header["canaries"] == canaries.judge().record()


def test_one_that_lives_ends_the_run(options, shown, monkeypatch):
    living = replace(canaries.ALL[0], name="nothing at all", status=1)
    monkeypatch.setattr(canaries, "ALL", (*canaries.ALL, living))
    assert run(options, shown) == 2
    text = shown.file.getvalue()
    assert "the harness does not see: nothing at all; nothing it says can be" in text
    stored = read(options.out / "report.json")
    assert not stored.results
    assert stored.header["canaries"]["asked"] == len(canaries.ALL)


@pytest.mark.parametrize("kept", [0, 3, 12])
def test_a_catalogue_that_shrank_is_not_trusted(options, shown, monkeypatch, kept):
    monkeypatch.setattr(canaries, "ALL", canaries.ALL[:kept])
    assert run(options, shown) == 2
    assert "more than" in shown.file.getvalue()


def test_answers_that_get_lost_end_the_run(options, shown, monkeypatch):
    whole = runner._evaluate_all

    def losing(*arguments):
        for i, results in enumerate(whole(*arguments)):
            if i % 2:
                yield results

    monkeypatch.setattr(runner, "_evaluate_all", losing)
    assert run(options, shown) == 2
    assert "the harness lost" in shown.file.getvalue()


def test_what_is_mostly_declined_is_said_and_stays_what_it_is(options, shown):
    impl = "py:tests.conformance.planted:plain"
    asked = replace(options, impls=(impl,), profiles=("accuracy",), select="")
    assert run(asked, shown) == 0
    stored = read(options.out / "report.json")
    ((name, (declined, total)),) = partial(stored.results)[impl].items()
    assert 0 < total / 2 < declined < total
    (sentence,) = sentences(stored.results)
    assert sentence in shown.file.getvalue()
    assert f"{name} is judged in part: {declined} of {total}" in sentence
    assert not sentences([r for r in stored.results if r.status == "pass"])

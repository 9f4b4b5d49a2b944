from pathlib import Path

import pytest
from typer.testing import CliRunner

from conformance.cli import app
from conformance.errors import UsageError
from conformance.training import compare as module
from conformance.training.cache import default_folder


@pytest.fixture
def call(monkeypatch):
    """Runs the command; returns its status and what it asked for."""
    asked = {}

    def compare(recipes, **options):
        asked.update(options, recipes=recipes)
        return 1

    monkeypatch.setattr(module, "compare", compare)

    def run(*arguments):
        result = CliRunner().invoke(app, ["compare", *arguments])
        if isinstance(result.exception, UsageError):
            raise result.exception
        return result.exit_code, asked

    return run


def test_defaults(call):
    status, asked = call()
    assert status == 1
    assert asked["recipes"] == []
    assert asked["backends"] == ("numpy", "torch", "jax")
    assert asked["cache"] == default_folder()
    assert asked["workers"] >= 1
    assert asked["record"] is None
    assert asked["quick"] is asked["resume"] is False


def test_all_is_none_named(call):
    assert call("--all", "--quick")[1]["recipes"] == []
    with pytest.raises(UsageError, match=r"--all: expected no RECIPE .*'smoothing'"):
        call("--all", "smoothing")


def test_options(call):
    asked = call("a", "b", "--no-cache", "--workers", "3", "--record", "x")[1]
    assert asked["recipes"] == ["a", "b"]
    assert asked["cache"] is None
    assert asked["workers"] == 3
    assert asked["record"] == Path("x")
    assert call("--device", "cuda")[1]["workers"] == 1

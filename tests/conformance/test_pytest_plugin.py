import importlib
import os
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from conformance import canaries
from conformance.adapters.exec_runtime import TIMEOUT_VARIABLE
from conformance.adapters.resolve import ACCEPTED
from conformance.plugin import items

pytest_plugins = "pytester"

ROOT = Path(__file__).parents[2]
PLUGIN = "conformance.plugin.options"
PLANTED = "py:tests.conformance.planted"
FOCAL = "sigmoid_focal_loss"
SATURATION = f"{FOCAL}/saturation/*"
# Where the project is installed anew, the plugin is there by itself.
PRELOADED = ("conformance.plugin.session", "tests.conformance.planted")
NAME = "equipoise_conformance"
LOADED = any(point.name == NAME for point in entry_points(group="pytest11"))


@pytest.fixture(scope="module", autouse=True)
def _imported():
    """What sessions within this one import is forgotten after them, but for this."""
    for name in PRELOADED:
        importlib.import_module(name)


@pytest.fixture
def judge(pytester, monkeypatch):
    """Runs pytest in an empty folder, which sees the project but is none of it."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(impl, *options, of=("--pyargs", "conformance"), quick=True, alone=False):
        asked = ("--conformance-impl", impl) if impl else ()
        short = ("--conformance-quick",) if quick else ()
        if impl and not any("profile" in option for option in options):
            short += ("--conformance-profile", "accuracy,gradients")
        plain = () if "--lf" in options else ("-p", "no:cacheprovider")
        # Another plugin, which takes a second to say nothing.
        plain += ("-p", "no:hypothesispytest")
        given = (*plain, *of, *asked, *short, *options)
        if alone:
            plugin = () if LOADED else ("-p", PLUGIN)
            return pytester.runpytest_subprocess(*plugin, *given)
        plugins = () if LOADED else (importlib.import_module(PLUGIN),)
        return pytester.runpytest_inprocess(*given, plugins=plugins)

    return run


def test_entry_point_is_the_module():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {NAME: PLUGIN}
    assert not any("pytest" in name for name in project["dependencies"])
    importlib.import_module(PLUGIN)


def test_reference_passes_with_a_test_for_each_group(judge):
    done = judge("numpy", "-v", alone=True)
    assert done.ret == 0
    ids = [line for line in done.outlines if " PASSED" in line]
    wanted = f"conformance::numpy::{FOCAL}::gradients::{FOCAL}/basic/"
    assert any(line.startswith(wanted) for line in ids)
    names = [line.split(" PASSED")[0] for line in ids]
    assert len(names) == len(set(names)) > 100
    (count,) = [line for line in done.outlines if "numbers compared" in line]
    assert int(count.split()[2]) > 1000


def test_failure_is_told_like_on_the_command_line(judge):
    done = judge(f"{PLANTED}:wrong", "--conformance-select", SATURATION, quick=False)
    assert done.ret == 1
    text = done.stdout.str()
    for phrase in (
        f"FAIL {FOCAL}/saturation/gamma=0",
        "value (accuracy, float64, eager, reduction none): 23 of 36",
        "expected 17.000000041399375, got 17.000000038491418",
        f"conformance repro '{FOCAL}/saturation/gamma=0;y=0;x=17#",
        "different truths came back as 0",
    ):
        assert phrase in text
    assert "Traceback" not in text
    assert "plugin/items.py" not in text


def test_partial_is_judged_where_it_can_be(judge):
    done = judge(f"{PLANTED}:partial", "-rs")
    assert done.ret == 0
    text = done.stdout.str()
    assert "no such operation" in text
    assert "no argument 'label_smoothing'" in text
    assert " passed" in text


def test_broken_fails_with_the_reason(judge):
    done = judge(f"{PLANTED}:broken", "-x")
    assert done.ret == 1
    assert "RuntimeError: out of order" in done.stdout.str()
    assert "1 failed" in done.stdout.str()


@pytest.mark.parametrize(
    ("impl", "options", "of"),
    [
        (f"{PLANTED}:empty", (), ("--pyargs", "conformance")),
        ("numpy", ("--conformance-select", "no/such/*"), ("--pyargs", "conformance")),
        ("numpy", ("-k", "nothing-of-this-name"), ("--pyargs", "conformance")),
        (f"{PLANTED}:good", (), ("test_own.py",)),
    ],
)
def test_nothing_compared_fails(judge, pytester, impl, options, of):
    pytester.makepyfile(test_own="def test_own():\n    pass\n")
    done = judge(impl, *options, of=of)
    assert done.ret == 1
    text = done.stdout.str()
    assert ": 0 numbers compared" in text or "nothing was compared" in text


def test_one_of_two_that_compared_nothing_fails(judge):
    done = judge(f"{PLANTED}:good,{PLANTED}:empty", "-k", FOCAL)
    assert done.ret == 1
    assert "0 failed" not in done.stdout.str()
    assert f"{PLANTED}:empty: 0 numbers compared" in done.stdout.str()


def test_selection_by_name_and_by_id(judge):
    done = judge("numpy", "-k", "saturation and gradients", "-v")
    assert done.ret == 0
    ids = [line.split(" PASSED")[0] for line in done.outlines if " PASSED" in line]
    assert ids
    assert all("/saturation/" in name and "::gradients::" in name for name in ids)
    again = judge("numpy", "-v", of=(ids[0],))
    assert again.ret == 0
    again.assert_outcomes(passed=1)


def test_last_failed_is_asked_again(judge):
    asked = ("--lf", "--conformance-select", SATURATION)
    first = judge(f"{PLANTED}:wrong", *asked, quick=False).parseoutcomes()
    again = judge(f"{PLANTED}:wrong", *asked, quick=False).parseoutcomes()
    assert again["failed"] == first["failed"]
    assert "skipped" not in again


def test_collection_alone_asks_nothing(judge):
    done = judge(f"{PLANTED}:broken", "--collect-only", "-q")
    assert done.ret == 0
    name = f"conformance::{PLANTED}:broken::{FOCAL}::accuracy::{FOCAL}/basic/"
    assert any(line.startswith(name) for line in done.outlines)


@pytest.mark.parametrize(
    ("options", "phrases"),
    [
        (("--conformance-impl", "keras"), ("--conformance-impl", "'keras'")),
        (("--conformance-impl", ","), ("--conformance-impl", "at least one")),
        (("--conformance-impl", "py:absent.module:a"), ("absent.module",)),
        (
            ("--conformance-impl", "numpy", "--conformance-profile", "speed"),
            ("--conformance-profile", "speed"),
        ),
        (
            ("--conformance-impl", "numpy", "--conformance-device", "tpu"),
            ("--conformance-device", "cpu, cuda"),
        ),
        (
            ("--conformance-impl", "numpy", "--conformance-timeout", "-1"),
            ("--conformance-timeout: expected seconds > 0, got -1",),
        ),
    ],
)
def test_wrong_usage_is_one_line(judge, options, phrases):
    done = judge("", *options)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in done.errlines if line.startswith("ERROR")]
    for phrase in phrases:
        assert phrase in line
    assert "Traceback" not in done.stderr.str() + done.stdout.str()


def test_help_names_every_kind_of_implementation(judge):
    shown = " ".join(judge("", "--help", of=()).stdout.str().split())
    assert f"--conformance-impl=NAME {ACCEPTED};" in shown
    assert "--conformance-timeout=SECONDS" in shown


def test_a_program_that_hangs_is_not_waited_for(judge, monkeypatch):
    monkeypatch.delenv(TIMEOUT_VARIABLE, raising=False)
    port = ROOT / "tests" / "conformance" / "ports" / "faulty.py"
    program = f"exec:{sys.executable} -S {port} hang"
    asked = ("--conformance-timeout", "0.3", "-x", "-k", "basic and accuracy")
    done = judge(program, *asked)
    assert done.ret == 1
    assert "no answer in 0.3 s" in done.stdout.str()
    # Of this session only.
    assert TIMEOUT_VARIABLE not in os.environ


def test_lost_answers_fail(judge, monkeypatch):
    monkeypatch.setattr(items, "evaluate", lambda *_: [])
    done = judge("numpy", "-k", "hard_example_mining and accuracy and kink")
    assert done.ret == 1
    assert "the harness lost 1 answers" in done.stdout.str()


def test_a_harness_that_sees_nothing_judges_nothing(judge, monkeypatch):
    blind = canaries.Verdict(2, 0, 1, ("a factor of 2",))
    monkeypatch.setattr(canaries, "judge", lambda: blind)
    done = judge("numpy", "-k", "hard_example_mining")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "a factor of 2" in done.stderr.str()


def test_module_of_the_project_is_found(judge, pytester):
    pytester.makepyfile(
        my_losses=f"""
        import warnings

        import refimpl
        from conformance.adapters import from_functions

        def loss(*arguments, **options):
            warnings.warn("soon gone", DeprecationWarning)
            return refimpl.{FOCAL}(*arguments, **options)

        functions = {{"{FOCAL}": loss, "{FOCAL}_grad": refimpl.{FOCAL}_grad}}
        adapter = from_functions(functions, framework="numpy")
        """
    )
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    pytester.mkdir("deeper")
    os.chdir(pytester.path / "deeper")
    asked = ("--conformance-profile", "accuracy")
    done = judge("py:my_losses:adapter", *asked, alone=True)
    assert done.ret == 0, done.stdout.str()
    assert "soon gone" in done.stdout.str()
    assert "rootdir: " + str(pytester.path) in done.stdout.str()


def test_report_for_machines_counts_what_was_compared(judge, pytester):
    judge("numpy", "-k", "hard_example_mining and kink", "--junitxml", "found.xml")
    text = (pytester.path / "found.xml").read_text()
    assert 'name="conformance_compared"' in text
    assert 'classname="conformance.numpy.hard_example_mining.accuracy"' in text


def test_without_the_option_there_is_nothing(judge, pytester):
    pytester.makepyfile(
        """
        import sys

        def test_nothing_is_loaded():
            heavy = {"numpy", "torch", "jax", "rich", "conformance.plan"}
            assert not heavy & {*sys.modules}
            assert "conformance.plugin.options" in sys.modules
        """
    )
    done = judge("", of=(), quick=False, alone=True)
    done.assert_outcomes(passed=1)
    assert "numbers compared" not in done.stdout.str()
    of_package = judge("", quick=False, alone=True)
    assert of_package.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_plugin_is_quick_to_import():
    script = f"import sys, {PLUGIN}; sys.exit('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert done.returncode == 0

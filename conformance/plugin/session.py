"""A pytest session that judges implementations."""

import os
import re
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from conformance import canaries
from conformance.adapters.exec_runtime import TIMEOUT_VARIABLE
from conformance.adapters.patience import set_timeout
from conformance.adapters.resolve import split_names
from conformance.errors import UsageError
from conformance.plan import Judged, Options, choose, start
from conformance.plugin.items import COMPARED, Suite
from conformance.plugin.options import NAME
from conformance.profiles import PROFILES
from conformance.vectors import manifest

# The file whose collection stands for the suite; the package has no tests of its own.
HERE = Path(__file__).with_name("options.py")
OPTION = re.compile(r"--(impl|profile|select|device|timeout)\b")


class Judging:
    """Hooks of a session in which implementations are judged.

    Args:
        config: Of the session, with at least one implementation.

    Raises:
        pytest.UsageError: An option has no such value.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._options = _options(config)
        _set_timeout(config)
        self._judged: list[Judged] = []
        # Of every implementation of which a test was run, here or in other processes.
        self._compared = Counter[str]()
        self._seen: dict[str, None] = {}
        # Ids that pytest prints begin with the name of the package, which is no file.
        config.args[:] = [
            f"{HERE}{arg.removeprefix(NAME)}" if arg.startswith(f"{NAME}::") else arg
            for arg in config.args
        ]

    def pytest_report_header(self) -> str:
        """Names the specification."""
        about = manifest()
        names = ", ".join(self._options.impls)
        return f"{NAME}: {names} by specification {about['spec']}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Starts the implementations; a wrong name ends the session at once."""
        # Who hands out the tests to other processes has none.
        if self._config.pluginmanager.hasplugin("dsession"):
            return
        seen = canaries.judge()
        if not seen.trusted:
            raise pytest.UsageError(seen.reason)
        here = str(self._config.rootpath)
        if here not in sys.path:
            sys.path.insert(0, here)
        options = self._options
        # What an implementation warns of is shown, as outside of pytest, and no error.
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            try:
                judged = [start(name, options.device) for name in options.impls]
            except UsageError as error:
                raise pytest.UsageError(_told(error)) from error
        self._judged = judged

    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> pytest.Collector | None:
        """Collects the suite in place of one of the files of its package."""
        if file_path != HERE:
            return None
        suite = Suite.from_parent(parent, path=HERE, name=NAME, nodeid=NAME)
        suite.judged, suite.options = self._judged, self._options
        suite.cases = choose(self._options)
        return suite

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Counts what was compared."""
        parts = report.nodeid.split("::")
        if report.when == "call" and parts[0] == NAME and len(parts) > 1:
            self._seen[parts[1]] = None
            for name, count in report.user_properties:
                if name == COMPARED and isinstance(count, int):
                    self._compared[parts[1]] += count

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fails a session in which something was to be judged and nothing compared."""
        for one in self._judged:
            one.adapter.stop()
        working = hasattr(self._config, "workerinput")
        if working or self._config.option.collectonly:
            return
        over = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        if self._silent and session.exitstatus in over:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @property
    def _silent(self) -> list[str]:
        """Implementations that were compared with nothing."""
        return [
            name
            for name in self._seen or self._options.impls
            if not self._compared[name]
        ]

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """Says how much was compared."""
        if self._config.option.collectonly:
            return
        for name in self._seen:
            count = self._compared[name]
            terminalreporter.write_line(f"{NAME}: {name}: {count} numbers compared")
        if not self._seen:
            terminalreporter.write_line(
                f"{NAME}: nothing was compared, expected --pyargs {NAME} and a "
                "selection that leaves something",
                red=True,
            )


def _options(config: pytest.Config) -> Options:
    """Reads the options of the session."""

    def option(name: str) -> Any:
        return config.getoption(f"--conformance-{name}")

    impls = split_names(",".join(option("impl")))
    profiles = split_names(option("profile")) or list(PROFILES)
    _check("impl", impls, impls, "at least one name")
    _check("profile", profiles, list(PROFILES), ", ".join(PROFILES))
    _check("device", [option("device")], ["cpu", "cuda"], "cpu, cuda")
    return Options(
        impls,
        profiles,
        option("select"),
        option("device"),
        bool(option("quick")),
    )


def _set_timeout(config: pytest.Config) -> None:
    """Says how long a program may take, until the session ends."""
    before = os.environ.get(TIMEOUT_VARIABLE)
    try:
        set_timeout(config.getoption("--conformance-timeout"))
    except UsageError as error:
        raise pytest.UsageError(_told(error)) from error

    def restore() -> None:
        if before is None:
            os.environ.pop(TIMEOUT_VARIABLE, None)
        else:
            os.environ[TIMEOUT_VARIABLE] = before

    config.add_cleanup(restore)


def _check(name: str, found: list[str], accepted: list[str], expected: str) -> None:
    wrong = [one for one in found if one not in accepted]
    if wrong or not found:
        got = ", ".join(wrong) or "none"
        raise pytest.UsageError(
            f"--conformance-{name}: expected {expected}, got {got}."
        )


def _told(error: UsageError) -> str:
    """The sentence with the options as they are called here."""
    return OPTION.sub(r"--conformance-\1", str(error))

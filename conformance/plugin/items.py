"""Tests of the pytest plugin: an item for every group that is asked about."""

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from rich.text import Text

from conformance.adapters.functions import FunctionAdapter
from conformance.adapters.remembering import Remembering
from conformance.plan import Cases, Judged, Options, missing, units, unreported
from conformance.profiles import Batch, Check, Result, Unit, batches, evaluate
from conformance.report.terminal import failures

# The property of a report that says how many numbers its test compared.
COMPARED = "conformance_compared"


class NonconformingError(Exception):
    """A group did not conform."""

    def __init__(self, results: Sequence[Result]) -> None:
        super().__init__(f"{len(results)} results do not conform")
        self.results = results


class LostError(Exception):
    """What was asked got no result."""


class Answers:
    """What an implementation answers about an operation, batch by batch.

    Groups share calls, so whoever wants one gets it with others, which are kept.
    """

    def __init__(self, one: Judged, found: Iterable[Result] = ()) -> None:
        self.one = one
        self.groups: dict[tuple[str, str], list[Unit | Check]] = {}
        self._waiting: dict[str, list[Batch | Check]] = {}
        self._results: dict[tuple[str, str], list[Result]] = {}
        self._keep(found)
        self.groups |= {key: [] for key in self._results}

    def add(self, profile: str, asked: Iterable[Unit | Check]) -> None:
        """Adds what a profile asks."""
        for unit in asked:
            self.groups.setdefault((profile, unit.path), []).append(unit)

    def of(self, profile: str, path: str, memory: Remembering) -> list[Result]:
        """Returns the results about a group, asking for what is not known yet."""
        if profile not in self._waiting:
            asked = [
                u for key, own in self.groups.items() for u in own if key[0] == profile
            ]
            self._waiting[profile] = list(batches(asked))
        for batch in [b for b in self._waiting[profile] if path in _paths(b)]:
            source = self.one.adapter if isinstance(batch, Check) else memory
            # What an implementation warns of is shown, and no error.
            with warnings.catch_warnings():
                warnings.simplefilter("default")
                one = self.one
                found = evaluate(batch, source, one.name, one.device, one.limit)
                self._keep(list(found))
            self._waiting[profile].remove(batch)
        return self._results.get((profile, path), [])

    def _keep(self, found: Iterable[Result]) -> None:
        for result in found:
            self._results.setdefault((result.profile, result.group), []).append(result)


def _paths(batch: Batch | Check) -> set[str]:
    return {batch.path} if isinstance(batch, Check) else {u.path for u in batch.units}


class Suite(pytest.File):
    """All that is asked in a session."""

    judged: Sequence[Judged]
    cases: Cases
    options: Options
    subject: tuple[Answers, Remembering] | None = None

    def collect(self) -> Iterator[pytest.Collector]:
        """Yields a collector for every implementation."""
        for one in self.judged:
            yield _branch(self, one.name, self._operations(one))

    def _operations(self, one: Judged) -> dict[str, Any]:
        """Groups by operation and profile."""
        known: dict[str, Answers] = {
            found.operation: Answers(one, [found])
            for found in missing(one, self.cases)
            if any(self.cases[found.operation])
        }
        for profile in self.options.profiles:
            for unit in units(one, profile, self.cases, self.options):
                answers = known.setdefault(unit.operation, Answers(one))
                answers.add(profile, [unit])
        tree: dict[str, Any] = {}
        for operation, answers in known.items():
            for profile, path in answers.groups:
                of = tree.setdefault(operation, {}).setdefault(profile, {})
                of[path] = answers
        return tree

    def results(self, answers: Answers, profile: str, path: str) -> list[Result]:
        """Returns the results about a group."""
        if self.subject is None or self.subject[0] is not answers:
            adapter = answers.one.adapter
            # Calls of one operation share much of what is compiled, others nothing.
            if isinstance(adapter, FunctionAdapter):
                adapter.release()
            self.subject = (answers, Remembering(adapter))
        return answers.of(profile, path, self.subject[1])


class Branch(pytest.Collector):
    """An implementation, an operation of it, or a profile about that."""

    below: Mapping[str, Any]

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """Yields what is below."""
        for name, part in self.below.items():
            if isinstance(part, Answers):
                item = GroupItem.from_parent(self, name=name)
                item.suite, item.profile, item.answers = _suite(self), self.name, part
                yield item
            else:
                yield _branch(self, name, part)


def _branch(parent: pytest.Collector, name: str, below: Mapping[str, Any]) -> Branch:
    branch = Branch.from_parent(parent, name=name)
    branch.below = below
    return branch


def _suite(node: pytest.Collector) -> Suite:
    return next(parent for parent in node.iter_parents() if isinstance(parent, Suite))


class GroupItem(pytest.Item):
    """One group of one profile, in every dtype, transform and reduction."""

    suite: Suite
    profile: str
    answers: Answers

    def runtest(self) -> None:
        """Asks, and fails with whatever does not conform."""
        results = self.suite.results(self.answers, self.profile, self.name)
        compared = sum(result.compared for result in results)
        self.user_properties.append((COMPARED, compared))
        asked = self.answers.groups[self.profile, self.name]
        lost = unreported([(self.answers.one, asked)], results)
        if lost:
            raise LostError(f"the harness lost {len(lost)} answers, of {lost[0]} first")
        wrong = [r for r in results if r.status in ("fail", "errored")]
        if wrong:
            raise NonconformingError(wrong)
        if not compared:
            reasons = dict.fromkeys(r.reason for r in results if r.reason)
            pytest.skip("; ".join(reasons) or "nothing to compare")

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """Shows what did not conform, as the command line does."""
        if isinstance(excinfo.value, LostError):
            return str(excinfo.value)
        if not isinstance(excinfo.value, NonconformingError):
            return super().repr_failure(excinfo, style)
        return "\n".join(_lines(excinfo.value.results)).strip()

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Names the test in the heading of its failure."""
        return self.path, None, self.nodeid.partition("::")[2].replace("::", " ")


def _lines(results: Sequence[Result]) -> Iterator[str]:
    for result in results:
        if result.status == "errored":
            form = f"{result.output}, {result.dtype}, {result.transform}"
            yield f"ERRORED {result.group} ({form}): {result.reason}"
    shown: Iterable[Text] = failures([r for r in results if r.status == "fail"])
    for text in shown:
        yield text.plain

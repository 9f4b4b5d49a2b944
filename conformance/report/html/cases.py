"""Failing cases, each with the script that reproduces it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from conformance import repro
from conformance.errors import UsageError
from conformance.profiles import Result
from conformance.registry.citations import clauses as every_clause
from conformance.report.facts import faults
from conformance.report.points import command_of, point_of
from conformance.report.wording import deviates, units

# An implementation that gets everything wrong must not make a page that no browser
# opens: beyond these, commands stand for scripts, and rows of results for cases.
MAX_CASES = 1000
MAX_SCRIPTS = 1_500_000


@dataclass(frozen=True)
class Fault:
    """One failed result of a case, as the page shows it."""

    profile: str
    form: str
    level: str
    how: str
    reason: str
    expected: str
    actual: str
    error: str


@dataclass
class Case:
    """A point, sum or check that an implementation fails in one form.

    Attributes:
        id: Of the point or sum; the path of a check, which has no other.
        impl: Implementation.
        operation: Name of the operation.
        dtype: Dtype of the inputs.
        transform: How the function was run.
        errored: Whether it broke instead of answering.
        clauses: Clauses that it departs from.
        diagnoses: What explains it.
        faults: Its failed results.
        command: Command that prints the script; empty where there is none.
        script: The script; empty where there is none.
        words: Why there is no script.
    """

    id: str
    impl: str
    operation: str
    dtype: str
    transform: str
    errored: bool = False
    clauses: list[str] = field(default_factory=list)
    diagnoses: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    command: str = ""
    script: str = ""
    words: str = ""

    @property
    def deviations(self) -> list[str]:
        """Sentences on the clauses, each with what it says, in short."""
        said = (deviates([one], every_clause().get(one, "")) for one in self.clauses)
        return [sentence[0].upper() + sentence[1:] for sentence in said]

    @property
    def profiles(self) -> list[str]:
        """Profiles that it failed in."""
        return list(dict.fromkeys(fault.profile for fault in self.faults))


Key = tuple[str, str, str, str, str]


def failing(results: Iterable[Result]) -> tuple[dict[Key, Case], int]:
    """Collects the failing cases of a run.

    Args:
        results: Of the run.

    Returns:
        The cases by their keys, results on the same point together, and the number of
        failed results that are left to the table of results.
    """
    found: dict[Key, Case] = {}
    left, written = 0, 0
    for result in faults(results):
        key = key_of(result)
        if key not in found:
            if len(found) == MAX_CASES:
                left += 1
                continue
            case = Case(*key)
            point = point_of(result)
            if point:
                _reproduce(case, result, point, long=written < MAX_SCRIPTS)
            else:
                case.command = command_of(result)
                case.words = "A check without a point of its own: this asks it again."
            written += len(case.script)
            found[key] = case
        _add(found[key], result)
    return found, left


def key_of(result: Result) -> Key:
    """What tells the case of a failed result from others."""
    name = point_of(result) or result.group
    return (name, result.impl, result.operation, result.dtype, result.transform)


def _add(case: Case, result: Result) -> None:
    case.errored |= result.status == "errored"
    case.clauses += [c for c in result.clauses if c not in case.clauses]
    if result.diagnosis and result.diagnosis not in case.diagnoses:
        case.diagnoses.append(result.diagnosis)
    first = result.failures[0] if result.failures else None
    how = "broke" if result.status == "errored" else "failed"
    if result.compared:
        how = f"{result.failed} of {result.compared} {how}"
    case.faults.append(
        Fault(
            profile=result.profile,
            form=f"{result.output}, reduction {result.reduction}",
            level=result.lost,
            how=how,
            reason=result.reason,
            expected=repr(first.expected) if first else "",
            actual=repr(first.actual) if first else "",
            error=units(first.units if first else result.worst),
        )
    )


def _reproduce(case: Case, result: Result, point: str, *, long: bool) -> None:
    case.command = command_of(result)
    if not long:
        case.words = "The command prints the script; the page has no room for more."
        return
    try:
        case.script = repro.script(point, case.impl, case.dtype, case.transform)
    except UsageError as error:
        case.words, case.command = f"There is no script: {error}", ""

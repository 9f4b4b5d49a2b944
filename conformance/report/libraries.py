"""What ``conformance matrix`` found: libraries of others against the specification."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.levels import HELD, LOST, UNKNOWN
from conformance.profiles.severity import LEVELS
from conformance.report.wording import counted

REPRODUCED = "reproduced"
# Of a library or version that was not asked, which says nothing.
UNASKED = ("not checked", "not installed")


@dataclass(frozen=True)
class Library:
    """A library, as installed.

    Attributes:
        name: Its name.
        version: Its version.
        framework: The framework that its functions run in.
        installed: Whether it could be judged here.
        levels: State of every level by operation.
        compared: Numbers compared by operation.
    """

    name: str
    version: str
    framework: str
    installed: bool
    levels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    compared: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Deviation:
    """A known deviation from a clause, or a choice of meaning, and if it is there.

    A choice loses no level, and its cause is its convention.
    """

    id: str
    library: str
    operation: str
    level: str
    clause: str
    observed: str
    cause: str
    thread: str
    reproduction: str
    status: str


@dataclass(frozen=True)
class Comparison:
    """All libraries.

    Attributes:
        header: What the comparison depends on.
        libraries: Each of them.
        deviations: Those that are known.
        choices: Choices of meaning, which are no faults.
        unlisted: Deviations that nobody listed, in words.
        faults: What else is not as listed, in words.
        interrupted: Whether some are missing.
    """

    header: Mapping[str, Any] = field(default_factory=dict)
    libraries: tuple[Library, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    choices: tuple[Deviation, ...] = ()
    unlisted: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    interrupted: bool = False

    @property
    def operations(self) -> list[str]:
        """Every operation that any library has."""
        every = (library.levels for library in self.libraries)
        return list(dict.fromkeys(name for levels in every for name in levels))

    @property
    def gone(self) -> list[Deviation]:
        """Known deviations and choices that were looked for and not seen."""
        listed = (*self.deviations, *self.choices)
        return [one for one in listed if one.status not in (REPRODUCED, *UNASKED)]

    @property
    def differences(self) -> list[str]:
        """What is not as listed, in words."""
        gone = (f"{one.library} {one.operation}: {one.id} is gone" for one in self.gone)
        return [*(self.faults or gone), *self.unlisted]

    @property
    def as_listed(self) -> bool:
        """Whether what deviates is what is listed, both ways."""
        here = any(library.installed for library in self.libraries)
        return here and not (self.differences or self.gone or self.interrupted)

    @property
    def phrases(self) -> list[str]:
        """What was found, in words."""
        here = sum(library.installed for library in self.libraries)
        known = counted(len(self.deviations), "known deviation")
        found = [f"{counted(here, 'library', 'libraries')}, {known}"]
        found += [f"{len(self.unlisted)} unlisted"] * bool(self.unlisted)
        found += [f"{len(self.gone)} not reproduced"] * bool(self.gone)
        return found + ["interrupted"] * self.interrupted


def parse(record: Mapping[str, Any]) -> Comparison:
    """Reads what the command wrote.

    Args:
        record: The JSON object.

    Returns:
        The comparison.

    Raises:
        KeyError: A library has no name.
        TypeError: Something is of another type.
        ValueError: A level is in no known state.
    """
    return Comparison(
        header=dict(record.get("header") or {}),
        libraries=tuple(map(_library, record["libraries"])),
        deviations=tuple(map(_entry, record.get("deviations") or ())),
        choices=tuple(map(_entry, record.get("choices") or ())),
        unlisted=tuple(map(_in_words, record.get("unlisted") or ())),
        faults=tuple(map(str, record.get("problems") or ())),
        interrupted=bool(record.get("interrupted")),
    )


def _entry(raw: Mapping[str, Any]) -> Deviation:
    words = {word: str(raw.get(word) or "") for word in Deviation.__dataclass_fields__}
    words["cause"] = words["cause"] or str(raw.get("convention") or "")
    return Deviation(**words)


def _library(raw: Mapping[str, Any]) -> Library:
    operations = dict(raw.get("operations") or {})
    return Library(
        name=str(raw["name"]),
        version=str(raw.get("version") or ""),
        framework=str(raw.get("framework") or ""),
        installed=bool(raw.get("installed", True)),
        levels={name: _levels(one["levels"]) for name, one in operations.items()},
        compared={k: int(one.get("compared") or 0) for k, one in operations.items()},
    )


def _levels(raw: Mapping[str, str]) -> dict[str, str]:
    found = {level: raw.get(level, UNKNOWN) for level in LEVELS}
    for state in found.values():
        if state not in (HELD, LOST, UNKNOWN):
            raise ValueError(f"no state of a level: {state!r}")
    return found


def _in_words(raw: Mapping[str, Any]) -> str:
    """A failed result that nobody listed."""
    form = ", ".join(str(raw.get(part, "")) for part in ("profile", "output", "dtype"))
    lost = raw.get("lost") or "a level"
    return f"{raw.get('impl', '')} {raw.get('group', '')} ({form}) loses {lost}"

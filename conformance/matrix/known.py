"""What is known of other libraries: deviations and choices, read from TOML.

A file holds ``[[deviation]]`` and ``[[choice]]`` entries; see ``deviations/README.md``
for their keys. What is malformed is named by file, entry and key.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from conformance.errors import UsageError
from conformance.peers import LIBRARIES
from conformance.profiles import PROFILES, Result, severity
from conformance.registry import OPERATIONS

FOLDER = Path(__file__).parents[1] / "deviations"
# Of training, which is the highest, libraries are not asked.
LEVELS = severity.LEVELS[:3]
CLAUSE = re.compile(r"\b[A-Z]{2,6}-\d+\b")


@dataclass(frozen=True)
class Selector:
    """Which results an entry is about: every pattern must match; lists are choices.

    Attributes:
        group: Path of the group without its operation, or id of a failed point.
        profile: Profile that asked.
        output: Which output.
        dtype: Dtype of the inputs.
        transform: How the function was run.
        reduction: Reduction asked for.
        reason: The reason in words.
    """

    group: tuple[str, ...] = ("*",)
    profile: tuple[str, ...] = ("*",)
    output: tuple[str, ...] = ("*",)
    dtype: tuple[str, ...] = ("*",)
    transform: tuple[str, ...] = ("*",)
    reduction: tuple[str, ...] = ("*",)
    reason: tuple[str, ...] = ("*",)

    def matches(self, result: Result) -> bool:
        """Whether the entry is about a result, failed or not."""
        paths = [result.group, *(failure.id for failure in result.failures)]
        inner = [path.partition("/")[2] for path in paths]
        return any(_fits(path, self.group) for path in inner) and all(
            _fits(getattr(result, name), getattr(self, name))
            for name in SELECTED
            if name != "group"
        )


SELECTED = tuple(one.name for one in fields(Selector))


@dataclass(frozen=True)
class Observed:
    """What was seen: an input, what the library gives, what is specified."""

    input: str
    theirs: str
    specified: str

    def __str__(self) -> str:
        return f"{self.input}: {self.theirs}, specified {self.specified}"


@dataclass(frozen=True)
class Known:
    """One entry, about one operation of one library.

    Attributes:
        kind: ``"deviation"`` or ``"choice"``.
        id: Name of the entry, unique in its file.
        library: Name of the library.
        operation: Name of the operation.
        versions: Versions of the library it was seen in.
        level: The lowest level that it loses; empty for a choice.
        clause: The clause that it deviates from, or chooses otherwise than.
        observed: Numbers as seen.
        cause: Why, in one sentence; of a choice, the convention.
        thread: Where it is discussed; empty where no thread is known.
        reproduction: A script that prints what was observed.
        selectors: Results that it is about, each of which must match some.
    """

    kind: str
    id: str
    library: str
    operation: str
    versions: SpecifierSet
    level: str
    clause: str
    observed: Observed
    cause: str
    thread: str
    reproduction: str
    selectors: tuple[Selector, ...] = field(repr=False)

    def applies(self, version: str) -> bool:
        """Whether it is about a version; what follows a plus is a build of it."""
        return self.versions.contains(version.partition("+")[0], prereleases=True)


def _fits(text: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def load(folder: Path = FOLDER) -> list[Known]:
    """Reads all entries.

    Args:
        folder: Where the files lie, one for each library or family of libraries.

    Returns:
        An entry for each library and operation that it names.

    Raises:
        UsageError: A file is malformed; the message names file, entry and key.
    """
    found: list[Known] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{path.name}: not TOML ({error}).") from error
        for kind in content:
            if kind not in ("deviation", "choice"):
                expected = "expected [[deviation]] or [[choice]]"
                raise UsageError(f"{path.name}: {expected}, got {kind!r}.")
        for kind in ("deviation", "choice"):
            for number, entry in enumerate(content.get(kind, []), 1):
                found += _Entry(path, kind, number, entry).read()
    _check_ids(found)
    return found


def _check_ids(found: list[Known]) -> None:
    seen: set[tuple[str, str, str]] = set()
    for one in found:
        key = (one.library, one.operation, one.id)
        if key in seen:
            raise UsageError(f"{one.library}: {one.id} stands there twice.")
        seen.add(key)


class _Entry:
    """An entry as it stands in a file."""

    def __init__(
        self, path: Path, kind: str, number: int, entry: Mapping[str, Any]
    ) -> None:
        self._entry = entry
        self._kind = kind
        self._stem = path.stem
        name = entry.get("id") or f"number {number}"
        self._where = f"{path.name}: {kind} {name}"

    def read(self) -> Iterator[Known]:
        """Yields the entry for each library and operation."""
        own = {"level"} if self._kind == "deviation" else set()
        sentence = "cause" if self._kind == "deviation" else "convention"
        shared = {"id", "libraries", "versions", "operation", "clause", "observed"}
        known = {*shared, *own, sentence, "thread", "reproduction", "selectors"}
        for key in self._entry:
            if key not in known:
                self._fail(key, f"one of {', '.join(sorted(known))}", key)
        versions = self._specifier()
        selectors = tuple(self._selectors())
        for library in self._names("libraries", LIBRARIES, self._stem):
            for operation in self._names("operation", OPERATIONS):
                yield Known(
                    kind=self._kind,
                    id=self._text("id"),
                    library=library,
                    operation=operation,
                    versions=versions,
                    level=self._one_of("level", LEVELS) if own else "",
                    clause=self._text("clause", CLAUSE),
                    observed=self._observed(),
                    cause=self._text(sentence),
                    thread=self._text("thread", re.compile("|https://.+")),
                    reproduction=self._text("reproduction"),
                    selectors=selectors,
                )

    def _fail(self, key: str, expected: str, got: Any) -> None:
        raise UsageError(f"{self._where}: {key}: expected {expected}, got {got!r}.")

    def _text(self, key: str, pattern: re.Pattern[str] = re.compile(r"(?s).+")) -> str:
        value = self._entry.get(key)
        if not isinstance(value, str) or not pattern.fullmatch(value.strip()):
            self._fail(key, f"text like {pattern.pattern}", value)
        return str(value).strip()

    def _one_of(self, key: str, accepted: tuple[str, ...]) -> str:
        value = self._text(key)
        if value not in accepted:
            self._fail(key, ", ".join(accepted), value)
        return value

    def _names(
        self, key: str, accepted: Mapping[str, Any], default: str = ""
    ) -> list[str]:
        value = self._entry.get(key, default)
        names = value if isinstance(value, list) else [value]
        for name in names:
            if name not in accepted:
                self._fail(key, ", ".join(accepted), name)
        return names

    def _specifier(self) -> SpecifierSet:
        text = self._text("versions")
        try:
            return SpecifierSet(text)
        except InvalidSpecifier:
            self._fail("versions", "a specifier such as >=1.2,<2", text)
            raise

    def _observed(self) -> Observed:
        value: Any = self._entry.get("observed")
        names = {one.name for one in fields(Observed)}
        if (
            not isinstance(value, dict)
            or set(value) != names
            or not all(isinstance(text, str) and text for text in value.values())
        ):
            self._fail("observed", "texts input, theirs and specified", value)
        return Observed(**value)

    def _selectors(self) -> Iterator[Selector]:
        tables = self._entry.get("selectors")
        if not isinstance(tables, list) or not tables:
            self._fail("selectors", "at least one table", tables)
        for table in tables or []:
            if not isinstance(table, dict) or not table:
                self._fail("selectors", "a table of patterns", table)
            patterns: dict[str, tuple[str, ...]] = {}
            for name, value in table.items():
                if name not in SELECTED:
                    self._fail("selectors", f"one of {', '.join(SELECTED)}", name)
                listed = value if isinstance(value, list) else [value]
                if not listed or not all(isinstance(v, str) and v for v in listed):
                    self._fail(f"selectors.{name}", "a pattern or several", value)
                patterns[name] = tuple(listed)
            for name in patterns.get("profile", ()):
                if not any(fnmatchcase(known, name) for known in PROFILES):
                    self._fail("selectors.profile", ", ".join(PROFILES), name)
            yield Selector(**patterns)

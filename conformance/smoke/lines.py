"""The lines that a program exchanges with the harness, shown and checked."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conformance.errors import UsageError

SCHEMA = Path(__file__).parents[1] / "spec" / "1.0" / "protocol.schema.json"
# Lines and messages are shown up to here.
SHOWN = 400


class Schema:
    """Checks lines against the schema of the protocol."""

    def __init__(self) -> None:
        try:
            from jsonschema import Draft202012Validator
        except ImportError as error:
            raise UsageError(
                "--validate: expected the package jsonschema, which is not installed."
            ) from error
        schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
        self._validator: Any = Draft202012Validator(schema)

    def problems(self, line: str) -> Iterator[str]:
        """Yields what is wrong with a line."""
        try:
            message = json.loads(line)
        except ValueError as error:
            yield f"no JSON: {error}"
            return
        for error in self._validator.iter_errors(message):
            yield f"{error.json_path}: {error.message}"[:SHOWN]


class Lines:
    """The lines of a case, if a program is asked, and what is wrong with them."""

    def __init__(self, schema: Schema | None) -> None:
        self.problems: list[str] = []
        self._exchanged: list[tuple[str, str]] = []
        self._schema = schema

    def see(self, direction: str, line: str) -> None:
        """Keeps a line."""
        self._exchanged.append((direction, line))
        found = self._schema.problems(line) if self._schema else ()
        self.problems += [f"schema, {direction}: {problem}" for problem in found]

    def shown(self) -> list[tuple[str, str]]:
        """Returns the lines for people."""
        return [(direction, _short(line)) for direction, line in self._exchanged]

    def clear(self) -> None:
        """Forgets them."""
        self.problems, self._exchanged = [], []


def _short(line: str) -> str:
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}... ({len(line)} characters)"

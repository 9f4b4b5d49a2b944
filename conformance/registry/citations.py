"""Clauses of the specification cite flags of the vectors, and flags cite clauses."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.registry import GENERAL, OPERATIONS

SPECIFICATION = Path(__file__).parents[1] / "spec" / "1.0"
PAGES = ("general.md", "losses.md")
# What no vector can show, and the profile that asks about it instead.
WITHOUT_VECTORS: Mapping[str, str] = {"GEN-19": "training"}

_CLAUSE = re.compile(r"^- \*\*([A-Z]+-\d+)\*\* ", re.MULTILINE)
_FLAGS = re.compile(r"\*Vectors:\*((?:\s+`[a-z0-9-]+`,?)+)\.\s*$")
_PROFILE = re.compile(r"\*No vectors; profile:\*\s+`([a-z]+)`\.\s*$")


def clauses() -> dict[str, str]:
    """Every clause with its gist, general ones first."""
    own = {k: v for o in OPERATIONS.values() for k, v in o.clauses.items()}
    return {**GENERAL, **own}


def stated(folder: Path = SPECIFICATION) -> dict[str, str]:
    """Reads the text of every clause of the specification.

    Args:
        folder: Where the pages lie.

    Returns:
        Texts by clause, in the order of the pages.

    Raises:
        ValueError: A clause stands twice.
    """
    found: dict[str, str] = {}
    for page in PAGES:
        _, *parts = _CLAUSE.split((folder / page).read_text(encoding="utf-8"))
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            if name in found:
                raise ValueError(f"{name} stands twice in {page}.")
            # A list item ends where the next paragraph or heading begins.
            found[name] = re.split(r"\n\n(?! )", text)[0].strip()
    return found


def cited(text: str) -> tuple[str, ...]:
    """The flags that the text of a clause cites."""
    match = _FLAGS.search(text)
    return tuple(re.findall(r"`([^`]+)`", match.group(1))) if match else ()


def excused(text: str) -> str:
    """The profile that a clause without vectors names; empty if it has vectors."""
    match = _PROFILE.search(text)
    return match.group(1) if match else ""


def owners(clause: str) -> list[str]:
    """Operations on whose vectors a clause may be shown."""
    own = [name for name, o in OPERATIONS.items() if clause in o.clauses]
    return own or list(OPERATIONS)


def problems(notes: Mapping[str, Any], folder: Path = SPECIFICATION) -> list[str]:
    """Says where clauses, flags and notes do not belong together.

    Args:
        notes: Notes of the vectors, by flag.
        folder: Where the pages lie.

    Returns:
        One sentence per problem; empty where all is well.
    """
    texts = stated(folder)
    by_page = {name: cited(text) for name, text in texts.items()}
    by_note = {flag: tuple(note.get("clauses", ())) for flag, note in notes.items()}
    return [*_of_clauses(texts, by_page), *_of_flags(by_page, by_note)]


def _of_clauses(
    texts: Mapping[str, str], by_page: Mapping[str, tuple[str, ...]]
) -> list[str]:
    known = clauses()
    found = [f"{name} is in no page." for name in known if name not in texts]
    found += [f"{name} is in no record." for name in texts if name not in known]
    for name, flags in by_page.items():
        excuse = excused(texts[name])
        if excuse != WITHOUT_VECTORS.get(name, ""):
            found.append(f"{name} is not excused by the profile {excuse!r}.")
        if not flags and not excuse:
            found.append(f"{name} cites no flag.")
        for flag in flags:
            if not any(flag in OPERATIONS[one].flags for one in owners(name)):
                found.append(f"{name} cites {flag}, which none of its operations has.")
    return found


def _of_flags(
    by_page: Mapping[str, tuple[str, ...]], by_note: Mapping[str, tuple[str, ...]]
) -> list[str]:
    found = [f"{flag} cites no clause." for flag, names in by_note.items() if not names]
    pairs = {(name, flag) for name, flags in by_page.items() for flag in flags}
    noted = {(name, flag) for flag, names in by_note.items() for name in names}
    for name, flag in sorted(pairs - noted):
        found.append(f"{name} cites {flag}, whose note does not cite it.")
    for name, flag in sorted(noted - pairs):
        found.append(f"the note {flag} cites {name}, which does not cite it.")
    return found

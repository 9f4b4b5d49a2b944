"""Words of a program: checked, and cut to what a report has room for.

Each of hundreds of results may repeat them, so a megabyte of them would be a report of
hundreds.
"""

from collections.abc import Mapping
from typing import Any

from conformance.adapters.wire import TEXT, WireError

Message = Mapping[str, Any]

# Names, versions and kinds; the longest of the specification has half of it.
LONGEST = 100
# Of a reason the beginning is kept, and of what is wrong less.
REASON = 300
SHOWN = 80


def seen(value: object) -> str:
    """Shows the beginning of what came, whatever it is."""
    try:
        text = repr(value[:SHOWN] if isinstance(value, (str, list)) else value)
    except (RecursionError, ValueError):
        # Nested as deep as can be parsed, or a number of too many digits.
        return type(value).__name__
    return text[: SHOWN + 2]


def text_of(message: Message, key: str) -> str:
    """Reads a word or a few.

    Args:
        message: What came.
        key: Where it stands.

    Returns:
        The text.

    Raises:
        WireError: It is none, or too long.
    """
    text = message.get(key)
    if not isinstance(text, str) or not TEXT.fullmatch(text):
        raise WireError(f"{key}: expected plain text, got {seen(text)}")
    if len(text) > LONGEST:
        raise WireError(
            f"{key}: expected plain text of at most {LONGEST} characters, "
            f"got {len(text)}, {seen(text)}"
        )
    return text


def words_of(message: Message, key: str) -> tuple[str, ...]:
    """Reads names, of which none may stand twice.

    Args:
        message: What came.
        key: Where they stand.

    Returns:
        The names.

    Raises:
        WireError: They are none.
    """
    words = message.get(key)
    if not isinstance(words, list):
        raise WireError(f"{key}: expected an array of names, got {seen(words)}")
    found: dict[str, None] = {}
    for word in words:
        name = text_of({key: word}, key)
        if name in found:
            raise WireError(f"{key}: expected {name!r} once, got it twice")
        found[name] = None
    return tuple(found)


def reason_of(message: Message) -> str:
    """Words for people, which may be careless but must not steer a terminal."""
    reason = message.get("reason", "")
    text = reason[:REASON] if isinstance(reason, str) else seen(reason)
    return "".join(c if c.isprintable() else " " for c in text)


def shown(line: bytes) -> str:
    """Shows the beginning of a line."""
    text = line[:SHOWN].decode("ascii", "backslashreplace")
    return f"{text!r}{'' if len(line) <= SHOWN else f' and {len(line) - SHOWN} more'}"

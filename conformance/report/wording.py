"""Strings of strangers, made fit to be shown; numbers in words."""

import math
import re
from collections.abc import Sequence

# What would end a document, move a cursor or turn the direction of a line: controls
# but tab and newline, separators, marks of direction, halves of pairs, no characters.
UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufffe\uffff]"
)
SHOWN_FOR_UNFIT = "\N{REPLACEMENT CHARACTER}"


def clean(text: str) -> str:
    r"""Returns the text with a sign in the place of every unfit character.

    Example:
        >>> clean("a\x1b[31mb") == "a\N{REPLACEMENT CHARACTER}[31mb"
        True
    """
    return UNFIT.sub(SHOWN_FOR_UNFIT, text)


def units(value: float | None) -> str:
    """Shows an error in units of u * K.

    Example:
        >>> units(2.345), units(123456.0), units(math.inf), units(None)
        ('2.35', '1.23e+05', '∞', '-')
    """
    if value is None:
        return "-"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞"
    return f"{value:.2f}" if value < 1000 else f"{value:.3g}"


def deviates(clauses: Sequence[str], gist: str = "") -> str:
    """Says of what fails what it does otherwise, never that it is wrong.

    Args:
        clauses: At least one, the most specific first.
        gist: What the first says, in short.

    Example:
        >>> deviates(["FOC-3"])
        'deviates from clause FOC-3'
        >>> deviates(["FOC-3", "GEN-18"], "gradient in gamma")
        'deviates from clause FOC-3: gradient in gamma (and GEN-18)'
    """
    first, *others = clauses
    said = f": {gist}" if gist else ""
    also = f" (and {', '.join(others)})" if others else ""
    return f"deviates from clause {first}{said}{also}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """Says how many there are.

    Example:
        >>> counted(1, "result"), counted(345, "result"), counted(0, "box", "boxes")
        ('1 result', '345 results', '0 boxes')
    """
    words = noun if number == 1 else plural or f"{noun}s"
    return f"{grouped(number)} {words}"


def grouped(number: int) -> str:
    """Shows an integer in groups of three digits, held together."""
    return f"{number:,}".replace(",", "\N{NO-BREAK SPACE}")


def slug(text: str) -> str:
    """Turns a name into one that any file system takes.

    Example:
        >>> slug("py:my.losses:adapter"), slug("../<x>")
        ('py-my.losses-adapter', 'x')
    """
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.") or "unnamed"

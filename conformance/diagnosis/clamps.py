"""Numbers that clamps leave behind, and where each of them comes from.

A logarithm of a probability that is kept above some epsilon ends at ``-log(epsilon)``,
whatever the logit. The table is data: a constant, how it arises and who does that.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

LN2 = math.log(2.0)
# Far above the rounding of a logarithm in float32, and far below the distance of the
# two closest entries, 744.44 and 745.13.
SAME = 1e-5
# Of a number that somebody typed with the five digits in which it was printed.
AS_PRINTED = 5e-5
# What a loss that ends at a clamp is often multiplied by.
FACTORS = {
    "0.25": 0.25,
    "0.75": 0.75,
    "0.5": 0.5,
    "2": 2.0,
    "1/log(2)": 1 / LN2,
    "1/log(10)": 1 / math.log(10.0),
}


class Clamp(NamedTuple):
    """A number that many losses end at.

    Attributes:
        number: The number.
        origin: How it arises, as an expression.
        source: Where that is done.
        epsilon: Smallest probability that it leaves; 0 where it is no logarithm of one.
    """

    number: float
    origin: str
    source: str
    epsilon: float = 0.0


def _log(epsilon: float, text: str, source: str) -> Clamp:
    return Clamp(-math.log(epsilon), f"-log({text})", source, epsilon)


TABLE = (
    Clamp(100.0, "100", "logarithms clamped at -100, as in torch.nn.BCELoss"),
    _log(1e-2, "1e-2", "probabilities kept above 1e-2"),
    _log(1e-3, "1e-3", "probabilities kept above 1e-3"),
    _log(1e-4, "1e-4", "probabilities kept above 1e-4, as in CenterNet's heat maps"),
    _log(1e-5, "1e-5", "probabilities kept above 1e-5"),
    _log(1e-6, "1e-6", "probabilities kept above 1e-6"),
    _log(1e-7, "1e-7", "probabilities kept above 1e-7, the epsilon of Keras"),
    _log(1e-8, "1e-8", "1e-8 added to probabilities, as in many focal losses"),
    _log(1e-9, "1e-9", "probabilities kept above 1e-9"),
    _log(1e-10, "1e-10", "probabilities kept above 1e-10"),
    _log(1e-12, "1e-12", "probabilities kept above 1e-12"),
    _log(1e-15, "1e-15", "probabilities kept above 1e-15, as scikit-learn's log_loss"),
    _log(1e-16, "1e-16", "probabilities kept above 1e-16"),
    _log(1e-20, "1e-20", "probabilities kept above 1e-20"),
    _log(2.0**-7, "2^-7", "the epsilon of bfloat16"),
    _log(2.0**-8, "2^-8", "1 - p where p is the bfloat16 next below 1"),
    _log(2.0**-10, "2^-10", "the epsilon of float16"),
    _log(2.0**-11, "2^-11", "1 - p where p is the float16 next below 1"),
    _log(2.0**-14, "2^-14", "the smallest normal float16"),
    _log(2.0**-23, "2^-23", "the epsilon of float32; 1 - 1e-7 rounds to 1 - 2^-23"),
    _log(2.0**-24, "2^-24", "1 - p where p is the float32 next below 1"),
    _log(2.0**-52, "2^-52", "the epsilon of float64"),
    _log(2.0**-53, "2^-53", "1 - p where p is the float64 next below 1"),
    _log(2.0**-126, "2^-126", "the smallest normal float32, torch.finfo().tiny"),
    _log(2.0**-149, "2^-149", "the smallest subnormal float32"),
    Clamp(150 * LN2, "150 log 2", "where exp(-x) underflows in float32"),
    _log(2.0**-1022, "2^-1022", "the smallest normal float64"),
    _log(2.0**-1074, "2^-1074", "the smallest subnormal float64"),
    Clamp(1075 * LN2, "1075 log 2", "where exp(-x) underflows in float64"),
)


def closest(number: float, within: float = SAME) -> Clamp | None:
    """Finds the entry that a number is, if it is one.

    Args:
        number: The number; its sign does not matter.
        within: Largest relative difference.

    Returns:
        The closest entry within that difference.
    """
    entry = min(TABLE, key=lambda clamp: abs(clamp.number - abs(number)))
    near = abs(entry.number - abs(number)) <= within * entry.number
    return entry if near else None


def explain_number(number: float) -> list[str]:
    """Says which clamps leave a number behind.

    Args:
        number: A loss, or a difference of two.

    Returns:
        A sentence for each explanation; none for a number that is not known.

    Example:
        >>> explain_number(27.631)
        ['27.631 = -log(1e-12): probabilities kept above 1e-12']
    """
    return list(_explanations(number))


def _explanations(number: float) -> Iterator[str]:
    """Yields what a number is by itself, else what it is times something usual."""
    shown = f"{number:.6g}"
    entry = closest(number, AS_PRINTED)
    if entry:
        yield sentence(shown, entry)
        return
    for entry in TABLE:
        # What a focal loss with its usual gamma leaves of it.
        focused = (1 - entry.epsilon) ** 2 * entry.number
        told = entry.number - focused > AS_PRINTED * entry.number
        if told and abs(abs(number) - focused) <= SAME * focused:
            yield sentence(shown, entry, f"(1 - {entry.epsilon:g})^2")
            return
    for words, factor in FACTORS.items():
        entry = closest(number / factor, AS_PRINTED)
        if entry:
            yield sentence(shown, entry, words)


def sentence(shown: str, entry: Clamp, factor: str = "") -> str:
    """Says what a number is: ``16.118 = 0.25 -log(1e-7): …``."""
    origin = entry.origin
    if factor:
        sign = "-" if origin.startswith("-") else ""
        origin = f"{sign}{factor} · {origin.removeprefix('-')}"
    equals = "" if origin == shown else f" = {origin}"
    return f"{shown}{equals}: {entry.source}"

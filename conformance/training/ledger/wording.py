"""Numbers in sentences."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

# Whole numbers below are shown with all their digits.
LARGE = 1e6


def number(value: float, digits: int = 4) -> str:
    """Shows a number in a few digits.

    Example:
        >>> number(0.854271), number(30000.0), number(16.118095), number(float("nan"))
        ('0.8543', '30000', '16.12', 'NaN')
    """
    if np.isnan(value):
        return "NaN"
    return f"{value:.0f}" if _is_count(value) else f"{value:.{digits}g}"


def _is_count(value: float) -> bool:
    return abs(value) < LARGE and value == round(value)


def numbers(values: Iterable[float], digits: int = 4) -> str:
    """Shows numbers as a tuple.

    Example:
        >>> numbers([1.0, 0.25])
        '(1, 0.25)'
    """
    return f"({', '.join(number(value, digits) for value in values)})"


def percent(value: float) -> str:
    """Shows a share.

    Example:
        >>> percent(0.98269)
        '98.3 %'
    """
    return f"{100 * value:.1f} %"


def plain(value: Any) -> Any:
    """Turns NumPy's arrays and numbers into those of JSON; NaN and infinity to words.

    Example:
        >>> plain({"a": np.array([1.0, np.inf]), "b": np.True_})
        {'a': [1.0, 'Infinity'], 'b': True}
    """
    if isinstance(value, Mapping):
        return {str(name): plain(own) for name, own in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(own) for own in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def lines(evidence: Mapping[str, Any]) -> list[str]:
    """Says evidence, a line for each name.

    Example:
        >>> lines({"loss": 16.118095, "weights": [1.0, 2.5], "tasks": ["a", "b"]})
        ['loss: 16.12', 'weights: (1, 2.5)', 'tasks: a, b']
        >>> lines({"gain": [{"data": "d", "backend": "jax", "n": 9, "mean": 0.25,
        ...     "low": 0.125, "high": 0.375}]})
        ['gain: d, jax +0.250 [+0.125, +0.375], 9 seeds']
    """
    return [f"{name}: {_value(own)}" for name, own in evidence.items()]


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        if value and isinstance(value[0], Mapping):
            return "; ".join(map(_row, value))
        known = value and all(isinstance(own, int | float) for own in value)
        return numbers(value) if known else ", ".join(map(str, value)) or "none"
    return number(value) if isinstance(value, float) else str(value)


def _row(row: Mapping[str, Any]) -> str:
    """A difference with its interval, or whatever numbers there are."""
    where = ", ".join(str(row[name]) for name in ("data", "backend") if name in row)
    if "low" in row:
        told = f"{row['mean']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]"
        if "spread" in row:
            told += f" (spreads {row['first spread']:.3g}, {row['second spread']:.3g})"
        return f"{where} {told}, {row['n']} seeds"
    others = [name for name in row if name not in ("data", "backend")]
    return f"{where} {', '.join(f'{name} {_value(row[name])}' for name in others)}"

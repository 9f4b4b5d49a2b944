"""Numbers in sentences."""

from collections.abc import Iterable, Mapping, Sequence
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


def signed(value: float, form: str = "{:+.3f}") -> str:
    """Shows a number that may be negative; what is shown as 0 has no minus.

    Example:
        >>> signed(-0.0004), signed(-0.04)
        ('+0.000', '-0.040')
    """
    shown = form.format(value)
    return form.format(0.0) if float(shown) == 0 else shown


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
        >>> row = {"data": "d", "backend": "jax", "n": 9}
        >>> lines({"recall": [{**row, "mean": 0.25, "low": 0.125, "high": 0.375}]})
        ['recall: d: jax 0.250 [0.125, 0.375], n = 9']
    """
    return [f"{name}: {_value(own)}" for name, own in evidence.items()]


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        if value and isinstance(value[0], Mapping):
            return told_rows(value)
        known = value and all(isinstance(own, int | float) for own in value)
        return numbers(value) if known else ", ".join(map(str, value)) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_value(own)}" for name, own in value.items())
    return number(value) if isinstance(value, float) else str(value)


def told_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Says numbers by data set and backend; backends that agree are said once."""
    by_data: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        backends = by_data.setdefault(str(row["data"]), {}).setdefault(_row(row), [])
        backends.append(str(row.get("backend", "")))
    return "; ".join(
        f"{name}: {', '.join(_agreeing(*own) for own in told.items())}"
        for name, told in by_data.items()
    )


def _agreeing(numbers: str, backends: Sequence[str]) -> str:
    return f"{', '.join(backends)} {numbers}".strip()


def _row(row: Mapping[str, Any]) -> str:
    """A difference or a level with its interval, or whatever numbers there are."""
    if "low" not in row:
        others = [name for name in row if name not in ("data", "backend")]
        return ", ".join(f"{name} {_value(row[name])}" for name in others)
    form = "{:+.3f}" if "first" in row else "{:.3f}"
    mean, low, high = (signed(row[name], form) for name in ("mean", "low", "high"))
    told = f"{mean} [{low}, {high}], n = {row['n']}"
    if "spread" not in row:
        return told
    spreads = f"{row['first spread']:.3g} to {row['second spread']:.3g}"
    return f"{told}, standard deviation {spreads}"

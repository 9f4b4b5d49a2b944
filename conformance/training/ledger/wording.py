"""Numbers in sentences."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np


def number(value: float, digits: int = 4) -> str:
    """Shows a number in a few digits.

    Example:
        >>> number(0.854271), number(3.0), number(16.118095), number(float("nan"))
        ('0.8543', '3', '16.12', 'NaN')
    """
    if np.isnan(value):
        return "NaN"
    return f"{value:.{digits}g}"


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

"""Results as what JSON knows."""

import math
from dataclasses import fields, is_dataclass
from typing import Any


def plain(value: Any) -> Any:
    """Turns records into dictionaries, tuples into lists and NaN into None.

    Example:
        >>> plain((1, math.nan, "a", None))
        [1, None, 'a', None]
    """
    if is_dataclass(value):
        return {
            entry.name: plain(getattr(value, entry.name))
            for entry in fields(value)
            if entry.repr
        }
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value

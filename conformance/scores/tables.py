"""Columns of a table as arrays by the names of ``FIELDS``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from conformance.errors import UsageError
from conformance.scores.fields import FIELDS, split_column

if TYPE_CHECKING:
    import pandas as pd


class Named(NamedTuple):
    """Arrays by field.

    Attributes:
        arrays: One for each field that is there.
        notes: What was there besides, a sentence each.
    """

    arrays: dict[str, NDArray[Any]]
    notes: tuple[str, ...] = ()


def from_table(table: "pd.DataFrame") -> Named:
    """Takes the columns of a table apart.

    Args:
        table: With a row for each example. ``logit_0``, ``logit_1`` … are the columns
            of one field; what a file has once is a constant column, or a column whose
            end is blank.

    Returns:
        Arrays by field, and a note for each column that is not known.

    Raises:
        UsageError: A column does not hold what its field has.
    """
    if table.empty:
        raise UsageError("FILE: the table has no rows.")
    groups: dict[str, dict[str, str]] = {}
    notes = []
    for column in map(str, table.columns):
        split = split_column(column)
        if split is None:
            notes.append(f"{column} is not a field that is known, so it is not used.")
            continue
        field, name = split
        own = groups.setdefault(field, {})
        if name in own or (own and "" in (*own, name)):
            raise UsageError(f"FILE: {field} is there twice, also as {column}.")
        own[name] = column
    arrays = {field: _array(table, field, own) for field, own in groups.items()}
    if names := _class_names(groups):
        arrays.setdefault("class_names", np.array(names))
    return Named(_ordered(arrays, groups), tuple(notes))


def _array(table: "pd.DataFrame", field: str, own: dict[str, str]) -> NDArray[Any]:
    kind = FIELDS[field].kind
    columns = [_column(table, column, kind) for column in own.values()]
    return columns[0] if "" in own else np.stack(columns, axis=-1)


def _column(table: "pd.DataFrame", column: str, kind: str) -> NDArray[Any]:
    from pandas.api.types import is_numeric_dtype

    series = table[column]
    if kind in ("word", "words"):
        return np.asarray(_constant(series.astype(str).to_numpy(), column))
    array = series.to_numpy()
    if array.dtype == object and is_numeric_dtype(series):
        # Integers of pandas that have gaps.
        array = series.to_numpy(np.float64, na_value=np.nan)
    if array.dtype.kind not in "fiub":
        raise UsageError(f"FILE: {column} must hold numbers, got {_example(array)!r}.")
    if kind == "rows":
        return array
    if column in ("losses", "loss", "train_labels"):
        return array[: array.size - np.argmin(np.isnan(array[::-1]))]
    return np.asarray(_constant(array, column))


def _constant(array: NDArray[Any], column: str) -> Any:
    if not (array == array[0]).all():
        other = array[array != array[0]][0]
        raise UsageError(
            f"FILE: {column} must be the same in all rows, got {array[0]} and {other}."
        )
    return array[0]


def _example(array: NDArray[Any]) -> str:
    return next((str(one) for one in array if isinstance(one, str)), str(array[0]))


def _class_names(groups: dict[str, dict[str, str]]) -> Sequence[str]:
    """Names of the columns of the scores, unless they are only counted."""
    scores = groups.get("logits") or groups.get("probabilities") or {}
    names = list(scores)
    return [] if all(name.isdigit() for name in names if name) else names


def _ordered(
    arrays: dict[str, NDArray[Any]], groups: dict[str, dict[str, str]]
) -> dict[str, NDArray[Any]]:
    """Puts columns of each field into the order of the columns of the scores."""
    scores = list(groups.get("logits") or groups.get("probabilities") or {})
    ordered = dict(arrays)
    for field, own in groups.items():
        if "" in own or list(own) == scores or field == "class_counts":
            continue
        if scores == [""]:
            raise UsageError(
                f"FILE: {field} must be one column, as the scores are, "
                f"got one for each of {', '.join(own)}."
            )
        if set(own) != set(scores):
            raise UsageError(
                f"FILE: columns of {field} must be named as those of the scores, "
                f"{', '.join(scores)}; got {', '.join(own)}."
            )
        ordered[field] = arrays[field][..., [list(own).index(name) for name in scores]]
    return ordered

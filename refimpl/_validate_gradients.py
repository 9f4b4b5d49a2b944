"""Checks of gradients shared by the three implementations: names, kinds and words.

Like ``_validate`` they work under ``jit`` and ``torch.compile``; only
``nonfinite_message`` reads values, and is called once something is known to be wrong.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refimpl import _validate

TORCH_CLIP_EPS = 1e-6
OPTAX_CLIP_EPS = 0.0
PARTS = ("parameter", "layer")


def take_apart(gradients: Any) -> tuple[dict[str, Any], Callable[[dict], Any]]:
    """Names every gradient of a flat collection.

    Args:
        gradients: A mapping from names, pairs of name and gradient, gradients alone, or
            one gradient.

    Returns:
        Gradients by name: their place where they have none, ``""`` for one alone; and a
        function that makes the like of ``gradients`` from such a dictionary.
    """
    if hasattr(gradients, "shape"):
        return {"": gradients}, lambda named: named[""]
    if not isinstance(gradients, Iterable) or isinstance(gradients, str):
        raise TypeError(
            "gradients must be a mapping, an iterable or an array, "
            f"got {type(gradients).__name__}."
        )
    mapped = isinstance(gradients, Mapping)
    items = list(gradients.items() if mapped else gradients)
    if mapped or (items and all(_is_pair(item) for item in items)):
        return by_name(items), dict
    return {str(at): item for at, item in enumerate(items)}, _values


def by_name(items: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    """Makes a dictionary; raises unless names are strings and each stands once."""
    named = {}
    for name, gradient in items:
        if not isinstance(name, str):
            raise TypeError(f"names of gradients must be strings, got {name!r}.")
        if name in named:
            raise ValueError(f"names of gradients must differ, got {name!r} twice.")
        named[name] = gradient
    return named


def check_gradients(gradients: Mapping[str, Any], stack_axes: Any = 0) -> None:
    """Raises unless all are floating and share their first ``stack_axes`` axes."""
    _validate.check_integer("stack_axes", stack_axes, low=0)
    stack = None
    for name, gradient in gradients.items():
        label = f"gradients[{name!r}]" if name else "gradients"
        _validate.check_floating(label, gradient)
        shape = tuple(gradient.shape)
        if len(shape) < stack_axes:
            raise ValueError(
                f"{label} must have an axis for each of stack_axes={stack_axes}, "
                f"got shape {shape}."
            )
        stack = shape[:stack_axes] if stack is None else stack
        if shape[:stack_axes] != stack:
            raise ValueError(
                f"{label} must start with the axes {stack} of the others, as "
                f"stack_axes={stack_axes} says, got shape {shape}."
            )


def check_clipping(max_norm: Any, eps: Any) -> None:
    """Raises unless both are in range."""
    _validate.check_number("max_norm", max_norm, positive=True)
    _validate.check_number("eps", eps)


def parts(names: Iterable[str], per: Any) -> dict[str, list[str]]:
    """Groups names of parameters: each alone, or up to the last dot."""
    _validate.check_choice("per", per, PARTS)
    groups: dict[str, list[str]] = {}
    for name in names:
        part = name if per == "parameter" else name.rpartition(".")[0]
        groups.setdefault(part, []).append(name)
    return groups


def nonfinite_message(bad: Iterable[tuple[str, NDArray]], total: int) -> str:
    """Says what is wrong with each of the bad ones among so many gradients.

    It asks for one after the other: all at once may be more than the host can hold.
    """
    found = [_described(name, array) for name, array in bad]
    return f"{len(found)} of {total} gradients are not finite: {'; '.join(found)}."


def needs_values() -> TypeError:
    """Returns the error of a question about values that are not known yet."""
    return TypeError(
        "check_finite needs concrete values, which a traced function has not: return "
        "nonfinite(gradients) from it, and look at the counts outside."
    )


def _described(name: str, array: NDArray) -> str:
    nan, infinite = np.isnan(array), np.isinf(array)
    kinds = [
        f"{count} {kind}"
        for count, kind in ((nan.sum(), "NaN"), (infinite.sum(), "infinite"))
        if count
    ]
    place = np.unravel_index(np.argmax(nan | infinite), array.shape)
    first = tuple(int(at) for at in place)
    return (
        f"{name!r} has {' and '.join(kinds)} of {array.size}, "
        f"the first at {first}: {array[first]}"
    )


def _is_pair(item: Any) -> bool:
    return isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)


def _values(named: dict) -> list:
    return list(named.values())

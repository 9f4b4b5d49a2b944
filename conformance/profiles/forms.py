"""Forms of call: which groups a compiler takes for the same program."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from conformance.profiles.unit import WIDTH, Scope, traceable
from conformance.registry import Operation
from conformance.vectors import Group

Form = tuple[Any, ...]


def form(record: Operation, group: Group) -> Form:
    """What decides whether two groups share a compilation."""
    traced = traceable(record, group)
    options = {k: v for k, v in group.params.items() if k not in traced}
    arrays = {k: v.shape for k, v in group.arrays.items()}
    inputs = {k: group.kinds.get(k, v.ndim) for k, v in group.inputs.items()}
    shapes = (len(group.shape), *inputs.items(), *arrays.items())
    # Calls of their own have shapes of their own.
    alone = group.shape if record.form == "coupled" else ()
    return (shapes, traced, tuple(options.items()), alone)


def few(record: Operation, groups: Sequence[Group]) -> list[Form]:
    """Forms that together show every argument and option.

    Args:
        record: The operation.
        groups: What to choose from.

    Returns:
        The form with most arguments first, and last the one with fewest.
    """
    forms = list(dict.fromkeys(form(record, group) for group in groups))
    forms.sort(key=lambda form: (form[0][0] > 1, -len(_shows(form))))
    kept, seen = forms[:1], set[Any]()
    for one in forms:
        if not _shows(one) <= seen:
            kept.append(one)
            seen |= _shows(one)
    flat = [one for one in forms if one[0][0] == 1]
    return list(dict.fromkeys((*kept, *flat[-1:])))


def _shows(form: Form) -> set[Any]:
    """What a form has that others may lack: arguments, kinds and choices."""
    (rank, *shapes), traced, options, _ = form
    arrays = {(k, v if isinstance(v, int | str) else len(v)) for k, v in shapes}
    choices = {(k, v if isinstance(v, str | bool) else "number") for k, v in options}
    return {rank, *arrays, *traced, *choices}


def compiled_at_once(scope: Scope) -> Scope:
    """Leaves of a quick run what few compilations answer.

    A framework that compiles every primitive of a plain call takes longer for that
    than for the function as a whole, so the whole is what a quick run asks of it: the
    form with most arguments in float32, the one with fewest in the other dtypes.
    """
    kept = few(scope.record, scope.groups)
    dtypes = {kept[-1]: ("float64", "bfloat16"), kept[0]: ("float32",)}
    forms = {group.path: form(scope.record, group) for group in scope.groups}
    groups = [group for group in scope.groups if forms[group.path] in dtypes]
    return replace(
        scope,
        plain="jit",
        groups=groups,
        sums=[case for case in scope.sums if case.tile == WIDTH][:1],
        narrow={group.path: dtypes[forms[group.path]] for group in groups},
    )

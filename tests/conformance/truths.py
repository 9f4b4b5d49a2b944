"""Access to the oracle for its tests."""

from collections.abc import Callable, Mapping
from typing import Any

from mpmath import mp, mpf

from conformance import oracle

NARROW = mpf(10) ** -12


def number(operation: str, name: str = "value", /, **arguments: Any) -> oracle.Number:
    """One output of one example."""
    found = oracle.truth(operation, arguments)[name]
    assert isinstance(found, oracle.Number)
    return found


def numbers(operation: str, name: str, /, **arguments: Any) -> list[oracle.Number]:
    """One output of one example that has an entry for each class."""
    found = oracle.truth(operation, arguments)[name]
    assert isinstance(found, list)
    return found


def output(operation: str, name: str = "value", /, **arguments: Any) -> Any:
    """The value of one output of one example."""
    return number(operation, name, **arguments).value


def stored(expected: Mapping[str, Any], name: str) -> oracle.Expected:
    """One scalar among expected reductions."""
    found = expected[name]
    assert isinstance(found, oracle.Expected)
    return found


def printed(value: Any, like: str) -> Any:
    """The value to as many significant digits as the known one is printed with."""
    mantissa = like.lower().split("e")[0].lstrip("-").replace(".", "").lstrip("0")
    return mpf(mp.nstr(value, len(mantissa), strip_zeros=False))


def assert_slope(
    value: Callable[[Any], Any], at: Any, closed: oracle.Number, what: object
) -> None:
    """Asserts that a closed form is the derivative of a value."""
    # Labels 0 and 1 are left on both sides, where 1-p_t must stay positive.
    with mp.workdps(50):
        numeric = mp.diff(value, mpf(at), h=mpf(10) ** -35)
    assert abs(numeric - closed.value) <= NARROW * closed.size, what


def assert_gradients(operation: str, arguments: Mapping[str, Any]) -> set[str]:
    """Asserts every gradient of an example against its value; returns their names."""
    outputs = oracle.truth(operation, arguments)
    checked = set()
    for name, closed in outputs.items():
        argument = name.removeprefix("grad_")
        if argument == name or arguments[argument] is None:
            continue
        checked.add(name)
        if isinstance(closed, oracle.Number):

            def moved(v: Any, argument: str = argument) -> Any:
                return output(operation, **{**arguments, argument: v})

            assert_slope(moved, arguments[argument], closed, (name, arguments))
            continue
        for k, entry in enumerate(closed):

            def shifted(v: Any, argument: str = argument, k: int = k) -> Any:
                row = [*arguments[argument]]
                row[k] = v
                return output(operation, **{**arguments, argument: row})

            assert_slope(shifted, arguments[argument][k], entry, (name, k, arguments))
    return checked

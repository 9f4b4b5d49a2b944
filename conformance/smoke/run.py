"""Is the adapter right? Five trivial cases, before an implementation is judged."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from conformance.adapters import (
    Adapter,
    Capabilities,
    Errored,
    NotImplementedOperation,
    Outputs,
    Response,
    resolve,
)
from conformance.adapters.exec_runtime import ExecAdapter
from conformance.errors import UsageError
from conformance.profiles.evaluate import ask
from conformance.profiles.unit import HALVES
from conformance.smoke import cases, hints
from conformance.smoke.cases import UNKNOWN, Case
from conformance.smoke.lines import Lines, Schema


def smoke(impl: str, console: Console, *, validate: bool = False) -> int:
    """Asks five trivial cases and says what is likely wrong where one fails.

    Args:
        impl: Implementation, as given to ``--impl``.
        console: Where to print.
        validate: Whether to check every message against the schema of the protocol.

    Returns:
        Exit status: 0 all are right, 1 not all.

    Raises:
        UsageError: The implementation does not start, or there is nothing to ask it.
    """
    if validate and not impl.startswith("exec:"):
        raise UsageError(f"--validate: expected exec:program, got {impl!r}.")
    lines = Lines(Schema() if validate else None)
    adapter = resolve(impl)
    if isinstance(adapter, ExecAdapter):
        adapter.watch = lines.see
    try:
        claimed = _start(impl, adapter, lines, console)
        wrong = list(_ask_all(adapter, claimed, lines, console))
    finally:
        adapter.stop()
    _print(console, f"\n{_verdict(sum(wrong), len(wrong))}")
    return 1 if any(wrong) else 0


def _start(
    impl: str, adapter: Adapter, lines: "Lines", console: Console
) -> Capabilities:
    """Starts the adapter; a program that does not is shown with what it said."""
    try:
        claimed = adapter.start()
    except Exception as error:
        reason = Errored(type(error).__name__, str(error))
        for label, text in (*lines.shown(), ("likely", hints.of_message(reason))):
            if text:
                _print(console, f"  {label:<9}{text}")
        raise UsageError(
            f"IMPL {impl}: the adapter does not start ({reason.kind}: {error})."
        ) from error
    if not cases.choose(claimed.operations):
        names = ", ".join(claimed.operations) or "none"
        raise UsageError(f"IMPL {impl}: expected an operation to ask, got {names}.")
    _print(console, f"{impl}: {claimed.name} {claimed.version} claims")
    _print(console, f"  {', '.join(claimed.operations)}")
    return claimed


def _ask_all(
    adapter: Adapter, claimed: Capabilities, lines: "Lines", console: Console
) -> Iterator[bool]:
    """Asks the cases; yields whether they went wrong."""
    operation = cases.choose(claimed.operations)
    dtype = "float64" if "float64" in claimed.dtypes else claimed.dtypes[0]
    asked = cases.cases(operation, dtype)
    for number, case in enumerate(asked, start=1):
        response = ask(adapter, case.request)
        found, hint = judge(case, response)
        found = [*found, *lines.problems]
        _print(console, f"\n{number} {'FAIL' if found else 'ok'}: {case.name}")
        for label, text in _story(case, response, lines, found, hint):
            _print(console, f"  {label:<9}{text}")
        lines.clear()
        yield bool(found)


def judge(case: Case, response: Response) -> tuple[list[str], str]:
    """Compares an answer with what is known.

    Args:
        case: What was asked.
        response: What came.

    Returns:
        What is wrong, a sentence each, and the likely mistake.
    """
    if case.request.operation == UNKNOWN:
        if isinstance(response, NotImplementedOperation):
            return [], ""
        hint = hints.of_words(case, response)
        hint = hint or "the name of the operation is not looked at"
        return [f"expected not_implemented, got {_kind(response)}"], hint
    if not isinstance(response, Outputs):
        hint = hints.of_words(case, response)
        return [f"expected numbers, got {_kind(response)}"], hint
    problems, likely = [], []
    for output, expected in case.expected.items():
        actual = response.arrays.get(output)
        if actual is None and output.startswith("grad_"):
            # Said to be missing, which an adapter may; otherwise it is an error.
            continue
        if actual is None:
            problems.append(f"expected {output}, got none")
        elif not hints.close(np.asarray(actual), expected):
            problems.append(
                f"{output}: expected {_numbers(expected)}, got {_numbers(actual)}"
            )
            likely.append(hints.of_numbers(case, output, np.asarray(actual)))
        elif _dtype(case, output) not in ("", response.dtypes.get(output)):
            came = response.dtypes.get(output, "none")
            problems.append(f"{output}: expected {_dtype(case, output)}, got {came}")
            likely.append("the dtype of the answer is not that of the question")
    return problems, next(filter(None, likely), "")


def _dtype(case: Case, output: str) -> str:
    """The dtype that an output must come back in; empty where any will do."""
    if output in ("mask", "indices"):
        return ""
    dtype = case.request.dtype
    return "float32" if dtype in HALVES and output[:5] != "grad_" else dtype


def _story(
    case: Case, response: Response, lines: Lines, found: list[str], hint: str
) -> Iterator[tuple[str, str]]:
    yield "asked", _call(case)
    yield from lines.shown()
    yield "answer", _answer(response)
    for problem in found:
        yield "wrong", problem
    if hint and found:
        yield "likely", hint


def _call(case: Case) -> str:
    request = case.request
    named = {**request.inputs, **request.arrays}
    words = [f"{name}={_numbers(array)}" for name, array in named.items()]
    options = {**request.params, **request.named_reduction}
    words += [f"{name}={value!r}" for name, value in options.items()]
    return f"{request.operation}({', '.join(words)}) -> {', '.join(request.want)}"


def _answer(response: Response) -> str:
    if not isinstance(response, Outputs):
        return _kind(response)
    found = [f"{name} {_numbers(array)}" for name, array in response.arrays.items()]
    return ", ".join(found) or "none of it is implemented"


def _kind(response: Response) -> str:
    if isinstance(response, Outputs):
        return f"the numbers of {', '.join(response.arrays) or 'nothing'}"
    if isinstance(response, Errored):
        return f"{response.kind}: {response.message}"
    if isinstance(response, NotImplementedOperation):
        return f"not implemented: {response.reason}"
    return f"skipped: {getattr(response, 'reason', response)}"


def _numbers(array: Any) -> str:
    return np.array2string(np.asarray(array), precision=6, separator=",").replace(
        "\n", ""
    )


def _verdict(wrong: int, count: int) -> str:
    if wrong:
        return f"THE ADAPTER IS WRONG: {wrong} of {count} trivial cases failed"
    return f"THE ADAPTER IS RIGHT: {count} trivial cases; now judge the implementation"


def _print(console: Console, text: str) -> None:
    console.print(Text(text), soft_wrap=True)

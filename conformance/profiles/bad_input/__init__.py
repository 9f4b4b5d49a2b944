"""Wrong calls: refused by name, or poisoned where nobody can look at the numbers."""

from collections.abc import Iterator

from conformance.adapters import Errored, Outputs
from conformance.adapters.resolve import IMPLEMENTATIONS
from conformance.profiles.answers import failed, passed
from conformance.profiles.bad_input._poisons import POISONS, Poison
from conformance.profiles.bad_input._refusals import TYPE, VALUE, Refusal, refusals
from conformance.profiles.check import Ask, Check
from conformance.profiles.judge import Result
from conformance.profiles.silence import unanswered
from conformance.profiles.unit import Scope

REFUSALS = tuple(refusals())


def units(scope: Scope) -> Iterator[Check]:
    """Every wrong call of the operation, in one dtype and transform.

    Poison is asked for under ``jit`` where there is one: eager code may look. A quick
    run leaves what must be compiled for that to the vectors.
    """
    claimed = scope.capabilities.dtypes
    # Wide, since the texts name the dtypes of what is not an array of it.
    dtype = "float64" if "float64" in claimed else claimed[0]
    for one in REFUSALS:
        if one.call.operation == scope.operation:
            yield _check(one.call.operation, one.name, dtype, _Refused(one))
    jit = "jit" in scope.capabilities.transforms
    narrow = "float32" if "float32" in claimed else dtype
    for poison in POISONS if scope.plain == "eager" else ():
        if poison.call.operation == scope.operation:
            name, transform = f"poison {poison.name}", "jit" if jit else "eager"
            yield _check(scope.operation, name, narrow, poison, transform=transform)


def _check(
    operation: str,
    name: str,
    dtype: str,
    ask: "_Refused | Poison",
    *,
    transform: str = "eager",
) -> Check:
    words = "".join(c for c in name.replace(" ", "-") if c not in "(),")
    path = f"{operation}/bad_input/{words}"
    return Check("bad_input", operation, path, dtype, ask.ask, transform)


class _Refused:
    """Asks for what must be refused."""

    def __init__(self, refusal: Refusal) -> None:
        self._refusal = refusal

    def ask(
        self, result: Result, ask: Ask, device: str, _limit: float
    ) -> Iterator[Result]:
        call, _, error, text = self._refusal
        response = ask(call.request(result.dtype, device, call.outputs[:1]))
        if isinstance(response, Outputs):
            yield failed(result, f"answered, expected {error}: {text}")
            return
        if not isinstance(response, Errored) or response.kind.startswith("adapter"):
            yield unanswered(result, response)
            return
        got = f"{response.kind}: {response.message}"
        if result.impl in IMPLEMENTATIONS:
            right, expected = got == f"{error}: {text}", f"{error}: {text}"
        else:
            right, expected = response.kind in (TYPE, VALUE), f"{TYPE} or {VALUE}"
        yield (
            passed(result)
            if right
            else failed(result, f"raised {got}, expected {expected}")
        )

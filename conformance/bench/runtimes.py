"""How each framework evaluates value and gradient, and what that allocates."""

from collections.abc import Callable
from typing import Any, Protocol

from conformance.bench.contenders import Contender
from conformance.bench.problems import Array, Problem
from conformance.bench.timing import Timed


class Ready(Protocol):
    """A contender with its arguments on the device."""

    def timed(self) -> Timed:
        """Returns what is timed."""
        ...

    def outputs(self) -> tuple[float, Array]:
        """Evaluates once and returns value and gradient on the host."""
        ...

    def peak(self) -> int:
        """Evaluates once and returns the bytes it had allocated at the worst moment.

        Inputs do not count; the gradient that is returned does.
        """
        ...


class Runtime(Protocol):
    """A framework on a device."""

    def arguments(self, problem: Problem, dtype: str) -> tuple[Any, ...]:
        """Puts the arrays of a problem on the device."""
        ...

    def ready(self, contender: Contender, arguments: tuple[Any, ...]) -> Ready:
        """Compiles a contender; what it cannot do is raised at the first call."""
        ...

    def copying(self, traffic: int) -> Timed:
        """Returns a copy that reads and writes so many bytes together."""
        ...

    def forget(self) -> None:
        """Drops what was compiled for the last cell."""
        ...


def runtime(framework: str, device: str) -> Runtime:
    """Returns a framework's runtime on a device."""
    return _RUNTIMES[framework](device)


def _torch(device: str) -> Runtime:
    from conformance.bench.torch_runtime import TorchRuntime

    return TorchRuntime(device)


def _jax(device: str) -> Runtime:
    from conformance.bench.jax_runtime import JaxRuntime

    return JaxRuntime(device)


_RUNTIMES: dict[str, Callable[[str], Runtime]] = {"torch": _torch, "jax": _jax}

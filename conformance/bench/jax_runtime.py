"""Value and gradient under ``jax.jit``, and the memory they take."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from conformance.bench.contenders import Contender
from conformance.bench.problems import LOSSES, Array, Problem
from conformance.bench.timing import Timed

_PLATFORMS = {"cpu": "cpu", "cuda": "gpu"}


class JaxRuntime:
    """JAX on a device."""

    def __init__(self, device: str) -> None:
        self.device = jax.devices(_PLATFORMS[device])[0]

    def arguments(self, problem: Problem, dtype: str) -> tuple[Any, ...]:
        """Returns arrays that are committed to the device; see ``TorchRuntime``."""
        keep = LOSSES[problem.loss].stateful
        pair = [self._array(a, dtype) for a in (problem.logits, problem.labels)]
        extras = [self._array(a, "float32" if keep else dtype) for a in problem.extras]
        return *pair, *extras

    def ready(self, contender: Contender, arguments: tuple[Any, ...]) -> "JaxCall":
        """Compiles value and gradient as one program."""
        program = jax.jit(jax.value_and_grad(contender.load()))
        return JaxCall(program, arguments, on_cpu=self.device.platform == "cpu")

    def copying(self, traffic: int) -> Timed:
        """Returns a copy; JAX has none into an array that exists already."""
        array = self._array(np.ones(traffic // 8), "float32")
        return _timed(
            lambda: jnp.array(array, copy=True), on_cpu=self.device.platform == "cpu"
        )

    def forget(self) -> None:
        """Drops compiled programs and what they hold."""
        jax.clear_caches()

    def _array(self, array: Array, dtype: str) -> jax.Array:
        kind = {"i": np.dtype(np.int32)}.get(array.dtype.kind, jnp.dtype(dtype))
        return jax.device_put(array.astype(kind), self.device)


class JaxCall:
    """A loss with its arguments."""

    def __init__(
        self, program: Any, arguments: tuple[Any, ...], *, on_cpu: bool
    ) -> None:
        self._program, self._arguments, self._on_cpu = program, arguments, on_cpu

    def timed(self) -> Timed:
        """Returns one evaluation of value and gradient."""
        return _timed(lambda: self._program(*self._arguments), on_cpu=self._on_cpu)

    def outputs(self) -> tuple[float, Array]:
        """Returns value and gradient on the host."""
        value, gradient = self._program(*self._arguments)
        return float(value), np.asarray(gradient, np.float32)

    def peak(self) -> int:
        """Returns what the compiler plans for temporaries and results."""
        plan = self._program.lower(*self._arguments).compile().memory_analysis()
        return plan.temp_size_in_bytes + plan.output_size_in_bytes


def _timed(call: Any, *, on_cpu: bool) -> Timed:
    """Waits for every evaluation on a CPU, where several would run side by side.

    A GPU works off its queue in order, so that waiting for the last is enough.
    """
    if on_cpu:
        return Timed(lambda: jax.block_until_ready(call()), lambda: None)
    newest: list[Any] = []

    def start() -> None:
        newest[:] = [call()]

    def wait() -> None:
        jax.block_until_ready(newest)

    return Timed(start, wait)

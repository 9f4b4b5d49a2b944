"""Value and gradient through autograd, and the memory they take."""

import logging
import warnings
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from conformance.bench.contenders import Contender
from conformance.bench.problems import LOSSES, Array, Problem
from conformance.bench.timing import Timed


class TorchRuntime:
    """PyTorch on a device."""

    def __init__(self, device: str) -> None:
        if device == "cuda" and not torch.cuda.is_available():
            raise RuntimeError("torch.cuda.is_available() is False")
        self.device = torch.device(device)
        # A loop that leaves the compiler's graph is measured, not warned of.
        logging.getLogger("torch._dynamo").setLevel(logging.ERROR)

    def arguments(self, problem: Problem, dtype: str) -> tuple[Any, ...]:
        """Returns tensors: logits that need a gradient, labels, further arrays.

        Labels and weights have the dtype of the logits, as PyTorch's own losses want
        them; counts stay float32.
        """
        wanted = getattr(torch, dtype)
        keep = LOSSES[problem.loss].stateful
        logits = self._tensor(problem.logits, wanted).requires_grad_()
        labels = self._tensor(problem.labels, wanted)
        extras = [
            self._tensor(a, torch.float32 if keep else wanted) for a in problem.extras
        ]
        return logits, labels, *extras

    def ready(self, contender: Contender, arguments: tuple[Any, ...]) -> "TorchCall":
        """Compiles the function where asked; autograd differentiates the result."""
        function: Any = contender.load()
        if contender.mode == "compiled":
            function = torch.compile(
                function, fullgraph=contender.fullgraph, dynamic=False
            )
        return TorchCall(function, arguments, self.device)

    def copying(self, traffic: int) -> Timed:
        """Returns a copy into a tensor that exists already."""
        source = torch.ones(traffic // 8, dtype=torch.float32, device=self.device)
        target = torch.empty_like(source)
        return Timed(lambda: target.copy_(source), lambda: _wait(self.device))

    def forget(self) -> None:
        """Drops compiled functions, whose number is limited, and unused memory."""
        torch.compiler.reset()
        if self.device.type == "cuda":
            # JAX takes its memory from the same card.
            torch.cuda.empty_cache()

    def _tensor(self, array: Array, dtype: torch.dtype) -> torch.Tensor:
        tensor = torch.as_tensor(array)
        wanted = dtype if tensor.is_floating_point() else tensor.dtype
        # Copied: NumPy and the frameworks must not share memory.
        return torch.empty(tensor.shape, dtype=wanted, device=self.device).copy_(tensor)


class TorchCall:
    """A loss with its arguments."""

    def __init__(
        self, function: Any, arguments: tuple[Any, ...], device: torch.device
    ) -> None:
        self._function, self._arguments, self._device = function, arguments, device

    def timed(self) -> Timed:
        """Returns one evaluation of value and gradient."""
        return Timed(self._evaluate, lambda: _wait(self._device))

    def outputs(self) -> tuple[float, Array]:
        """Returns value and gradient on the host."""
        # What the compiler deprecates in itself is no contender's fault.
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            value, gradient = self._evaluate()
        return float(value), gradient.float().cpu().numpy()

    def peak(self) -> int:
        """Returns the most bytes that were allocated at once."""
        if self._device.type == "cuda":
            return self._peak_on_gpu()
        return peak_on_cpu(self._evaluate)

    def _evaluate(self) -> tuple[torch.Tensor, torch.Tensor]:
        value = self._function(*self._arguments)
        (gradient,) = torch.autograd.grad(value, self._arguments[0])
        return value.detach(), gradient

    def _peak_on_gpu(self) -> int:
        torch.cuda.synchronize(self._device)
        torch.cuda.reset_peak_memory_stats(self._device)
        before = torch.cuda.memory_allocated(self._device)
        self._evaluate()
        torch.cuda.synchronize(self._device)
        return torch.cuda.max_memory_allocated(self._device) - before


def peak_on_cpu(call: Any) -> int:
    """Returns the most bytes that a call holds at once.

    Counts what goes through PyTorch's allocator: results, what autograd saves,
    temporaries, buffers of compiled kernels. Not counted is what kernels keep on their
    stacks.
    """
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found:
        call()
    results: Any = found.profiler
    events = [
        (event.start_ns(), event.nbytes())
        for event in results.kineto_results.events()
        if event.name() == "[memory]"
    ]
    total = peak = 0
    for _, change in sorted(events, key=lambda event: event[0]):
        total += change
        peak = max(peak, total)
    return peak


def use_threads(number: int) -> int:
    """Sets the number of threads, and returns it as PyTorch reports it."""
    torch.set_num_threads(number)
    return torch.get_num_threads()


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)

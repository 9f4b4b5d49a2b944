"""The three trainers behind one interface."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.metadata import version
from platform import python_version
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from conformance.errors import UsageError
from conformance.training.data import Split
from conformance.training.losses import bound, initial_state
from conformance.training.recipe import Optimizer, Strategy

Array = NDArray[np.float64]

REFERENCE = "numpy"
PACKAGES = {REFERENCE: "refimpl", "torch": "torch_impl", "jax": "jax_impl"}
LIBRARIES = {
    REFERENCE: ("numpy",),
    "torch": ("torch",),
    "jax": ("jax", "jaxlib", "flax", "optax"),
}


class Trainer(Protocol):
    """What ``refimpl.train.Trainer`` and its two counterparts do."""

    def run(self, rows: NDArray[np.int64], **told: Any) -> tuple[Array, Array]:
        """Makes one update for every batch; returns objectives and gradient norms."""
        ...

    def logits(self, features: Array) -> Array:
        """Returns every model's logits, shaped ``(stack, N)`` or ``(stack, N, C)``."""
        ...

    def parameters(self) -> list[Array]:
        """Returns the parameters with their stack axis."""
        ...


class MakeTrainer(Protocol):
    """Signature of :func:`make_trainer`, so that a test can plant a fault."""

    def __call__(
        self,
        backend: str,
        strategy: Strategy,
        optimizer: Optimizer,
        parameters: list[Array],
        train: Split,
        *,
        dtype: str,
        device: str,
    ) -> Trainer:
        """Returns a trainer before its first update."""
        ...


def make_trainer(
    backend: str,
    strategy: Strategy,
    optimizer: Optimizer,
    parameters: list[Array],
    train: Split,
    *,
    dtype: str,
    device: str,
) -> Trainer:
    """Returns a backend's trainer before its first update.

    The reference knows neither dtype nor device: it is float64 on the host.
    """
    module = import_module(f"{PACKAGES[backend]}.train")
    place = {} if backend == REFERENCE else {"dtype": dtype, "device": device}
    return module.Trainer(
        parameters,
        train.features,
        train.labels,
        loss=bound(backend, strategy),
        state=initial_state(strategy, len(parameters[0])),
        optimizer=optimizer.name,
        constants=dict(optimizer.constants),
        max_norm=optimizer.max_norm,
        clip_eps=optimizer.clip_eps,
        dropout=strategy.dropout,
        loss_scale=strategy.loss_scale,
        **place,
    )


def require(backends: tuple[str, ...], device: str) -> None:
    """Checks that every backend is installed and has the device.

    Raises:
        UsageError: One of them does not.
    """
    for backend in backends:
        if backend not in PACKAGES:
            raise UsageError(
                f"--backends: {backend!r} is none of {', '.join(PACKAGES)}."
            )
        try:
            import_module(f"{PACKAGES[backend]}.train")
        except ImportError as error:
            raise UsageError(
                f"--backends: {backend} is not installed: {error}"
            ) from error
    if device not in ("cpu", "cuda"):
        raise UsageError(f"--device: {device!r} is neither cpu nor cuda.")
    if device == "cuda":
        _require_cuda(backends)


def describe(backends: tuple[str, ...], device: str) -> dict[str, Any]:
    """Returns versions, device and the precision that is set, for the record."""
    # The reference takes part in every lockstep.
    used = dict.fromkeys((REFERENCE, *backends))
    libraries = [name for backend in used for name in LIBRARIES[backend]]
    return {
        "device": device,
        "device_kind": {name: _device_kind(name, device) for name in backends},
        "versions": {
            "python": python_version(),
            **{name: version(name) for name in (*libraries, "scikit-learn")},
        },
        "precision": {
            "lockstep": "float64",
            "seeds": {
                backend: "float64" if backend == REFERENCE else "float32"
                for backend in backends
            },
            "torch.float32_matmul_precision": "highest",
            "jax.default_matmul_precision": "highest",
        },
    }


@contextmanager
def one_thread_each(backends: tuple[str, ...]) -> Iterator[None]:
    """Keeps BLAS and torch on one thread: these products are too small to share."""
    with ExitStack() as stack:
        if "torch" in backends:
            # Not every build of torch takes its threads from a pool that is limited
            # below. Asked first, because some do.
            torch = import_module("torch")
            stack.callback(torch.set_num_threads, torch.get_num_threads())
            torch.set_num_threads(1)
        stack.enter_context(threadpool_limits(1))
        yield


def _device_kind(backend: str, device: str) -> str:
    if backend == "jax":
        return import_module("jax").devices(device)[0].device_kind
    if backend == "torch" and device == "cuda":
        return import_module("torch").cuda.get_device_name()
    return "cpu"


def _require_cuda(backends: tuple[str, ...]) -> None:
    if "torch" in backends and not import_module("torch").cuda.is_available():
        raise UsageError("--device: torch finds no cuda device.")
    if "jax" in backends:
        try:
            import_module("jax").devices("cuda")
        except RuntimeError as error:
            raise UsageError(f"--device: jax finds no cuda device: {error}") from error

"""Messages between the harness and an implementation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Request:
    """One call of one operation.

    Attributes:
        operation: Name of the operation, as in the registry.
        inputs: Arrays by argument name, exactly representable in ``dtype``.
        positional: Those of them that are passed without a name.
        kinds: ``"index"`` for integer and ``"mask"`` for Boolean inputs and arrays, and
            ``"complex"``, to be refused; all others are of ``dtype``.
        params: Keyword arguments that are plain Python numbers or strings.
        arrays: Keyword arguments handed over as arrays of the backend, so that they
            are traced and can be differentiated. ``state_counts`` and
            ``state_updates`` go together as the pair ``state``.
        dtype: Dtype of the inputs.
        reduction: Passed on to the operation; empty to leave it out, which must give
            the mean.
        device: ``"cpu"`` or ``"cuda"``.
        transform: ``"eager"``; ``"jit"``; ``"compile"``; ``"vmap"``, one call per
            row of the inputs, batched by the framework; ``"jvp"`` and ``"hessian"``,
            derivatives along ``tangent``; ``"checkpoint"``, recomputed for the
            gradient; ``"export"``; ``"autocast"``, inside ``torch.autocast`` to
            bfloat16.
        returns: ``"loss"``; ``"loss_and_state"``: a pair, the second of which is the
            pair of ``state_counts`` and ``state_updates``; or ``"selection"``: the pair
            of ``indices`` and ``mask``, without any reduction.
        want: ``"value"``, ``"normalizer"`` (of ``reduction="parts"``), the names of
            what else is returned, and ``"grad_<argument>"``, the gradient of the sum
            of the output. ``"jvp"`` is the derivative of the output along the tangent,
            ``"hvp"`` that of the gradient of the first argument.
        cotangent: Weights of the output's elements in the sum that is differentiated;
            ones when absent.
        tangent: Direction in the space of the first positional argument.
        layout: How the arrays lie in memory: ``"contiguous"``, ``"strided"``,
            ``"transposed"`` or ``"broadcast"`` (those whose elements are all equal).
        shards: Sizes of the parts of the first axis that are evaluated apart, each
            under ``"parts"``, and put together to the mean; empty for one call.
    """

    operation: str
    inputs: Mapping[str, Array]
    params: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, Array] = field(default_factory=dict)
    dtype: str = "float64"
    reduction: str = "none"
    device: str = "cpu"
    transform: str = "eager"
    positional: tuple[str, ...] = ("logits", "labels")
    kinds: Mapping[str, str] = field(default_factory=dict)
    returns: str = "loss"
    want: tuple[str, ...] = ("value",)
    cotangent: Array | None = None
    tangent: Array | None = None
    layout: str = "contiguous"
    shards: tuple[int, ...] = ()

    @property
    def named_reduction(self) -> dict[str, str]:
        """The keyword argument, if it is given."""
        absent = not self.reduction or self.returns == "selection"
        return {} if absent else {"reduction": self.reduction}

    @property
    def gradients(self) -> tuple[str, ...]:
        """Arguments whose gradient is wanted."""
        return tuple(w.removeprefix("grad_") for w in self.want if w[:5] == "grad_")


@dataclass(frozen=True)
class Outputs:
    """What came back; an output that is wanted but absent is not implemented.

    Attributes:
        arrays: Each output widened to float64.
        dtypes: Name of the dtype in which each output came back.
        traces: How often the function was traced so far for calls like this one,
            or None where nothing is traced.
        mutated: Arguments whose arrays no longer hold what they held, or None where
            that cannot be seen.
    """

    arrays: dict[str, Array]
    dtypes: dict[str, str]
    traces: int | None = None
    mutated: tuple[str, ...] | None = ()


@dataclass(frozen=True)
class Skipped:
    """The request cannot be answered here, for a reason outside the implementation."""

    reason: str


@dataclass(frozen=True)
class Errored:
    """The implementation or its adapter raised."""

    kind: str
    message: str


@dataclass(frozen=True)
class NotImplementedOperation:
    """The implementation does not claim this operation or this form of it."""

    reason: str


Response = Outputs | Skipped | Errored | NotImplementedOperation


@dataclass(frozen=True)
class Capabilities:
    """What an implementation claims; only that is asked of it.

    Attributes:
        name: Name in reports.
        version: Version of the implementation.
        framework: ``"numpy"``, ``"torch"``, ``"jax"`` or anything else.
        dtypes: Dtypes of logits it accepts.
        devices: Devices it can run on.
        transforms: Transforms it can apply.
        operations: Operations it has.
        autodiff: Whether any scalar can be differentiated. Without it only the
            gradient of the plain sum of the output is asked for.
        concurrent: Whether requests may come from several threads at once.
    """

    name: str
    version: str
    framework: str
    dtypes: tuple[str, ...]
    devices: tuple[str, ...]
    transforms: tuple[str, ...]
    operations: tuple[str, ...]
    autodiff: bool = True
    concurrent: bool = False


class Evaluator(Protocol):
    """Anything that answers requests."""

    def eval(self, request: Request, /) -> Response:
        """Answers one request; never raises for a fault of the implementation."""
        ...


class Adapter(Evaluator, Protocol):
    """Anything with these three methods can be judged."""

    def start(self) -> Capabilities:
        """Prepares the implementation and says what it claims."""
        ...

    def stop(self) -> None:
        """Releases what ``start`` took."""
        ...

"""What the frameworks leave to defaults that differ, and how far they lead apart.

The defaults are read from the installed packages. The distance is between two outcomes
of the reference that differ in this one constant; with the constant given, and so with
ours, the frameworks agree to rounding.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from inspect import Parameter, isclass, signature
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.table import Table

from conformance.training import default_outcomes as outcomes
from refimpl.gradients import OPTAX_CLIP_EPS, TORCH_CLIP_EPS

Array = NDArray[np.float64]

HEADINGS = (
    "",
    "constant",
    "torch",
    "Optax or Flax",
    "given by",
    "apart",
    "measured on",
)
UNKNOWN = "not known"
TITLE = (
    "Defaults that differ, and the relative distance of what they lead to: "
    f"{outcomes.UPDATES} updates of a logistic regression at rate {outcomes.RATE:g}, "
    f"{outcomes.UPDATES} batches of {outcomes.BATCH}"
)


@dataclass(frozen=True)
class Row:
    """One constant.

    Attributes:
        subject: Optimiser or layer.
        constant: What differs.
        torch: Its default in PyTorch.
        jax: Its default in Optax or Flax.
        given: Where it is given here, as ``function(option)``.
        measured: What the distance is of.
        distance: Euclidean distance of the two outcomes, relative to the larger; 0
            where the defaults are the same, NaN where one is not known.
    """

    subject: str
    constant: str
    torch: Any
    jax: Any
    given: str
    measured: str
    distance: float


def rows() -> list[Row]:
    """Reads the defaults of the installed packages and measures what they do.

    Raises:
        ImportError: PyTorch, Optax or Flax is not installed.
    """
    return [constant.row() for constant in CONSTANTS]


def distance(first: Array, second: Array) -> float:
    """Returns the Euclidean distance, relative to the larger of two arrays."""
    scale = max(np.linalg.norm(first), np.linalg.norm(second))
    return float(np.linalg.norm(first - second) / scale)


def table(found: Iterable[Row]) -> Table:
    """Lays rows out for a terminal."""
    laid = Table(*HEADINGS, title=TITLE, title_justify="left", box=SIMPLE_HEAD)
    for row in found:
        laid.add_row(*_cells(row))
    return laid


def markdown(found: Iterable[Row]) -> str:
    """Lays rows out as a table of Markdown under its title."""
    lines = [HEADINGS, ["---"] * len(HEADINGS), *map(_cells, found)]
    cells = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return f"{TITLE}:\n\n{cells}"


def default(path: str, option: str) -> Any:
    """Reads the default of an option, as in ``default("torch.optim:AdamW", "eps")``.

    Raises:
        LookupError: The installed version has no such option, or no default of it.
        ImportError: The package is not installed.
    """
    module, _, name = path.partition(":")
    member = getattr(import_module(module), name, None)
    # A metaclass of Flax hides what its classes take.
    takes = member.__init__ if isclass(member) else member
    options = signature(takes).parameters if callable(takes) else {}
    if option not in options or options[option].default is Parameter.empty:
        raise LookupError(f"the installed {path} has no default of {option}")
    return options[option].default


def _reads(
    path: str, option: str, meaning: Callable[[Any], Any] = lambda value: value
) -> Callable[[], Any]:
    def read() -> Any:
        value = default(path, option)
        if not isinstance(value, float | int | str):
            raise LookupError(f"the default of {option} in {path} is {value!r}")
        return meaning(value)

    return read


def _known(side: Any) -> Any:
    # A version to come may name an option otherwise, or mean another thing.
    try:
        return side() if callable(side) else side
    except LookupError:
        return UNKNOWN


@dataclass(frozen=True)
class _Constant:
    """A row before it is read; where nothing can be set, the value stands here."""

    subject: str
    constant: str
    torch: Any
    jax: Any
    given: str
    measured: str
    outcome: Callable[[Any], Array]

    def row(self) -> Row:
        torch, jax = _known(self.torch), _known(self.jax)
        apart = math.nan
        if UNKNOWN not in (torch, jax):
            apart = distance(self.outcome(torch), self.outcome(jax))
        named = self.subject, self.constant
        return Row(*named, torch, jax, self.given, self.measured, apart)


def _cells(row: Row) -> Sequence[str]:
    values = (
        f"{v:g}" if isinstance(v, float) else str(v) for v in (row.torch, row.jax)
    )
    apart = f"{row.distance:.1e}" if row.distance else "0"
    apart = UNKNOWN if math.isnan(row.distance) else apart
    return row.subject, row.constant, *values, row.given, apart, row.measured


PARAMETERS = "trained parameters"

CONSTANTS = (
    _Constant(
        "AdamW",
        "weight decay",
        _reads("torch.optim:AdamW", "weight_decay"),
        _reads("optax:adamw", "weight_decay"),
        "adamw(weight_decay)",
        PARAMETERS,
        outcomes.of_adamw,
    ),
    _Constant(
        "Adam, AdamW",
        "correction of the bias",
        "in float64",
        "in float32",
        "",
        "first move, float32",
        outcomes.of_adam_correction,
    ),
    _Constant(
        "RMSprop",
        "decay of the mean square",
        _reads("torch.optim:RMSprop", "alpha"),
        _reads("optax:rmsprop", "decay"),
        "rmsprop(decay)",
        PARAMETERS,
        outcomes.of_rmsprop_decay,
    ),
    _Constant(
        "RMSprop",
        "eps and the root",
        "outside",
        _reads(
            "optax:rmsprop",
            "eps_in_sqrt",
            {True: "inside", False: "outside"}.__getitem__,
        ),
        "rmsprop(eps_inside_root)",
        PARAMETERS,
        outcomes.of_rmsprop_eps,
    ),
    _Constant(
        "RMSprop",
        "where the rate multiplies",
        "after momentum",
        "before momentum",
        "rmsprop(learning_rate)",
        f"{PARAMETERS}, falling rate",
        outcomes.of_rmsprop_rate,
    ),
    _Constant(
        "Adagrad",
        "first sum of squares",
        _reads("torch.optim:Adagrad", "initial_accumulator_value"),
        _reads("optax:adagrad", "initial_accumulator_value"),
        "",
        PARAMETERS,
        outcomes.of_adagrad,
    ),
    _Constant(
        "Clipping",
        "added to the norm",
        TORCH_CLIP_EPS,
        OPTAX_CLIP_EPS,
        "clip_by_global_norm(eps)",
        PARAMETERS,
        outcomes.of_clipping,
    ),
    _Constant(
        "Accumulation",
        f"of {outcomes.MICRO_BATCHES} gradients",
        "sum",
        _reads(
            "optax:MultiSteps",
            "use_grad_mean",
            {True: "mean", False: "sum"}.__getitem__,
        ),
        "",
        PARAMETERS,
        outcomes.of_accumulation,
    ),
    _Constant(
        "BatchNorm",
        "share of the new batch",
        _reads("torch.nn:BatchNorm1d", "momentum"),
        # Flax means the share of the old.
        _reads("flax.nnx:BatchNorm", "momentum", lambda share: round(1 - share, 12)),
        "batch_norm(momentum)",
        "running mean",
        outcomes.of_batch_norm_momentum,
    ),
    _Constant(
        "BatchNorm",
        "running variance",
        "unbiased",
        "biased",
        "batch_norm(unbiased)",
        "running variance",
        outcomes.of_batch_norm_variance,
    ),
    _Constant(
        "BatchNorm, LayerNorm",
        "variance",
        "about the mean",
        _reads(
            "flax.nnx:BatchNorm",
            "use_fast_variance",
            {
                True: "mean square less squared mean",
                False: "about the mean",
            }.__getitem__,
        ),
        "",
        "float32, mean 1000 deviations",
        outcomes.of_variance,
    ),
    _Constant(
        "LayerNorm",
        "eps",
        _reads("torch.nn:LayerNorm", "eps"),
        _reads("flax.nnx:LayerNorm", "epsilon"),
        "layer_norm(eps)",
        "inputs of deviation 0.01",
        outcomes.of_layer_norm,
    ),
    _Constant(
        "GELU",
        "form",
        _reads(
            "torch.nn:GELU",
            "approximate",
            {"none": "exact", "tanh": "tanh"}.__getitem__,
        ),
        _reads(
            "flax.nnx:gelu", "approximate", {True: "tanh", False: "exact"}.__getitem__
        ),
        "",
        "inputs from -4 to 4",
        outcomes.of_gelu,
    ),
    _Constant(
        "Linear",
        "variance of the first kernel",
        "1 / 3n",
        "1 / n",
        "init_mlp(sizes)",
        "standard deviation",
        outcomes.of_kernels,
    ),
)

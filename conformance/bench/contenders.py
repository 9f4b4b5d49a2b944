"""Who takes part: our losses, and what others offer for the same."""

import importlib
import importlib.metadata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

from conformance.bench.problems import LOSSES

# How a framework runs a function; a peer is compared with ours in the same mode.
MODES = {"torch": ("eager", "compiled"), "jax": ("jit",)}
PACKAGES = {"torch": "torch_impl", "jax": "jax_impl"}
PEERS = {
    "torch": "conformance.bench.torch_peers",
    "jax": "conformance.bench.jax_peers",
}
# Libraries that take part where they are installed.
OPTIONAL = ("torchvision", "kornia", "keras")


@dataclass(frozen=True)
class Contender:
    """A function of logits, labels and further arrays, and how it is run.

    Attributes:
        library: Whose function; ours is ``"equipoise"``.
        framework: ``"torch"`` or ``"jax"``.
        mode: One of :data:`MODES`.
        function: Returns the mean loss.
        fullgraph: It must compile to one graph.
        differs: Why its numbers are not ours; empty if they must agree.
    """

    library: str
    framework: str
    mode: str
    function: Callable[..., Any]
    fullgraph: bool = True
    differs: str = ""

    @property
    def name(self) -> str:
        """Names it in tables and records."""
        return f"{self.library} {self.framework} {self.mode}"

    @property
    def counterpart(self) -> str:
        """Names ours of the same framework and mode."""
        return f"{OURS} {self.framework} {self.mode}"


OURS = "equipoise"


@dataclass(frozen=True)
class _Peer:
    """A function of the peers' modules; see :class:`Contender`."""

    library: str
    framework: str
    function: str
    needs: str = ""
    fullgraph: bool = True
    differs: str = ""


_LOOP = "mmdetection's loop"
_TABLE: dict[str, tuple[_Peer, ...]] = {
    "bce": (
        _Peer("torch.nn.functional", "torch", "bce"),
        _Peer("optax", "jax", "bce"),
        _Peer("optax unweighted", "jax", "bce_unweighted", differs="no pos_weight"),
    ),
    "focal": (
        _Peer("torchvision's formula", "torch", "focal"),
        _Peer("optax", "jax", "focal"),
    ),
    "cross_entropy": (
        _Peer("torch.nn.functional", "torch", "cross_entropy"),
        _Peer("optax", "jax", "cross_entropy"),
    ),
    "softmax_focal": (
        _Peer("log_softmax formula", "torch", "softmax_focal"),
        _Peer("optax composed", "jax", "softmax_focal"),
    ),
    "ghmc": (_Peer(_LOOP, "torch", "ghmc", fullgraph=False),),
    "heatmap": (_Peer("clamped formula", "torch", "heatmap"),),
    "ghmr": (_Peer(_LOOP, "torch", "ghmr", fullgraph=False),),
}


def installed(framework: str) -> bool:
    """Tells whether a framework and what its peers need can be imported."""
    needs = {"torch": ("torch",), "jax": ("jax", "optax")}[framework]
    return all(find_spec(name) is not None for name in needs)


def contenders(loss: str, frameworks: tuple[str, ...]) -> list[Contender]:
    """Returns everyone who computes a loss, ours first."""
    found = [
        Contender(OURS, framework, mode, ours(framework, loss))
        for framework in frameworks
        for mode in MODES[framework]
    ]
    for peer in _TABLE[loss]:
        if peer.framework in frameworks:
            found += _in_every_mode(peer)
    return found


def _in_every_mode(peer: _Peer) -> Iterator[Contender]:
    function = getattr(importlib.import_module(PEERS[peer.framework]), peer.function)
    for mode in MODES[peer.framework]:
        yield Contender(
            peer.library,
            peer.framework,
            mode,
            function,
            fullgraph=peer.fullgraph,
            differs=peer.differs,
        )


@cache
def ours(framework: str, loss: str) -> Callable[..., Any]:
    """Returns our function of logits, labels and further arrays."""
    described = LOSSES[loss]
    function = getattr(
        importlib.import_module(PACKAGES[framework]), described.operation
    )
    options = described.options

    def stateless(x: Any, y: Any, *extras: Any) -> Any:
        named = dict(zip(described.extras, extras, strict=True))
        return function(x, y, **named, **options)

    def stateful(x: Any, y: Any, *state: Any) -> Any:
        return function(x, y, state, **options)[0]

    return stateful if described.stateful else stateless


def libraries() -> dict[str, str]:
    """Returns the version of every library that takes part where it is installed."""
    return {
        name: importlib.metadata.version(name) if find_spec(name) else "absent"
        for name in OPTIONAL
    }

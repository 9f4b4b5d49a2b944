"""Who takes part: our losses, and what others offer for the same."""

import importlib
import importlib.metadata
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
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
OURS = "equipoise"

Function = Callable[..., Any]


@dataclass(frozen=True)
class Contender:
    """A function of logits, labels and further arrays, and how it is run.

    Attributes:
        library: Whose function; ours is ``"equipoise"``.
        framework: ``"torch"`` or ``"jax"``.
        mode: One of :data:`MODES`.
        load: Imports and returns the function, which returns the mean loss.
        fullgraph: It must compile to one graph.
        differs: Why its numbers are not ours; empty if they must agree.
    """

    library: str
    framework: str
    mode: str
    load: Callable[[], Function]
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


@dataclass(frozen=True)
class _Peer:
    """A function of a peers' module; see :class:`Contender`."""

    library: str
    framework: str
    function: str
    fullgraph: bool = True
    differs: str = ""

    def load(self) -> Function:
        return getattr(importlib.import_module(PEERS[self.framework]), self.function)


@dataclass(frozen=True)
class _Library:
    """A function of a library that may be installed; keras runs on either framework.

    Nobody promises that these compile to one graph.
    """

    library: str
    function: str
    fullgraph: bool = False
    differs: str = ""

    @property
    def framework(self) -> str:
        if self.library != "keras":
            return "torch"
        return os.environ.setdefault("KERAS_BACKEND", _first_installed())

    def load(self) -> Function:
        module = importlib.import_module("conformance.bench.library_peers")
        return getattr(module, self.function)()


_LOOP = "mmdetection's loop"
_PEERS: dict[str, tuple[_Peer, ...]] = {
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
_LIBRARIES: dict[str, tuple[_Library, ...]] = {
    "bce": (_Library("keras", "keras_bce"),),
    "focal": (
        _Library("torchvision", "torchvision_focal"),
        _Library("kornia", "kornia_focal"),
        _Library("keras", "keras_focal"),
    ),
    "cross_entropy": (_Library("keras", "keras_cross_entropy"),),
    "softmax_focal": (_Library("kornia", "kornia_softmax_focal"),),
}


def installed(framework: str) -> bool:
    """Tells whether a framework and what its peers need can be imported."""
    needs = {"torch": ("torch",), "jax": ("jax", "optax")}[framework]
    return all(find_spec(name) is not None for name in needs)


def contenders(loss: str, frameworks: tuple[str, ...]) -> list[Contender]:
    """Returns everyone who computes a loss, ours first."""
    found = [
        Contender(OURS, framework, mode, partial(ours, framework, loss))
        for framework in frameworks
        for mode in MODES[framework]
    ]
    present = [
        peer for peer in _LIBRARIES.get(loss, ()) if find_spec(peer.library) is not None
    ]
    for peer in (*_PEERS[loss], *present):
        if peer.framework in frameworks:
            found += _in_every_mode(peer)
    return found


def ours(framework: str, loss: str) -> Function:
    """Returns our function of logits, labels and further arrays."""
    described = LOSSES[loss]
    module = importlib.import_module(PACKAGES[framework])
    function, options = getattr(module, described.operation), described.options

    def stateless(x: Any, y: Any, *extras: Any) -> Any:
        named = dict(zip(described.extras, extras, strict=True))
        return function(x, y, **named, **options)

    def stateful(x: Any, y: Any, *state: Any) -> Any:
        return function(x, y, state, **options)[0]

    return stateful if described.stateful else stateless


def libraries() -> dict[str, str]:
    """Returns the version of every library that takes part where it is installed."""
    names = sorted({peer.library for row in _LIBRARIES.values() for peer in row})
    return {
        name: importlib.metadata.version(name) if find_spec(name) else "absent"
        for name in names
    }


def _in_every_mode(peer: _Peer | _Library) -> Iterator[Contender]:
    for mode in MODES[peer.framework]:
        yield Contender(
            peer.library,
            peer.framework,
            mode,
            peer.load,
            fullgraph=peer.fullgraph,
            differs=peer.differs,
        )


def _first_installed() -> str:
    return next(filter(installed, MODES), "tensorflow")

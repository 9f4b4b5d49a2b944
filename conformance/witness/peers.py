"""The peer of each framework, as an adapter that answers the same requests."""

import functools
import importlib
from dataclasses import dataclass

from conformance.adapters import Adapter

# Modules with an ``adapter``; a framework is imported when its peer is asked for.
MODULES = {
    "torch": "conformance.witness.torch_peers",
    "jax": "conformance.witness.optax_peers",
}


@dataclass(frozen=True)
class Peer:
    """A framework's own losses, under the names and arguments of ours."""

    name: str
    adapter: Adapter


@functools.cache
def peer(framework: str) -> Peer:
    """Returns the peer of a framework.

    Args:
        framework: ``"torch"`` or ``"jax"``.

    Returns:
        Its name with version, and its adapter.

    Raises:
        KeyError: The framework has no peer.
        ImportError: The peer is not installed.
    """
    adapter = importlib.import_module(MODULES[framework]).adapter
    return Peer(f"{adapter.name} {adapter.version}", adapter)

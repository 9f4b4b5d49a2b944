"""Witnesses: what PyTorch and optax themselves say, and where we part from them."""

from conformance.witness.departures import DEPARTURES, Departure
from conformance.witness.draws import Draw, draws, forms
from conformance.witness.peers import Peer, peer

__all__ = [
    "DEPARTURES",
    "Departure",
    "Draw",
    "Peer",
    "draws",
    "forms",
    "peer",
]

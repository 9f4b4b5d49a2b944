"""Prints where PyTorch and optax depart: ``python -m conformance.witness``."""

from collections.abc import Iterator

from conformance.budgets import C_MAX
from conformance.profiles.evaluate import ask
from conformance.profiles.witness import deviation
from conformance.report.terminal import make_console
from conformance.witness import DEPARTURES, peer
from conformance.witness.peers import MODULES


def lines(framework: str) -> Iterator[str]:
    """Asks a peer for everything in which it departs.

    Args:
        framework: ``"torch"`` or ``"jax"``.

    Yields:
        The peer, then a line for every departure: its number, what it is about, the
        operation, and what the peer gives.

    Raises:
        ImportError: The peer is not installed.
    """
    witness = peer(framework)
    yield f"{witness.name} departs from what is specified:"
    for departure in DEPARTURES:
        if framework in departure.frameworks:
            answer = ask(witness.adapter, departure.request(framework, "cpu"))
            text = deviation(departure, answer, C_MAX, refusal=None)
            about = f"{departure.number} {departure.title}, {departure.operation}"
            yield f"  {about}: {text or 'no longer'}"


def main() -> None:
    """Prints the departures of each peer that is installed."""
    console = make_console()
    for framework in MODULES:
        try:
            for line in lines(framework):
                console.print(line, soft_wrap=True)
        except ImportError as error:
            console.print(f"{framework}: {error}")


if __name__ == "__main__":
    main()

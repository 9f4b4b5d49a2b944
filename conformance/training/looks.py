"""Seeds come in blocks; only what is undetermined after a look gets the next one."""

from collections.abc import Sequence
from itertools import chain, pairwise, zip_longest
from typing import Any

from conformance.training.equivalence import UNDETERMINED


def blocks(looks: Sequence[int]) -> list[tuple[int, ...]]:
    """Returns the seeds that every look adds.

    Example:
        >>> blocks((2, 5))
        [(0, 1), (2, 3, 4)]
    """
    return [tuple(range(start, stop)) for start, stop in pairwise((0, *looks))]


def undetermined(rows: list[dict[str, Any]]) -> set[str]:
    """Returns the strategies that are undetermined on any pair of backends."""
    return {row["strategy"] for row in rows if row["verdict"] == UNDETERMINED}


def merge(cells: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Joins the blocks of one strategy on one backend, as if they were one run.

    Args:
        cells: What ``run_seeds`` returned for each block, in the order of the seeds.

    Returns:
        Lists over seeds joined, ``trained`` where all blocks did, seconds summed. The
        pictures are those of the first block.
    """
    first = cells[0]
    return {
        **first,
        **{
            name: list(chain.from_iterable(cell[name] for cell in cells))
            for name in ("seeds", "loss_before", "loss_after")
        },
        **{
            group: {
                name: list(chain.from_iterable(cell[group][name] for cell in cells))
                for name in first[group]
            }
            for group in ("metrics", "theory")
        },
        "weights": _weights(cells),
        "trained": all(cell["trained"] for cell in cells),
        "seconds": sum(cell["seconds"] for cell in cells),
    }


def _weights(cells: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """Joins the weights of every epoch; a block that stopped early has none left."""
    epochs = zip_longest(*(cell["weights"] for cell in cells))
    return [
        list(
            chain.from_iterable(
                [None] * len(cell["seeds"]) if weights is None else weights
                for cell, weights in zip(cells, epoch, strict=True)
            )
        )
        for epoch in epochs
    ]

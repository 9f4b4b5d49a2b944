"""Hard examples: the largest losses, equals by their place."""

from collections.abc import Sequence

from mpmath import mp, mpf

from conformance.oracle._core import Args, Outputs, Whole, exact


def _mining(points: Sequence[Args], _: Sequence[int]) -> Whole:
    losses = [mp.inf if mp.isnan(a["losses"]) else a["losses"] for a in points]
    selected = mp.floor(points[0]["fraction"] * len(losses) + mpf(1) / 2)
    order = sorted(range(len(losses)), key=lambda i: (-losses[i], i))
    indices = order[: max(1, int(selected))]
    masks: list[Outputs] = [
        {"mask": exact(int(i in indices))} for i in range(len(losses))
    ]
    return Whole(masks, {"indices": [exact(i) for i in indices]})


COUPLED = {"hard_example_mining": _mining}

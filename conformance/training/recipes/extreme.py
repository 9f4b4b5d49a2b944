"""One positive to a hundred negatives, in the manner of the article on GHM.

Cross entropy, a grid of focal losses, gradient harmonising as printed, as published and
with a debiased average; and the head of a detector, on images of blobs.
"""

from conformance.training.recipe import (
    DataPlan,
    Rate,
    Recipe,
    Statistics,
    Strategy,
)
from conformance.training.recipes.parts import BCE, RATIO, adamw, small, user

_FOCAL = "sigmoid_focal_loss"
_ALPHAS, _GAMMAS = (0.1, 0.25, 0.5, 0.75), (1.0, 2.0, 5.0)
_CURRICULUM = Rate("curriculum_factor", (("boundaries", (5,)), ("factors", (0.1, 1.0))))
_GHM = (("average_over", "nonempty"), ("bins", 10), ("momentum", 0.75))


def _ghm(name: str, *, debias: bool, rate: Rate | None = None) -> Strategy:
    return Strategy(name, "ghmc_loss", (*_GHM, ("debias", debias)), rate=rate)


def _focal(alpha: float, gamma: float) -> Strategy:
    options = (("alpha", alpha), ("gamma", gamma))
    return Strategy(f"focal-{alpha:g}-{gamma:g}", _FOCAL, options)


_BINARY = (
    Strategy("plain", BCE),
    Strategy("weighted", BCE, weight=RATIO),
    *(_focal(alpha, gamma) for alpha in _ALPHAS for gamma in _GAMMAS),
    Strategy("ghm-printed", "ghmc_as_printed", (("bins", 10), ("momentum", 0.75))),
    _ghm("ghm-published", debias=False),
    _ghm("ghm-debiased", debias=True),
    Strategy("sampler", BCE, sampler="balanced"),
    # A positive is drawn as often as ten negatives: 1 against 0.1.
    Strategy(
        "focal-sampler", _FOCAL, (("alpha", 0.25), ("gamma", 2.0)), sampler=(0.1, 1.0)
    ),
    Strategy("curriculum", BCE, rate=_CURRICULUM),
    _ghm("ghm-curriculum", debias=True, rate=_CURRICULUM),
)
_HEATMAP = (
    Strategy("heatmap-bce", BCE),
    Strategy("heatmap-focal", _FOCAL, (("alpha", 0.25), ("gamma", 2.0))),
    Strategy(
        "heatmap-penalty",
        "heatmap_focal_loss",
        (("alpha", 2.0), ("beta", 4.0)),
        divisor="positives",
    ),
)
_NAMES = tuple(strategy.name for strategy in _BINARY)

EXTREME = Recipe(
    name="extreme",
    task="binary",
    data=(
        DataPlan(
            name="synthetic",
            source="synthetic",
            options={
                "seed": 20240541,
                "features": 8,
                "components": 4,
                "spread": 1.15,
                "positives": (200, 200, 200),
                "negatives": (20_000, 20_000, 20_000),
            },
            hidden=(16,),
            batch=256,
            epochs=20,
            quick_epochs=3,
            lockstep_epochs=10,
            quick_lockstep_epochs=2,
            lockstep_batches=30,
            margin=0.02,
            strategies=_NAMES,
        ),
        small(
            "digits",
            "digits",
            {"seed": 20240542, "positive": 8, "ratio": 9},
            strategies=_NAMES,
        ),
        DataPlan(
            name="blobs",
            source="blobs",
            options={
                "seed": 20240543,
                "images": (300, 100, 200),
                "side": 12,
                "most": 3,
                "widths": (0.8, 1.6),
                "noise": 0.2,
            },
            hidden=(8,),
            batch=16,
            epochs=20,
            quick_epochs=6,
            lockstep_epochs=5,
            quick_lockstep_epochs=2,
            lockstep_batches=18,
            margin=0.02,
            strategies=tuple(strategy.name for strategy in _HEATMAP),
        ),
    ),
    user_data=user(20240544, _NAMES),
    strategies=(*_BINARY, *_HEATMAP),
    claims=(("ghm-debiased", "focal-0.25-2", "plain"),),
    optimizer=adamw(3e-3, 1e-2),
    statistics=Statistics(
        main_metric="f1_searched", contrasted=("f1_half", "f1_searched", "recall_half")
    ),
)

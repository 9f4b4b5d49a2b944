"""Outcomes of compare that were never run, for tests of the ledger."""

import json
import zlib

import numpy as np

from conformance.training.data import PARTS
from conformance.training.recipes import RECIPES

SEEDS = tuple(range(10))
BACKENDS = ("torch", "jax")

BINARY = {"f1_half": 0.6, "f1_searched": 0.7}
LABELS = {
    "macro_f1_half": 0.3,
    "macro_f1_searched": 0.5,
    "macro_f1_global": 0.4,
    "macro_recall_half": 0.6,
    "fraction_above_half": 0.1,
}
CLASSES = {
    "accuracy": 0.9,
    "macro_f1": 0.7,
    "balanced_accuracy": 0.7,
    "recall_0": 0.95,
    "recall_1": 0.8,
    "recall_2": 0.35,
    "entropy": 0.1,
    "train_accuracy": 0.99,
    "validation_accuracy": 0.9,
    "noisy_accuracy": 0.5,
}
RARE = {
    "f1_half": 0.4,
    "average_precision": 0.5,
    "recall_half": 0.2,
    "specificity_half": 0.99,
}

GRID = [f"focal-{a}-{g}" for a in (0.1, 0.25, 0.5, 0.75) for g in (1, 2, 5)]
WORLD = {
    "pos_weight": (
        {"synthetic": [600, 3000], "digits": [100, 500]},
        BINARY,
        ("plain", "inverse", "dynamic", "adaptive", "adaptive-article"),
    ),
    "multilabel": (
        {"synthetic": [[10, 20], [990, 980]], "digits": [[10, 20], [990, 980]]},
        LABELS,
        ("plain", "correct", "inverted", "element", "per-batch", "moving"),
    ),
    "smoothing": (
        {"synthetic-900": [900, 90, 10], "synthetic-1000": [1000, 200, 50]},
        CLASSES,
        (
            "plain",
            "inverse",
            "sampler",
            "sampler-inverse",
            "smooth-0.1",
            "smooth-0.2",
            "smooth-0.3",
            "joint-square-root-0.1",
        ),
    ),
    "stability": (
        {"synthetic": [100, 500]},
        BINARY,
        (
            "logits",
            "half",
            "half-scaled",
            "even-shards",
            "uneven-shards",
            "weighted",
            "weighted-shards",
            "warm-up",
            "warm-up-zero",
        ),
    ),
    "extreme": (
        {"synthetic": [10, 1000], "user": [10, 1000], "digits": [10, 90]},
        RARE,
        ("plain", "ghm-printed", "heatmap-focal", "heatmap-penalty", *GRID),
    ),
}


def write(folder, changes=None, *, spreads=None, recipes=WORLD, backends=BACKENDS):
    """Writes an outcome for each recipe.

    Args:
        folder: As ``--outcome``.
        changes: Means by (recipe, strategy, metric), or by (recipe, strategy, metric,
            data), where they are not those of the world.
        spreads: Standard deviations, likewise; 0.002 otherwise.
        recipes: Names of those to write.
        backends: Names of those that trained.
    """
    changes, spreads = changes or {}, spreads or {}
    for recipe in recipes:
        path = folder / recipe / "outcome.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        record = outcome(recipe, changes, spreads, backends)
        path.write_text(json.dumps(record), encoding="utf-8")


def outcome(recipe, changes, spreads, backends=BACKENDS):
    data, metrics, strategies = WORLD[recipe]

    def numbers(strategy, metric, name, backend):
        keys = (recipe, strategy, metric, name), (recipe, strategy, metric)
        mean = next((changes[k] for k in keys if k in changes), metrics[metric])
        spread = next((spreads[k] for k in keys if k in spreads), 0.002)
        word = f"{strategy} {metric} {name} {backend}"
        draws = np.random.default_rng(zlib.crc32(word.encode())).normal(size=len(SEEDS))
        draws = (draws - draws.mean()) / draws.std(ddof=1)
        return (mean + spread * draws).tolist()

    def cell(strategy, name, backend):
        return {
            "seeds": list(SEEDS),
            "metrics": {m: numbers(strategy, m, name, backend) for m in metrics},
            "theory": {"offset": [changes.get((recipe, strategy, "offset"), 0.0)] * 10},
            "weights": changes.get((recipe, strategy, "weights"), [None] * 30),
        }

    # The plan of a real data set, by another name where that has none.
    plan = RECIPES[recipe].as_dict()["data"][0]
    return {
        "recipe": {"name": recipe, "data": [{**plan, "name": name} for name in data]},
        "versions": {"torch": "2", "jax": "1"},
        "quick": False,
        "data": {
            name: {
                "counts": dict.fromkeys(PARTS, counts),
                "seeds": {
                    backend: {s: cell(s, name, backend) for s in strategies}
                    for backend in backends
                },
            }
            for name, counts in data.items()
        },
    }


def ascending(values):
    """Recorded weights: one value for each epoch, of all seeds."""
    return [[value] * len(SEEDS) for value in values]

"""Outcomes made by hand, with everything that figures show."""

import numpy as np

BACKENDS = ("numpy", "torch", "jax")
SEEDS, EPOCHS, UPDATES = 4, 6, 40
MANY = [f"focal-{alpha}-{gamma}" for alpha in (0.1, 0.25, 0.5) for gamma in range(7)]
SWEEP = ["smooth-0.3", "plain", "smooth-0.05", "smooth-0.1", "joint-0.1"]


def binary(strategies=("plain", "dynamic")):
    return outcome("binary", strategies, ("f1_searched", "f1_half", "recall_half"))


def multilabel():
    made = outcome("multilabel", ("plain", "moving"), ("macro_f1_searched",))
    for own in made["data"]["synthetic"]["seeds"].values():
        weights = np.arange(EPOCHS * SEEDS * 3.0).reshape(EPOCHS, SEEDS, 3)
        own["moving"]["weights"] = weights.tolist()
    return made


def multiclass():
    return outcome("multiclass", SWEEP, ("balanced_accuracy", "accuracy", "entropy"))


def outcome(task, strategies, metrics):
    """An outcome of two data sets, of which the second has but one strategy."""
    drawn = np.random.default_rng(1)
    # A recall is drawn whether it is compared or not.
    statistics = {"main_metric": metrics[0], "contrasted": metrics[:2]}
    return {
        "recipe": {"name": "made", "task": task, "statistics": statistics},
        "data": {
            "synthetic": data(drawn, task, strategies, metrics),
            "digits": data(drawn, task, strategies[:1], metrics[:1]),
        },
    }


def data(drawn, task, strategies, metrics):
    return {
        "attainable": dict.fromkeys(metrics, 0.95) | {"noisy_accuracy": float("nan")},
        "lockstep": {name: lockstep(drawn) for name in strategies},
        "seeds": {
            backend: {
                name: cell(drawn, task, metrics, moving=name == "dynamic")
                for name in strategies
            }
            for backend in BACKENDS
        },
    }


def lockstep(drawn):
    bound = 1e-13 * np.arange(1.0, UPDATES + 1)
    return {
        "bound": bound.tolist(),
        "shadow": (bound / 8).tolist(),
        "distances": {
            name: (bound * drawn.uniform(0.01, 0.2, UPDATES)).tolist()
            for name in BACKENDS[1:]
        },
        "horizon": UPDATES,
    }


def cell(drawn, task, metrics, *, moving):
    weights = 1.0 + np.add.outer(0.5 * np.arange(EPOCHS), np.arange(SEEDS))
    return {
        "metrics": {name: drawn.uniform(0.3, 0.9, SEEDS).tolist() for name in metrics},
        "weights": weights.tolist() if moving else [[None] * SEEDS] * EPOCHS,
        "pictures": pictures(task),
    }


def pictures(task):
    shares = [0.7, 0.2, 0.1] if task == "multiclass" else [0.8, 0.2]
    bins = [
        {"probability": 0.25, "rate": 0.1},
        {"probability": None, "rate": None},
        {"probability": 0.75, "rate": 0.5},
    ]
    exact = [{"probability": 0.3, "rate": 0.3}]
    norms = {"edges": [0.0, 0.5, 0.9, 1.0], "count": [90, 0, 10], "weight": [0.5, 0, 5]}
    return {
        "reliability": {"raw": bins, "corrected": exact},
        "loss_share": {"plain": shares, "own": shares[::-1]},
        **({"gradient_norms": norms} if task == "binary" else {}),
    }

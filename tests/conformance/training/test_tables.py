import io
import math

import pytest
from rich.console import Console

from conformance.training.tables import show


@pytest.fixture
def shown():
    """Returns the cells of torch's line of the lockstep table."""

    def call(distances, *, horizon):
        lockstep = {
            "distances": {"torch": distances},
            "bound": [1.0, 2.0, 4.0],
            "horizon": horizon,
            "verdict": {"torch": "fail"},
        }
        found = {
            "bayes_f1": None,
            "summary": {"torch": {}},
            "lockstep": {"plain": lockstep},
            "equivalence": [],
            "contrasts": [],
            "claims": [],
        }
        file = io.StringIO()
        show(Console(file=file), "tiny", found)
        return next(x for x in file.getvalue().splitlines() if "plain" in x).split()

    return call


@pytest.mark.parametrize(
    ("distances", "horizon", "worst"),
    [
        ([0.5, 1.5, 1.0], 3, "0.75"),
        ([0.5, 0.5, 40.0], 2, "0.5"),
        ([0.5, math.nan, 1.0], 3, "nan"),
        ([math.nan, 0.5, 1.0], 3, "nan"),
        ([0.5, 1.5, 1.0], 0, "-"),
    ],
)
def test_worst_distance_is_taken_within_the_horizon(shown, distances, horizon, worst):
    cells = shown(distances, horizon=horizon)
    assert cells == ["plain", "torch", str(horizon), "of", "3", worst, "fail"]

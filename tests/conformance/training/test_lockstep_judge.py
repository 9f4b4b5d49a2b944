"""What the lockstep makes of distances, and of sessions that it drives."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from conformance.training import lockstep
from conformance.training.backends import make_trainer
from conformance.training.recipe import Lockstep

STEPS = 32
FLOOR = 8.0 * 64.0 * 2.0**-53
ALIVE = {"numpy": {"trained": True}, "torch": {"trained": True}}


def judged(distance=0.0, shadow=0.0, progress=None, at=None, steps=STEPS):
    """Judges a backend that is so far off, everywhere or from one update on."""
    distances, shadows = np.zeros(steps), np.zeros(steps)
    distances[at:], shadows[at:] = distance, shadow
    found = lockstep._judge(
        shadows, {"torch": distances}, progress or ALIVE, Lockstep()
    )
    return found["verdict"]["torch"], found["first_failure"]["torch"], found["horizon"]


@pytest.mark.parametrize(
    ("distance", "expected"),
    [
        (FLOOR, ("pass", None)),
        (1.01 * FLOOR, ("fail", 5)),
        (np.nan, ("fail", 5)),
        (np.inf, ("fail", 5)),
    ],
)
def test_first_update_beyond_the_bound_fails(distance, expected):
    assert judged(distance, at=4) == (*expected, STEPS)


def test_bound_is_eight_times_the_shadows():
    assert judged(8e-9, 1e-9, at=4) == ("pass", None, STEPS)
    assert judged(8.1e-9, 1e-9, at=4) == ("fail", 5, STEPS)


def test_bound_never_falls():
    shadow = np.zeros(STEPS)
    shadow[4] = 1e-9
    found = lockstep._judge(shadow, {}, ALIVE, Lockstep())
    np.testing.assert_allclose(found["bound"], [FLOOR] * 4 + [8e-9] * (STEPS - 4))


@pytest.mark.parametrize("shadow", [1.1e-6, np.nan])
def test_horizon_ends_where_shadows_leave(shadow):
    assert judged(1.0, shadow, at=30) == ("pass", None, 30)
    assert judged(1.0, shadow, at=29) == ("chaotic", None, 29)
    assert judged(0.0, 1e-6, at=29) == ("pass", None, STEPS)


def test_thirty_updates_are_enough():
    assert judged(steps=30)[0] == "pass"
    assert judged(steps=29)[0] == "chaotic"


@pytest.mark.parametrize("dead", ["numpy", "torch"])
def test_a_pair_of_which_one_is_dead_does_not_pass(dead):
    assert judged(progress={**ALIVE, dead: {"trained": False}})[0] == "dead"


def test_shadows_are_one_ulp_away():
    first = [np.linspace(-3.0, 5.0, 60).reshape(1, 20, 3), np.zeros((1, 4))]
    for stack, array in zip(lockstep._with_shadows(first, 3), first, strict=True):
        np.testing.assert_array_equal(stack[0], array[0])
        moved = (stack[1:] - array) / np.spacing(array)
        assert moved.shape == (3, *array.shape[1:])
        assert set(np.unique(moved)) == {-1.0, 1.0}
        assert (moved[0] != moved[1]).any()


class Still:
    """A session whose parameters stay where they are."""

    def __init__(self, *parameters):
        stack = [np.array(parameters)]
        self.trainer = SimpleNamespace(parameters=lambda: stack)
        self.epochs = 0

    def feed(self, _epoch, _limit):
        return SimpleNamespace(rates=np.ones(2), step=lambda number: number)

    def train(self, _told):
        pass

    def end_epoch(self):
        self.epochs += 1


def test_distance_is_relative_and_of_the_farthest_shadow(plan):
    sessions = {
        "numpy": Still([3.0, 4.0], [3.0, 5.0], [3.0, 6.0], [3.0, 4.5]),
        "torch": Still([3.5, 4.0]),
    }
    shadow, distances = lockstep._drive(sessions, plan, 3)  # pyright: ignore[reportArgumentType]
    np.testing.assert_allclose(shadow, np.full(12, 0.4))
    np.testing.assert_allclose(distances["torch"], np.full(12, 0.1))
    assert [own.epochs for own in sessions.values()] == [6, 6]


def test_strategy_brings_data_and_optimizer(problem, plan, recipe, strategies):
    made = []

    def make(backend, strategy, optimizer, parameters, train, **place):
        made.append((optimizer.max_norm, train.labels.mean(), place["dtype"]))
        return make_trainer(backend, strategy, optimizer, parameters, train, **place)

    strategy = replace(
        strategies["plain"],
        resampling="oversample",
        optimizer=replace(recipe.optimizer, max_norm=0.5),
    )
    lockstep.run_lockstep(
        problem,
        plan,
        strategy,
        recipe,
        backends=("numpy", "torch"),
        device="cpu",
        make=make,
    )
    assert made == [(0.5, 0.5, "float64")] * 2

import math

import numpy as np
import pytest
from flax.training.early_stopping import EarlyStopping as FlaxEarlyStopping

from refimpl.early_stopping import early_stopping, init_early_stopping

NAN, INF = float("nan"), float("inf")


def run(metrics, **options):
    """Returns the states after each metric."""
    state, states = init_early_stopping(), []
    for metric in metrics:
        state = early_stopping(state, metric, **options)
        states.append(state)
    return states


def stops(metrics, **options):
    """Returns the index of the metric that stops, None if none does."""
    flags = [state.stop for state in run(metrics, **options)]
    return flags.index(True) if any(flags) else None


def test_stops_at_the_last_of_as_many_calls_without_improvement():
    metrics = [0.5, 0.6, *[0.55] * 20]
    assert [stops(metrics, patience=p) for p in (1, 2, 10)] == [2, 3, 11]
    assert stops(metrics[:11], patience=10) is None


def test_patience_of_zero_stops_at_the_first_as_one_does():
    assert stops([0.5, 0.6, 0.6], patience=0) == stops([0.5, 0.6, 0.6], patience=1) == 2


def test_improvement_starts_the_count_again():
    states = run([3.0, 2.0, 2.5, 1.0, 1.0], patience=2, mode="min")
    assert [s.since_best for s in states] == [0, 0, 1, 0, 1]
    assert [s.best_step for s in states] == [0, 1, 1, 3, 3]
    assert [s.improved for s in states] == [True, True, False, True, False]
    assert states[-1].best == 1.0


def test_improvement_must_exceed_min_delta():
    # Quarters are exact in binary.
    metrics = [0.5, 0.75, 1.25]
    found = run(metrics, patience=9, min_delta=0.25)
    assert [state.improved for state in found] == [True, False, True]
    found = run([-m for m in metrics], patience=9, min_delta=0.25, mode="min")
    assert [state.improved for state in found] == [True, False, True]


@pytest.mark.parametrize(("mode", "worst"), [("max", -INF), ("min", INF)])
def test_nan_and_the_worst_infinity_never_improve(mode, worst):
    states = run([NAN, worst, 0.5, NAN, worst], patience=3, mode=mode)
    assert [state.improved for state in states] == [False, False, True, False, False]
    assert math.isnan(states[1].best)
    assert states[1].best_step == -1
    assert (states[-1].best, states[-1].best_step) == (0.5, 2)
    assert stops([NAN] * 3, patience=3, mode=mode) == 2


@pytest.mark.parametrize(("mode", "ideal"), [("max", INF), ("min", -INF)])
def test_nothing_is_better_than_the_best_infinity(mode, ideal):
    states = run([0.5, ideal, ideal, 7.0], patience=2, min_delta=0.1, mode=mode)
    assert [state.improved for state in states] == [True, True, False, False]
    assert states[-1].stop


def test_a_stopped_state_stays_but_for_improved():
    stopped = run([0.5, 0.4], patience=1)[-1]
    for metric in (0.9, NAN, INF):
        assert early_stopping(stopped, metric, patience=1) == stopped
    last = stopped._replace(improved=True)
    assert early_stopping(last, 0.9, patience=99) == stopped


def test_agrees_with_flax_which_stops_a_call_later():
    rng = np.random.default_rng(5)
    for _ in range(200):
        delta, patience = rng.uniform(0, 0.1), int(rng.integers(1, 6))
        metrics = rng.random(30).cumsum() / np.arange(1, 31)
        peer = FlaxEarlyStopping(min_delta=delta, patience=patience - 1)
        ours = run(metrics, patience=patience, min_delta=delta, mode="min")
        for metric, state in zip(metrics, ours, strict=True):
            peer = peer.update(metric)
            assert (peer.should_stop, peer.has_improved, peer.best_metric) == (
                state.stop,
                state.improved,
                state.best,
            )
            if state.stop:
                break


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"patience": -1}, "patience must be finite and >= 0, got -1"),
        ({"patience": INF}, "patience must be finite and >= 0, got inf"),
        ({"min_delta": NAN}, "min_delta must be finite and >= 0, got nan"),
        ({"mode": "auto"}, "mode must be one of 'max', 'min', got 'auto'"),
    ],
)
def test_bad_options_raise(options, text):
    with pytest.raises(ValueError, match=text):
        early_stopping(init_early_stopping(), 0.5, **{"patience": 3, **options})


def test_bad_metric_raises():
    with pytest.raises(TypeError, match="metric must be a number or a 0-d array"):
        early_stopping(init_early_stopping(), np.ones(2), patience=3)

import pytest

from conformance.bench import training
from conformance.bench.bars import BARS


def measure(framework, **options):
    ticks = iter(range(1000))
    return training.measure_training(
        framework,
        "cpu",
        seeds=2,
        epochs=1,
        rounds=1,
        clock=lambda: float(next(ticks)),
        **options,
    )


@pytest.mark.parametrize(("framework", "other"), [("torch", "jax"), ("jax", "torch")])
def test_all_ways_train_the_same_model(framework, other):
    found = measure(framework, against=(framework, other))
    assert found["updates"] == 36_000 // 256
    # Each timing lasts one tick: two seeds against one.
    rates = [rate["median"] for rate in found["seeds_per_second"].values()]
    assert rates == [2.0, 1.0, 1.0]
    plain = [f"plain {name} loop" for name in (framework, other)]
    assert list(found["speed_up"]) == plain
    assert [spread["median"] for spread in found["speed_up"].values()] == [2.0, 2.0]


def test_the_bar_reads_the_samples():
    (bar,) = [bar for bar in BARS if bar.cell == "training/jax"]
    samples = {bar.contender: [0.1, 0.2, 0.1], bar.other: [2.0, 4.0, 2.0]}
    found = bar.measured({"training/jax": {"samples": samples}})
    assert found is not None
    assert found.median == pytest.approx(20.0)
    assert bar.measured({"training/jax": {"error": "none"}}) is None


def test_another_model_is_not_timed(monkeypatch):
    monkeypatch.setattr(training, "METRIC_BOUND", -1.0)
    with pytest.raises(ValueError, match=r"average_precision is .* batched, .* plain"):
        measure("torch")

import pytest

from conformance.bench import training


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


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_both_ways_train_the_same_model(framework):
    found = measure(framework)
    assert found["updates"] == 36_000 // 256
    # Each timing lasts one tick: two seeds against one.
    rates = [rate["median"] for rate in found["seeds_per_second"].values()]
    assert rates == [2.0, 1.0]
    assert found["speed_up"]["median"] == 2.0


def test_another_model_is_not_timed(monkeypatch):
    monkeypatch.setattr(training, "METRIC_BOUND", -1.0)
    with pytest.raises(ValueError, match=r"average_precision is .* batched, .* plain"):
        measure("torch")

import pytest

from conformance.bench.timing import Spread, Timed, ratios, take


class Machine:
    """A clock that contenders move, and what they did."""

    def __init__(self):
        self.now = 0.0
        self.calls = []

    def timed(self, name, seconds, *, fails_at=None):
        def call():
            self.calls.append(name)
            if fails_at is not None and self.calls.count(name) >= fails_at:
                raise RuntimeError("out of memory")
            self.now += seconds

        return Timed(call, lambda: None)

    def take(self, contenders, **options):
        chosen = {"rounds": 9, "seed": 0, "minimum": 1e-3} | options
        return take(contenders, clock=lambda: self.now, **chosen)


def test_seconds_per_evaluation():
    machine = Machine()
    contenders = {"a": machine.timed("a", 1e-4), "b": machine.timed("b", 3e-3)}
    samples, errors = machine.take(contenders)
    assert not errors
    assert samples["a"] == pytest.approx([1e-4] * 9)
    assert samples["b"] == pytest.approx([3e-3] * 9)


def test_short_evaluations_are_repeated_after_one_that_is_not_timed():
    machine = Machine()
    machine.take({"short": machine.timed("short", 1e-4)}, rounds=9)
    # Three to find out how long one takes; ten fill a millisecond.
    assert len(machine.calls) == 3 + 9 * (1 + 10)


def test_long_evaluations_stand_alone():
    machine = Machine()
    machine.take({"long": machine.timed("long", 0.5)}, rounds=9)
    assert len(machine.calls) == 3 + 9


def test_one_disturbance_at_first_does_not_change_the_repeats():
    machine = Machine()
    slow = iter([1.0])

    def call():
        machine.calls.append("a")
        machine.now += next(slow, 1e-4)

    machine.take({"a": Timed(call, lambda: None)}, rounds=9)
    assert len(machine.calls) == 3 + 9 * (1 + 10)


def test_everyone_runs_once_in_a_round_in_changing_order():
    machine = Machine()
    machine.take({name: machine.timed(name, 1.0) for name in "abc"}, rounds=12)
    rounds = ["".join(machine.calls[i : i + 3]) for i in range(9, 9 + 36, 3)]
    assert {"".join(sorted(order)) for order in rounds} == {"abc"}
    assert len(set(rounds)) > 3


def test_the_seed_decides_the_order():
    orders = []
    for seed in (0, 0, 1):
        machine = Machine()
        contenders = {name: machine.timed(name, 1.0) for name in "abc"}
        machine.take(contenders, seed=seed)
        orders.append(machine.calls)
    assert orders[0] == orders[1] != orders[2]


def test_waiting_is_timed():
    machine = Machine()

    def wait():
        machine.now += 2.0

    samples, _ = machine.take({"queue": Timed(lambda: None, wait)})
    assert samples["queue"] == [2.0] * 9


def test_what_breaks_is_named_and_the_others_go_on():
    machine = Machine()
    contenders = {
        "sound": machine.timed("sound", 1.0),
        "broken": machine.timed("broken", 1.0, fails_at=6),
    }
    samples, errors = machine.take(contenders)
    assert len(samples["sound"]) == 9
    assert "broken" not in samples
    assert str(errors["broken"]) == "out of memory"


def test_ratios_are_formed_round_by_round():
    # A machine that is ten times slower in one round leaves the ratio alone.
    assert ratios([2.0, 20.0, 2.0], [1.0, 10.0, 1.0]) == Spread(2.0, 2.0, 2.0)


def test_spread():
    assert Spread.of([4.0, 1.0, 2.0, 3.0, 5.0]) == Spread(3.0, 2.0, 4.0)
    assert Spread.of([7.0]) == Spread(7.0, 7.0, 7.0)

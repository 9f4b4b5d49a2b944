import threading

import pytest

from conformance.lanes import side_by_side


def test_order_is_kept_within_a_lane():
    lanes = [iter([(name, i) for i in range(50)]) for name in "ab"]
    found = list(side_by_side(lanes))
    for name in "ab":
        assert [i for lane, i in found if lane == name] == list(range(50))


def test_lanes_advance_together():
    barrier = threading.Barrier(2, timeout=10)

    def lane():
        barrier.wait()
        yield barrier.n_waiting

    assert len(list(side_by_side([lane(), lane()]))) == 2


def test_nothing_to_do_ends_at_once():
    assert list(side_by_side([])) == []


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_what_a_lane_raises_is_raised_here_and_stops_the_others(kind):
    advanced = []
    begun = threading.Event()

    def endless():
        while True:
            advanced.append(len(advanced))
            begun.set()
            yield "item"

    def broken():
        begun.wait(timeout=10)
        raise kind("here")
        yield

    with pytest.raises(kind, match="here"):
        list(side_by_side([endless(), broken()]))
    # The pool is joined by now, so the endless lane cannot advance any more.
    assert not [t for t in threading.enumerate() if t.name.startswith("lane")]
    assert advanced == list(range(len(advanced)))


def test_a_consumer_that_leaves_stops_the_lanes():
    advanced = []

    def endless():
        while True:
            advanced.append(None)
            yield "item"

    found = side_by_side([endless()])
    next(found)
    found.close()
    assert advanced
    assert not [t for t in threading.enumerate() if t.name.startswith("lane")]

"""Several streams of work at once: while one compiles, another computes."""

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event
from typing import TypeVar

T = TypeVar("T")


def side_by_side(
    lanes: Sequence[Iterator[T]], let_go: Callable[[], None] = lambda: None
) -> Generator[T, None, None]:
    """Advances every lane in a thread of its own.

    Args:
        lanes: What to draw from; none shares state with another.
        let_go: Called where drawing ends early, so that lanes do not wait for long.

    Yields:
        Every item, in order within a lane and in order of arrival among lanes.

    Raises:
        BaseException: What a lane raised, after the others have finished their item.
    """
    arrived: SimpleQueue[tuple[list[T], BaseException | None, bool]] = SimpleQueue()
    stop = Event()

    def drain(lane: Iterator[T]) -> None:
        try:
            for item in lane:
                arrived.put(([item], None, False))
                if stop.is_set():
                    break
        except BaseException as error:
            arrived.put(([], error, True))
        else:
            arrived.put(([], None, True))

    with ThreadPoolExecutor(max(len(lanes), 1), "lane") as pool:
        try:
            for lane in lanes:
                pool.submit(drain, lane)
            running = len(lanes)
            while running:
                items, error, ended = arrived.get()
                if error is not None:
                    raise error
                yield from items
                running -= ended
        except BaseException:
            stop.set()
            let_go()
            raise
        finally:
            stop.set()

"""Work spread over the cores, where a computation has more than one to itself.

Results never depend on how many there are: what is spread are pieces that know nothing of one another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")

_SPARE: ContextVar[int] = ContextVar("spare", default=1)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread: with more, a matrix product may be summed in another order.

    The threads that torch had are then there for `each`.
    """
    threads = torch.get_num_threads()
    token = _SPARE.set(max(_SPARE.get(), threads))
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        _SPARE.reset(token)


def spare() -> int:
    """Return how many threads there are for work that can be spread."""
    return _SPARE.get()


def each(work: Callable[[T], R], pieces: Iterable[T]) -> list[R]:
    """Do some work for each piece, on all cores that are there; results in the order of the pieces.

    Who asks works too, beside helpers. A caller that only waited would leave its core to a thread that must be woken
    first, and threads that are woken on one core share it for longer than a round takes.
    """
    listed = list(pieces)
    threads = min(spare(), len(listed))
    if threads < 2:
        return [work(piece) for piece in listed]
    left = deque(range(len(listed)))
    found: dict[int, R] = {}

    def some() -> None:
        while left:
            try:
                place = left.popleft()
            except IndexError:  # another thread took the last
                return
            try:
                found[place] = work(listed[place])
            except BaseException:
                left.clear()  # no other piece is begun
                raise

    helpers = [_pool(spare() - 1).submit(some) for _ in range(threads - 1)]
    token = _SPARE.set(1)
    try:
        some()
    finally:
        _SPARE.reset(token)
        wait(helper for helper in helpers if not helper.cancel())
    for helper in helpers:
        if not helper.cancelled():
            helper.result()
    return [found[place] for place in range(len(listed))]


@lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "ecosystem", initializer=torch.set_num_threads, initargs=(1,))

"""Work spread over threads: all of it, in order, whatever fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from ecosystem.threads import each, one_thread, spare


@pytest.fixture(params=[1, 2, 4])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """As many threads as torch would have, there for `each`."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    try:
        with one_thread():
            yield request.param
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("pieces", [0, 1, 2, 3, 100])
def test_results_come_in_the_order_of_the_pieces(threads: int, pieces: int) -> None:
    assert spare() == threads
    assert each(lambda piece: piece * piece, range(pieces)) == [piece * piece for piece in range(pieces)]


def test_every_thread_works_the_one_that_asks_too(threads: int) -> None:
    together = threading.Barrier(threads, timeout=20)  # nobody passes before all have come

    def work(_: int) -> int:
        together.wait()
        return threading.get_ident()

    found = each(work, range(threads))
    assert threading.get_ident() in found
    assert len(set(found)) == threads


def test_work_within_work_is_not_spread_again(threads: int) -> None:
    def work(piece: int) -> tuple[int, list[int]]:
        return (spare(), each(lambda inner: 10 * piece + inner, range(3)))

    several = max(threads, 2)
    found = each(work, range(several))
    assert [inner for _, inner in found] == [[10 * piece + inner for inner in range(3)] for piece in range(several)]
    assert {inner_spare for inner_spare, _ in found} == {1}
    assert spare() == threads


@pytest.mark.parametrize("error", [ValueError, IndexError])
def test_a_piece_that_fails_is_told_and_no_other_is_begun(threads: int, error: type[Exception]) -> None:
    begun = []

    def work(piece: int) -> None:
        begun.append(piece)
        raise error(piece)

    with pytest.raises(error):
        each(work, range(100))
    assert len(begun) <= threads
    assert spare() == threads
    assert each(str, range(4)) == ["0", "1", "2", "3"]

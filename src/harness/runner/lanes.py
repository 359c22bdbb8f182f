"""Which stage begins when: in the plan's order, several side by side, and alone where neighbours would spoil what it measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from harness.model.run import StageRecord


@dataclass(frozen=True)
class Turn:
    """A stage's turn: `run` takes as long as the stage does."""

    run: Callable[[], StageRecord]
    alone: bool


def take_turns(turns: Sequence[Turn], jobs: int, ended: Callable[[StageRecord], None]) -> None:
    """Runs every turn, in order, at most `jobs` at a time.

    One that is alone begins when those before it have ended, and ends before the next begins.

    Args:
        ended: told of each record in this thread, in the order in which the stages end.

    Raises:
        Exception: what a turn raised, after all that had begun have ended.
    """
    running: set[Future[StageRecord]] = set()
    with ThreadPoolExecutor(jobs, thread_name_prefix="stage") as pool:
        for turn in turns:
            running = _until(running, 0 if turn.alone else jobs - 1, ended)
            running.add(pool.submit(turn.run))
            if turn.alone:
                running = _until(running, 0, ended)
        _until(running, 0, ended)


def _until(running: set[Future[StageRecord]], at_most: int, ended: Callable[[StageRecord], None]) -> set[Future[StageRecord]]:
    """Waits until at most so many run; returns those."""
    while len(running) > at_most:
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            ended(future.result())
    return running

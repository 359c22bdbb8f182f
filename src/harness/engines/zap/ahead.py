"""Targets in turn, the next one starting while the one before is at work: a scan of some seconds waits for no start then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise
from typing import Self

from harness.model.errors import HarnessError
from harness.targets.arena import Arena
from harness.targets.live import LiveTarget


class Ahead:
    """Fresh targets by label, in the order of the labels. Where two cannot be there at once, none is started ahead."""

    def __init__(self, arena: Arena, labels: Sequence[str]) -> None:
        self._arena = arena
        self._following = dict(pairwise(labels)) if arena.isolated and arena.plan.port is None else {}
        self._coming: dict[str, Future[tuple[ExitStack, LiveTarget]]] = {}
        self._starter = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Ends what was started and never asked for."""
        for future in self._coming.values():
            with suppress(HarnessError):
                future.result()[0].close()
        self._starter.shutdown()

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        """A running target; it is gone at the end.

        Raises:
            HarnessError: it does not start.
        """
        coming = self._coming.pop(label, None)
        stack, live = coming.result() if coming is not None else self._started(label)
        with stack:
            if (following := self._following.get(label)) is not None:
                self._coming[following] = self._starter.submit(self._started, following)
            yield live

    def _started(self, label: str) -> tuple[ExitStack, LiveTarget]:
        stack = ExitStack()
        return stack, stack.enter_context(self._arena.fresh(label))

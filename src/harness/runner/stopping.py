"""The first SIGINT or SIGTERM stops what runs, and says what follows; the second ends the process at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from harness.engines.process import Stop

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signals(then: str = "what ran is judged and reported") -> Iterator[Stop]:
    """A `Stop` that is set by the first signal; children die with this process, so the second needs no clean-up.

    Args:
        then: what follows the first signal, for the one who sent it.
    """
    stop = Stop()

    def handle(number: int, _frame: FrameType | None) -> None:
        if stop.signal:
            os._exit(130)
        stop.signal = signal.Signals(number).name
        sys.stderr.write(f"\n{stop.signal}: stopping; {then}. Once more ends at once.\n")

    previous = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)

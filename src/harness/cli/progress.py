"""Shows a run as it goes: one live line on a terminal, one plain line per stage each 15 s elsewhere; all to standard error."""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import TextIO

from harness.events import (
    Event,
    GateJudged,
    Note,
    Prepared,
    RunEnded,
    RunStarted,
    StageEnded,
    StageProgress,
    StageStarted,
)

PLAIN_EVERY_S = 15.0
_BETWEEN = "  │  "
_COLOURS = {
    "PASS": "32",
    "FAIL": "31;1",
    "UNKNOWN": "33",
    "SKIPPED": "2",
    "ran": "32",
    "partial": "33",
    "failed": "31",
    "skipped": "2",
}
_SIGNS = {"PASS": "✓", "FAIL": "✗", "UNKNOWN": "?", "SKIPPED": "–", "ran": "✓", "partial": "?", "failed": "✗", "skipped": "–"}


class Progress:
    """A listener of events that writes for a person."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self._live = stream.isatty() and "CI" not in os.environ
        self._colour = stream.isatty() and "NO_COLOR" not in os.environ
        self._running: dict[str, str] = {}  # what runs now, with what it last said
        self._last_plain: dict[str, float] = {}
        self._line_open = False

    def __call__(self, event: Event) -> None:
        """Shows one event."""
        match event:
            case RunStarted():
                self._say(f"plan {event.plan} on {event.target}, seed {event.seed}: {', '.join(event.stages)}")
                self._say(f"run folder {event.folder}")
            case Prepared():
                self._say(f"  {event.what} ({event.duration_s:.1f} s)")
            case StageStarted():
                self._last_plain[event.stage] = time.monotonic()
                self._update(event.stage, f"[{event.number}/{event.of}] {event.stage}")
            case StageProgress():
                self._update(event.stage, f"{event.stage}  {event.text}")
            case StageEnded():
                self._running.pop(event.stage, None)
                reason = f"  {event.reason}" if event.reason else ""
                self._say(f"{self._sign(event.state)} {event.stage}  {event.duration_s:.1f} s{reason}")
            case GateJudged():
                self._say(
                    f"{self._sign(event.verdict)} {event.gate:<14} {self._paint(event.verdict, event.verdict):<8} {event.reason}"
                )
            case RunEnded():
                self._say(f"{self._paint(event.verdict, event.verdict)}: {event.reason}  ({event.duration_s:.0f} s)")
            case Note():
                self._say(event.text)

    def _update(self, stage: str, text: str) -> None:
        self._running[stage] = text
        if self._live:
            self._stream.write(f"\r\x1b[K{_on_one_line(list(self._running.values()), shutil.get_terminal_size().columns - 1)}")
            self._stream.flush()
            self._line_open = True
        elif time.monotonic() - self._last_plain.get(stage, 0.0) >= PLAIN_EVERY_S:
            self._last_plain[stage] = time.monotonic()
            self._say(text)

    def _say(self, text: str) -> None:
        start = "\r\x1b[K" if self._line_open else ""
        self._line_open = False
        self._stream.write(f"{start}{text}\n")
        self._stream.flush()

    def _sign(self, word: str) -> str:
        return self._paint(word, _SIGNS.get(word, "·"))

    def _paint(self, word: str, text: str) -> str:
        return f"\x1b[{_COLOURS[word]}m{text}\x1b[0m" if self._colour and word in _COLOURS else text


def _on_one_line(texts: list[str], width: int) -> str:
    """What runs side by side, each with the same share of the line; what one does not need, the others have."""
    room = width - len(_BETWEEN) * (len(texts) - 1)
    shares: dict[int, int] = {}
    for place in sorted(range(len(texts)), key=lambda place: len(texts[place])):
        shares[place] = min(len(texts[place]), room // (len(texts) - len(shares)))
        room -= shares[place]
    return _BETWEEN.join(text[: shares[place]] for place, text in enumerate(texts))

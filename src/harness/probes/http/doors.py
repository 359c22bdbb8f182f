"""What gives the probes their running targets."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from harness.probes.http.door import Door


class Doors(Protocol):
    """Gives running targets on fresh data."""

    @property
    def isolated(self) -> bool:
        """Whether each is on data of its own."""

    def fresh(self, label: str) -> AbstractContextManager[Door]:
        """A running target; it is gone at the end."""

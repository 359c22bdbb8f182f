"""What goes between a visitor and the network, without either."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class RawAnswer:
    """An answer as it came, unpacked. Header names are in lower case; of a repeated one the last value is kept."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()  # every Set-Cookie header


class SendError(Exception):
    """No whole answer came. `kind` is one of a few stable words that failures are counted under."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


class Sender(Protocol):
    """Sends a request and returns its answer."""

    def send(self, head: bytes, body: bytes, method: str) -> RawAnswer:
        """One request, once; `SendError` where no whole answer came."""
        ...

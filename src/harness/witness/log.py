"""The server's JSON log, read as it grows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Line:
    """One entry of one client's session. `at` is the UTC time in seconds, in whole milliseconds as the server writes it."""

    session: str
    at: float
    severity: str
    message: str
    detail: str
    code: str  # SQLSTATE of an error
    statement: str  # that an error belongs to
    query_id: int
    transaction: str  # the virtual transaction's id where there was one, else ""
    user: str


class LogReader:
    """Gives the entries of one database that were added since the last call; a line that is still being written waits."""

    def __init__(self, path: Path, database: str) -> None:
        self._path, self._database = path, database
        self._offset = path.stat().st_size
        self._rest = b""
        self.broken_lines = 0

    def read(self) -> list[Line]:
        """The new entries of the database, in the server's order. `marks` among them are kept apart by their user."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            new = file.read()
        self._offset += len(new)
        *whole, self._rest = (self._rest + new).split(b"\n")
        return list(self._lines(whole))

    def _lines(self, texts: list[bytes]) -> Iterator[Line]:
        for text in texts:
            if not text:
                continue
            try:
                entry = json.loads(text)
                if entry.get("dbname") == self._database:
                    yield _line(entry)
            except (ValueError, KeyError, TypeError):
                self.broken_lines += 1


def _line(entry: dict[str, Any]) -> Line:
    vxid = str(entry.get("vxid", ""))
    return Line(
        session=entry["session_id"],
        at=datetime.fromisoformat(entry["timestamp"][:23] + "+00:00").timestamp(),
        severity=entry["error_severity"],
        message=entry.get("message", ""),
        detail=entry.get("detail", ""),
        code=entry.get("state_code", ""),
        statement=entry.get("statement", ""),
        query_id=int(entry.get("query_id", 0)),
        transaction="" if vxid.endswith("/0") else vxid,
        user=entry.get("user", ""),
    )

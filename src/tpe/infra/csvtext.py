"""CSV (RFC 4180) that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Final, TypeVar

from fastapi.responses import StreamingResponse

Item = TypeVar("Item")
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheets take a cell for a formula by (OWASP, CSV Injection), full-width forms included."""


class CsvResponse(StreamingResponse):
    """Streams CSV as a file to keep."""

    media_type = "text/csv"


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """Give rows as CSV lines; a text that would be a formula gets an apostrophe in front, None is empty."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if value is None or isinstance(value, int):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def attachment(name: str) -> dict[str, str]:
    """Give the headers that make a browser keep the answer as the file ``name`` (ASCII)."""
    return {"Content-Disposition": f'attachment; filename="{name}"'}


async def csv_parts(
    columns: Sequence[str],
    read: Callable[[Item | None], Awaitable[list[Item]]],
    row: Callable[[Item], Sequence[object]],
    *,
    batch_rows: int,
    rows_max: int,
) -> AsyncIterator[str]:
    """Give a file in parts: ``read`` gives the batch behind an item (None: the first), ``batch_rows`` unless it is the last.

    The first batch is read before this returns, so that what keeps it from being read is told as such; no statement and no
    connection is held while a part waits for its reader.
    """
    first = await read(None)

    async def parts() -> AsyncIterator[str]:
        yield csv_lines([columns])
        batch, sent = first, 0
        while batch:
            yield csv_lines(row(item) for item in batch)
            sent += len(batch)
            more = len(batch) == batch_rows and sent < rows_max
            batch = await read(batch[-1]) if more else []

    return parts()

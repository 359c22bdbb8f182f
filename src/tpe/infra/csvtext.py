"""CSV (RFC 4180) that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from fastapi.responses import StreamingResponse

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

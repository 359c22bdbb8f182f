"""Spreadsheets that a target gives: which operations do, as whom, with all rows that there are."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from harness.model.errors import HarnessError
from harness.model.finding import Request
from harness.probes.http.answers import Answer
from harness.probes.http.days import windows
from harness.probes.http.drafts import Draft
from harness.probes.openapi.operations import Operation
from harness.probes.scene.calls import valid_drafts
from harness.probes.scene.scene import Asker, Scene, Untestable

FILTERS_MAX = 4
ROWS_READ_MAX = 5_000
_SHEET = re.compile(r"text/csv|text/tab-separated-values|application/csv|spreadsheet|excel", re.I)
_EXPORT = re.compile(r"export|download|\.csv|/csv", re.I)


@dataclass(frozen=True)
class Sheet:
    """An export as somebody got it."""

    operation: Operation
    asker: Asker
    request: Request
    answer: Answer

    def rows(self) -> Iterator[list[tuple[str, str]]]:
        """The rows below the first, as column and text of each cell; a column without a name is its number."""
        first = self.answer.text.lstrip("\ufeff").split("\n", 1)[0]
        delimiter = max(",;\t", key=first.count)
        read = csv.reader(io.StringIO(self.answer.text.lstrip("\ufeff"), newline=""), delimiter=delimiter)
        header: list[str] = []
        try:
            for number, row in zip(range(ROWS_READ_MAX), read, strict=False):
                if number == 0:
                    header = row
                    continue
                yield [(header[at] if at < len(header) else str(at + 1), cell) for at, cell in enumerate(row)]
        except csv.Error:
            return  # no sheet after all, or one with a field beyond all bounds

    def cells(self) -> Iterator[tuple[str, str]]:
        """Column and text of each cell of those rows."""
        return (cell for row in self.rows() for cell in row)


def sheets(scene: Scene) -> Iterator[Sheet]:
    """Every export as every role that may have it."""
    for operation in scene.document.operations:
        for asker in scene.askers() if _exports(operation) else ():
            if (sheet := sheet_of(scene, operation, asker)) is not None:
                yield sheet


def sheet_of(scene: Scene, operation: Operation, asker: Asker) -> Sheet | None:
    """What an operation gives somebody who may call it, None where that is no sheet."""
    if not (_exports(operation) and (operation.is_safe or scene.world.target.allow.writes)):
        return None
    if (bool(asker.role) != operation.is_secured) or scene.permission(operation, asker).permitted is False:
        return None
    try:
        call = _fetched(scene, operation, asker)
    except (Untestable, HarnessError):
        return None
    if call is not None and (_SHEET.search(call[1].media_type) or ".csv" in call[1].header("content-disposition")):
        return Sheet(operation, asker, *call)
    return None


def _exports(operation: Operation) -> bool:
    """Whether an operation gives a sheet: a reading one by its name or its answers, one that posts its filters by its answers."""
    declared = declares_sheet(operation)
    return (
        declared
        if operation.method == "POST"
        else operation.method == "GET" and (declared or bool(_EXPORT.search(operation.path)))
    )


def declares_sheet(operation: Operation) -> bool:
    """Whether the document says that an operation gives one."""
    answers = (response for response in operation.responses if response.status.startswith("2"))
    return any(_SHEET.search(media_type) for response in answers for media_type in response.media_types)


def _fetched(scene: Scene, operation: Operation, asker: Asker) -> tuple[Request, Answer] | None:
    """The longest of some valid requests' answers: a filter that was made up leaves nothing in it."""
    found: list[tuple[Request, Answer]] = []
    for draft in islice(valid_drafts(scene, operation, asker), FILTERS_MAX):
        for wider in (draft, *_windows(scene, draft)):
            request = wider.request(asker.role, asker.user)
            answer = scene.ask(request)
            found += [(request, answer)] if answer.is_success else []
    return max(found, key=lambda pair: len(pair[1].content), default=None)


def _windows(scene: Scene, draft: Draft) -> Iterator[Draft]:
    """The same about other days, where it is about those from one to another: what there is may be of any of them."""
    days: dict[str, list[str]] = {}
    for parameter in draft.operation.placed("query"):
        form = scene.document.schemas.resolve(parameter.schema).get("format")
        if parameter.name in draft.query and form in ("date", "date-time"):
            time = "T00:00:00Z" if form == "date-time" else ""
            days[parameter.name] = [day.isoformat() + time for day in windows(parameter.name)]
    for window in zip(*days.values(), strict=True):
        if len(set(window)) > 1:
            yield replace(draft, query={**draft.query, **dict(zip(days, window, strict=True))})

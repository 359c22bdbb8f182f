"""Formulas in exports: a text that a caller stores and that a spreadsheet of somebody else runs when the export is opened."""

from __future__ import annotations

import csv
import io
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from harness.model.errors import HarnessError
from harness.model.finding import Request, Severity, Symptom
from harness.model.weakness import Place, Weakness
from harness.probes.answers import Answer
from harness.probes.calls import valid_drafts
from harness.probes.checks import Report, finding_of
from harness.probes.days import windows
from harness.probes.destruction import destructive
from harness.probes.drafts import Draft
from harness.probes.operations import Operation
from harness.probes.scene import Asker, Scene, Untestable

STARTS = ("=", "+", "-", "@", "\t=", "\r=")  # OWASP, CSV Injection: what spreadsheets take for a formula
WRITES_MAX = 60
DRAFTS_TRIED = 4
FILTERS_MAX = 4
ROWS_READ_MAX = 5_000
_SHEET = re.compile(r"text/csv|text/tab-separated-values|application/csv|spreadsheet|excel", re.I)
_EXPORT = re.compile(r"export|download|\.csv|/csv", re.I)
_FORMULA = re.compile(r"^[\t\r]?[=@]\s*[A-Za-z(+\-]|^[\t\r]?[+\-]\s*[A-Za-z]+\(|^=\d+[-+*/]")
_DANGEROUS = tuple("=+-@\t\r")

_WEAKNESS = Weakness(
    "abuse.csv-formula",
    Severity.MEDIUM,
    1236,
    "API8:2023",
    "A cell of an export that begins with =, +, -, @, a tab or a line break is made text.",
    "A caller stores a formula; whoever opens the export runs it, and it reads or sends away what else is on the sheet.",
    "Put an apostrophe before such a cell (and quotes around it) where the export is written, whatever the column.",
)


@dataclass(frozen=True)
class Sheet:
    """An export as somebody got it."""

    operation: Operation
    asker: Asker
    request: Request
    answer: Answer

    def cells(self) -> Iterator[tuple[str, str]]:
        """Column and text of each cell below the first row; a column without a name is its number."""
        first = self.answer.text.lstrip("\ufeff").split("\n", 1)[0]
        delimiter = max(",;\t", key=first.count)
        rows = csv.reader(io.StringIO(self.answer.text.lstrip("\ufeff"), newline=""), delimiter=delimiter)
        header: list[str] = []
        try:
            for number, row in zip(range(ROWS_READ_MAX), rows, strict=False):
                if number == 0:
                    header = row
                for column, cell in enumerate(row if number else ()):
                    yield (header[column] if column < len(header) else str(column + 1)), cell
        except csv.Error:
            return  # no sheet after all, or one with a field beyond all bounds


def examine_formulas(scene: Scene) -> Report:
    """What stands in exports already, then what can be put there through every text that the API takes."""
    report = Report("formulas")
    sheets = list(_sheets(scene))
    got = {sheet.operation.name for sheet in sheets}
    for operation in scene.document.operations:
        if _is_declared(operation) and operation.name not in got:
            report.leave_out(operation.name, "it gave nobody a spreadsheet, which the document promises")
    if not sheets:
        report.note = "no operation gives a spreadsheet"
        return report
    for sheet in sheets:
        report.tried += 1
        for column, cell in sheet.cells():
            if _FORMULA.search(cell):
                _say(report, sheet, column, f"It holds a cell that begins with {cell[:12]!r} already")
                break
    if scene.world.target.allow.writes:
        _store(scene, report)
    return report


def _sheets(scene: Scene) -> Iterator[Sheet]:
    """Every export as every role that may have it."""
    for operation in scene.document.operations:
        if not _exports(operation) or not (operation.is_safe or scene.world.target.allow.writes):
            continue
        for asker in scene.askers():
            if (bool(asker.role) != operation.is_secured) or scene.permission(operation, asker).permitted is False:
                continue
            try:
                call = _fetched(scene, operation, asker)
            except (Untestable, HarnessError):
                continue
            if call is not None and (_SHEET.search(call[1].media_type) or ".csv" in call[1].header("content-disposition")):
                yield Sheet(operation, asker, *call)


def _exports(operation: Operation) -> bool:
    """Whether an operation gives a sheet: a reading one by its name or its answers, one that posts its filters by its answers."""
    declared = _is_declared(operation)
    return (
        declared
        if operation.method == "POST"
        else operation.method == "GET" and (declared or bool(_EXPORT.search(operation.path)))
    )


def _is_declared(operation: Operation) -> bool:
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


def _store(scene: Scene, report: Report) -> None:
    """Stores a formula in each text, sees which come out of an export, and tries those in every other form."""
    stored: dict[str, tuple[Draft, str, Asker]] = {}
    places: set[tuple[str, str]] = set()  # operation and member: whose caller could store something
    for draft, member, asker in _texts(scene):
        if len(stored) >= WRITES_MAX:
            break
        if (draft.operation.name, member) in places:
            continue
        token = f"H{secrets.token_hex(5)}"
        if _written(scene, draft, member, asker, f"={token}"):
            stored[token] = (draft, member, asker)
            places.add((draft.operation.name, member))
    report.tried += len(stored)
    through = _found(scene, report, stored)
    for start in STARTS[1:]:
        again: dict[str, tuple[Draft, str, Asker]] = {}
        for draft, member, asker in through:
            token = f"H{secrets.token_hex(5)}"
            if _written(scene, draft, member, asker, f"{start}{token}"):
                again[token] = (draft, member, asker)
        if again:
            report.tried += len(again)
            _found(scene, report, again)


def _texts(scene: Scene) -> Iterator[tuple[Draft, str, Asker]]:
    """Every writing operation with a body, as each role that may call it, and each of its members that is a text."""
    apart = destructive(scene.document, scene.world.target)
    for operation in scene.document.operations:
        if operation.is_safe or operation.method == "DELETE" or operation.name in apart or operation.body is None:
            continue
        for asker in scene.callers(operation):
            try:
                draft = next(valid_drafts(scene, operation, asker), None)
            except (Untestable, HarnessError):
                continue
            if draft is None or not isinstance(draft.body, dict):
                continue
            for member, value in draft.body.items():
                if isinstance(value, str) and "${" not in value:
                    yield draft, member, asker


def _written(scene: Scene, draft: Draft, member: str, asker: Asker, text: str) -> bool:
    """Whether one of the first valid requests stores the text: the state of an object may refuse the others."""
    try:
        fresh = islice(
            (each for each in valid_drafts(scene, draft.operation, asker) if isinstance(each.body, dict)), DRAFTS_TRIED
        )
        return any(
            scene.ask(each.with_body({**each.body, member: text}).request(asker.role, asker.user)).is_success for each in fresh
        )
    except (Untestable, HarnessError):
        if not scene.world.door.alive():
            raise
        return False


def _found(scene: Scene, report: Report, stored: dict[str, tuple[Draft, str, Asker]]) -> list[tuple[Draft, str, Asker]]:
    """Those that come out of an export, as a formula (a finding) or as a text."""
    out: dict[str, tuple[Draft, str, Asker]] = {}
    if not stored:
        return []
    for sheet in _sheets(scene):
        for column, cell in sheet.cells():
            token = next((token for token in stored if token in cell), None)
            if token is None:
                continue
            out[token] = stored[token]
            if cell.startswith(_DANGEROUS):
                draft, member, asker = stored[token]
                how = f"{asker.title} stored it as {member} through {draft.operation.name}; it came out as {cell[:12]!r}"
                _say(report, sheet, column, how)
    return list(out.values())


def _say(report: Report, sheet: Sheet, column: str, observed: str) -> None:
    place = Place(sheet.operation.name, column, "")
    if any(finding.operation == place.operation and finding.parameter == column for finding in report.findings):
        return
    title = f"{sheet.operation.name} exports a formula in {column}"
    report.findings.append(finding_of(_WEAKNESS, place, title, f"{observed}.", (), Symptom()))

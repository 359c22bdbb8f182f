"""Formulas in exports: a text that a caller stores and that a spreadsheet of somebody else runs when the export is opened."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from itertools import islice

from harness.model.errors import HarnessError
from harness.model.finding import Severity, Symptom
from harness.model.weakness import Place, Weakness
from harness.probes.checks import Report, finding_of
from harness.probes.http.drafts import Draft
from harness.probes.scene.calls import valid_drafts
from harness.probes.scene.destruction import destructive
from harness.probes.scene.scene import Asker, Scene, Untestable
from harness.probes.scene.sheets import Sheet, declares_sheet, sheets

STARTS = ("=", "+", "-", "@", "\t=", "\r=")  # OWASP, CSV Injection: what spreadsheets take for a formula
WRITES_MAX = 60
DRAFTS_TRIED = 4
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


def examine_formulas(scene: Scene) -> Report:
    """What stands in exports already, then what can be put there through every text that the API takes."""
    report = Report("formulas")
    given = list(sheets(scene))
    got = {sheet.operation.name for sheet in given}
    for operation in scene.document.operations:
        if declares_sheet(operation) and operation.name not in got:
            report.leave_out(operation.name, "it gave nobody a spreadsheet, which the document promises")
    if not given:
        report.note = "no operation gives a spreadsheet"
        return report
    for sheet in given:
        report.tried += 1
        for column, cell in sheet.cells():
            if _FORMULA.search(cell):
                _say(report, sheet, column, f"It holds a cell that begins with {cell[:12]!r} already")
                break
    if scene.world.target.allow.writes:
        _store(scene, report)
    return report


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
    for sheet in sheets(scene):
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

"""What a suite says while it runs: one JSON object a line, so that a killed suite's words are kept.

The pytest plugin and the suites write through `Recorder`; an engine reads the file back through `read_records`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, TypeVar

from harness.evidence.codec import from_plain, to_plain
from harness.evidence.redaction import redact
from harness.model.evidence import Cell, DatabasePayload, OperationCases, Reach, TestResult
from harness.model.finding import Finding, Observation
from harness.model.waiver import Examined

T = TypeVar("T")


class Recorder:
    """Appends records to a file, or to memory alone where a suite runs outside of a run (`path` is None)."""

    def __init__(self, path: Path | None = None) -> None:
        self._file: TextIO | None = path.open("a", encoding="utf-8", buffering=1) if path else None
        self._findings: dict[str, Finding] = {}

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Fingerprints recorded so far, each once, in order."""
        return tuple(self._findings)

    def finding(self, finding: Finding) -> None:
        """A defect; a second one of the same fingerprint is dropped: the same defect is said once."""
        if finding.fingerprint not in self._findings:
            self._findings[finding.fingerprint] = finding
            self._write("finding", finding)

    def observation(self, observation: Observation) -> None:
        """Something noticed that is no defect."""
        self._write("observation", observation)

    def cell(self, cell: Cell) -> None:
        """One cell of the authorization matrix, tried or not."""
        self._write("cell", cell)

    def cases(self, cases: OperationCases) -> None:
        """What one role did to one operation; several records of the same pair are added up."""
        self._write("cases", cases)

    def reach(self, reach: Reach) -> None:
        """How much of the target an engine reached."""
        self._write("reach", reach)

    def examined(self, examined: Examined) -> None:
        """That some rules were tried on some operations: without it, nothing that they found before is called fixed."""
        self._write("examined", examined)

    def database(self, payload: DatabasePayload) -> None:
        """What the examination of the database came to; the last one counts."""
        self._write("database", payload)

    def untested(self, operation: str, why: str) -> None:
        """An operation that could not be tested."""
        self._write("untested", {"operation": operation, "why": why})

    def document(
        self, name: str, operations: tuple[str, ...], phases: tuple[str, ...], parameters: Mapping[str, int] | None = None
    ) -> None:
        """The document that was tested, its operations (with how many parameters), and the phases that ran to their end."""
        record = DocumentRecord(name, operations, phases, dict(parameters or {}))
        self._write("document", record)

    def parameters(self, engine: str, count: int) -> None:
        """Into how many places an engine put values; it belongs to the reach that it told, or will tell."""
        self._write("parameters", {"engine": engine, "count": count})

    def collected(self, count: int) -> None:
        """How many tests were collected."""
        self._write("collected", {"count": count})

    def test(self, result: TestResult) -> None:
        """How one test ended."""
        self._write("test", result)

    def progress(self, text: str) -> None:
        """What a long step is doing now, for the progress line: `fuzzing as partner 412 cases`."""
        self._write("progress", {"text": text})

    def target(self, *, alive: bool, note: str = "") -> None:
        """Whether the target still served when the suite ended."""
        self._write("target", {"alive": alive, "note": note})

    def close(self) -> None:
        """Ends the file."""
        if self._file:
            self._file.close()
            self._file = None

    def _write(self, kind: str, data: Any) -> None:
        if self._file:
            line = json.dumps({"record": kind, "data": to_plain(data)}, ensure_ascii=False)
            self._file.write(redact(line) + "\n")


@dataclass(frozen=True)
class DocumentRecord:
    """Which document was tested."""

    name: str
    operations: tuple[str, ...]
    phases: tuple[str, ...]
    parameters: dict[str, int] = field(default_factory=dict)


@dataclass
class Records:
    """Everything that one suite said. `broken_lines` counts lines that could not be read (a kill in mid-write leaves one)."""

    findings: dict[str, Finding] = field(default_factory=dict)
    observations: list[Observation] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    cases: list[OperationCases] = field(default_factory=list)
    reach: list[Reach] = field(default_factory=list)
    parameters: dict[str, int] = field(default_factory=dict)  # by engine
    examined: list[Examined] = field(default_factory=list)
    untested: dict[str, str] = field(default_factory=dict)
    documents: list[DocumentRecord] = field(default_factory=list)
    tests: list[TestResult] = field(default_factory=list)
    database: DatabasePayload | None = None
    collected: int = 0
    target_alive: bool | None = None
    target_note: str = ""
    progress: str = ""
    broken_lines: int = 0


def read_records(path: Path) -> Records:
    """Reads what a suite left; a file that is not there is an empty record (and so no evidence)."""
    records = Records()
    if not path.is_file():
        return records
    for kind, data in _lines(path, records):
        _take(records, kind, data)
    return records


def _lines(path: Path, records: Records) -> Iterator[tuple[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                entry = json.loads(line)
                yield entry["record"], entry["data"]
            except (ValueError, KeyError, TypeError):
                records.broken_lines += 1


def _take(records: Records, kind: str, data: Any) -> None:
    match kind:
        case "finding":
            finding = _typed(Finding, data)
            records.findings.setdefault(finding.fingerprint, finding)
        case "observation":
            records.observations.append(_typed(Observation, data))
        case "cell":
            records.cells.append(_typed(Cell, data))
        case "cases":
            records.cases.append(_typed(OperationCases, data))
        case "reach":
            records.reach.append(_typed(Reach, data))
        case "examined":
            records.examined.append(_typed(Examined, data))
        case "database":
            records.database = _typed(DatabasePayload, data)
        case "test":
            records.tests.append(_typed(TestResult, data))
        case _:
            _take_plain(records, kind, data)


def _take_plain(records: Records, kind: str, data: Any) -> None:
    match kind:
        case "untested":
            records.untested[data["operation"]] = data["why"]
        case "document":
            records.documents.append(_typed(DocumentRecord, data))
        case "parameters":
            records.parameters[data["engine"]] = data["count"]
        case "collected":
            records.collected = data["count"]
        case "progress":
            records.progress = data["text"]
        case "target":
            if records.target_alive is not False:  # one dead target of a suite is not made good by the next
                records.target_alive, records.target_note = data["alive"], data["note"]
        case _:
            records.broken_lines += 1


def _typed(cls: type[T], data: Any) -> T:
    return from_plain(cls, data, where="record")

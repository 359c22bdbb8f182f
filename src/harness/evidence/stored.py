"""Reads a run back: everything that judging and reporting need, and nothing from outside the folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from harness.evidence.codec import from_json
from harness.evidence.files import digest_of, read_sums
from harness.evidence.folder import (
    HISTORY_FILE,
    KNOWN_COPY,
    LEDGER_RESULT_FILE,
    MANIFEST_FILE,
    STAGE_EVIDENCE_FILE,
    VERDICT_FILE,
    EvidenceList,
)
from harness.evidence.known import parse_known
from harness.findings.examined import examined
from harness.findings.merge import merged
from harness.model.errors import EvidenceError
from harness.model.evidence import (
    AuthorizationPayload,
    ContractPayload,
    CoveragePayload,
    DatabasePayload,
    Evidence,
    FindingsPayload,
    Kind,
    State,
    TestsPayload,
)
from harness.model.finding import Finding, Observation
from harness.model.load import LoadResult
from harness.model.run import LedgerRecord, Manifest, VerdictRecord
from harness.model.waiver import Examined, History, KnownBase

T = TypeVar("T")

PAYLOADS: dict[Kind, type] = {
    Kind.TESTS: TestsPayload,
    Kind.COVERAGE: CoveragePayload,
    Kind.CONTRACT: ContractPayload,
    Kind.AUTHORIZATION: AuthorizationPayload,
    Kind.DATABASE: DatabasePayload,
    Kind.FINDINGS: FindingsPayload,
    Kind.LOAD: LoadResult,
}


@dataclass(frozen=True)
class StoredRun:
    """A run as it lies on disk."""

    folder: Path

    @cached_property
    def manifest(self) -> Manifest:
        """What was asked, and how far it came."""
        return self._read(Manifest, MANIFEST_FILE)

    @cached_property
    def verdict(self) -> VerdictRecord:
        """The verdict that was stored when the run was judged."""
        return self._read(VerdictRecord, VERDICT_FILE)

    @cached_property
    def ledger(self) -> LedgerRecord:
        """What the run says of the ledger."""
        return self._read(LedgerRecord, LEDGER_RESULT_FILE)

    @cached_property
    def evidence(self) -> tuple[Evidence, ...]:
        """All evidence, in the order of the stages."""
        files = sorted(self.folder.glob(f"stages/*/{STAGE_EVIDENCE_FILE}"), key=_stage_number)
        lists = [from_json(EvidenceList, path.read_bytes(), where=str(path)) for path in files]
        return tuple(evidence for entry in lists for evidence in entry.evidence)

    def intact(self, evidence: Evidence) -> bool:
        """Whether the file is there and its digest is the one that the stage wrote down."""
        path = self.folder / evidence.file
        return path.is_file() and digest_of(path) == evidence.digest

    def payload(self, evidence: Evidence) -> Any:
        """The typed payload of a kind of evidence (see `PAYLOADS`)."""
        return self._read(PAYLOADS[evidence.kind], evidence.file)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding, each fingerprint once, the worst first."""
        intact = [evidence for evidence in self.evidence if self.intact(evidence)]
        return merged(finding for evidence in intact for finding in getattr(self.payload(evidence), "findings", ()))

    @cached_property
    def examined(self) -> tuple[Examined, ...]:
        """The rules that were tried, by evidence that is whole: what a cut-off stage tried says nothing for sure."""
        whole = [evidence for evidence in self.evidence if evidence.state is State.RAN and self.intact(evidence)]
        return tuple(entry for evidence in whole for entry in examined(self.payload(evidence)))

    @cached_property
    def known(self) -> KnownBase | None:
        """The run's own copy of the base; `None` where there was none.

        Raises:
            ConfigError: it is something else.
        """
        path = self.folder / KNOWN_COPY
        return parse_known(path.read_bytes(), f"{self.folder.name}/{KNOWN_COPY}") if path.is_file() else None

    @cached_property
    def observations(self) -> tuple[Observation, ...]:
        """Everything noticed that is no defect."""
        intact = [evidence for evidence in self.evidence if self.intact(evidence)]
        return tuple(note for evidence in intact for note in getattr(self.payload(evidence), "observations", ()))

    @cached_property
    def history(self) -> History:
        """The findings over time, as they were stored when the run was judged; empty for a run that never was."""
        return self._read(History, HISTORY_FILE) if (self.folder / HISTORY_FILE).is_file() else History("")

    def tampered(self) -> tuple[str, ...]:
        """Files whose digest is not the sealed one: such a run is not judged."""
        sums = read_sums(self.folder)
        return tuple(name for name, digest in sums.items() if _differs(self.folder / name, digest))

    def text(self, name: str) -> str:
        """A file of the run as text.

        Raises:
            EvidenceError: it is not there.
        """
        path = self.folder / name
        if not path.is_file():
            raise EvidenceError(f"{self.folder}: no {name}", hint="this is not the folder of a run, or the run was cut off early")
        return path.read_text(encoding="utf-8")

    def _read(self, cls: type[T], name: str) -> T:
        return from_json(cls, self.text(name), where=name)


def _stage_number(path: Path) -> int:
    match = re.match(r"\d+", path.parent.name)
    return int(match.group()) if match else 0


def _differs(path: Path, digest: str) -> bool:
    return not path.is_file() or digest_of(path) != digest


def find_run(name: str, runs: Path) -> StoredRun:
    """The run named by its folder, its id, the beginning of its id, or `latest`.

    Raises:
        EvidenceError: there is none of that name, or more than one.
    """
    for path in (Path(name), runs / name, runs.parent / name):
        if (path / MANIFEST_FILE).is_file():
            return StoredRun(path.resolve())
    matches = [path for path in sorted(runs.glob(f"*{name}*")) if (path / MANIFEST_FILE).is_file()] if name else []
    if len(matches) == 1:
        return StoredRun(matches[0])
    known = ", ".join(path.name for path in sorted(runs.glob("*Z-*"))[-3:]) or "none yet"
    what = f"{len(matches)} runs match {name!r}" if matches else f"no run {name!r}"
    raise EvidenceError(f"{what} in {runs}", hint=f"the newest runs: {known}; or say `latest`")

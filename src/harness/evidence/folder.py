"""The folder of one run: where everything lies, and how it is written while the run goes on."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.evidence.codec import to_json
from harness.evidence.files import digest_of, write_atomic, write_sums
from harness.evidence.redaction import redact
from harness.model.evidence import Counts, Evidence, Kind, State
from harness.model.run import Manifest

MANIFEST_FILE = "manifest.json"
CONFIG_FILE = "config.effective.toml"
LEDGER_FILE = "ledger.toml"
WAIVERS_COPY = "waivers.toml"
KNOWN_COPY = "known.json"
HISTORY_FILE = "findings.history.json"
FINDINGS_TABLE = "findings.csv"
CHECKS_FILE = "checks.json"
FAULTS_FILE = "faults.results.json"
VERDICT_FILE = "verdict.json"
FINDINGS_FILE = "findings.json"
LEDGER_RESULT_FILE = "ledger.json"
EVENTS_FILE = "events.ndjson"
STAGE_EVIDENCE_FILE = "evidence.json"


@dataclass(frozen=True)
class EvidenceList:
    """The evidence of one stage, as `stages/<n>-<name>/evidence.json` holds it."""

    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class RunFolder:
    """A run folder that is being written."""

    path: Path

    @property
    def id(self) -> str:
        """The run's id: the folder's name."""
        return self.path.name

    def write_manifest(self, manifest: Manifest) -> None:
        """Replaces `manifest.json`."""
        write_atomic(self.path / MANIFEST_FILE, redact(to_json(manifest)))

    def write(self, name: str, content: str | bytes) -> Path:
        """Writes one file of the run; texts are redacted."""
        return write_atomic(self.path / name, redact(content) if isinstance(content, str) else content)

    def stage(self, number: int, name: str) -> Path:
        """The folder of a stage, made with its `raw/` and `artefacts/`."""
        folder = self.path / "stages" / f"{number}-{name}"
        for sub in ("raw", "artefacts"):
            (folder / sub).mkdir(parents=True, exist_ok=True)
        return folder

    def add_payload(self, draft: EvidenceDraft, payload: Any) -> Evidence:
        """Writes a payload as `evidence/<stage>-<kind>.json` and returns the evidence that names it."""
        path = self.write(f"evidence/{draft.stage}-{draft.kind}.json", to_json(payload))
        return Evidence(
            stage=draft.stage,
            kind=draft.kind,
            state=draft.state,
            file=path.relative_to(self.path).as_posix(),
            digest=digest_of(path),
            started=draft.started,
            ended=now(),
            tool=draft.tool,
            tool_version=draft.tool_version,
            counts=draft.counts,
            reason=redact(draft.reason),
        )

    def write_evidence(self, stage_folder: Path, evidence: Iterable[Evidence]) -> None:
        """Writes the list of a stage's evidence, once it is complete."""
        write_atomic(stage_folder / STAGE_EVIDENCE_FILE, to_json(EvidenceList(tuple(evidence))))

    def seal(self) -> None:
        """Writes the digests of all files."""
        write_sums(self.path)


_NOTHING = Counts()


@dataclass(frozen=True)
class EvidenceDraft:
    """What an engine says of its evidence before the file is written."""

    stage: str
    kind: Kind
    state: State
    started: str
    tool: str
    tool_version: str
    counts: Counts = _NOTHING
    reason: str = ""


def now() -> str:
    """The time, UTC, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def create_run_folder(runs: Path) -> RunFolder:
    """Makes `<UTC time>-<short id>` below `runs`."""
    path = runs / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    path.mkdir(parents=True)
    return RunFolder(path)


def point_latest(runs: Path, run: RunFolder) -> None:
    """Points `latest` beside the runs at this run, by rename."""
    link = runs.parent / "latest"
    draft = runs.parent / f".latest.{run.id}"
    draft.symlink_to(run.path.resolve())
    draft.replace(link)

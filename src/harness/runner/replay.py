"""Sends a finding's requests again, on a fresh target with the same data, and looks for its symptom.

What no request shows is examined once more: by the witness where only the database shows it, else by what found it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.engines.contract import again as contract
from harness.engines.process import Stop
from harness.events import Event
from harness.evidence.stored import StoredRun
from harness.model.errors import EvidenceError
from harness.model.finding import Finding, Request
from harness.model.verdict import Verdict
from harness.probes.again import exchanged_again
from harness.probes.checks import DIED
from harness.probes.examinations import Examination, Found, examination_of, has_requests
from harness.probes.http.answers import Answer
from harness.probes.http.exchange import TargetDied
from harness.probes.openapi.document import Document
from harness.probes.symptoms import shows
from harness.report.reproduction import can_be_replayed
from harness.runner.preflight import standing
from harness.runner.request import RunRequest
from harness.targets.arena import Arena
from harness.targets.documents import document_of
from harness.witness.examination import examine
from harness.witness.wording import STAGE as WITNESSED

_WITHOUT_REQUEST = "no request can show it: it was found by looking at more than one answer"
_WITHOUT_SYMPTOM = "the engine that found it does not say what in the answer shows it"


@dataclass(frozen=True)
class Step:
    """One request that was sent again, and what came back."""

    request: Request
    answer: Answer


@dataclass(frozen=True)
class Replay:
    """What became of a finding: FAIL where its symptom shows, PASS where it does not, UNKNOWN where nothing can be sent."""

    finding: Finding
    verdict: Verdict
    reason: str
    steps: tuple[Step, ...] = ()


def find_finding(run: StoredRun, prefix: str) -> Finding:
    """The finding of a run whose fingerprint begins so.

    Raises:
        EvidenceError: there is none, or more than one.
    """
    matches = [finding for finding in run.findings if finding.fingerprint.startswith(prefix)]
    if len(matches) == 1:
        return matches[0]
    known = ", ".join(finding.fingerprint for finding in run.findings[:5]) or "it has none"
    raise EvidenceError(
        f"{run.folder.name}: {len(matches)} findings begin with {prefix!r}", hint=f"findings of this run: {known}"
    )


def _examination(finding: Finding) -> Examination | None:
    return contract.examination_of(finding) or examination_of(finding)


def replay(finding: Finding, request: RunRequest, folder: Path, say: Callable[[Event], None], stop: Stop) -> Replay:
    """Replays a finding on a target of its own.

    Raises:
        PreflightError, TargetError: the target could not be prepared.
    """
    look = None if has_requests(finding) or finding.stage == WITNESSED else _examination(finding)
    if not can_be_replayed(finding):
        why = _WITHOUT_SYMPTOM if finding.steps else _WITHOUT_REQUEST
        return Replay(finding, Verdict.UNKNOWN, f"{why}; run its stage again: harness verify {finding.stage}")
    with standing(request, folder, say, stop) as ground:
        arena = Arena(ground.arena)
        if look is not None:
            return _examined(finding, arena, lambda document: look(arena, document, request.seed))
        try:
            with arena.fresh("replay") as live:
                steps = tuple(Step(step, answer) for step, answer in exchanged_again(live, finding.steps))
        except TargetDied as died:
            return Replay(finding, Verdict.FAIL if finding.rule == DIED.rule else Verdict.UNKNOWN, str(died))
        if finding.stage == WITNESSED:
            return _examined(finding, arena, lambda document: _witnessed(arena, document, request.seed, finding.operation), steps)
    if shows(finding.symptom, steps[-1].answer):
        return Replay(finding, Verdict.FAIL, "the defect is still there", steps)
    return Replay(finding, Verdict.PASS, "the defect does not show any more", steps)


def _witnessed(arena: Arena, document: Document, seed: int, operation: str) -> Found:
    """What only the database shows, of the finding's operation alone."""
    done = examine(arena, document, seed, only=(operation,))
    return Found(done.payload().findings, done.unwatched or done.died)


def _examined(finding: Finding, arena: Arena, look: Callable[[Document], Found], steps: tuple[Step, ...] = ()) -> Replay:
    document = document_of(arena)
    if document is None:
        return Replay(finding, Verdict.UNKNOWN, "the target gives no OpenAPI document any more", steps)
    found = look(document)
    again = next((each for each in found.findings if each.fingerprint == finding.fingerprint), None)
    if again is not None:
        return Replay(again, Verdict.FAIL, "the defect is still there", steps)
    if found.gap:
        return Replay(finding, Verdict.UNKNOWN, found.gap, steps)
    return Replay(finding, Verdict.PASS, "the defect does not show any more", steps)

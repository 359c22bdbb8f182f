"""Sends a finding's requests again, on a fresh target with the same data, and looks for its symptom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.engines.process import Stop
from harness.events import Event
from harness.evidence.stored import StoredRun
from harness.model.errors import EvidenceError
from harness.model.finding import Finding, Request, Symptom
from harness.model.verdict import Verdict
from harness.probes.again import exchanged_again
from harness.probes.exchange import Answer
from harness.probes.symptoms import shows
from harness.runner.preflight import standing
from harness.runner.request import RunRequest
from harness.targets.arena import Arena
from harness.targets.documents import document_of
from harness.witness.examination import examine
from harness.witness.wording import STAGE


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


def replay(finding: Finding, request: RunRequest, folder: Path, say: Callable[[Event], None], stop: Stop) -> Replay:
    """Replays a finding on a target of its own.

    Raises:
        PreflightError, TargetError: the target could not be prepared.
    """
    if not finding.steps:
        return Replay(finding, Verdict.UNKNOWN, "no request can show it: it was found by looking at more than one answer")
    if finding.symptom == Symptom() and finding.stage != STAGE:
        return Replay(finding, Verdict.UNKNOWN, "the engine that found it does not say what in the answer shows it")
    with standing(request, folder, say, stop) as ground:
        arena = Arena(ground.arena)
        with arena.fresh("replay") as live:
            steps = tuple(Step(step, answer) for step, answer in exchanged_again(live, finding.steps))
        if finding.stage == STAGE:
            return _examined(finding, arena, request.seed, steps)
    if shows(finding.symptom, steps[-1].answer):
        return Replay(finding, Verdict.FAIL, "the defect is still there", steps)
    return Replay(finding, Verdict.PASS, "the defect does not show any more", steps)


def _examined(finding: Finding, arena: Arena, seed: int, steps: tuple[Step, ...]) -> Replay:
    """What only the database shows is examined again, on the finding's operation alone."""
    document = document_of(arena)
    if document is None:
        return Replay(finding, Verdict.UNKNOWN, "the target gives no OpenAPI document any more", steps)
    done = examine(arena, document, seed, only=finding.operation)
    if done.unwatched or done.died:
        return Replay(finding, Verdict.UNKNOWN, done.unwatched or done.died, steps)
    again = next((each for each in done.payload().findings if each.fingerprint == finding.fingerprint), None)
    if again is not None:
        return Replay(again, Verdict.FAIL, "the defect is still there", steps)
    return Replay(finding, Verdict.PASS, "the defect does not show any more", steps)

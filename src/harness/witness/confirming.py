"""What the database shows is looked for once more, on another fresh target, before it is said to be certain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from harness.model.errors import HarnessError
from harness.model.evidence import DatabasePayload
from harness.model.finding import Confidence, Finding
from harness.probes.openapi.document import Document
from harness.witness.examination import Examination, Grounds, examine


def examine_twice(
    grounds: Grounds,
    document: Document,
    seed: int,
    say: Callable[[str], None] = lambda _text: None,
    keep: Callable[[DatabasePayload], None] = lambda _so_far: None,
) -> Examination:
    """Examines a target, and the operations of what was found on a second one.

    Not seen again: low confidence, shown and not judged. Where the second one could not be examined to its end: medium at most.

    Args:
        say: gets what is being done, for the progress line.
        keep: gets what was seen so far, after each step of the first examination.
    """
    done = examine(grounds, document, seed, say, keep=keep)
    operations = frozenset(finding.operation for report in done.oracles.values() for finding in report.findings)
    if not operations:
        return done
    seen, is_whole = _seen(grounds, document, seed, lambda text: say(f"{text} once more"), operations)
    for report in done.oracles.values():
        report.findings = [_rated(finding, again=finding.fingerprint in seen, is_whole=is_whole) for finding in report.findings]
    return done


def _seen(
    grounds: Grounds, document: Document, seed: int, say: Callable[[str], None], operations: frozenset[str]
) -> tuple[set[str], bool]:
    """The fingerprints of what a second examination finds, and whether it came to its end."""
    try:
        again = examine(grounds, document, seed, say, only=operations)
    except HarnessError:
        return set(), False
    return {finding.fingerprint for finding in again.payload().findings}, not (again.died or again.unwatched)


def _rated(finding: Finding, *, again: bool, is_whole: bool) -> Finding:
    if again:
        return finding
    if is_whole:
        return replace(finding, confidence=Confidence.LOW)
    return replace(finding, confidence=Confidence.MEDIUM) if finding.confidence is Confidence.HIGH else finding

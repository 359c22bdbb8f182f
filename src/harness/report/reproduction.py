"""The command that shows a defect again."""

from __future__ import annotations

from harness.model.finding import Finding
from harness.probes.examinations import examination_of, has_requests
from harness.witness.wording import STAGE as WITNESSED

COMPARED_AGAIN = frozenset(("contract.drift", "contract.document-unreadable", "contract.breaking-change", "contract.logged-out"))
"""What the engine of the contract examines again; reports know no engine, so the names stand here too."""


def can_be_replayed(finding: Finding) -> bool:
    """Whether there are requests that show it, or an examination that finds it again."""
    is_compared = finding.stage == "contract" and finding.rule in COMPARED_AGAIN
    return has_requests(finding) or finding.stage == WITNESSED or is_compared or examination_of(finding) is not None


def command_of(finding: Finding) -> str:
    """`harness replay …`, or its stage once more where nothing else shows it."""
    return f"harness replay {finding.fingerprint}" if can_be_replayed(finding) else f"harness verify {finding.stage}"

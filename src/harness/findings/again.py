"""The command that shows a defect again."""

from __future__ import annotations

from harness.model.finding import Finding

_DEATH = ".target-died"


def command_of(finding: Finding) -> str:
    """`harness replay …`; the finding's stage once more for a service that ended without a request that was seen to end it."""
    if finding.rule.endswith(_DEATH) and not finding.steps:
        return f"harness verify {finding.stage}"
    return f"harness replay {finding.fingerprint}"

"""How the tests of this suite examine, record and end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.evidence.records import Recorder
from harness.model.errors import TargetError
from harness.model.finding import Confidence
from harness.probes.again import ended, examined_twice, seen_again
from harness.probes.checks import Report
from harness.probes.http.door import Door
from harness.probes.scene.scene import Scene
from harness.probes.shared import SharedTarget
from harness.targets.arena import Arena


class Judge:
    """Runs examinations, sees again on a fresh target what they find, records it, and ends the test accordingly."""

    def __init__(self, arena: Arena, shared: SharedTarget, record: Recorder) -> None:
        self._arena, self._shared, self._record = arena, shared, record

    def together(self, name: str, examine: Callable[[Scene], Report]) -> None:
        """An examination on the target that this suite shares."""
        self.settle(name, self._shared.examined(name, examine))

    def twice(self, name: str, examine: Callable[[], Report]) -> None:
        """An examination that takes the targets that it needs by itself."""
        self.settle(name, seen_again(ended(name, examine), self._arena, lambda: ended(name, examine)))

    def alone(self, name: str, examine: Callable[[Door], Report]) -> None:
        """An examination that leaves a target in a state that no other should find: it has one of its own."""
        self.settle(name, examined_twice(self._arena, name, examine))

    def settle(self, name: str, report: Report) -> None:
        """Records a report; the test fails on what is more than a guess, and is skipped where there is nothing to try.

        Raises:
            TargetError: nothing can be said: it was ended before its end, or none of what there is could be tried.
        """
        self._record.progress(f"examined {name}")
        if report.parameters:
            self._record.parameters("tour", report.parameters)
        for finding in report.findings:
            self._record.finding(finding)
        for observation in report.noticed:
            self._record.observation(observation)
        sure = [finding for finding in report.findings if finding.confidence is not Confidence.LOW]
        assert not sure, "\n".join(f"{finding.title}: {finding.observed} {finding.advice}" for finding in sure)
        if report.gap:
            raise TargetError(f"{name}: {report.gap}")
        if not report.tried:
            pytest.skip(report.note or "there was nothing to try")

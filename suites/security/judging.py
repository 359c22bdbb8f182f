"""How the tests of this suite examine, record and end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.evidence.records import Recorder
from harness.model.errors import TargetError
from harness.model.finding import Confidence
from harness.probes.again import examined_twice, in_scene, seen_again
from harness.probes.checks import Report
from harness.probes.door import Door
from harness.probes.scene import Scene
from harness.targets.arena import Arena


class Judge:
    """Runs examinations, sees again on a fresh target what they find, records it, and ends the test accordingly."""

    def __init__(self, arena: Arena, scene: Scene, record: Recorder) -> None:
        self._arena, self._scene, self._record = arena, scene, record

    def together(self, name: str, examine: Callable[[Scene], Report]) -> None:
        """An examination on the target that this suite shares."""
        scene = self._scene

        def again() -> Report:
            with self._arena.fresh("again") as door:
                return in_scene(scene.document, scene.seed, examine)(door)

        self.settle(name, seen_again(examine(scene), self._arena, again))

    def alone(self, name: str, examine: Callable[[Door], Report]) -> None:
        """An examination that leaves a target in a state that no other should find: it has one of its own."""
        self.settle(name, examined_twice(self._arena, name, examine))

    def settle(self, name: str, report: Report) -> None:
        """Records a report; the test fails on what is more than a guess, and is skipped where nothing was tried.

        Raises:
            TargetError: it was ended before its end.
        """
        self._record.progress(f"examined {name}")
        for finding in report.findings:
            self._record.finding(finding)
        for observation in report.observations:
            self._record.observation(observation)
        sure = [finding for finding in report.findings if finding.confidence is not Confidence.LOW]
        assert not sure, "\n".join(f"{finding.title}: {finding.observed} {finding.advice}" for finding in sure)
        if report.broken:
            raise TargetError(f"{name} could not be examined to the end: {report.broken}")
        if not report.tried:
            pytest.skip(report.note or "there was nothing to try")

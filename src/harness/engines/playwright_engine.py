"""Engine `playwright`: what people do in a browser, with traces and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import ClassVar

from harness.engines.engine import StageJob, StageOutcome
from harness.engines.suite import Payload, run_suite
from harness.evidence.records import Records
from harness.model.evidence import Kind


class PlaywrightEngine:
    """Runs the browser flows."""

    name: ClassVar[str] = "playwright"
    about: ClassVar[str] = "browser flows by role, in a real headless Chromium, with a trace and pictures of each"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.TESTS,)

    def run(self, job: StageJob) -> StageOutcome:
        """Runs the flows; pictures and traces are under the stage's `artefacts/`."""
        return run_suite(job, _nothing_else, tool="playwright", version=version("playwright"))


def _nothing_else(_job: StageJob, _records: Records) -> Sequence[Payload]:
    return ()

"""Engine `pytest`: unit tests of the platform's own functions, with their coverage, and tests of how it is run."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import ClassVar

from harness.engines.engine import StageJob, StageOutcome
from harness.engines.suite import Payload, run_suite
from harness.evidence.records import Records
from harness.model.evidence import Kind


class PytestEngine:
    """Runs a suite that needs nothing but pytest."""

    name: ClassVar[str] = "pytest"
    about: ClassVar[str] = (
        "tests that need nothing but pytest: of functions, measured by coverage.py, and of how the platform is run"
    )
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.TESTS,)

    def run(self, job: StageJob) -> StageOutcome:
        """Runs the suite, cases drawn from the run's seed; with a coverage configuration its data goes beside the servers'."""
        measured = [f"--cov-config={job.coverage_config}", "--cov", "--cov-report="] if job.coverage_config else []
        extra = [f"--hypothesis-seed={job.seed}", *measured]
        return run_suite(job, _nothing_else, tool="pytest", version=version("pytest"), extra=extra)


def _nothing_else(_job: StageJob, _records: Records) -> Sequence[Payload]:
    return ()

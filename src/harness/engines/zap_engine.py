"""Engine `zap`: OWASP ZAP as each role, driven by a generated automation plan, believed only by its own counters."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import ClassVar

from harness.engines.engine import StageJob, StageOutcome
from harness.engines.zap.alerts import ENGINE
from harness.engines.zap.daemon import MEMORY_MB, opened
from harness.engines.zap.profiles import DEFAULT_PROFILE, load_scan_profile
from harness.engines.zap.rounds import Rounds, add_checks, check, plotted
from harness.engines.zap.source import NoZap, find_zap
from harness.evidence.folder import EvidenceDraft, now
from harness.model.errors import HarnessError
from harness.model.evidence import Kind, State
from harness.model.run import StageState
from harness.targets.arena import Arena
from harness.targets.safety import refusal


class ZapEngine:
    """Runs a scan profile of ZAP as every role."""

    name: ClassVar[str] = ENGINE
    about: ClassVar[str] = "OWASP ZAP as every role, by a scan profile of security/zap"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.TESTS, Kind.FINDINGS)

    def run(self, job: StageJob) -> StageOutcome:
        """Scans. Without a ZAP the stage has failed, which leaves its gate without evidence; so has one that attacked nothing."""
        source = find_zap()
        if isinstance(source, NoZap):
            return _none(job, f"no ZAP: {source.reason}; get one: {source.command}")
        started, clock = now(), time.monotonic()
        profile = load_scan_profile(job.root, job.stage.profile or DEFAULT_PROFILE)
        gaps = []
        if profile.is_active and (refused := refusal(job.target, "active_scan")):
            profile = profile.without_attacks()
            gaps.append(refused.reason)
        if not profile.is_active:
            gaps.append(f"the scan profile {profile.name} looked and attacked nothing")
        memory_mb = job.stage.options.get("memory_mb", MEMORY_MB)
        given_up = Event()
        with _put_back(job, gaps), ThreadPoolExecutor(1) as beside:
            plotting = beside.submit(plotted, job, given_up)  # while ZAP starts
            try:
                with opened(source, job.folder / "raw", memory_mb=memory_mb, stop=job.stop) as daemon:
                    rounds = Rounds(job, daemon, profile, plotting.result(), clock, gaps)
                    rounds.run()
            finally:
                given_up.set()
        evidence = rounds.evidence(started)
        return StageOutcome(StageState(str(evidence[0].state)), evidence, rounds.plans_s, evidence[0].reason)


@contextmanager
def _put_back(job: StageJob, gaps: list[str]) -> Iterator[None]:
    """Puts the target's data back at the end, however the scan ends: whoever uses it next finds nothing of the attacks."""
    try:
        yield
    finally:
        try:
            Arena(job.arena).reset()
        except HarnessError as error:  # what the scan found stands, and so does why it broke off
            gaps.append(f"after the scan the target's data was not put back: {error.message}")


def _none(job: StageJob, reason: str) -> StageOutcome:
    draft = EvidenceDraft(job.stage.name, Kind.TESTS, State.FAILED, now(), ENGINE, "", reason=reason)
    return StageOutcome(StageState.FAILED, (add_checks(job, draft, (check("scan", reason),)),), 0.0, reason)

"""Engine `locust`: a load profile at true arrival rates, against a server without instrumentation."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import ClassVar

from harness.config.load_profiles import LOAD_FOLDER, load_profile
from harness.engines.engine import StageJob, StageOutcome
from harness.engines.locust import LoadJob, LoadTarget, run_load
from harness.evidence.folder import EvidenceDraft, now
from harness.model.evidence import Counts, Kind, State
from harness.model.load import LoadProgress, LoadResult
from harness.model.run import StageState
from harness.targets.arena import Arena
from harness.targets.live import LiveTarget
from harness.targets.safety import refusal


class LocustEngine:
    """Runs a load profile."""

    name: ClassVar[str] = "locust"
    about: ClassVar[str] = "visitors at an arrival rate, whatever the target does; latency from the intended start"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.LOAD,)

    def run(self, job: StageJob) -> StageOutcome:
        """Starts a target of its own and sends the stage's profile to it."""
        if refused := refusal(job.target, "load"):
            return StageOutcome(StageState.SKIPPED, (), 0.0, refused.reason)
        if job.stage.role and job.stage.role not in job.target.role_names:
            reason = f'{job.target.name} has no role "{job.stage.role}", as which the journey logs in'
            return StageOutcome(StageState.SKIPPED, (), 0.0, reason)
        started, clock = now(), time.monotonic()
        with Arena(job.arena).fresh("load") as live:
            result = run_load(_load_job(job, live, clock), stop=job.stop, progress=lambda p: _say(job, p))
            alive = live.alive()
        state, reason = _state(result, alive)
        counts = Counts(result.intended, result.completed, result.begun - result.completed, result.intended - result.begun)
        draft = EvidenceDraft(job.stage.name, Kind.LOAD, state, started, "locust", version("locust"), counts, reason)
        evidence = job.run.add_payload(draft, result)
        return StageOutcome(StageState(str(state)), (evidence,), time.monotonic() - clock, reason)


def _load_job(job: StageJob, live: LiveTarget, clock: float) -> LoadJob:
    role = live.target.role(job.stage.role or live.target.roles[0].name)
    return LoadJob(
        target=LoadTarget(
            live.base_url, role.name, role.login, role.users[:1], seeded=bool(live.target.commands.seed), pid=live.pid
        ),
        profile=load_profile(job.root / LOAD_FOLDER, job.stage.profile, scale=job.stage.scale),
        journey=job.stage.journey,
        seed=job.seed,
        load_folder=job.root / LOAD_FOLDER,
        output=job.folder / "raw",
        timeout_s=max(1.0, job.timeout_s - (time.monotonic() - clock)),
        limits=job.limits,
    )


def _say(job: StageJob, progress: LoadProgress) -> None:
    job.progress(progress.line)


def _state(result: LoadResult, alive: bool) -> tuple[State, str]:
    if not result.complete:
        return State.PARTIAL, result.reason
    return (State.RAN, "") if alive else (State.PARTIAL, "the target died while it was loaded")

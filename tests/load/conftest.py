"""A real server to load, and a load test in a few words."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from bench.load import stub
from harness.engines.locust import LoadJob, LoadTarget, run_load
from harness.engines.process import Stop
from harness.model.load import Connections, LoadProfile, LoadProgress, LoadResult, Phase
from harness.model.plan import LoadLimits
from harness.model.target import Login, User

LOAD = Path(__file__).resolve().parents[2] / "load"
PARTNER = Login("json", "/api/partner-auth/login", {"email": "{username}", "password": "{password}"}, "$.token")
# The machine of the tests may be busy: what is tested here is not how punctual it is.
LENIENT = LoadLimits(completed_min=1, achieved_percent_min=0, lateness_p99_ms_max=60_000, generator_cpu_percent_max=1000)


@pytest.fixture(scope="session")
def password() -> str:
    return secrets.token_urlsafe(16)


class StartStub(Protocol):
    def __call__(self, *options: str) -> LoadTarget: ...


@pytest.fixture
def start_stub(password: str) -> Iterator[StartStub]:
    """Starts a stub with these options; returns whom to load. It ends with the test."""
    with ExitStack() as stack:

        def start(*options: str) -> LoadTarget:
            address = stack.enter_context(stub(password, *options))
            return LoadTarget(address, "partner", PARTNER, (User("one", "one@example.test", password),))

        yield start


def a_profile(rate: float, duration_s: float, **changes: object) -> LoadProfile:
    plain = LoadProfile("test", "test", (Phase("only", "level", duration_s, rate),), journey_timeout_s=5.0)
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


KEPT = {"connections": Connections.KEPT}


@dataclasses.dataclass
class Load:
    """Runs load tests into a folder of the test's own."""

    output: Path
    stop: Stop = dataclasses.field(default_factory=Stop)
    heard: list[LoadProgress] = dataclasses.field(default_factory=list)
    listener: Callable[[LoadProgress], None] = lambda _: None

    def __call__(self, target: LoadTarget, profile: LoadProfile, **changes: object) -> LoadResult:
        job = LoadJob(
            target=target,
            profile=profile,
            journey="log_in_and_view_leads",
            seed=7,
            load_folder=LOAD,
            output=self.output,
            timeout_s=60.0,
            limits=LENIENT,
        )
        return run_load(dataclasses.replace(job, **changes), stop=self.stop, progress=self._hear)  # type: ignore[arg-type]

    def _hear(self, progress: LoadProgress) -> None:
        self.heard.append(progress)
        self.listener(progress)


@pytest.fixture
def load(tmp_path: Path) -> Load:
    return Load(tmp_path / "load")

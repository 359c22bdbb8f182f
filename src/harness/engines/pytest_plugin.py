"""The pytest side of the harness: options, markers, and a record of every test as it ends.

Loaded by the root `conftest.py`, so that a suite behaves the same under `harness verify` and under plain `pytest`.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from harness.evidence.records import Recorder
from harness.model.errors import HarnessError
from harness.model.evidence import Outcome, TestResult
from harness.probes.http.exchange import TargetDied

RECORDER = pytest.StashKey[Recorder]()
ARTEFACT = "artefact"  # key of user_properties: a file that the report shows beside the test
_OUTCOME = pytest.StashKey[TestResult]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declares the options that the runner passes and that a person may pass by hand."""
    group = parser.getgroup("harness", "Power100 verification harness")
    group.addoption("--harness-records", metavar="FILE", help="append what the suite finds to FILE, one JSON object a line")
    group.addoption("--harness-artifacts", metavar="DIR", help="keep traces and pictures in DIR")
    group.addoption("--harness-target", metavar="NAME", default="", help="target file to test (default: the one of harness.toml)")
    group.addoption("--harness-seed", metavar="N", type=int, default=None, help="seed of data and cases (default: harness.toml)")
    group.addoption("--harness-size", metavar="SIZE", default="small", help="size of the seeded data (default: small)")
    group.addoption(
        "--harness-option",
        metavar="NAME=NUMBER",
        type=_number,
        action="append",
        default=[],
        help="one of the stage's options, such as cases_per_operation=50; may be given again",
    )
    group.addoption("--harness-database", metavar="PROVIDER", default="auto", help="auto, docker, embedded or external")


def _number(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    return name, int(value)


def pytest_configure(config: pytest.Config) -> None:
    """Declares the markers and opens the record."""
    config.addinivalue_line("markers", "proves(*parts): the ledger parts that this test proves, e.g. 2.1.3.a")
    config.addinivalue_line("markers", "flow(name): the browser flow that this test walks")
    config.addinivalue_line("markers", "slow: takes longer than a merge waits for; a stage of the release plan runs it")
    path = config.getoption("--harness-records", default=None)
    config.stash[RECORDER] = Recorder(Path(path) if path else None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Closes the record."""
    if recorder := config.stash.get(RECORDER, None):
        recorder.close()


@pytest.fixture(scope="session")
def record(request: pytest.FixtureRequest) -> Recorder:
    """Where a suite says what it found."""
    return request.config.stash[RECORDER]


@pytest.fixture(scope="session")
def options(pytestconfig: pytest.Config) -> dict[str, int]:
    """The stage's own numbers, as its plan gives them."""
    return dict(pytestconfig.getoption("--harness-option"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Records how many tests there are: a suite that collects too few has proved nothing."""
    session.config.stash[RECORDER].collected(len(session.items))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:  # noqa: ARG001 - pytest calls by name
    """Writes one record when a test with its set-up and tear-down is over."""
    recorder = item.config.stash[RECORDER]
    before = len(recorder.fingerprints)
    result = yield
    outcome = item.stash.get(_OUTCOME, TestResult(item.nodeid, Outcome.ERROR, message="the test did not report"))
    recorder.test(_with(outcome, item, recorder.fingerprints[before:]))
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keeps the worst of a test's three phases."""
    report = yield
    item.stash[_OUTCOME] = _merged(item.stash.get(_OUTCOME, None), report, _could_not_ask(call))
    return report


def _could_not_ask(call: pytest.CallInfo[None]) -> bool:
    """Whether a test ended because nothing could be asked (a log-in was refused): that is no claim that did not hold."""
    error = call.excinfo.value if call.excinfo else None
    return isinstance(error, HarnessError) and not isinstance(error, TargetDied)


def _merged(before: TestResult | None, report: pytest.TestReport, could_not_ask: bool) -> TestResult:
    outcome = Outcome.ERROR if report.failed and could_not_ask else _outcome(report)
    duration = report.duration + (before.duration_s if before else 0.0)
    worse = before is None or _RANK[outcome] > _RANK[before.outcome]
    kept = TestResult(report.nodeid, outcome, message=_message(report)) if worse or before is None else before
    return TestResult(kept.test, kept.outcome, duration_s=round(duration, 4), message=kept.message)


_RANK = {Outcome.PASSED: 0, Outcome.SKIPPED: 1, Outcome.FAILED: 2, Outcome.ERROR: 3}


def _outcome(report: pytest.TestReport) -> Outcome:
    if report.failed:
        return Outcome.FAILED if report.when == "call" else Outcome.ERROR
    return Outcome.SKIPPED if report.skipped else Outcome.PASSED


_MESSAGE_CHARACTERS_MAX = 4_000


def _message(report: pytest.TestReport) -> str:
    if report.passed:
        return ""
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return report.longreprtext[-_MESSAGE_CHARACTERS_MAX:]


def _with(outcome: TestResult, item: pytest.Item, findings: tuple[str, ...]) -> TestResult:
    flow = item.get_closest_marker("flow")
    return TestResult(
        test=item.nodeid,
        outcome=outcome.outcome,
        duration_s=outcome.duration_s,
        message=outcome.message,
        parts=tuple(str(part) for marker in item.iter_markers("proves") for part in marker.args),
        flow=str(flow.args[0]) if flow and flow.args else "",
        artefacts=tuple(str(value) for key, value in item.user_properties if key == ARTEFACT),
        findings=findings,
    )

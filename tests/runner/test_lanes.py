"""Stages side by side: in order, no more at once than asked, and none beside one that is alone."""

from __future__ import annotations

import io
import json
import signal
import threading
import time

import pytest

from harness.cli.progress import Progress
from harness.events import StageEnded, StageProgress, StageStarted
from harness.model.run import StageRecord, StageState
from harness.runner.lanes import Turn, take_turns
from tests.runner.tiny import TinyProject

SLOW = """
import time
from pathlib import Path

SECONDS = 3

def test_takes_its_time():
    Path("begun." + Path(__file__).parent.name).touch()
    time.sleep(SECONDS)
"""


class Watch:
    """Turns that note who runs beside them; each lasts until as many as expected have met, or a moment."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.now: set[str] = set()
        self.beside: dict[str, set[str]] = {}
        self.begun: list[str] = []

    def turn(self, name: str, *, alone: bool = False, seconds: float = 0.2) -> Turn:
        def run() -> StageRecord:
            with self.lock:
                self.begun.append(name)
                self.now.add(name)
                for other in self.now:
                    self.beside.setdefault(other, set()).update(self.now - {other})
            time.sleep(seconds)
            with self.lock:
                self.now.remove(name)
            return StageRecord(name, "pytest", StageState.RAN)

        return Turn(run, alone)


def test_at_most_so_many_run_at_once_and_they_begin_in_order() -> None:
    watch, ended = Watch(), []
    turns = [watch.turn("long", seconds=0.6), watch.turn("b"), watch.turn("c"), watch.turn("d")]
    take_turns(turns, 2, lambda record: ended.append(record.name))
    assert watch.begun == ["long", "b", "c", "d"]
    assert watch.beside["long"] == {"b", "c"} or watch.beside["long"] == {"b", "c", "d"}
    assert "d" not in watch.beside["b"]
    assert sorted(ended) == ["b", "c", "d", "long"]
    assert ended[0] == "b"


def test_nothing_runs_beside_a_stage_that_is_alone() -> None:
    watch = Watch()
    take_turns([watch.turn("a"), watch.turn("load", alone=True), watch.turn("b"), watch.turn("c")], 2, lambda _record: None)
    assert watch.beside == {"a": set(), "load": set(), "b": {"c"}, "c": {"b"}}


def test_what_a_turn_raises_comes_out_after_the_others_have_ended() -> None:
    watch = Watch()

    def breaks() -> StageRecord:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        take_turns([watch.turn("a"), Turn(breaks, alone=False)], 2, lambda _record: None)
    assert watch.now == set()


def spans(project: TinyProject) -> dict[str, tuple[str, str]]:
    """Stage → when it began and ended."""
    lines = (project.runs()[-1].folder / "events.ndjson").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    begun = {event["stage"]: event["at"] for event in events if event["event"] == "StageStarted"}
    ended = {event["stage"]: event["at"] for event in events if event["event"] == "StageEnded"}
    return {stage: (begun[stage], ended[stage]) for stage in begun}


def overlap(project: TinyProject) -> bool:
    (first, second) = spans(project).values()
    return first[0] < second[1] and second[0] < first[1]


@pytest.fixture
def slow(project: TinyProject) -> TinyProject:
    """Two stages of some seconds, in a plan that lets two run side by side."""
    project.change("harness.toml", "duration_s_max = 60", "duration_s_max = 60\njobs = 2")
    project.write("suites/unit/test_unit.py", SLOW)
    project.change("suites/security/test_security.py", "def test_", f"{SLOW}\n\ndef test_")
    return project


@pytest.fixture
def apart(slow: TinyProject) -> TinyProject:
    """The same, with a database of its own for each target."""
    slow.change("targets/tiny.toml", "[allow]", 'database_variable = "DATABASE_URL"\n\n[allow]')
    return slow


def test_stages_on_databases_of_their_own_run_side_by_side(apart: TinyProject) -> None:
    assert apart.run("verify", "--database", "embedded").code == 0
    assert overlap(apart)
    manifest = apart.runs()[0].manifest
    assert manifest.jobs == 2
    assert [record.name for record in manifest.stages] == ["unit", "security"]
    report = (apart.runs()[0].folder / "report" / "index.html").read_text(encoding="utf-8")
    assert "Up to 2 stages ran side by side" in report


def test_one_job_runs_them_one_after_another(apart: TinyProject) -> None:
    assert apart.run("verify", "--database", "embedded", "--jobs", "1").code == 0
    assert not overlap(apart)


def test_stages_that_would_share_a_target_never_run_side_by_side(slow: TinyProject) -> None:
    assert slow.run("verify", "--jobs", "2").code == 0
    assert not overlap(slow)
    assert slow.runs()[0].manifest.jobs == 1


def test_less_than_one_job_is_refused(project: TinyProject) -> None:
    outcome = project.run("verify", "--jobs", "0")
    assert outcome.code == 2
    assert "--jobs 0: wanted at least 1" in outcome.stderr


def test_a_signal_stops_all_that_run_and_the_run_is_judged(apart: TinyProject) -> None:
    apart.change("suites/unit/test_unit.py", "SECONDS = 3", "SECONDS = 60")
    apart.change("suites/security/test_security.py", "SECONDS = 3", "SECONDS = 60")
    process = apart.start("verify", "--database", "embedded")
    deadline = time.monotonic() + 60
    while not (apart.folder / "begun.unit").exists() or not (apart.folder / "begun.security").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "UNKNOWN" in stdout
    assert {record.state for record in apart.runs()[0].manifest.stages} == {StageState.PARTIAL}


def shown(events: list[object], *, columns: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.delenv("CI", raising=False)
    terminal = Terminal()
    progress = Progress(terminal)
    for event in events:
        progress(event)
    return terminal.getvalue().split("\r\x1b[K")[-1]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_live_line_shows_all_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [
        StageStarted("unit", 1, 3),
        StageStarted("contract", 2, 3),
        StageProgress("contract", "3/107 tests  3332 cases, fuzzing as contractor"),
    ]
    assert shown(events, columns=120, monkeypatch=monkeypatch) == (
        "[1/3] unit  │  contract  3/107 tests  3332 cases, fuzzing as contractor"
    )
    assert shown(events, columns=41, monkeypatch=monkeypatch) == "[1/3] unit  │  contract  3/107 tests  33"
    gone = [*events, StageEnded("unit", "ran", 3.0), StageProgress("contract", "4/107 tests")]
    assert shown(gone, columns=120, monkeypatch=monkeypatch) == "contract  4/107 tests"

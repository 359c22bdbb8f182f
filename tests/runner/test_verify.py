"""The main job on a real target: verdicts, exits, and what is left when things go wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness.evidence.stored import StoredRun
from harness.gates.judge import judge
from harness.model.run import RunStatus, StageState
from harness.model.verdict import Verdict
from tests.runner.tiny import TinyProject

SLOW_SUITE = """
import time
from pathlib import Path
from harness.model.evidence import Reach

def test_slow(live_target, record):
    record.reach(Reach("probes", 1, 1, True))
    Path("started").write_text(str(live_target.pid))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(0.05)
"""

LOG_IN = """
[roles.member.login]
kind = "json"
path = "/log-in"
body = { name = "{username}" }
token = "$.token"

[[roles.member.users]]
name = "ana"
username = "ana"
"""


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def wait_for(path: Path, process: subprocess.Popen[str], timeout_s: float = 60) -> str:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and process.poll() is None:
        if path.is_file() and path.read_text():
            return path.read_text()
        time.sleep(0.05)
    raise AssertionError(f"{path} did not appear: {process.communicate()[1]}")


def gone(pid: int, timeout_s: float = 20) -> bool:
    deadline = time.monotonic() + timeout_s
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(pid)


def test_a_clean_target_passes_with_a_whole_run_folder(project: TinyProject) -> None:
    outcome = project.run("verify")
    assert outcome.code == 0, outcome.stderr
    assert outcome.stdout.startswith("PASS: all 2 gates passed\nreport: ")
    run = project.runs()[0]
    assert run.manifest.status is RunStatus.JUDGED
    assert run.verdict.verdict is Verdict.PASS
    assert len(run.ledger.rows) == 149
    assert run.tampered() == ()
    for name in ("report/index.html", "report/summary.md", "report/junit.xml", "report/findings.sarif", "SHA256SUMS"):
        assert (run.folder / name).stat().st_size > 0
    assert (project.folder / "reports" / "latest").resolve() == run.folder


def test_the_plan_the_seed_and_the_run_folder_are_said_before_anything_runs(project: TinyProject) -> None:
    lines = project.run("verify").stderr.splitlines()
    assert lines[0] == "plan quick on tiny, seed 7: unit, security"
    assert lines[1].startswith("run folder ")


def test_a_failing_claim_fails_the_gate_and_exits_1(project: TinyProject) -> None:
    project.change("suites/security/test_security.py", '"hello"', '"goodbye"')
    outcome = project.run("verify")
    assert outcome.code == 1
    assert outcome.stdout.startswith("FAIL: 1 gate failed: findings")


def test_a_suite_that_collects_nothing_is_unknown_and_exits_3(project: TinyProject) -> None:
    (project.folder / "suites/unit/test_unit.py").unlink()
    outcome = project.run("verify")
    assert outcome.code == 3
    assert "UNKNOWN: 1 gate without enough evidence: tests" in outcome.stdout


def test_a_stages_options_reach_its_suite(project: TinyProject) -> None:
    project.change("harness.toml", 'suite = "suites/unit"', 'suite = "suites/unit"\noptions = { cases_per_operation = 7 }')
    project.change("suites/unit/test_unit.py", "is_two():", "is_two(options):")
    project.change("suites/unit/test_unit.py", "assert 1 + 1 == 2", 'assert options == {"cases_per_operation": 7}')
    assert project.run("verify", "unit").code == 0


def test_chosen_stages_are_judged_alone_and_the_verdict_says_so(project: TinyProject) -> None:
    outcome = project.run("verify", "unit")
    assert outcome.code == 0
    assert outcome.stdout.startswith("PASS (of the chosen stages only)")
    assert project.runs()[0].manifest.narrowed_to == ("unit",)


def test_a_target_that_dies_in_mid_stage_never_passes(project: TinyProject) -> None:
    project.change("suites/security/test_security.py", 'assert http.get("/").text == "hello"', crash_once())
    outcome = project.run("verify")
    assert outcome.code == 3, outcome.stdout
    stage = {record.name: record for record in project.runs()[0].manifest.stages}["security"]
    assert stage.state is StageState.PARTIAL
    assert stage.reason.startswith("the target died")


PLATFORMS_SUITE = """
    import contextlib
    import os
    import signal

    import httpx

    def test_one_that_lives(platforms):
        with platforms.started() as live:
            assert live.alive()

    def test_one_that_dies_after_its_last_answer(platforms):
        with platforms.started() as live:
            with contextlib.suppress(httpx.HTTPError):
                live.client().get("/crash")
            assert live.process.wait(10)

    def test_one_that_is_killed_before_it_refuses(platforms, monkeypatch):
        keep = platforms._run.__globals__["keep"]

        def killed(*arguments, **named):
            process = keep(*arguments, **named)
            os.kill(process.pid, signal.SIGKILL)
            return process

        monkeypatch.setitem(platforms._run.__globals__, "keep", killed)
        platforms.refused_start({})
"""


def test_a_platform_of_a_tests_own_that_dies_fails_the_test(project: TinyProject) -> None:
    project.write("suites/security/test_security.py", PLATFORMS_SUITE)
    outcome = project.run("verify", "security")
    assert outcome.code == 1, outcome.stdout
    (evidence,) = project.runs()[0].folder.glob("evidence/*-tests.json")
    results = json.loads(evidence.read_text(encoding="utf-8"))["results"]
    assert [(each["test"].rpartition("_")[2], each["outcome"]) for each in results] == [
        ("lives", "passed"), ("answer", "failed"), ("refuses", "failed"),
    ]  # fmt: skip
    assert "ended with 3 during the check" in results[1]["message"]
    assert "killed by signal 9" in results[2]["message"]


def crash_once() -> str:
    return (
        "\n        import httpx, contextlib\n        with contextlib.suppress(httpx.HTTPError):\n            http.get('/crash')"
    )


def test_a_claim_about_which_nothing_could_be_asked_is_unknown_and_no_failure(project: TinyProject) -> None:
    refused = """
    from harness.model.errors import TargetError

    def test_something_behind_a_log_in(live_target):
        raise TargetError("log-in of member ana refused: POST /login answered 423")
    """
    project.write("suites/security/test_refused.py", refused)
    outcome = project.run("verify")
    assert outcome.code == 3
    assert "test_something_behind_a_log_in could not run" in outcome.stdout + outcome.stderr


def test_a_stage_that_takes_too_long_is_cut_off_and_unknown(project: TinyProject) -> None:
    project.write("suites/security/test_security.py", SLOW_SUITE)
    project.change(
        "harness.toml",
        'suite = "suites/security"\ntests_min = 1\nduration_s_max = 30',
        'suite = "suites/security"\ntests_min = 1\nduration_s_max = 4',
    )
    outcome = project.run("verify")
    assert outcome.code == 3
    assert "cut off after 4 s" in outcome.stderr
    assert gone(int((project.folder / "started").read_text()))


def test_a_target_that_does_not_start_exits_4_and_leaves_nothing(project: TinyProject) -> None:
    project.write("server.py", "raise SystemExit('no licence for this moon')")
    outcome = project.run("verify")
    assert outcome.code == 4
    assert "no licence for this moon" in outcome.stderr
    assert "hint:" in outcome.stderr
    assert project.runs() == []


def test_a_port_that_is_taken_exits_4_with_a_hint(project: TinyProject) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        outcome = project.run("verify", "--port", str(taken.getsockname()[1]))
    assert outcome.code == 4
    assert "is in use" in outcome.stderr
    assert project.runs() == []


@pytest.mark.parametrize("port", ["0", "70000"])
def test_a_port_that_is_none_exits_2(project: TinyProject, port: str) -> None:
    outcome = project.run("verify", "--port", port)
    assert outcome.code == 2
    assert "wanted 1 to 65535" in outcome.stderr
    assert project.runs() == []


@pytest.mark.parametrize("text", ["hello", "openapi: 3.1.0\npaths: {}\n", "{ not yaml", "- 1\n- 2\n"])
def test_a_document_that_is_none_exits_4_with_its_name(project: TinyProject, text: str) -> None:
    project.write("targets/tiny.openapi.yaml", text)
    project.change("targets/tiny.toml", 'title = "Tiny"', 'title = "Tiny"\ndocument = "tiny.openapi.yaml"')
    outcome = project.run("verify")
    assert outcome.code == 4, outcome.stderr
    assert "tiny.openapi.yaml" in outcome.stderr
    assert "hint:" in outcome.stderr
    assert project.runs() == []


def test_a_log_in_that_is_refused_exits_4_and_quotes_the_answer_and_the_log(project: TinyProject) -> None:
    text = (project.folder / "targets/tiny.toml").read_text(encoding="utf-8")
    project.write("targets/tiny.toml", text.replace("[allow]", 'password_variable = "TINY_PASSWORD"\n\n[allow]') + LOG_IN)
    server = (project.folder / "server.py").read_text(encoding="utf-8")
    project.write(
        "server.py", server.replace("        pass", "        print('no table of members', file=sys.stderr, flush=True)")
    )
    outcome = project.run("verify")
    assert outcome.code == 4
    assert "log-in of member ana" in outcome.stderr
    assert "501" in outcome.stderr
    assert "its log ends with: no table of members" in outcome.stderr
    assert project.runs() == []


def test_a_wrong_stage_is_named_with_the_nearest_and_exits_2(project: TinyProject) -> None:
    outcome = project.run("verify", "securty")
    assert outcome.code == 2
    assert 'did you mean "security"?' in outcome.stderr
    assert project.runs() == []


def test_an_unknown_key_is_named_with_the_nearest_and_exits_2(project: TinyProject) -> None:
    project.change("harness.toml", "duration_s_max = 60", "duration_s_max = 60\nsizes = 1")
    outcome = project.run("verify")
    assert outcome.code == 2
    assert "plans.quick.sizes" in outcome.stderr
    assert 'did you mean "size"?' in outcome.stderr


def stop_in_mid_stage(project: TinyProject, number: signal.Signals) -> tuple[subprocess.Popen[str], int]:
    project.write("suites/security/test_security.py", SLOW_SUITE)
    process = project.start("verify")
    target = int(wait_for(project.folder / "started", process))
    os.kill(process.pid, number)
    return process, target


def test_an_interrupted_run_is_judged_reported_and_exits_130(project: TinyProject) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        (project.folder / "started").unlink(missing_ok=True)
        process, target = stop_in_mid_stage(project, number)
        stdout, _ = process.communicate(timeout=60)
        assert process.returncode == 130
        assert stdout.startswith("UNKNOWN")
        assert gone(target)
        run = project.runs()[-1]
        assert run.manifest.interrupted == number.name
        assert run.verdict.verdict is Verdict.UNKNOWN
        assert (run.folder / "report" / "index.html").is_file()


def test_an_interruption_before_the_first_stage_exits_130_and_leaves_nothing(project: TinyProject) -> None:
    project.write("server.py", "import time\nfrom pathlib import Path\nPath('started').write_text('1')\ntime.sleep(60)\n")
    project.change("targets/tiny.toml", 'health_path = "/"', 'health_path = "/"\nstart_timeout_s = 5')
    process = project.start("verify")
    wait_for(project.folder / "started", process)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert project.runs() == []


def test_a_killed_run_leaves_no_process_and_can_be_judged(project: TinyProject) -> None:
    process, target = stop_in_mid_stage(project, signal.SIGKILL)
    process.communicate(timeout=60)
    assert gone(target)
    run = project.runs()[0]
    assert run.manifest.status is RunStatus.RUNNING
    assert judge(run).verdict is Verdict.UNKNOWN
    assert project.run("judge", run.folder.name).code == 3


def test_judging_again_gives_the_same_verdict(project: TinyProject) -> None:
    project.run("verify")
    run = project.runs()[0]
    again = project.run("judge", "latest")
    assert again.code == 0
    assert judge(StoredRun(run.folder)) == run.verdict


def test_evidence_that_was_changed_is_unknown(project: TinyProject) -> None:
    project.run("verify")
    path = project.runs()[0].folder / "evidence" / "unit-tests.json"
    path.write_text(path.read_text(encoding="utf-8").replace("passed", "failed"), encoding="utf-8")
    outcome = project.run("judge", "latest")
    assert outcome.code == 3
    assert "digest" in outcome.stdout + outcome.stderr


def test_a_stage_that_the_target_cannot_feed_is_not_verifiable_and_not_passed(project: TinyProject) -> None:
    project.change("harness.toml", 'suite = "suites/security"', 'suite = "suites/security"\nneeds = ["users", "document"]')
    outcome = project.run("verify")
    assert outcome.code == 0
    assert "not verifiable: gate findings" in outcome.stdout
    junit = (project.runs()[0].folder / "report" / "junit.xml").read_text(encoding="utf-8")
    assert "skipped" in junit


def test_a_gate_that_is_insisted_on_is_unknown_where_it_is_not_verifiable(project: TinyProject) -> None:
    project.change("harness.toml", 'suite = "suites/security"', 'suite = "suites/security"\nneeds = ["users"]')
    project.change(
        "harness.toml", 'gates = ["tests", "findings"]', 'gates = ["tests", "findings"]\ngates_insisted = ["findings"]'
    )
    assert project.run("verify").code == 3


def test_events_are_typed_lines_that_can_be_read_back(project: TinyProject) -> None:
    project.run("verify")
    lines = (project.runs()[0].folder / "events.ndjson").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert events.count("StageStarted") == 2
    assert events.count("GateJudged") == 2

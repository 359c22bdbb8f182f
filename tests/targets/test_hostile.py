"""Hostile platforms: bounded time and memory, nothing sent elsewhere, no crash, and UNKNOWN where nothing can be said."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.cli.exits import Exit
from harness.evidence.stored import StoredRun
from harness.model.evidence import Kind, Outcome
from harness.model.finding import Confidence
from tests.targets.project import ROOT, Verified, make, verify

SCRIPT = Path(__file__).with_name("hostile.py")

TARGET = """
title = "Hostile"
environment = "local"
folder = "."
hosts = ["127.0.0.1"]
health_path = "/health"
document = "hostile.json"
password_variable = "HOSTILE_PASSWORD"
{database}
[allow]
writes = true
active_scan = true

[commands]
start = ["{{python}}", "{script}", "{mode}", "{{host}}", "{{port}}", "{elsewhere}"]

[variables]
HOSTILE_PASSWORD = "${{HOSTILE_PASSWORD}}"

[roles.member.login]
kind = "json"
path = "/login"
body = {{ email = "{{username}}", password = "{{password}}" }}
token = "$.token"

[[roles.member.users]]
name = "one"
username = "one@example.test"
password = "${{HOSTILE_PASSWORD}}"

[[roles.member.users]]
name = "two"
username = "two@example.test"
password = "${{HOSTILE_PASSWORD}}"
"""

SCHEMA = "CREATE TABLE things (id int PRIMARY KEY);\nINSERT INTO things SELECT generate_series(1, 50);\n"
DATABASE = """schema_files = ["schema.sql"]

[database_variables]
PGHOST = "{db_host}"
PGPORT = "{db_port}"
"""

ELSEWHERE = "127.0.0.3"
AT_ONCE = 3
ENDED_WITHIN_S = 20  # after a stage's time, on a busy machine
MEMORY_MB_MAX = 900  # a document of two operations needs 200 to 400, whatever is sent
WAYS = ("things", "lies", "redirects", "gigabytes", "bomb", "deep", "streams", "hangs", "garbage", "closes")


def document(paths: tuple[str, ...] = ("things", "things/{id}"), schema: Any = None) -> dict[str, Any]:
    """A document of operations that read, each with a session."""
    items = {"type": "array", "items": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}}
    schema = schema or {"type": "object", "required": ["items"], "properties": {"items": items}}
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hostile", "version": "1"},
        "security": [{"session": []}],
        "components": {"securitySchemes": {"session": {"type": "http", "scheme": "bearer"}}},
        "paths": {
            f"/{path}": {
                "get": {
                    "operationId": path.replace("/", "-"),
                    "parameters": [parameter] if "{id}" in path else [],
                    "responses": {
                        "200": {"description": "Done.", "content": {"application/json": {"schema": schema}}},
                        "401": {"description": "Log in."},
                    },
                }
            }
            for path in paths
        },
    }


@dataclass(frozen=True)
class Case:
    """One hostile platform and the stages that meet it."""

    mode: str
    stages: tuple[str, ...]
    seconds: int = 75  # three times what a stage needs that comes to its end: machines are shared
    spec: dict[str, Any] | None = None


def broken() -> dict[str, Any]:
    """A document with schemas that contain themselves, point nowhere, are missing or nonsense, beside one that is whole."""
    made = document(("things", "recursive", "dangling", "missing", "nonsense"))
    made["components"]["schemas"] = {
        "Tree": {"type": "object", "required": ["child"], "properties": {"child": {"$ref": "#/components/schemas/Tree"}}},
        "Loop": {"$ref": "#/components/schemas/Loop"},
    }
    content = {path: made["paths"][f"/{path}"]["get"] for path in ("recursive", "dangling", "missing", "nonsense")}
    content["recursive"]["responses"]["200"]["content"]["application/json"]["schema"] = {"$ref": "#/components/schemas/Tree"}
    content["dangling"]["parameters"] = [{"name": "q", "in": "query", "schema": {"$ref": "#/components/schemas/Gone"}}]
    content["missing"]["responses"] = {}
    content["nonsense"]["parameters"] = [
        {"name": "q", "in": "query", "schema": {"type": "banana", "pattern": "(", "minimum": "x"}}
    ]
    return made


# The longest first: they mostly wait.
CASES = {
    "answers, security": Case("answers", ("security",), 110),  # its tour waits 44 s for answers that do not come
    "answers, contract": Case("answers", ("contract",)),  # half of it for the campaign, which needs 15 s where it is alone
    "answers, authorization": Case("answers", ("authorization",)),
    "logs out": Case("logs-out", ("authorization",)),
    "locks": Case("locks", ("authorization", "sessions")),
    "limits": Case("limits", ("authorization", "sessions")),
    "open": Case("open", ("authorization",)),
    "random": Case("random", ("authorization", "security")),
    "answers, database": Case("answers", ("database",), 45),
    "random, database": Case("random", ("database",)),
    "limits, security": Case("limits", ("security",)),
    "deadly": Case("deadly", ("security",)),
    "broken document": Case("plain", ("contract",), spec=broken()),
    "silent": Case("silent", ("authorization",)),
}


def hostile(folder: Path, case: Case, elsewhere: str = "") -> Verified:
    """Verifies the platform of that mode."""
    make(folder, "hostile", seconds=case.seconds)
    paths = WAYS if case.mode == "answers" else ("things", "things/{id}")
    (folder / "targets" / "hostile.json").write_text(json.dumps(case.spec or document(paths)))
    (folder / "targets" / "schema.sql").write_text(SCHEMA)
    database = DATABASE if "database" in case.stages else ""
    target = TARGET.format(script=SCRIPT, mode=case.mode, elsewhere=elsewhere, database=database)
    (folder / "targets" / "hostile.toml").write_text(target)
    password = {"HOSTILE_PASSWORD": "Aa1" + secrets.token_hex(8)}
    return verify(folder, *case.stages, environ=password, target_script=SCRIPT.name)


class Elsewhere:
    """An address of this machine that no target lists, and how often somebody came there."""

    def __init__(self) -> None:
        self.visits = 0
        self._socket = socket.create_server((ELSEWHERE, 0))
        self.address = f"http://{ELSEWHERE}:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        with suppress(OSError):
            for _ in range(1000):
                self._socket.accept()[0].close()
                self.visits += 1

    def close(self) -> None:
        self._socket.close()


@dataclass(frozen=True)
class Met:
    """How all of them ended, by name, and how often somebody was led elsewhere."""

    verified: dict[str, Verified]
    visits_elsewhere: int


@pytest.fixture(scope="module")
def met(tmp_path_factory: pytest.TempPathFactory) -> Met:
    """All of them, some at a time: they mostly wait."""
    elsewhere = Elsewhere()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        started = {
            name: pool.submit(hostile, tmp_path_factory.mktemp("hostile"), case, elsewhere.address)
            for name, case in CASES.items()
        }
        verified = {name: each.result() for name, each in started.items()}
    elsewhere.close()
    return Met(verified, elsewhere.visits)


@pytest.mark.parametrize("name", CASES)
def test_the_harness_ends_by_itself_in_bounded_time_and_memory_without_a_defect_of_its_own(name: str, met: Met) -> None:
    verified = met.verified[name]
    assert verified.code in (Exit.OK, Exit.FAIL, Exit.UNKNOWN, Exit.PREFLIGHT), verified.output
    assert "Traceback" not in verified.output
    stages = verified.run.manifest.stages if verified.run else ()
    assert [stage.name for stage in stages if stage.duration_s > CASES[name].seconds + ENDED_WITHIN_S] == []
    assert 20 < verified.peak_mb < MEMORY_MB_MAX


def test_an_answer_that_breaks_its_reader_keeps_no_other_operation_from_being_tried(met: Met) -> None:
    run = met.verified["answers, contract"].run
    assert run is not None
    contracts = [run.payload(evidence) for evidence in run.evidence if evidence.kind == Kind.CONTRACT]
    assert contracts, (met.verified["answers, contract"].output, _ends(run))
    contract = contracts[0]
    assert {"GET /things", "GET /lies", "GET /redirects", "GET /deep", "GET /bomb"} <= {
        cases.operation for cases in contract.cases if cases.cases
    }
    endless = {finding.operation for finding in run.findings if finding.rule == "contract.endless-answer"}
    assert {"GET /deep", "GET /bomb", "GET /gigabytes"} <= endless, (met.verified["answers, contract"].output, _ends(run))
    refused = [finding for finding in run.findings if re.search(r"\b501\b", finding.observed)]
    assert refused == [], "a method that nobody knows may be refused so"


def _ends(run: StoredRun) -> list[str]:
    """How the tests of a run ended that did not pass: what a failure of this one needs to be understood."""
    payloads = [run.payload(evidence) for evidence in run.evidence if evidence.kind == Kind.TESTS]
    return [
        f"{each.test} {each.outcome}: {each.message[-1500:]}" for payload in payloads for each in payload.results if each.message
    ]


def test_nobody_is_led_to_another_host(met: Met) -> None:
    assert met.visits_elsewhere == 0


@pytest.mark.parametrize("name", ["answers, authorization", "answers, database", "random, database", "locks", "limits", "silent"])
def test_what_cannot_be_said_is_unknown_and_never_passed_or_claimed(name: str, met: Met) -> None:
    verified = met.verified[name]
    claims = [f"{finding.rule} {finding.operation}" for finding in verified.run.findings] if verified.run else []
    assert claims == []
    assert verified.code in (Exit.UNKNOWN, Exit.PREFLIGHT), verified.output


def test_a_tester_who_is_logged_out_logs_in_again_and_goes_on(met: Met) -> None:
    verified = met.verified["logs out"]
    assert verified.code == Exit.OK, verified.output


def test_what_a_limited_tester_could_not_try_is_counted(met: Met) -> None:
    assert re.search(r"authorization +UNKNOWN +.*\(and \d+ more\)", met.verified["limits"].output)


def test_a_platform_that_needs_no_log_in_is_named_by_operation(met: Met) -> None:
    run = met.verified["open"].run
    assert run is not None
    assert {f"{finding.rule} {finding.operation}" for finding in run.findings} == {
        "authentication.missing GET /things",
        "authentication.missing GET /things/{id}",
    }


def test_of_a_broken_document_what_can_be_tested_is_and_the_rest_is_named(met: Met) -> None:
    run = met.verified["broken document"].run
    assert run is not None
    payload = next(run.payload(evidence) for evidence in run.evidence if evidence.kind == Kind.CONTRACT)
    tested = {cases.operation for cases in payload.cases if cases.cases}
    assert {"GET /things", "GET /recursive"} <= tested, met.verified["broken document"].output
    assert set(payload.untested) >= {f"GET {path}" for path in run_paths()} - tested


def run_paths() -> set[str]:
    """The paths of the broken document."""
    return set(broken()["paths"])


def test_of_answers_at_random_nothing_is_claimed_for_sure_but_what_is_always_so(met: Met) -> None:
    run = met.verified["random"].run
    assert run is not None
    sure = {finding.rule for finding in run.findings if finding.confidence is Confidence.HIGH}
    assert "abuse.log-in-not-limited" in sure, "its log-in is no matter of chance"
    assert {rule for rule in sure if not rule.startswith("headers.")} == {"abuse.log-in-not-limited"}


def test_what_limits_everything_is_not_said_to_be_evaded_or_shared(met: Met) -> None:
    run = met.verified["limits, security"].run
    assert run is not None
    assert {finding.rule for finding in run.findings if not finding.rule.startswith("headers.")} == set()


def test_what_hangs_or_hangs_up_is_named_as_not_reached(met: Met) -> None:
    verified = met.verified["answers, security"]
    assert verified.run is not None
    payloads = [verified.run.payload(each) for each in verified.run.evidence if each.kind == Kind.FINDINGS]
    (tour,) = [reach for payload in payloads for reach in payload.reach if reach.engine == "tour"]
    assert all(f"GET /{way}: no request" in tour.note for way in ("hangs", "closes", "garbage", "redirects")), tour.note
    assert "GET /streams: the answer to member one did not end" in tour.note, tour.note
    assert tour.reached <= tour.operations - 5
    claimed = {finding.rule for finding in verified.run.findings if not finding.rule.startswith("headers.")}
    assert claimed <= {"abuse.log-in-not-limited"}, "that and its headers are wrong for sure"
    assert verified.code in (Exit.FAIL, Exit.UNKNOWN), verified.output


def test_what_kills_it_is_said_once_and_shown_again_and_the_other_checks_go_on(met: Met) -> None:
    run = met.verified["deadly"].run
    assert run is not None
    (death,) = [finding for finding in run.findings if finding.rule == "robustness.target-died"]
    assert (death.operation, death.confidence) == ("GET /.env", Confidence.HIGH)
    assert [(step.method, step.path) for step in death.steps] == [("GET", "/.env")]
    results = [result for each in run.evidence if each.kind == Kind.TESTS for result in run.payload(each).results]
    assert [result.test for result in results if result.outcome is Outcome.ERROR] == []
    assert [result.test for result in results if result.outcome is Outcome.FAILED and not result.findings] == []
    again = subprocess.run(
        [sys.executable, "-m", "harness", "replay", death.fingerprint],
        cwd=run.folder.parents[1],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "HOSTILE_PASSWORD": "Aa1" + secrets.token_hex(8)},
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert again.returncode == Exit.FAIL, again.stdout + again.stderr
    assert "the last request was GET /.env" in again.stdout

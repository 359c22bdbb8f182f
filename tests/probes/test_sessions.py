"""Forged tokens on a platform that is not the reference one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from harness.model.finding import Confidence, Request
from harness.probes.http.answers import Answer
from harness.probes.http.forging import WEAK_KEYS, Forgery, forgeries, key_of, read_jwt, signed
from harness.probes.scene.calls import Call
from harness.probes.scene.scene import Asker
from harness.probes.sessions.forged_tokens import Attacked, findings_of
from harness.probes.sessions.sessions import SessionsRun
from harness.targets.live import LiveTarget
from tests.probes.servers.notes_server import DOCUMENT, Servers


def attacked(*defects: str) -> SessionsRun:
    return SessionsRun(Servers(frozenset(defects)), DOCUMENT, seed=1).run()


def rules(run: SessionsRun) -> set[tuple[str, str]]:
    return {(f.rule, f.operation) for f in [*run.findings, *run.ended_findings("log-out"), *run.token_findings]}


def test_a_platform_that_checks_everything_gives_no_finding_and_every_operation_is_reached() -> None:
    run = attacked()
    assert rules(run) == set()
    assert set(run.reached) == set(run.protected) == {op.name for op in DOCUMENT.operations if op.is_secured}
    assert run.roles == ("member", "staff")
    assert [run.gap(name) for name in run.protected] == [""] * len(run.protected)


@pytest.mark.parametrize(
    ("defect", "rule", "operation"),
    [
        ("any-signature", "sessions.accepts-other-key", ""),
        ("weak-key", "sessions.accepts-weak-key", ""),
        ("no-revocation", "sessions.alive-after-log-out", "DELETE /sessions/current"),
    ],
)
def test_a_hole_is_said_once_and_seen_again(defect: str, rule: str, operation: str) -> None:
    run = attacked(defect)
    assert rules(run) == {(rule, operation)}
    assert {f.confidence for f in [*run.findings, *run.ended_findings("log-out")]} == {Confidence.HIGH}


@pytest.mark.parametrize(
    ("accepting", "said"),
    [
        ({"keeper": 4}, [("keeper", "")]),  # the others log in another way
        ({"keeper": 4, "guest": 4}, [("keeper", ""), ("guest", "")]),
        ({"keeper": 4, "guest": 4, "auditor": 1}, [("", "")]),
        ({"keeper": 1}, [("keeper", "GET /things/0")]),
        ({"keeper": 4, "guest": 1}, [("keeper", ""), ("guest", "GET /things/0")]),
    ],
)
def test_what_all_operations_of_a_role_accept_is_said_once(accepting: dict[str, int], said: list[tuple[str, str]]) -> None:
    forged = Forgery("alg-none", "", "a token that nobody signed", "why", 347)
    attacked = []
    for role in ("keeper", "guest", "auditor"):
        for number in range(4):
            call = Call(Asker(role, "one"), Request("GET", f"/things/{number}", role, "one"), Answer(200))
            accepted = ((forged, call),) if number < accepting.get(role, 0) else ()
            attacked.append(Attacked(f"GET /things/{number}", role, (("none", 401), ("alg-none", 200)), accepted, call))
    assert [(finding.role, finding.operation) for finding in findings_of(attacked)] == said


def test_no_token_and_no_key_is_kept_in_a_finding() -> None:
    run = attacked("any-signature")
    steps = [step for finding in run.findings for step in finding.steps]
    assert steps
    assert all("${token:" in step.headers["Authorization"] and "eyJ" not in str(step) for step in steps)


def test_a_target_that_dies_is_no_pass() -> None:
    run = SessionsRun(Servers(dies_after=30), DOCUMENT, seed=1).run()
    assert run.died
    assert len(run.reached) < len(run.protected)


class DyingAtTheEnd(Servers):
    """Dies where sessions are ended, after a few requests."""

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        self.dies_after = 4 if label == "endings" else 0
        with super().fresh(label) as live:
            yield live


def test_a_target_that_dies_while_its_sessions_are_ended_is_no_pass() -> None:
    assert SessionsRun(DyingAtTheEnd(), DOCUMENT, seed=1).run().died


CLAIMS = {"sub": "7", "role": "user", "aud": "shop", "iat": int(time.time()), "exp": int(time.time()) + 600}


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_weak_key_is_found_without_a_request(algorithm: str) -> None:
    weak, strong = (read_jwt(signed({"alg": algorithm}, CLAIMS, key)) for key in (b"changeme", b"x" * 64))
    assert weak is not None
    assert strong is not None
    assert key_of(weak, WEAK_KEYS) == "changeme"
    assert key_of(strong, WEAK_KEYS) is None


def test_every_forgery_differs_from_the_token_and_expiry_is_tried_where_the_key_is_known() -> None:
    text = signed({"alg": "HS256", "typ": "JWT"}, {**CLAIMS, "role": "admin"}, b"k" * 64)
    made = {forged.name: forged.text for forged in forgeries(text, "k" * 64)}
    assert text not in made.values()
    assert {
        "alg-none",
        "no-signature",
        "empty-key",
        "other-key",
        "own-jwk",
        "claim-sub",
        "claim-role",
        "expired",
        "other-aud",
    } <= made.keys()
    expired = read_jwt(made["expired"] or "")
    assert expired is not None
    assert expired.claims["exp"] < time.time()
    assert key_of(expired, ("k" * 64,)) is not None
    assert "expired" not in {forged.name for forged in forgeries(text)}


@pytest.mark.parametrize("text", ["", "opaque", "a.b.c", "a.b", "eyJhbGciOiJIUzI1NiJ9.!!.x", "." * 50])
def test_a_text_that_is_no_token_is_none(text: str) -> None:
    assert read_jwt(text) is None
    assert "other-key" not in {forged.name for forged in forgeries(text)}

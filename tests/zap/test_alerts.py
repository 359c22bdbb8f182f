"""Alerts of the recorded runs become findings, once, and the same on another host and another day."""

from __future__ import annotations

import json

import pytest

from harness.engines.zap.alerts import Read, api_of, read_alerts, route_of, top10_of
from harness.engines.zap.model import Alert
from harness.engines.zap.reading import api_alerts, report_of, rule_states
from harness.model.errors import EngineError
from harness.model.finding import Confidence, Severity
from harness.probes.examinations import has_requests
from harness.probes.http.answers import Answer
from harness.probes.symptoms import shows
from tests.zap import recorded

TEMPLATES = (
    *("/api/echo", "/api/me", "/api/notes", "/api/notes/{id}", "/api/notes/latest"),
    *("/search", "/file", "/go", "/users", "/login"),
)


def read(name: str, *, text: bytes = b"") -> Read:
    report = report_of(text or recorded.report(name))
    return read_alerts(recorded.report_alerts(report), TEMPLATES, stage="zap", role="partner")


def places(found: Read) -> set[tuple[str, str, str]]:
    return {(f.rule, f.operation, f.parameter) for f in found.findings if f.severity is Severity.HIGH}


def test_the_vulnerable_run_gives_its_holes_each_once() -> None:
    found = read("vuln-traditional-json-plus")
    holes = places(found)
    assert {
        ("injection.markup", "GET /api/echo", "msg"),
        ("injection.markup", "GET /search", "q"),
        ("injection.path", "GET /file", "name"),
    } <= holes
    assert len({f.fingerprint for f in found.findings}) == len(found.findings)
    assert all(f.cwe and f.owasp for f in found.findings if f.rule == "injection.markup")


def test_the_same_run_on_another_host_and_another_day_has_the_same_fingerprints() -> None:
    text = recorded.report("vuln-traditional-json-plus")
    moved = text.replace(b"127.0.0.1:18301", b"staging.example.test:8443").replace(b"2026-11-23", b"2027-01-02")
    assert moved != text
    assert {f.fingerprint for f in read("", text=moved).findings} == {f.fingerprint for f in read("", text=text).findings}


def test_a_route_is_named_as_the_document_names_it_without_the_base_path_of_its_server() -> None:
    alerts = tuple(recorded.report_alerts(report_of(recorded.report("vuln-traditional-json-plus"))))
    below = read_alerts(alerts, TEMPLATES, stage="zap", base_path="/api", public={"GET /api/echo"}, role="partner").findings
    echo = next(f for f in below if (f.rule, f.parameter) == ("injection.markup", "msg"))
    assert (echo.operation, echo.role) == ("GET /echo", ""), "what is public is known by its whole path"
    assert echo.steps[0].path.startswith("/api/echo?"), "and the request is sent where it was"
    search = next(f for f in below if (f.rule, f.parameter) == ("injection.markup", "q"))
    assert (search.operation, search.role) == ("GET /search", "partner")


def test_the_plain_report_and_the_one_with_requests_say_the_same() -> None:
    assert places(read("vuln-traditional-json")) == places(read("vuln-traditional-json-plus"))


def test_informational_alerts_are_observations_and_never_judged() -> None:
    found = read("hard-traditional-json-plus")
    assert {note.rule for note in found.observations} >= {"zap.10049", "zap.10104"}
    assert not {f.rule for f in found.findings} & {"zap.10049", "zap.10104"}


def test_a_header_that_one_setting_mends_everywhere_is_one_finding_that_names_places() -> None:
    servers = [f for f in read("vuln-traditional-json-plus").findings if f.rule == "headers.discloses-server"]
    assert [(f.operation, f.route) for f in servers] == [("", "")]
    assert " at GET " in servers[0].observed


def alert(**changes: object) -> Alert:
    plain = {
        "plugin": "40018",
        "name": "SQL Injection",
        "risk": 3,
        "confidence": 1,
        "method": "GET",
        "url": "http://h/api/notes/7",
    }
    return Alert(**{**plain, **changes})  # type: ignore[arg-type]


def test_a_high_alert_of_low_confidence_is_a_guess_until_a_second_request_confirms_it() -> None:
    def confidence(shows: bool | None) -> Confidence:
        confirm = None if shows is None else (lambda _alert: shows)
        return read_alerts((alert(),), TEMPLATES, stage="zap", confirm=confirm).findings[0].confidence

    assert confidence(None) is Confidence.LOW
    assert confidence(False) is Confidence.LOW
    assert confidence(True) is Confidence.HIGH


def test_what_zap_calls_a_false_positive_is_an_observation() -> None:
    assert read_alerts((alert(confidence=0),), TEMPLATES, stage="zap").findings == ()


@pytest.mark.parametrize(
    ("url", "route"),
    [
        ("http://a/api/notes/7?x=1", "/api/notes/{id}"),
        ("https://b:8443/api/notes/latest", "/api/notes/latest"),
        ("http://a", "/"),
        ("http://a/other/17/x", "/other/{value}/x"),
        ("http://a/other/0b7e51c2-3f4d-4a5b-8c6d-9e0f1a2b3c4d", "/other/{value}"),
        ("http://a/api/notes/", "/api/notes/"),
    ],
)
def test_an_address_becomes_its_route_and_keeps_no_value(url: str, route: str) -> None:
    assert route_of(url, TEMPLATES) == route


def test_classes_are_named_as_owasp_names_them() -> None:
    assert top10_of(("CWE-79", "OWASP_2021_A03", "OWASP_2025_A05")) == "A05:2025"
    assert api_of(("OWASP_2025_A05", "API_2023_API10")) == "API10:2023"
    assert (top10_of(("OWASP_2021_A03",)), api_of(("OWASP_2021_A03",))) == ("", "")


@pytest.mark.parametrize(
    ("tags", "classes"),
    [
        (("OWASP_2025_A05", "API_2023_API8"), ("CWE-601", "API8:2023", "A05:2025")),
        (("OWASP_2025_A05",), ("CWE-601", "A05:2025")),
        (("API_2023_API8",), ("CWE-601", "API8:2023", "A01:2025")),
        ((), ("CWE-601", "A01:2025")),
    ],
    ids=["both", "the Top 10", "the API list: the Top 10 by its CWE", "neither: by its CWE"],
)
def test_a_finding_has_the_classes_of_its_tags_and_else_that_of_its_cwe(tags: tuple[str, ...], classes: tuple[str, ...]) -> None:
    assert read_alerts((alert(cwe=601, tags=tags),), TEMPLATES, stage="zap").findings[0].classes == classes


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.999])
def test_a_report_that_was_cut_is_an_error_and_never_empty(share: float) -> None:
    text = recorded.report("vuln-traditional-json-plus")
    with pytest.raises(EngineError):
        report_of(text[: int(len(text) * share)])


@pytest.mark.parametrize("text", ["[]", '{"runs": []}', '{"@version": "2.17.0"}', '"does_not_exist"', ""])
def test_a_report_of_something_else_is_an_error(text: str) -> None:
    with pytest.raises(EngineError):
        report_of(text)


@pytest.mark.parametrize("answer", ["does_not_exist", {"code": "x"}, [{"name": "no plugin"}], None])
def test_words_in_place_of_alerts_or_progress_are_errors(answer: object) -> None:
    with pytest.raises(EngineError):
        api_alerts(answer)
    with pytest.raises(EngineError):
        rule_states(answer if isinstance(answer, str | dict) else [{"HostProcess": [{"Plugin": ["short"]}]}])


def test_ten_thousand_alerts_of_hostile_text_are_read() -> None:
    hostile = "<script>alert(1)</script>\x00\ud800" + "x" * 100
    many = [alert(plugin=str(n % 50), url=f"http://h/a/b{n % 3000}/{n}", parameter=hostile, name=hostile) for n in range(10_000)]
    found = read_alerts(many, TEMPLATES, stage="zap")
    assert json.dumps([f.fingerprint for f in found.findings])
    assert len(found.findings) > 1_000


SYMPTOMS = [
    (
        {"plugin": "10021", "name": "X-Content-Type-Options Header Missing", "parameter": "x-content-type-options"},
        "",
        "x-content-type-options: nosniff",
    ),
    ({"plugin": "10063", "name": "Permissions Policy Header Not Set"}, "", "permissions-policy: x"),
    ({"plugin": "10036", "name": "Server Leaks", "evidence": "Werkzeug/3.1.9"}, "server: Werkzeug/3.1.9 Python/3", "server: x"),
    ({"plugin": "10037", "name": "Powered", "evidence": "X-Powered-By: PHP/8"}, "x-powered-by: PHP/8", ""),
    ({"plugin": "10098", "name": "CORS", "evidence": "Access-Control-Allow-Origin: *"}, "access-control-allow-origin: *", ""),
    ({"plugin": "90022", "name": "Error", "evidence": "Traceback"}, "BODY a Traceback", "BODY sorry"),
    (
        {"plugin": "20019", "name": "Redirect", "active": True, "evidence": "https://x.example"},
        "location: https://x.example",
        "location: /",
    ),
    ({"plugin": "40018", "name": "SQL", "active": True, "evidence": "HTTP/1.1 500 INTERNAL"}, "STATUS 500", ""),
]


def answer(said: str) -> Answer:
    kind, _, text = said.partition(" ")
    head = tuple([tuple(said.split(": ", 1))] if ": " in said else [])
    return Answer(int(text) if kind == "STATUS" else 200, head, text.encode() if kind == "BODY" else b"")  # type: ignore[arg-type]


@pytest.mark.parametrize(("changes", "bad", "good"), SYMPTOMS, ids=[changes["plugin"] for changes, *_ in SYMPTOMS])
def test_what_an_alert_saw_is_looked_for_again_and_is_gone_once_it_is_mended(
    changes: dict[str, object], bad: str, good: str
) -> None:
    (finding,) = read_alerts((alert(risk=1, **changes),), TEMPLATES, stage="zap").findings
    assert has_requests(finding)
    assert shows(finding.symptom, answer(bad))
    assert not shows(finding.symptom, answer(good))


@pytest.mark.parametrize(
    "changes",
    [
        {"plugin": "10020", "name": "Multiple X-Frame-Options Header Entries", "parameter": "x-frame-options"},
        {"plugin": "10010", "name": "Cookie No HttpOnly Flag", "parameter": "sid", "evidence": "Set-Cookie: sid"},
        {"plugin": "10202", "name": "Absence of Anti-CSRF Tokens", "evidence": "<form>"},
        {"plugin": "10105", "name": "Weak Authentication", "evidence": "Authorization: Bearer abcdefghijklmnop"},
        {"plugin": "90011", "name": "Charset Mismatch"},
    ],
    ids=["more than one header", "a cookie", "a form", "a secret", "no evidence"],
)
def test_where_an_alert_does_not_say_enough_no_request_is_said_to_show_it(changes: dict[str, object]) -> None:
    (finding,) = read_alerts((alert(risk=1, **changes),), TEMPLATES, stage="zap").findings
    assert not has_requests(finding)

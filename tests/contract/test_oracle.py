"""Which complaints stand, and in which words; and how many exchanges become one defect."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.engines.contract.confirming import expected_statuses
from harness.engines.contract.deviations import Deviation, Rule
from harness.engines.contract.exchange import Answer, Complaint, Exchange, Sent
from harness.engines.contract.grouping import group
from harness.engines.contract.oracle import Oracle
from harness.model.target import Limits, OperationHint
from harness.probes.openapi.document import Document
from harness.probes.scene.flows import flows_of
from tests.probes.servers.gate_server import DOCUMENT as GATES
from tests.probes.servers.gate_server import target as gates

LEAD = {"type": "object", "required": ["id", "score"], "properties": {"id": {"type": "integer"}, "score": {"type": "integer"}}}
JSON = {"content-type": "application/json"}


def _answers(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "200": {"description": "ok", "content": {"application/json": {"schema": schema}}},
        "422": {"description": "refused", "content": {"application/problem+json": {}}},
    }


def document() -> Document:
    one, many = {"$ref": "#/components/schemas/Lead"}, {"type": "array", "items": {"$ref": "#/components/schemas/Lead"}}
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}}
    secured = [{"token": []}]
    return Document.of(
        {
            "openapi": "3.1.0",
            "paths": {
                "/leads": {"get": {"parameters": [limit], "responses": _answers(many), "security": secured}},
                "/lead": {"get": {"responses": _answers(one), "security": secured}},
                "/open": {"get": {"responses": _answers(one)}},
                "/moved": {"post": {"responses": {"303": {"description": "there", "content": {"text/html": {}}}}}},
                "/papers/all.csv": {"get": {"responses": _answers(many)}},
                "/papers/new": {"post": {"requestBody": {"content": {"multipart/form-data": {}}}, "responses": _answers(one)}},
                "/papers/{paper}": {"delete": {"responses": {"204": {"description": "gone"}}}},
            },
            "components": {
                "schemas": {"Lead": LEAD},
                "securitySchemes": {
                    "token": {"type": "http", "scheme": "bearer"},
                    "session": {"type": "apiKey", "in": "cookie", "name": "sid"},
                },
            },
        }
    )


ORACLE = Oracle(document(), {"GET /open": (418,)})


def exchange(operation: str, code: str, answer: Answer, path: str = "", **more: Any) -> Exchange:
    method, route = operation.split(" ")
    complaint = Complaint("check", code, "title", "message", missing_headers=more.pop("missing_headers", ()))
    return Exchange(operation, "agent", "coverage", Sent(method, path or route), answer, complaints=(complaint,), **more)


def judged(operation: str, code: str, answer: Answer, path: str = "", **more: Any) -> list[tuple[str, str]]:
    return [d.key for d in ORACLE.judge(exchange(operation, code, answer, path, **more))]


def test_a_server_error_is_said_once_whatever_else_is_wrong_with_it() -> None:
    both = replace(
        exchange("GET /lead", "ST101", Answer(500, JSON, "boom")),
        complaints=(Complaint("a", "ST101", "", ""), Complaint("b", "ST103", "", ""), Complaint("c", "ST108", "", "")),
    )
    assert [d.key for d in ORACLE.judge(both)] == [(Rule.SERVER_ERROR, "")]


def test_a_declared_status_is_no_deviation_and_another_is() -> None:
    assert judged("GET /lead", "ST103", Answer(422)) == []
    assert judged("GET /lead", "ST103", Answer(404)) == [(Rule.STATUS, "404")]


@pytest.mark.parametrize(
    ("status", "is_defect"), [(200, True), (302, True), (401, False), (403, False), (404, False), (501, False), (500, True)]
)
def test_a_method_that_the_document_does_not_declare_may_be_refused_in_many_ways(status: int, is_defect: bool) -> None:
    sent = replace(exchange("GET /lead", "ST204", Answer(status)), sent=Sent("TRACE", "/lead"))
    assert any(not deviation.noise for deviation in ORACLE.judge(sent)) is is_defect


@pytest.mark.parametrize(("method", "is_defect"), [("QUERY", False), ("PUT", True)])
def test_a_server_that_cannot_read_a_method_says_400_and_a_route_that_can_is_a_way_in(method: str, is_defect: bool) -> None:
    sent = replace(exchange("GET /lead", "ST204", Answer(400)), sent=Sent(method, "/lead"))
    assert any(not deviation.noise for deviation in ORACLE.judge(sent)) is is_defect


def test_a_method_of_another_operation_whose_template_matches_is_no_undeclared_one() -> None:
    sent = exchange("GET /papers/all.csv", "ST204", Answer(404))
    assert ORACLE.judge(replace(sent, answer=Answer(200), sent=Sent("DELETE", "/papers/all.csv"))) == ()
    assert [d.key for d in ORACLE.judge(replace(sent, answer=Answer(200), sent=Sent("PUT", "/papers/all.csv")))] == [
        (Rule.METHOD, "PUT")
    ]


@pytest.mark.parametrize(("parameter", "told"), [("sid", []), ("colour", [Rule.OTHER])])
def test_a_credential_that_the_engine_left_out_was_sent_all_the_same(parameter: str, told: list[Rule]) -> None:
    message = f"Invalid data should have been rejected: parameter `{parameter}` in cookie - violates `required`"
    sent = Sent("POST", "/papers/new", {"content-type": "multipart/form-data; boundary=x"}, "--x\r\n\r\nfile\r\n--x--")
    answered = Exchange("POST /papers/new", "agent", "coverage", sent, Answer(200, JSON, "{}"))
    complaint = Complaint("negative_data_rejection", "ST201", "Accepted", message)
    assert [d.rule for d in ORACLE.judge(replace(answered, complaints=(complaint,)))] == told


def test_a_declared_method_that_is_not_implemented_is_a_server_error() -> None:
    assert judged("GET /lead", "ST101", Answer(501)) == [(Rule.SERVER_ERROR, "")]


def test_the_media_type_of_an_answer_is_held_to_the_document() -> None:
    assert judged("GET /lead", "ST105", Answer(200, {"content-type": "application/json; charset=utf-8"})) == []
    assert judged("GET /lead", "ST105", Answer(200, {"content-type": "text/html"})) == [(Rule.MEDIA_TYPE, "200")]


@pytest.mark.parametrize(("body", "found"), [("", []), ("moved", [(Rule.MEDIA_TYPE, "303")])])
def test_a_redirect_without_a_body_needs_no_media_type(body: str, found: list[tuple[Rule, str]]) -> None:
    assert judged("POST /moved", "ST105", Answer(303, {"location": "/lead"}, body)) == found


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('{"id": 1, "score": 2}', []),
        ('{"id": 1}', [(Rule.RESPONSE, "score")]),
        ('{"id": 1, "score": "2"}', [(Rule.RESPONSE, "score")]),
        ("<html>", [(Rule.RESPONSE, "")]),
    ],
)
def test_the_body_of_an_answer_is_held_to_its_schema(body: str, found: list[tuple[str, str]]) -> None:
    assert judged("GET /lead", "ST108", Answer(200, JSON, body)) == found


def test_a_wrong_value_is_quoted_as_it_was_written() -> None:
    (deviation,) = ORACLE.judge(exchange("GET /lead", "ST108", Answer(200, JSON, '{"id":1,"score":"2"}')))
    assert deviation.snippet == '"score":"2"'
    (missing,) = ORACLE.judge(exchange("GET /lead", "ST108", Answer(200, JSON, '{"id":1}')))
    assert missing.lacks == '"score"'


def test_an_answer_that_was_cut_is_not_held_to_its_schema() -> None:
    assert judged("GET /lead", "ST108", Answer(200, JSON, "[", cut="longer than it may be")) == []
    assert judged("GET /lead", "ST108", Answer(200, JSON, "[", cut="not over after 3 s")) == [(Rule.ENDLESS, "")]


def test_an_accepted_request_is_a_defect_only_where_the_wire_breaks_a_rule() -> None:
    accepted = Answer(200, JSON, "[]")
    assert judged("GET /leads", "ST201", accepted, "/leads?limit=101") == [(Rule.INVALID_ACCEPTED, "limit")]
    assert judged("GET /leads", "ST201", accepted, "/leads?limit=100") == []
    assert judged("GET /leads", "ST201", Answer(422), "/leads?limit=101") == []


def test_the_answer_to_an_accepted_request_says_nothing_new() -> None:
    both = replace(
        exchange("GET /leads", "ST201", Answer(200, JSON, '[{"id": 1}]'), "/leads?limit=101"),
        complaints=(Complaint("a", "ST108", "", ""), Complaint("b", "ST201", "", "")),
    )
    assert [d.key for d in ORACLE.judge(both)] == [(Rule.INVALID_ACCEPTED, "limit")]
    allowed = replace(both, sent=Sent("GET", "/leads?limit=100"))
    assert [d.key for d in ORACLE.judge(allowed)] == [(Rule.RESPONSE, "[].score")]


@pytest.mark.parametrize(("status", "is_noise"), [(403, True), (404, False), (201, False), (418, False)])
def test_a_refusal_of_a_framework_is_noise_where_the_document_declares_it_nowhere(status: int, *, is_noise: bool) -> None:
    said, told = {"200": {"description": "ok"}}, {"404": {"description": "gone"}}
    paths = {"/leads": {"get": {"responses": said}}, "/notes": {"get": {"responses": {**said, **told}}}}
    bare = Oracle(Document.of({"openapi": "3.0.3", "paths": paths}), {})
    (deviation,) = bare.judge(exchange("GET /leads", "ST103", Answer(status)))
    assert (deviation.noise != "") is is_noise


def test_a_lenient_reading_is_noise() -> None:
    (deviation,) = ORACLE.judge(exchange("GET /leads", "ST201", Answer(200, JSON, "[]"), "/leads?limit=%2B5"))
    assert deviation.noise


def test_a_refusal_is_a_defect_where_no_rule_is_broken_and_nobody_expects_it() -> None:
    assert judged("GET /lead", "ST202", Answer(422)) == [(Rule.VALID_REFUSED, "422")]
    assert judged("GET /open", "ST202", Answer(418)) == []
    assert judged("GET /leads", "ST202", Answer(422), "/leads?limit=101") == []
    assert [judged("GET /lead", "ST202", Answer(status)) for status in (404, 409, 412, 423, 428, 429)] == [[]] * 6


def test_a_success_without_credential_counts_where_one_is_demanded() -> None:
    accepted = Answer(200, JSON, "{}")
    assert judged("GET /lead", "ST401", accepted, credential=False) == [(Rule.NO_AUTHENTICATION, "")]
    assert judged("GET /lead", "ST401", accepted, credential=True) == []
    assert judged("GET /open", "ST401", accepted, credential=False) == []


def test_a_header_is_missing_only_where_it_is() -> None:
    assert judged("GET /lead", "ST107", Answer(200, {"etag": "1"}), missing_headers=("ETag",)) == []
    assert judged("GET /lead", "ST107", Answer(200), missing_headers=("ETag",)) == [(Rule.HEADERS, "ETag")]


def test_the_same_defect_is_recognised_in_another_exchange() -> None:
    seen = exchange("GET /leads", "ST201", Answer(200, JSON, "[]"), "/leads?limit=101&x=1")
    (deviation,) = ORACLE.judge(seen)
    assert ORACLE.still(deviation, replace(seen, sent=Sent("GET", "/leads?limit=500")))
    assert not ORACLE.still(deviation, replace(seen, sent=Sent("GET", "/leads?limit=5")))
    assert not ORACLE.still(deviation, replace(seen, answer=Answer(422)))


# -- groups


def test_many_exchanges_of_one_cause_are_one_group_with_the_smallest_first() -> None:
    accepted = Answer(200, JSON, "[]")
    seen = [exchange("GET /leads", "ST201", accepted, f"/leads?limit={number}") for number in (100_000, 101, 5_000)]
    groups, notes = group(seen, ORACLE)
    assert [(each.operation, each.count, each.exchanges[0].sent.path) for each in groups] == [
        ("GET /leads", 3, "/leads?limit=101")
    ]
    assert not notes


def test_a_schema_that_two_answers_share_is_one_group() -> None:
    groups, _ = group(
        [
            exchange("GET /lead", "ST108", Answer(200, JSON, '{"id": 1}')),
            exchange("GET /leads", "ST108", Answer(200, JSON, '[{"id": 1}]')),
        ],
        ORACLE,
    )
    assert [(each.operation, each.others) for each in groups] == [("GET /lead", ("GET /leads",))]


def test_an_undocumented_status_is_one_group_from_three_operations_on() -> None:
    names = ("GET /lead", "GET /leads", "GET /open")
    groups, _ = group([exchange(name, "ST103", Answer(410)) for name in names], ORACLE)
    assert [(each.operation, each.others) for each in groups] == [("GET /lead", ("GET /leads", "GET /open"))]
    two, _ = group([exchange(name, "ST103", Answer(410)) for name in names[:2]], ORACLE)
    assert [each.operation for each in two] == ["GET /lead", "GET /leads"]


def test_noise_is_noted_and_counted() -> None:
    seen = [exchange("GET /leads", "ST201", Answer(200, JSON, "[]"), f"/leads?limit=%2B{number}") for number in (1, 2)]
    groups, notes = group(seen, ORACLE)
    assert not groups
    assert [(note.operation, note.count) for note in notes] == [("GET /leads", 2)]


def test_two_defects_of_one_operation_stay_two() -> None:
    assert Deviation(Rule.STATUS, "404", "", "", "").key != Deviation(Rule.STATUS, "403", "", "", "").key


def test_a_code_that_was_made_up_may_be_refused_by_what_confirms_it() -> None:
    target = gates(Limits())
    hinted = replace(target, operations=(OperationHint("POST /register/confirm", expected_statuses=(409,)),))
    expected = expected_statuses(GATES, hinted)
    assert expected["POST /register/confirm"] == (400, 422, 409)
    assert set(expected) == {flow.confirm.name for flow in flows_of(GATES, ())}
    assert set(expected_statuses(document(), target)) == set()

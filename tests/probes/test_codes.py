"""One-time codes on a platform that is not the reference one."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.model.finding import Confidence
from harness.model.target import CodeFlow, Limits, OperationHint
from harness.probes.abuse.codes import examine_codes
from harness.probes.again import examined_twice
from harness.probes.checks import Report
from harness.probes.deliberate import deliberate_statuses
from harness.probes.http.exchange import World
from harness.probes.injection.injection import examine_injection
from harness.probes.openapi.document import Document
from harness.probes.scene.code_values import bits_of, common_codes, foreseeable, random_code
from harness.probes.scene.destruction import destructive
from harness.probes.scene.flows import flows_of
from harness.probes.scene.scene import Scene
from harness.probes.tour import take_tour
from tests.probes.servers.gate_server import DOCUMENT, Gates, target

CONFIRMS = ("POST /register/confirm", "POST /password/reset")


def examined(*defects: str, log: Path | None = None) -> Report:
    if log is not None:
        log.touch()
    gates = Gates(frozenset(defects), Limits(), log=log)
    return examined_twice(gates, "codes", lambda door: examine_codes(door, DOCUMENT, 1))


def said(report: Report) -> set[tuple[str, str]]:
    return {(finding.rule, finding.operation) for finding in report.findings}


def test_the_flows_are_known_from_the_document_and_each_code_from_its_own_start() -> None:
    assert [(flow.start.name, flow.confirm.name, flow.code, flow.is_reset) for flow in flows_of(DOCUMENT, ())] == [
        ("POST /register/start", "POST /register/confirm", "code", False),
        ("POST /password/forgot", "POST /password/reset", "code", True),
    ]


@pytest.mark.parametrize("start", ["/password-reset", "/me/address", "/api/recovery"])
def test_a_confirmation_below_an_operation_that_takes_an_address_is_of_that_one(start: str) -> None:
    paths = {
        start: {"post": taking("email")},
        f"{start}/confirm": {"post": taking("email", "code")},
        "/news": {"post": taking("email")},
    }
    document = Document.of({"openapi": "3.1.0", "info": {}, "paths": paths})
    assert [(flow.start.path, flow.confirm.path) for flow in flows_of(document, ())] == [(start, f"{start}/confirm")]


def taking(*members: str) -> dict[str, Any]:
    schema = {"type": "object", "required": list(members), "properties": {name: {"type": "string"} for name in members}}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}, "responses": {}}


def test_what_the_target_file_says_outranks_what_the_document_shows() -> None:
    hint = CodeFlow("odd", "POST /login", "POST /register/confirm", member="email", log_pattern="is ([0-9]+)")
    flows = flows_of(DOCUMENT, (hint,))
    assert (flows[0].start.name, flows[0].code, flows[0].declared) == ("POST /login", "email", True)
    assert [flow.confirm.name for flow in flows[1:]] == ["POST /password/reset"]


def test_a_platform_that_guards_its_codes_gives_no_finding(tmp_path: Path) -> None:
    report = examined(log=tmp_path / "log")
    assert said(report) == set()
    assert report.tried > 60
    assert {o.rule for o in report.observations} == {"codes.in-log"}


@pytest.mark.parametrize(
    ("defect", "rule", "operations"),
    [
        ("any-code", "codes.not-checked", CONFIRMS),
        ("constant-code", "codes.foreseeable", ("POST /register/start", "POST /password/forgot")),
        ("counted-code", "codes.foreseeable", ("POST /register/start", "POST /password/forgot")),
        ("reusable-code", "codes.reusable", CONFIRMS),
        ("unbound-code", "codes.not-bound", CONFIRMS),
        ("guessable-code", "codes.not-limited", CONFIRMS),
    ],
)
def test_a_code_that_proves_nothing_is_found_and_seen_again(
    tmp_path: Path, defect: str, rule: str, operations: tuple[str, ...]
) -> None:
    report = examined(defect, log=tmp_path / "log")
    assert said(report) == {(rule, operation) for operation in operations}
    assert {finding.confidence for finding in report.findings} == {Confidence.HIGH}


@pytest.mark.parametrize(("defects", "rules"), [((), set()), (("guessable-code",), {"codes.not-limited"})])
def test_a_limit_of_each_client_does_not_keep_a_code_from_being_guessed_by_many(
    tmp_path: Path, defects: tuple[str, ...], rules: set[str]
) -> None:
    (log := tmp_path / "log").touch()
    gates = Gates(frozenset(defects), Limits(requests=20, window_s=900), log=log)
    report = examined_twice(gates, "codes", lambda door: examine_codes(door, DOCUMENT, 1))
    assert said(report) == {(rule, operation) for rule in rules for operation in CONFIRMS}
    assert all("each from an address of its own" in finding.observed for finding in report.findings)


@pytest.mark.parametrize(("defects", "found"), [((), set()), (("reusable-code",), {"codes.reusable"})])
def test_a_code_that_is_sent_after_the_answer_is_not_taken_for_that_of_another_start(
    defects: tuple[str, ...], found: set[str], tmp_path: Path
) -> None:
    report = examined("late-mail", *defects, log=tmp_path / "log")
    assert {finding.rule for finding in report.findings} == found
    assert "codes.not-seen" not in {observation.rule for observation in report.observations}


def test_a_code_too_long_to_be_guessed_needs_no_limit(tmp_path: Path) -> None:
    (log := tmp_path / "log").touch()
    hints = tuple(
        CodeFlow(str(n), start, confirm, member="code", log_pattern=r"code is (\S+)")
        for n, (start, confirm) in enumerate(zip(("POST /register/start", "POST /password/forgot"), CONFIRMS, strict=True))
    )
    gates = Gates(frozenset({"long-code", "guessable-code"}), Limits(), log=log, codes=hints)
    report = examined_twice(gates, "codes", lambda door: examine_codes(door, DOCUMENT, 1))
    assert said(report) == set()
    assert "codes.not-seen" not in {observation.rule for observation in report.observations}


def test_a_token_that_alone_says_whose_it_is_cannot_be_somebody_elses(tmp_path: Path) -> None:
    (log := tmp_path / "log").touch()
    data = json.loads(json.dumps(DOCUMENT.data))
    schema = data["paths"]["/password/reset"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema["properties"].pop("email")
    schema["required"].remove("email")
    document = Document.of(data)
    hint = CodeFlow("reset", "POST /password/forgot", CONFIRMS[1], member="code", log_pattern=r"code is (\S+)")
    gates = Gates(frozenset({"long-code", "code-alone"}), Limits(), log=log, codes=(hint,))
    report = examined_twice(gates, "codes", lambda door: examine_codes(door, document, 1))
    assert CONFIRMS[1] not in {operation for _, operation in said(report)}
    unseen = {note.operation for note in report.observations if note.rule == "codes.not-seen"}
    assert CONFIRMS[1] not in unseen, "it was used all the same"


def by_link() -> Document:
    """The document with the reset's token in its path."""
    data = json.loads(json.dumps(DOCUMENT.data))
    reset = data["paths"].pop("/password/reset")
    schema = reset["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema["properties"] = {"new_password": {"type": "string"}}
    schema["required"] = ["new_password"]
    token = {"name": "token", "in": "path", "required": True, "schema": {"type": "string", "minLength": 20}}
    data["paths"]["/password/reset/{token}"] = {"parameters": [token], **reset}
    return Document.of(data)


@pytest.mark.parametrize(
    ("defects", "rules"),
    [((), set()), (("reusable-code",), {"codes.reusable"}), (("returns-code",), {"codes.returned"})],
    ids=["clean", "reusable", "returned"],
)
def test_a_token_in_the_path_is_tried_without_a_word_in_the_target_file(
    tmp_path: Path, defects: tuple[str, ...], rules: set[str]
) -> None:
    (log := tmp_path / "log").touch()
    gates, document = Gates(frozenset({"long-code", *defects}), Limits(), log=log), by_link()
    report = examined_twice(gates, "codes", lambda door: examine_codes(door, document, 1))
    of_the_reset = ("POST /password/reset/{token}", "POST /password/forgot")
    assert {rule for rule, operation in said(report) if operation in of_the_reset} == rules
    assert "POST /password/reset/{token}" not in {each.operation for each in report.observations if each.rule == "codes.not-seen"}


def test_a_flow_of_the_target_file_that_the_document_does_not_have_is_told_of() -> None:
    hint = CodeFlow("reset", "POST /password/forgot", "POST /password/again")
    report = examined_twice(Gates(codes=(hint,)), "codes", lambda door: examine_codes(door, DOCUMENT, 1))
    assert any(note.text.startswith("codes.reset: the document lacks") for note in report.observations)


def test_a_long_code_of_which_only_six_digits_are_drawn_needs_its_limit(tmp_path: Path) -> None:
    (log := tmp_path / "log").touch()
    hint = CodeFlow("reset", "POST /password/forgot", CONFIRMS[1], member="code", log_pattern=r"code is (\S+)")
    gates = Gates(frozenset({"prefixed-code", "guessable-code"}), Limits(), log=log, codes=(hint,))
    report = examined_twice(gates, "codes", lambda door: examine_codes(door, DOCUMENT, 1))
    assert ("codes.not-limited", CONFIRMS[1]) in said(report)


@pytest.mark.parametrize(
    ("code", "least", "most"),
    [
        ("123456", 19, 20),
        ("0f" * 8, 64, 64),
        ("aB3" * 7, 120, 130),
        ("6f1d2c3e-0a1b-4c2d-8e3f-0123456789ab", 128, 128),
        ("", 0, 0),
    ],
)
def test_the_bits_of_a_code_are_those_of_its_length_and_characters(code: str, least: int, most: int) -> None:
    assert least <= bits_of(code) <= most


def test_a_code_in_the_answer_needs_no_log() -> None:
    starts = {("codes.returned", "POST /register/start"), ("codes.returned", "POST /password/forgot")}
    assert said(examined("returns-code")) == starts


def test_without_a_right_code_the_rest_is_not_called_good() -> None:
    report = examined()
    assert {finding.confidence for finding in report.findings} <= {Confidence.LOW}
    assert [o.operation for o in report.observations if o.rule == "codes.not-seen"] == list(CONFIRMS)


@pytest.mark.parametrize(
    ("codes", "how"),
    [
        (["111111"] * 5, "all the same"),
        (["1", "3", "5", "7"], "+2 apart"),
        (["7", "7", "7", "9"], "2 different ones"),
        (["123456", "904411", "337718", "550091", "018273"], ""),
        (["a1", "b2", "c3"], ""),
    ],
)
def test_codes_that_can_be_foreseen(codes: list[str], how: str) -> None:
    found = foreseeable(codes)
    assert how in found
    assert bool(found) is bool(how)


def deliberate(log: Path | None, document: Document = DOCUMENT, *, isolated: bool = True) -> dict[str, frozenset[str]]:
    if log is not None:
        log.touch()
    with Gates(limits=Limits(), log=log).fresh("deliberate") as door, World(door) as world:
        return deliberate_statuses(Scene(world, document, 1), isolated=isolated)


def test_a_right_code_is_sent_where_the_log_shows_it(tmp_path: Path) -> None:
    assert deliberate(tmp_path / "log") == {name: frozenset({"200"}) for name in CONFIRMS}
    assert deliberate(None) == {}


def test_a_tour_reaches_what_needs_a_right_code(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    assert set(CONFIRMS) <= set(take_tour(Gates(limits=Limits(), log=log), DOCUMENT, seed=1).reached)
    assert not set(CONFIRMS) & set(take_tour(Gates(limits=Limits()), DOCUMENT, seed=1).reached)


SECURED = {"responses": {"428": {"description": "no version"}}, "security": [{"token": []}]}


def with_path(path: str, item: dict[str, object]) -> Document:
    return Document.of({**DOCUMENT.data, "paths": {**DOCUMENT.data["paths"], path: item}})


def test_a_confirmation_that_sets_a_new_password_is_destructive_and_one_that_sets_none_is_not() -> None:
    assert destructive(DOCUMENT, target(Limits())) & set(CONFIRMS) == {"POST /password/reset"}
    harmless = replace(target(Limits()), operations=(OperationHint("POST /password/reset", destructive=False),))
    assert not destructive(DOCUMENT, harmless) & set(CONFIRMS)


def test_a_reset_that_succeeds_takes_nobody_the_log_in_before_the_rest_of_the_tour(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    document = with_path("/notes", DOCUMENT.data["paths"]["/notes"] | {"post": SECURED})
    tour = take_tour(Gates(limits=Limits(), log=log), document, seed=1)
    assert set(tour.reached) == set(document.names) - {"GET /news/{news_id}"}
    assert not [note for note in tour.notes.values() if "refused" in note]


def test_on_a_target_that_others_use_too_no_password_is_reset(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    tour = take_tour(Gates(limits=Limits(), log=log, isolated=False), DOCUMENT, seed=1)
    assert "destroys credentials" in tour.notes["POST /password/reset"]
    assert {"POST /register/confirm", "GET /me"} <= set(tour.reached)
    assert set(deliberate(log, isolated=False)) == {"POST /register/confirm"}


def test_what_asks_for_a_log_in_is_sent_before_the_reset(tmp_path: Path) -> None:
    assert "PUT /zone" in deliberate(tmp_path / "log", with_path("/zone", {"put": SECURED}))


def test_a_reset_is_still_attacked_with_texts_as_it_changes_nothing_without_its_code() -> None:
    with Gates(limits=Limits()).fresh("injection") as door, World(door) as world:
        scene = Scene(world, DOCUMENT, 1)
        assert scene.resets == {"POST /password/reset"}
        report = examine_injection(scene)
        with_reset = report.tried
        assert report.parameters == with_reset, "each was a place that a text was put into"
        without = {name: item for name, item in DOCUMENT.data["paths"].items() if name != "/password/reset"}
        assert with_reset == examine_injection(Scene(world, Document.of({**DOCUMENT.data, "paths": without}), 1)).tried + 3


@pytest.mark.parametrize(
    ("like", "form"),
    [
        ("12345678", r"\d{8}"),
        ("GS-12AB", r"GS-\d\d[A-Z]{2}"),
        ("0f3a-99", r"[0-9a-f]{4}-[0-9a-f]{2}"),
        ("aB3", r"[a-z][A-Z]\d"),
        ("000000", r"[1-9]\d{5}"),
        ("******", r"\d{6}"),
    ],
)
def test_a_made_up_code_has_the_form_of_the_right_one(like: str, form: str) -> None:
    made = {random_code(like, (like,)) for _ in range(20)}
    assert all(re.fullmatch(form, code) for code in made)
    assert len(made) > 10
    assert not made & {like, *common_codes(like)}


def test_the_common_codes_have_the_length_of_the_right_one_first() -> None:
    assert common_codes("87654321")[:5] == ("00000000", "12345678", "11111111", "99999999", "87654321")
    assert set(common_codes()) == {"000000", "123456", "111111", "999999", "654321", "0000", "1234", "1111"}


def test_a_platform_with_codes_of_eight_digits_refuses_no_guess_for_its_form_alone(tmp_path: Path) -> None:
    data = json.loads(json.dumps(DOCUMENT.data))
    for path in ("/register/confirm", "/password/reset"):
        schema = data["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        schema["properties"]["code"] = {"type": "string", "pattern": "^[0-9]{8}$"}
    (log := tmp_path / "log").touch()
    for defects, rules in ((set(), set()), ({"guessable-code"}, {"codes.not-limited"}), ({"any-code"}, {"codes.not-checked"})):
        gates = Gates(frozenset({"eight-digits", *defects}), Limits(), log=log)
        report = examined_twice(gates, "codes", lambda door: examine_codes(door, Document.of(data), 1))
        assert {rule for rule, _ in said(report)} == rules

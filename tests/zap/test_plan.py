"""The generated plan, the imported document, the scan profiles, and the second request: pure, from small documents."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.engines.zap.aims import Aim, Aims, is_behind_the_door
from harness.engines.zap.confirming import rewritten
from harness.engines.zap.document import import_document
from harness.engines.zap.entering import OUR_RULES, Entry
from harness.engines.zap.model import Alert
from harness.engines.zap.paging import Pages
from harness.engines.zap.plan import ADD_ON_OF, Ground, automation_plan
from harness.engines.zap.profiles import load_scan_profile, profile_names
from harness.model.errors import ConfigError
from harness.model.finding import Request
from harness.probes.scene.scene import Asker
from tests.runner.tiny import ROOT

ALL = frozenset({*ADD_ON_OF.values(), "authhelper", "selenium"})
BUYER = Asker("buyer", "one")
AIMS = Aims(
    BUYER,
    (
        Aim("GET /orders/{id}", Request("GET", "/v1/orders/17?full=true", "buyer", "one"), True, 200),
        Aim(
            "POST /orders",
            Request("POST", "/v1/orders", "buyer", "one", {"Content-Type": "application/json"}, '{"a": [1]}'),
            True,
            201,
        ),
        Aim("POST /login", Request("POST", "/v1/login", body="{}"), False, 401),
    ),
    left_out={"POST /logout": "it ends sessions", "DELETE /orders/{id}": "it deletes"},
    proof=Request("GET", "/v1/me", "buyer", "one"),
    proof_status=200,
)
OURS = Entry(headers={"Authorization": "Bearer t"})
ZAPS = Entry({"authentication": {}, "sessionManagement": {"method": "cookie"}, "users": []})


def ground(**changes: Any) -> Ground:
    known: dict[str, Any] = {
        "name": "buyer-1",
        "base_url": "http://127.0.0.1:81",
        "aims": AIMS,
        "entry": ZAPS,
        "add_ons": ALL,
        "folder": "/t",
        "document": "d.json",
        "browser": "firefox-headless",
        "minutes": 10.0,
    }
    return Ground(**{**known, **changes})


def jobs(name: str = "ci", **changes: Any) -> dict[str, dict[str, Any]]:
    made = automation_plan(load_scan_profile(ROOT, name), ground(**changes))
    return {job["type"]: job for job in made.plan["jobs"]}


def test_there_are_three_scan_profiles_and_each_gives_a_plan_of_known_jobs() -> None:
    assert profile_names(ROOT) == ["baseline", "ci", "full"]
    for name in profile_names(ROOT):
        assert set(jobs(name)) <= set(ADD_ON_OF)
        yaml.safe_dump(jobs(name))
    assert not load_scan_profile(ROOT, "baseline").is_active
    assert load_scan_profile(ROOT, "ci").minutes_max <= 10
    assert set(load_scan_profile(ROOT, "ci").rules) < set(load_scan_profile(ROOT, "full").rules)


def test_rules_that_call_outside_are_off_in_every_profile() -> None:
    for name in ("ci", "full"):
        policy = jobs(name)["activeScan"]["policyDefinition"]
        off = {rule["id"] for rule in policy["rules"] if rule["threshold"] == "off"}
        assert {40031, 40043, 40047} <= off
        assert "OUT_OF_BAND" in policy["alertTags"]["exclude"]


def test_with_every_add_on_the_document_is_imported_as_the_user_with_its_count_as_a_test() -> None:
    made = jobs()
    assert made["openapi"]["parameters"] == {
        "apiFile": "/t/d.json",
        "targetUrl": "http://127.0.0.1:81",
        "context": "buyer-1",
        "user": "buyer-1",
    }
    tests = {test["statistic"]: (test["operator"], test["value"], test["onFail"]) for test in made["openapi"]["tests"]}
    assert tests == {
        "openapi.urls.added": (">=", 3, "error"),
        "stats.auth.success": (">=", 1, "error"),
        "stats.auth.failure": ("==", 0, "error"),
    }
    assert made["activeScan"]["parameters"]["user"] == "buyer-1"
    assert made["spiderClient"]["parameters"]["browserId"] == "firefox-headless"


def test_a_session_of_ours_goes_to_the_target_alone() -> None:
    made = jobs(entry=OURS)
    (rule,) = made["replacer"]["rules"]
    assert (rule["url"], rule["matchString"], rule["replacementString"]) == (
        r"http://127\.0\.0\.1:81.*",
        "Authorization",
        "Bearer t",
    )
    assert made["replacer"]["parameters"] == {"deleteAllRules": False}, "the daemon may have rules of its own"
    assert rule["description"].startswith(OUR_RULES)
    assert next(iter(made)) == "replacer", "before anything is sent"
    assert "user" not in made["activeScan"]["parameters"]


@pytest.mark.parametrize("name", ["baseline", "ci"])
def test_a_session_of_ours_is_proved_by_the_plan_before_all_that_is_sent_and_after_it(name: str) -> None:
    made = automation_plan(load_scan_profile(ROOT, name), ground(entry=OURS))
    kinds = [job["type"] for job in made.plan["jobs"]]
    first, last = [number for number, kind in enumerate(kinds) if kind == "requestor"]
    senders = [number for number, kind in enumerate(kinds) if kind in ("openapi", "spider", "spiderClient", "activeScan")]
    assert kinds.index("replacer") < first < senders[0] < senders[-1] < last
    for number in (first, last):
        (request,) = made.plan["jobs"][number]["requests"]
        assert (request["method"], request["url"], request["responseCode"]) == ("GET", "http://127.0.0.1:81/v1/me", 200)
        assert "Authorization:Bearer t" in request["headers"]
    assert made.jobs.count("requestor") == 2, "each must come to its end"


def test_there_is_no_such_proof_where_zap_logs_in_itself_or_there_is_no_request_for_it_or_nobody_to_be() -> None:
    for changes in ({}, {"entry": OURS, "aims": replace(AIMS, proof=None)}, {"entry": Entry()}):
        assert "requestor" not in jobs(**changes)


PAGE = Aim("GET /desk", Request("GET", "/desk?open=1", "buyer", "one"), True, 200, is_page=True)
PAGES = Pages((PAGE,), {"Cookie": "desk=c"}, {"POST /desk/logout": "it ends the session of the pages"})


def with_pages(entry: Entry, **changes: Any) -> dict[str, dict[str, Any]]:
    aims = replace(AIMS, aims=(*AIMS.aims, PAGE), left_out={**AIMS.left_out, **PAGES.left_out})
    return jobs(entry=entry, aims=aims, pages=PAGES, **changes)


@pytest.mark.parametrize(("entry", "carried"), [(ZAPS, {"Cookie"}), (OURS, {"Authorization", "Cookie"})], ids=["ZAP's", "ours"])
def test_the_session_of_the_pages_goes_with_every_request_beside_the_credential(entry: Entry, carried: set[str]) -> None:
    rules = with_pages(entry)["replacer"]["rules"]
    assert {rule["matchString"] for rule in rules} == carried


def test_without_the_add_on_the_pages_are_asked_for_one_by_one_with_their_session_and_the_operations_without() -> None:
    requests = with_pages(ZAPS, add_ons=ALL - {"replacer"})["requestor"]["requests"]
    assert [request["url"].rpartition("/")[2] for request in requests if "Cookie:desk=c" in request["headers"]] == ["desk?open=1"]
    assert len(requests) == len(AIMS.aims) + 1


def test_a_page_is_imported_as_it_is_and_is_not_reached_where_it_leads_to_its_log_in() -> None:
    paths = json.loads(import_document("http://127.0.0.1:81", "/v1", [PAGE]))["paths"]
    assert list(paths) == ["/desk"]
    assert [parameter["name"] for parameter in paths["/desk"]["get"]["parameters"]] == ["open"]
    assert [is_behind_the_door(PAGE, status) for status in (200, 303, 401, 404)] == [True, False, False, False]


def test_without_the_add_ons_the_requests_are_sent_one_by_one_with_the_credential_where_one_is_asked_for() -> None:
    made = jobs(entry=OURS, add_ons={"automation", "spider"}, aims=replace(AIMS, proof=None))
    assert "openapi" not in made
    order, post, login = made["requestor"]["requests"]
    assert order["url"] == "http://127.0.0.1:81/v1/orders/17?full=true"
    assert "Authorization:Bearer t" in order["headers"]
    assert post["data"] == '{"a": [1]}'
    assert login["headers"] == []


def test_what_is_left_out_says_where_its_address_stays_in_reach() -> None:
    assert AIMS.as_far_as_left_out == {
        "POST /logout": "it ends sessions",
        "DELETE /orders/{id}": "it deletes; not its address, which is aimed at as GET /orders/{id}",
    }


def test_jobs_that_this_zap_cannot_do_are_left_out_with_the_reason() -> None:
    made = automation_plan(load_scan_profile(ROOT, "ci"), ground(add_ons={"automation"}, browser=""))
    assert made.left_out["passiveScan-wait"] == "this ZAP has no add-on pscan"
    assert made.left_out["spider"] == "this ZAP has no add-on spider"
    assert made.jobs == ("requestor", "activeScan")
    assert automation_plan(load_scan_profile(ROOT, "ci"), ground(browser="")).left_out == {
        "spiderClient": "there is no browser for it"
    }


@pytest.mark.parametrize("name", ["baseline", "ci", "full"])
def test_without_writes_no_browser_clicks_no_form_is_posted_and_no_rule_sends_a_writing_method(name: str) -> None:
    safe = replace(AIMS, aims=AIMS.aims[:1], left_out={**AIMS.left_out, "POST /orders": "the target allows no writes"})
    made = automation_plan(load_scan_profile(ROOT, name), ground(writes=False, aims=safe))
    (spider,) = [job for job in made.plan["jobs"] if job["type"] == "spider"]
    assert spider["parameters"]["postForm"] is False
    assert not {"spiderClient", "spiderAjax"} & set(made.jobs)
    assert set(made.left_out.values()) <= {"the target allows no writes"}
    for job in made.plan["jobs"]:
        if job["type"] == "activeScan":
            off = {rule["id"] for rule in job["policyDefinition"]["rules"] if rule["threshold"] == "off"}
            assert {20018, 40033, 40045, 40048, 90028} <= off
            assert {"spiderClient", "rule 40045"} <= set(made.left_out)


def test_a_writing_rule_that_the_template_names_is_off_too_and_stays_where_writes_are_allowed() -> None:
    profile = load_scan_profile(ROOT, "ci")
    named = {"id": 40045, "name": "Spring4Shell", "threshold": "medium"}
    for job in profile.jobs:
        if job["type"] == "activeScan":
            job["policyDefinition"]["rules"].append(named)
    for writes, threshold in ((False, "off"), (True, "medium")):
        made = automation_plan(profile, ground(writes=writes))
        (attack,) = [job for job in made.plan["jobs"] if job["type"] == "activeScan"]
        assert [rule["threshold"] for rule in attack["policyDefinition"]["rules"] if rule["id"] == 40045] == [threshold]
        assert ("spiderClient" in made.jobs, jobs(writes=writes)["spider"]["parameters"]["postForm"]) == (writes, writes)


def test_a_path_that_ends_sessions_is_kept_from_the_spider_and_one_that_is_aimed_at_is_not() -> None:
    made = automation_plan(load_scan_profile(ROOT, "ci"), ground())
    excluded = made.plan["env"]["contexts"][0]["excludePaths"]
    assert excluded == [r"http://127\.0\.0\.1:81[^?]*/logout(\?.*)?"]


def test_the_time_of_the_attacks_is_a_part_of_the_role_s_and_a_rule_s_within_it() -> None:
    assert jobs(minutes=10.0)["activeScan"]["parameters"]["maxScanDurationInMins"] == 7
    short = jobs("full", minutes=1.0)["activeScan"]["parameters"]
    assert (short["maxScanDurationInMins"], short["maxRuleDurationInMins"]) == (1, 1)


def test_the_imported_document_holds_the_real_values_and_nothing_that_was_left_out() -> None:
    document = json.loads(import_document("http://h:1", "/v1", AIMS.aims))
    assert set(document["paths"]) == {"/v1/orders/{id}", "/v1/orders", "/v1/login"}
    assert set(document["paths"]["/v1/orders/{id}"]) == {"get"}
    given = {(p["in"], p["name"]): p["example"] for p in document["paths"]["/v1/orders/{id}"]["get"]["parameters"]}
    assert given == {("path", "id"): "17", ("query", "full"): "true"}
    content = document["paths"]["/v1/orders"]["post"]["requestBody"]["content"]["application/json"]
    assert content["example"] == {"a": [1]}
    assert content["schema"]["properties"]["a"]["items"] == {"type": "integer", "example": 1}


def test_a_path_that_is_only_in_part_a_parameter_is_imported_as_it_was_sent() -> None:
    aim = Aim("GET /files/{name}.json", Request("GET", "/files/a.json"), False, 200)
    assert list(json.loads(import_document("http://h", "", [aim]))["paths"]) == ["/files/a.json"]


@pytest.mark.parametrize(
    ("secured", "before", "status", "reached"),
    [
        (True, 200, 200, True),
        (True, 200, 422, True),
        (True, 200, 401, False),
        (True, 200, 403, False),
        (False, 401, 401, True),
        (True, 200, 404, False),
        (True, 404, 404, True),
        (True, 200, 0, False),
        (True, 200, 429, False),
        (True, 429, 429, False),
    ],
)
def test_an_operation_is_reached_where_the_answer_comes_from_behind_the_door(
    secured: bool, before: int, status: int, reached: bool
) -> None:
    assert is_behind_the_door(Aim("GET /x", Request("GET", "/x"), secured, before), status) is reached


def test_a_template_that_is_none_is_refused_and_a_wrong_name_gets_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no scan profile") as caught:
        load_scan_profile(ROOT, "ful")
    assert caught.value.hint == 'did you mean "full"?'
    (tmp_path / "security/zap").mkdir(parents=True)
    for text in ("jobs: []", "harness: 3", "{", "harness: {about: x, minutes_max: y}\njobs: []"):
        (tmp_path / "security/zap/x.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match="no template of a plan"):
            load_scan_profile(tmp_path, "x")


# -- the second request


def alert(**changes: Any) -> Alert:
    known = {"plugin": "1", "name": "n", "risk": 3, "confidence": 2, "method": "GET", "attack": "<b>", "active": True}
    return Alert(**{"url": "http://h/a?q=%3Cb%3E&r=1", **known, **changes})


@pytest.mark.parametrize(
    ("changes", "path", "body"),
    [
        ({}, "/a?q=no&r=1", None),
        ({"url": "http://h/a", "method": "POST", "body": '{"x": ["<b>"]}'}, "/a", '{"x": ["no"]}'),
        ({"url": "http://h/a", "method": "POST", "body": "x=%3Cb%3E&y=2"}, "/a", "x=no&y=2"),
        ({"url": "http://h/a/%3Cb%3E/c"}, "/a/no/c", None),
    ],
)
def test_the_attack_is_rewritten_where_it_stands(changes: dict[str, Any], path: str, body: str | None) -> None:
    request = rewritten(alert(**changes), lambda _attack: "no", BUYER)
    assert request is not None
    assert (request.path, request.body, request.role) == (path, body, "buyer")


def test_an_attack_that_stands_nowhere_gives_no_second_request() -> None:
    assert rewritten(alert(url="http://h/a?q=1"), lambda _attack: "no", BUYER) is None

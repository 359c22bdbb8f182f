"""How ZAP gets in, by the role's own recipe; and what stays in a daemon of somebody else: nothing of ours, all of theirs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import SimpleNamespace

import pytest

from harness.engines.zap.entering import HEADER_SESSIONS, OUR_RULES, Entry, entry_of, withdraw_rules
from harness.model.errors import EngineError
from harness.model.finding import Request
from harness.model.target import Login, Role, User
from harness.probes.http.door import Credential
from tests.zap.api_server import interface

ANN = User("one", "ann", "a long password")
BODY = {"email": "{username}", "password": "{password}"}
BEARER = Login("json", "/token", BODY, token="$.data.token")
COOKIE = Login("form", "/login", BODY, cookie="sid")
ME = Request("GET", "/v1/me", "buyer", "one")


def entered(login: Login, *, add_ons: Collection[str] = (HEADER_SESSIONS,), proof: Request | None = ME) -> Entry:
    session = Credential({login.header: "Bearer t"}) if login.token else Credential(cookies={"sid": "c"})
    door = SimpleNamespace(base_url="http://127.0.0.1:81/", sign_in=lambda *_: session)
    return entry_of(door, Role("buyer", login, (ANN,)), ANN, proof, add_ons, "buyer-1")


def test_zap_logs_in_itself_for_a_bearer_token_and_puts_it_into_the_role_s_header() -> None:
    entry = entered(BEARER)
    assert entry.is_zaps
    assert entry.headers == {}
    assert entry.context["sessionManagement"] == {
        "method": "headers",
        "parameters": {"Authorization": "Bearer {%json:data.token%}"},
    }
    assert entry.context["authentication"]["method"] == "json"
    assert entry.context["authentication"]["parameters"] == {
        "loginRequestUrl": "http://127.0.0.1:81/token",
        "loginRequestBody": '{"email": "{%username%}", "password": "{%password%}"}',
    }
    verification = entry.context["authentication"]["verification"]
    assert (verification["method"], verification["pollUrl"]) == ("poll", "http://127.0.0.1:81/v1/me")
    assert entry.context["users"] == [{"name": "buyer-1", "credentials": {"username": "ann", "password": "a long password"}}]


def test_zap_logs_in_itself_for_a_cookie_with_the_role_s_form() -> None:
    entry = entered(COOKIE, add_ons=())
    assert entry.context["sessionManagement"] == {"method": "cookie"}
    parameters = entry.context["authentication"]["parameters"]
    assert parameters["loginRequestBody"] == "email={%username%}&password={%password%}"


@pytest.mark.parametrize(
    ("login", "changes"),
    [
        (BEARER, {"add_ons": ("automation",)}),
        (Login("json", "/token", BODY, token="$.tokens[0].value"), {}),
        (BEARER, {"proof": None}),
    ],
    ids=["without the add-on", "a token that no plain path leads to", "without a proof"],
)
def test_else_it_is_given_a_session_of_ours(login: Login, changes: dict[str, object]) -> None:
    entry = entered(login, **changes)  # type: ignore[arg-type]
    assert not entry.is_zaps
    assert entry.headers == {"Authorization": "Bearer t"}


def test_a_cookie_of_ours_is_one_header() -> None:
    assert entered(COOKIE, proof=None).headers == {"Cookie": "sid=c"}


THEIRS = "strip the referrer"


def test_our_rules_go_with_what_a_killed_run_left_and_theirs_stay() -> None:
    rules = [f"{OUR_RULES}partner-1 Cookie", THEIRS, f"{OUR_RULES}admin-2 Authorization"]

    def remove(asked: Mapping[str, str]) -> dict[str, str]:
        rules.remove(asked["description"])
        return {"Result": "OK"}

    def listed(_: Mapping[str, str]) -> dict[str, object]:
        return {"rules": [{"description": name, "enabled": "true"} for name in rules]}

    with interface(replacer_view_rules=listed, replacer_action_removeRule=remove) as client:
        withdraw_rules(client, {"replacer"})
    assert rules == [THEIRS]


def test_a_daemon_without_the_add_on_is_not_asked_and_a_refusal_is_no_silence() -> None:
    with interface() as client:
        withdraw_rules(client, {"automation"})
        with pytest.raises(EngineError, match="no_implementor"):
            withdraw_rules(client, {"replacer"})

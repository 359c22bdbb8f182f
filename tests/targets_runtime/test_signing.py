"""Log-ins of every kind, refusals that say why, and clients that stay within bounds."""

from __future__ import annotations

import dataclasses
import time
from base64 import b64encode
from collections.abc import Callable, Iterator

import httpx
import pytest

from harness.model.errors import TargetError
from harness.model.target import Login, Target
from harness.targets.live import Launch, LiveTarget, started
from tests.probes.servers.small_http import Asked, Given, served
from tests.targets_runtime.conftest import PASSWORD, shop

BODY = {"email": "{username}", "password": "{password}"}
LIMITED_S = 0.9
COOKIE = Login("form", "/page-login", BODY, cookie="sid")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveTarget]:
    with started(shop(), Launch(folder=tmp_path_factory.mktemp("logs"))) as opened:
        yield opened


def signed_in(live: LiveTarget, login: Login | None) -> dict[str, str | None]:
    """What the platform sees of a request of user `one`."""
    target = shop(login=login)
    other = dataclasses.replace(live, target=target)
    credential = other.sign_in(target.roles[0], target.roles[0].users[0])
    assert PASSWORD not in repr(credential)
    with other.client(credential) as http:
        seen: dict[str, str | None] = http.get("/me").json()
    return seen


@pytest.mark.parametrize(
    ("login", "member", "seen"),
    [
        (None, "authorization", "Bearer token-of-one@example.test"),
        (
            Login("form", "/login", BODY, token="$.data.token", value="Token {token}"),
            "authorization",
            "Token token-of-one@example.test",
        ),
        (COOKIE, "cookie", "sid=session-of-one@example.test"),
        (Login("api_key", header="X-Key", value="{password}"), "key", PASSWORD),
        (
            Login("header", value="Basic {basic}"),
            "authorization",
            "Basic " + b64encode(f"one@example.test:{PASSWORD}".encode()).decode(),
        ),
        (Login("header", header="Cookie", value="sid={password}"), "cookie", f"sid={PASSWORD}"),
    ],
    ids=["json", "form", "cookie", "api-key", "basic", "password-as-cookie"],  # no password in a test's name
)
def test_each_kind_of_log_in_gives_its_credential(live: LiveTarget, login: Login | None, member: str, seen: str) -> None:
    assert signed_in(live, login)[member] == seen


GUARDED = Login("form", "/guarded-login", {**BODY, "csrf": "{page_token}"}, cookie="sid", page="/login-page", page_token="csrf")


@pytest.mark.parametrize(
    "login",
    [
        GUARDED,
        dataclasses.replace(GUARDED, page="/login-page-secure"),
        dataclasses.replace(GUARDED, page_token="csrf-meta"),
        dataclasses.replace(GUARDED, page_token="pre"),
        dataclasses.replace(GUARDED, page="/login-page.json", page_token="$.csrf.token"),
        dataclasses.replace(GUARDED, kind="json", body=BODY, headers={"X-Csrf": "{page_token}"}),
    ],
)
def test_a_token_of_the_page_is_sent_with_the_log_in_and_its_cookies(live: LiveTarget, login: Login) -> None:
    assert str(signed_in(live, login)["cookie"]).endswith("sid=session-of-one@example.test")


def test_a_cookies_twin_is_sent_in_a_header_of_every_request(live: LiveTarget) -> None:
    seen = signed_in(live, dataclasses.replace(GUARDED, send={"X-Twin": "{cookie:pre}"}))
    assert f"pre={seen['twin']}; sid=" in str(seen["cookie"])


def test_a_page_without_its_token_is_named(live: LiveTarget) -> None:
    message = refusal(live, shop(login=dataclasses.replace(GUARDED, page_token="xsrf")))
    assert "GET /login-page holds no xsrf" in message
    assert "hint: page_token is a JSON path" in message


def test_nobody_sends_nothing(live: LiveTarget) -> None:
    assert set(signed_in(live, Login("none")).values()) == {None}


def refusal(live: LiveTarget, target: Target) -> str:
    with pytest.raises(TargetError) as caught:
        dataclasses.replace(live, target=target).sign_in(target.roles[0], target.roles[0].users[0])
    return str(caught.value)


def test_a_refused_log_in_is_quoted_without_the_password(live: LiveTarget) -> None:
    target = shop()
    user = dataclasses.replace(target.roles[0].users[0], password="wrong-and-secret")
    target = dataclasses.replace(target, roles=(dataclasses.replace(target.roles[0], users=(user,)),))
    message = refusal(live, target)
    assert "log-in of buyer one refused: POST /login with email, password answered 401" in message
    assert "the password <redacted> is wrong" in message
    assert "wrong-and-secret" not in message
    assert "hint: check the role's log-in" in message


@pytest.mark.parametrize(
    ("login", "said"),
    [
        (Login("json", "/empty-login", BODY, token="$.data.token"), "answered 200 with no token at $.data.token"),
        (Login("json", "/login", BODY, cookie="sid"), "answered 200 with no cookie sid"),
        (Login("form", "/page-login", BODY, token="$.token"), "answered 302 with no token at $.token"),
    ],
)
def test_a_log_in_without_what_the_file_promises_is_refused(live: LiveTarget, login: Login, said: str) -> None:
    assert said in refusal(live, shop(login=login))


def test_a_target_that_dies_at_the_log_in_is_said_to(launch: Callable[..., Launch]) -> None:
    with started(shop(), launch()) as doomed:
        doomed.stop()
        assert "log-in of buyer one at POST /login: ConnectError" in refusal(doomed, shop())


def test_other_hosts_are_refused_before_anything_is_sent(live: LiveTarget) -> None:
    with live.client() as http:
        with pytest.raises(TargetError, match=r"no traffic to example\.test"):
            http.get("http://example.test/")
        with pytest.raises(TargetError, match="no traffic to localhost"):
            http.get(live.base_url.replace("127.0.0.1", "localhost"))


def test_a_target_can_be_asked_from_another_address_of_this_machine(live: LiveTarget) -> None:
    other = live.seen_from("127.0.0.77")
    role = other.target.roles[0]
    with live.client() as usual, other.client(other.sign_in(role, role.users[0])) as http:
        assert usual.get("/health").json()["client"] == "127.0.0.1"
        assert http.get("/health").json()["client"] == "127.0.0.77"


def test_a_redirect_is_an_answer_and_not_followed(live: LiveTarget) -> None:
    with live.client() as http:
        answer = http.get("/away")
    assert (answer.status_code, answer.headers["location"]) == (302, "http://example.test/")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/bomb", "the answer to GET /bomb is longer than 10485760 bytes"),
        ("/long", "the answer to GET /long is longer than 10485760 bytes"),
        ("/strange", "the answer to GET /strange is packed as br, which was not asked for"),
    ],
)
def test_a_body_without_bounds_is_refused(live: LiveTarget, path: str, said: str) -> None:
    with live.client() as http, pytest.raises(TargetError, match=said):
        http.get(path)


def test_a_packed_body_is_unpacked_and_its_header_gone(live: LiveTarget) -> None:
    with live.client() as http:
        answer = http.get("/packed")
    assert (answer.text, "content-encoding" in answer.headers) == ("hello", False)
    assert answer.elapsed.total_seconds() > 0
    assert answer.headers["content-type"] == "text/plain"


def test_a_stream_is_the_callers_to_bound(live: LiveTarget) -> None:
    with live.client() as http, http.stream("GET", "/long") as answer:
        assert next(answer.iter_raw())


def test_the_environments_proxy_is_not_used(live: LiveTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with live.client() as http:
        assert http.get("/health").status_code == 200
        assert isinstance(http, httpx.Client)


@pytest.mark.parametrize(("asked", "outcome"), [("1", "in"), ("900", "refused"), ("", "refused"), ("soon", "refused")])
def test_a_log_in_that_is_limited_for_a_moment_is_waited_for(asked: str, outcome: str) -> None:
    first: list[float] = []

    def answer(_: Asked) -> Given:  # limited for the account: whatever address it comes from
        first.append(time.monotonic())
        if time.monotonic() < first[0] + LIMITED_S:
            return Given(429, {"error": "slow down"}, {"Retry-After": asked} if asked else {})
        return Given(200, {"token": "t-1234567890"})

    target = shop(login=Login("json", "/login", BODY, token="$.token"))
    role = target.roles[0]
    with served(target, answer) as live:
        if outcome == "in":
            assert live.sign_in(role, role.users[0])
        else:
            with pytest.raises(TargetError, match="answered 429"):
                live.sign_in(role, role.users[0])
    assert (time.monotonic() - first[0] > LIMITED_S) is (outcome == "in")

"""Log-in as a role of the target, as its file describes it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

import httpx

from harness.evidence.redaction import REDACTED, redact, remember_cookie, remember_secret
from harness.model.errors import TargetError
from harness.model.target import Login, Role, Target, User, filled
from harness.probes.http.door import Credential
from harness.probes.http.log_in_requests import token_in
from harness.probes.openapi.jsonpath import find
from harness.probes.scene.refresh_tokens import refresh_token_in
from harness.targets.clients import client

RETRY_AFTER_S_MAX = 20.0  # a longer wait asked for by a 429 is not kept: the log-in is refused
_QUOTED_CHARACTERS = 200
_COOKIE = re.compile(r"\{cookie:([^{}]+)\}")


def sign_in(target: Target, base_url: str, role: Role, user: User, *, source: str = "") -> Credential:
    """Logs a user in, from the address `source` of ours where one is named.

    Raises:
        TargetError: the log-in was refused or did not give what the target's file says; what came back is quoted.
    """
    login = role.login
    if login.kind == "none":
        return Credential()
    if login.kind in ("header", "api_key"):
        value = login.value_for(user.username, user.password)
        return _credential({login.header: value}, {}, value)
    who = f"{role.name} {user.name}"
    with client(target, base_url, source=source) as http:
        page_token = _page_token(http, login, who) if login.page else ""
        answer = _ask(http, login, user, page_token, who)
        cookies = {cookie.name: cookie.value or "" for cookie in http.cookies.jar}
    return _read(role, user, answer, cookies, page_token)


def _page_token(http: httpx.Client, login: Login, who: str) -> str:
    """The token that the log-in's page holds; "" where the file asks only for the page's cookies."""
    try:
        answer = http.get(login.page)
    except httpx.HTTPError as error:
        raise TargetError(f"log-in of {who} at GET {login.page}: {type(error).__name__}: {error}") from error
    for cookie in http.cookies.jar:
        cookie.secure = False  # a browser sends it to the loopback without TLS too, and to nothing else is it sent from here
    if answer.status_code >= 400:
        raise TargetError(f"log-in of {who}: GET {login.page} answered {answer.status_code}", hint="check login.page")
    if not login.page_token:
        return ""
    found = token_in(answer.text, dict(answer.cookies), login.page_token)
    if not found:
        raise TargetError(
            f"log-in of {who}: GET {login.page} holds no {login.page_token}",
            hint="page_token is a JSON path, or the name of a form field, of a meta element or of a cookie",
        )
    remember_secret(found)
    return found


def _ask(http: httpx.Client, login: Login, user: User, page_token: str, who: str) -> httpx.Response:
    body = login.body_for(user.username, user.password, page_token)
    headers = {name: str(filled(value, {"page_token": page_token})) for name, value in login.headers.items()}
    answer = post(http, login.path, login.kind, body, headers, f"log-in of {who}")
    wait_s = _wait_s(answer)
    if wait_s:
        time.sleep(wait_s)
        answer = post(http, login.path, login.kind, body, headers, f"log-in of {who}")
    if answer.status_code >= 400:
        raise TargetError(
            f"log-in of {who} refused: POST {login.path} with {', '.join(body)} answered {answer.status_code}: "
            f"{quoted(answer, user.password)}",
            hint="check the role's log-in and users in the target's file, and that the seed made these users",
        )
    return answer


def _wait_s(answer: httpx.Response) -> float:
    """How long a log-in that is limited for a moment is waited for, 0 where it is not: without it a whole phase ends."""
    try:
        wait_s = float(answer.headers.get("retry-after", "")) if answer.status_code == httpx.codes.TOO_MANY_REQUESTS else 0.0
    except ValueError:
        return 0.0
    return wait_s if 0 < wait_s <= RETRY_AFTER_S_MAX else 0.0


def post(
    http: httpx.Client, path: str, kind: str, body: Mapping[str, object], headers: Mapping[str, str], what: str
) -> httpx.Response:
    """Posts a body as JSON or as a form.

    Raises:
        TargetError: there was no answer.
    """
    try:
        if kind == "json":
            return http.post(path, json=body, headers=headers)
        return http.post(path, data=body, headers=headers)
    except httpx.HTTPError as error:
        raise TargetError(f"{what} at POST {path}: {type(error).__name__}: {error}") from error


def quoted(answer: httpx.Response, password: str) -> str:
    """The beginning of an answer, which may repeat what was sent."""
    text = answer.text[:_QUOTED_CHARACTERS]
    return redact(text.replace(password, REDACTED) if password else text)


def _read(role: Role, user: User, answer: httpx.Response, cookies: Mapping[str, str], page_token: str) -> Credential:
    login = role.login
    if login.cookie and login.cookie not in cookies:
        raise _without(role, user, f"no cookie {login.cookie}", answer)
    headers = {name: _sent(value, cookies, page_token) for name, value in login.send.items()}
    try:
        data = answer.json()
    except ValueError:
        data = None
    refresh_token = refresh_token_in(data)
    if not login.token:
        return _credential(headers, cookies, refresh_token=refresh_token)
    try:
        found = find(data, login.token)
    except ValueError:
        found = []
    token = found[0] if found else None
    if not isinstance(token, str) or not token:
        raise _without(role, user, f"no token at {login.token}", answer)
    value = filled(login.value_for(user.username, user.password), {"token": token})
    return _credential({login.header: value, **headers}, cookies, token, refresh_token)


def _sent(value: str, cookies: Mapping[str, str], page_token: str) -> str:
    text = str(filled(value, {"page_token": page_token}))
    return _COOKIE.sub(lambda match: cookies.get(match[1], ""), text)


def _credential(headers: Mapping[str, str], cookies: Mapping[str, str], token: str = "", refresh_token: str = "") -> Credential:
    remember_secret(token)
    remember_secret(refresh_token)
    for value in cookies.values():
        remember_cookie(value)
    return Credential(headers, cookies, refresh_token)


def _without(role: Role, user: User, what: str, answer: httpx.Response) -> TargetError:
    return TargetError(
        f"log-in of {role.name} {user.name}: POST {role.login.path} answered {answer.status_code} with {what}",
        hint="check the role's log-in in the target's file",
    )

"""Log-in as a role of the target, as its file describes it."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from harness.evidence.redaction import REDACTED, redact, remember_cookie, remember_secret
from harness.model.errors import TargetError
from harness.model.target import Login, Role, Target, User
from harness.probes.exchange import Credential
from harness.probes.jsonpath import find
from harness.targets.clients import client

_QUOTED_CHARACTERS = 200


def sign_in(target: Target, base_url: str, role: Role, user: User, *, source: str = "") -> Credential:
    """Logs a user in, from the address `source` of ours where one is named.

    Raises:
        TargetError: the log-in was refused or did not give what the target's file says; what came back is quoted.
    """
    login = role.login
    known = {"username": user.username, "password": user.password}
    if login.kind == "none":
        return Credential()
    if login.kind in ("header", "api_key"):
        value = _fill(login.value, known)
        return _credential({login.header: value}, {}, value)
    with client(target, base_url, source=source) as http:
        answer = _ask(http, login, known, f"{role.name} {user.name}")
    return _read(role, user, answer)


def _fill(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


def _ask(http: httpx.Client, login: Login, known: Mapping[str, str], who: str) -> httpx.Response:
    body = {name: _fill(value, known) for name, value in login.body.items()}
    try:
        answer = http.post(login.path, json=body) if login.kind == "json" else http.post(login.path, data=body)
    except httpx.HTTPError as error:
        raise TargetError(f"log-in of {who} at POST {login.path}: {type(error).__name__}: {error}") from error
    if answer.status_code >= 400:
        raise TargetError(
            f"log-in of {who} refused: POST {login.path} with {', '.join(body)} answered {answer.status_code}: "
            f"{_quoted(answer, known['password'])}",
            hint="check the role's log-in and users in the target's file, and that the seed made these users",
        )
    return answer


def _quoted(answer: httpx.Response, password: str) -> str:
    """The beginning of an answer, which may repeat what was sent."""
    text = answer.text[:_QUOTED_CHARACTERS]
    return redact(text.replace(password, REDACTED) if password else text)


def _read(role: Role, user: User, answer: httpx.Response) -> Credential:
    login = role.login
    cookies = dict(answer.cookies)
    if login.cookie and login.cookie not in cookies:
        raise _without(role, user, f"no cookie {login.cookie}", answer)
    if not login.token:
        return _credential({}, cookies)
    try:
        found = find(answer.json(), login.token)
    except ValueError:
        found = []
    token = found[0] if found else None
    if not isinstance(token, str) or not token:
        raise _without(role, user, f"no token at {login.token}", answer)
    return _credential({login.header: _fill(login.value, {"token": token})}, cookies, token)


def _credential(headers: Mapping[str, str], cookies: Mapping[str, str], token: str = "") -> Credential:
    remember_secret(token)
    for value in cookies.values():
        remember_cookie(value)
    return Credential(headers, cookies)


def _without(role: Role, user: User, what: str, answer: httpx.Response) -> TargetError:
    return TargetError(
        f"log-in of {role.name} {user.name}: POST {role.login.path} answered {answer.status_code} with {what}",
        hint="check the role's log-in in the target's file",
    )

"""Refresh tokens: which member of a log-in's answer is one, which operation takes it, and the session that it gives."""

from __future__ import annotations

import re
from typing import Any

from harness.model.target import Login
from harness.probes.http.answers import Answer
from harness.probes.http.door import Credential
from harness.probes.http.oracle import leaves
from harness.probes.http.pages import cookies_of
from harness.probes.openapi.document import Document
from harness.probes.openapi.jsonpath import find
from harness.probes.openapi.operations import Operation
from harness.probes.scene.flows import members_of

_LENGTH_MIN = 8
_NAME = re.compile(r"^refresh([_-]?(token|jwt))?$", re.I)
_IN_COOKIE = re.compile(r"refresh", re.I)
_BARE = re.compile(r"^token$", re.I)
_REFRESHES = re.compile(r"refresh|renew", re.I)
_COOKIE = re.compile(r"\{cookie:([^{}]+)\}")


def refresh_token_in(data: Any) -> str:
    """The refresh token in the answer of a log-in (`refresh_token`, `refreshToken`, `refresh`), at any depth; "" without one."""
    named = ((path.rpartition(".")[2], value) for path, value in leaves(data))
    return next((v for name, v in named if _NAME.search(name) and isinstance(v, str) and len(v) >= _LENGTH_MIN), "")


def refresh_member(document: Document, operation: Operation) -> str:
    """The member of a body that takes a refresh token; "" where the operation takes none."""
    if operation.method not in ("POST", "PUT"):
        return ""
    names = list(members_of(document, operation))
    plain = next((name for name in names if _NAME.search(name)), "")
    bare = next((name for name in names if _BARE.search(name)), "") if _REFRESHES.search(operation.path) else ""
    return plain or bare


def takes_cookie(document: Document, operation: Operation) -> bool:
    """Whether an operation renews a session by what a cookie holds: its path says so, and its body has no member for it."""
    last = operation.path.rstrip("/").rpartition("/")[2]
    return operation.method == "POST" and bool(_REFRESHES.search(last)) and not refresh_member(document, operation)


def refresh_cookie(credential: Credential) -> Credential | None:
    """A credential of the refresh token's cookie alone; None where the log-in set none of that name."""
    cookies = {name: value for name, value in credential.cookies.items() if _IN_COOKIE.search(name) and len(value) >= _LENGTH_MIN}
    return Credential(cookies=cookies) if cookies else None


def session_in(answer: Answer, login: Login) -> Credential | None:
    """The session that an answer gives, read as the one of a log-in is; None where it holds none."""
    if not answer.is_success:
        return None
    cookies = {cookie.name: cookie.value for cookie in cookies_of(answer) if not cookie.is_gone}
    if login.cookie:
        headers = {name: _COOKIE.sub(lambda match: cookies.get(match[1], ""), value) for name, value in login.send.items()}
        return Credential(headers, cookies) if login.cookie in cookies else None
    token = _token(answer, login.token)
    return Credential({login.header: login.value.replace("{token}", token)}, cookies) if token else None


def _token(answer: Answer, path: str) -> str:
    """What stands where the log-in's answer has the token, else in a member of that name elsewhere."""
    if not path:
        return ""
    try:
        found = find(answer.json, path)
    except ValueError:
        found = []
    last = path.rpartition(".")[2]
    found = found or [value for name, value in leaves(answer.json) if name.rpartition(".")[2] == last]
    return found[0] if found and isinstance(found[0], str) else ""

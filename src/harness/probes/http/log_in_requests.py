"""The request of a log-in with any name and password, as the target file describes it, with the token of its page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import urlencode

from harness.model.finding import Request
from harness.model.target import Login, Role, filled
from harness.probes.http.exchange import World
from harness.probes.http.pages import Browsing
from harness.probes.openapi.jsonpath import find

_ELEMENT = re.compile(r"<(?:input|meta)\b[^>]*>", re.I)
_ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)""")


def log_in_request(world: World, role: Role, user: str, username: str, password: str) -> Request:
    """The request that logs in with these words, after its page was read where the log-in has one.

    Args:
        user: whose words `USERNAME` and `PASSWORD` stand for.
    """
    login = role.login
    if not login.page:
        return _posted(login, role, user, login.body_for(username, password), {})
    browsing = Browsing(world)
    shown = browsing.open(login.page)
    token = token_in(shown.text, browsing.jar, login.page_token) if login.page_token else ""
    headers = {name: str(filled(value, {"page_token": token})) for name, value in login.headers.items()}
    if browsing.jar:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in browsing.jar.items())
    return _posted(login, role, user, login.body_for(username, password, token), headers)


def _posted(login: Login, role: Role, user: str, words: Mapping[str, object], headers: Mapping[str, str]) -> Request:
    is_json = login.kind == "json"
    media_type = "application/json" if is_json else "application/x-www-form-urlencoded"
    body = json.dumps(words) if is_json else urlencode(words, safe="${}")
    return Request("POST", login.path, role.name, user, {**headers, "Content-Type": media_type}, body)


def token_in(text: str, cookies: Mapping[str, str], name: str) -> str:
    """A token in a page: at a JSON path, else in the form field, `meta` element or cookie of that name; else ""."""
    if name.startswith("$"):
        try:
            found = find(json.loads(text), name)
        except ValueError:
            return ""
        return str(found[0]) if found else ""
    for element in _ELEMENT.findall(text):
        has = {key.lower(): unescape(value.strip("\"'")) for key, value in _ATTRIBUTE.findall(element)}
        if has.get("name") == name:
            return has.get("value") or has.get("content") or ""
    return cookies.get(name, "")

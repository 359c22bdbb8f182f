"""How the requests of a scan carry a role's credential: ZAP logs in by itself where it can, else it is given ours."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from harness.engines.zap.aims import address_of
from harness.engines.zap.client import Zap
from harness.evidence.redaction import remember_secret
from harness.model.finding import Request
from harness.model.target import Login, Role, User
from harness.probes.http.door import Credential, Door

OUR_RULES = "power100 "
"""What the description of each of our replacer rules begins with."""
HEADER_SESSIONS = "authhelper"  # the add-on that keeps a session in a header
POLL_REQUESTS = 60
_LOGGED_IN, _LOGGED_OUT = r"HTTP/\S+ 2\d\d", r"HTTP/\S+ (401|403|30\d)"
_PLAIN_PATH = re.compile(r"\$((?:\.[A-Za-z0-9_-]+)+)")


@dataclass(frozen=True)
class Entry:
    """A role's way in.

    `context` is what the plan's context needs for ZAP to log in by itself, and empty where it does not; then `headers` are
    sent with every request: a session that ends is not renewed, and must be seen to live at the end.
    """

    context: Mapping[str, Any] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_zaps(self) -> bool:
        """Whether ZAP logs in by itself."""
        return bool(self.context)


def withdraw_rules(client: Zap, add_ons: Collection[str]) -> None:
    """Takes our replacer rules out of a daemon, those of a run that was killed too: each holds a credential.

    Args:
        add_ons: ids of what the daemon has.

    Raises:
        EngineError: the daemon does not answer, or refuses.
    """
    rules = client.replacer.rules if "replacer" in add_ons else []
    for description in [str(rule["description"]) for rule in rules]:
        if description.startswith(OUR_RULES):
            client.replacer.remove_rule(description)


def entry_of(door: Door, role: Role, user: User, proof: Request | None, add_ons: Collection[str], name: str) -> Entry:
    """The way in of one user.

    Args:
        proof: the request by which ZAP knows that it is logged in.
        add_ons: ids of what the daemon has.
        name: what the plan calls the user. It must be new each time: ZAP keeps a user's session by its name, and sends it
            even after the password was changed to a wrong one, and in a new session of its own too.

    Raises:
        TargetError: the target refuses the log-in.
    """
    remember_secret(user.password)
    session = _session(role.login, add_ons)
    if session and proof is not None:
        authentication = {
            "method": role.login.kind,
            "parameters": _log_in(door.base_url, role.login),
            "verification": _poll(door, proof),
        }
        users = [{"name": name, "credentials": {"username": user.username, "password": user.password}}]
        return Entry({"authentication": authentication, "sessionManagement": session, "users": users})
    return Entry(headers=_headers(door.sign_in(role, user)))


def _session(login: Login, add_ons: Collection[str]) -> dict[str, Any]:
    if login.kind not in ("json", "form"):
        return {}
    if not login.token:
        return {"method": "cookie"}
    plain = _PLAIN_PATH.fullmatch(login.token)
    if plain is None or HEADER_SESSIONS not in add_ons:
        return {}
    value = login.value.replace("{token}", "{%json:" + plain[1].removeprefix(".") + "%}")
    return {"method": "headers", "parameters": {login.header: value}}


def _log_in(base_url: str, login: Login) -> dict[str, str]:
    fields = {
        name: value.replace("{username}", "{%username%}").replace("{password}", "{%password%}")
        for name, value in login.body.items()
    }
    form = "&".join(f"{quote(name)}={quote(value, safe='{%}')}" for name, value in fields.items())
    return {
        "loginRequestUrl": base_url.rstrip("/") + login.path,
        "loginRequestBody": json.dumps(fields) if login.kind == "json" else form,
    }


def _poll(door: Door, proof: Request) -> dict[str, Any]:
    return {
        "method": "poll",
        "loggedInRegex": _LOGGED_IN,
        "loggedOutRegex": _LOGGED_OUT,
        "pollFrequency": POLL_REQUESTS,
        "pollUnits": "requests",
        "pollUrl": address_of(door.base_url, proof),
    }


def _headers(credential: Credential) -> dict[str, str]:
    cookies = "; ".join(f"{name}={value}" for name, value in credential.cookies.items())
    return {**credential.headers, **({"Cookie": cookies} if cookies else {})}

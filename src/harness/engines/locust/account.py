"""Who a visitor is: one user of a role, with the role's log-in recipe filled in."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode

from harness.model.errors import ConfigError
from harness.model.target import Login, User

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.1


class LoginAnswer(Protocol):
    """What a credential is read from."""

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that it sets."""
        ...

    def value(self, path: str) -> Any:
        """The value at a JSON path; counts a failure where there is none."""
        ...

    def require(self, holds: object, otherwise: str) -> None:
        """Counts a failure where it does not hold."""
        ...


@dataclass(frozen=True)
class Account:
    """A user's log-in, computed once. `login_path` is "" where nobody has to be asked."""

    login_path: str
    login_body: bytes = field(repr=False)
    login_type: str
    password: str = field(repr=False)
    _login: Login = field(repr=False)
    _user: User

    def token(self, answer: LoginAnswer) -> str:
        """The token in the answer of the log-in; "" where the recipe is a cookie."""
        if self._login.cookie:
            answer.require(self._login.cookie in answer.cookies, f'no cookie "{self._login.cookie}"')
            return ""
        token = answer.value(self._login.token)
        answer.require(isinstance(token, str) and _sendable(token), f"nothing that can be sent back at {self._login.token}")
        return str(token)

    def credential(self, token: str) -> str:
        """The header line that carries the credential from now on; "" where a cookie does, or nothing."""
        login = self._login
        if login.kind == "none" or (login.cookie and not token):
            return ""
        return f"{login.header}: {login.value_for(self._user.username, self._user.password).replace('{token}', token)}\r\n"


def make_account(login: Login, user: User) -> Account:
    """The account of a user under a role's recipe.

    Raises:
        ConfigError: the recipe's header cannot be sent.
    """
    value = login.value_for(user.username, user.password)
    if login.kind != "none" and not (_HEADER_NAME.fullmatch(login.header) and _sendable(value)):
        raise ConfigError(
            f"{user.name}: the log-in's header {login.header!r} cannot be sent with its value",
            hint="a header's name has no blanks, its value is one line of printable ASCII",
        )
    fields = login.body_for(user.username, user.password)
    if login.kind == "json":
        return Account(login.path, json.dumps(fields).encode(), "application/json", user.password, login, user)
    if login.kind == "form":
        media_type = "application/x-www-form-urlencoded"
        return Account(login.path, urlencode(fields).encode(), media_type, user.password, login, user)
    return Account("", b"", "", user.password, login, user)


def _sendable(value: str) -> bool:
    return bool(value) and value.isascii() and value.isprintable()

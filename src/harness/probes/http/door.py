"""A running target as the probes see it, and what its users send to be known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx

from harness.model.target import Login, Role, Target, User


@dataclass(frozen=True)
class Credential:
    """What a signed-in user sends with each request."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    refresh_token: str = field(default="", repr=False)  # of the log-in's answer, where it gave one

    @property
    def texts(self) -> frozenset[str]:
        """What is secret in it: bearer tokens and cookies, as they are sent, and the refresh token."""
        headers = (value.rpartition(" ")[2] for value in self.headers.values())
        return frozenset((*headers, *self.cookies.values(), *([self.refresh_token] if self.refresh_token else [])))


class Door(Protocol):
    """A running target on data of its own, as the probes need it."""

    @property
    def target(self) -> Target:
        """What the target file says."""

    @property
    def base_url(self) -> str:
        """Where it listens, without a slash at the end."""

    @property
    def log_path(self) -> Path | None:
        """The file that its output goes to; None where it was not started here."""

    @property
    def dsn(self) -> str:
        """Address of its database, where the harness provides it."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Keys that the harness gave the target, one of which may sign its tokens."""

    def alive(self) -> bool:
        """Whether it still answers."""

    def sign_in(self, role: Role, user: User) -> Credential:
        """Logs in. Raises `TargetError` where the target refuses."""

    def seen_from(self, source: str) -> Door:
        """The same target, asked directly (through no proxy) from another address of this machine."""

    def client(self) -> httpx.Client:
        """A client without credentials, that follows no redirects and talks to the target's hosts only."""


def token_of(credential: Credential, login: Login) -> str:
    """The bare token of a credential: what stands in for `{token}` in the header, or the session cookie; "" without either."""
    if login.cookie:
        return credential.cookies.get(login.cookie, "")
    value = credential.headers.get(login.header, "")
    before, mark, after = login.value.partition("{token}")
    return value.removeprefix(before).removesuffix(after) if mark else ""


def forged_header(login: Login, name: str) -> dict[str, str]:
    """The header that carries a forged token in place of the user's own (see `World.send`)."""
    mark = "${token:" + name + "}"
    return {"Cookie": f"{login.cookie}={mark}"} if login.cookie else {login.header: login.value.replace("{token}", mark)}

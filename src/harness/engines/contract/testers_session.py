"""The tester's session on one instance: credential and passwords, each behind a marker that stands for it in all records."""

from __future__ import annotations

import secrets
from dataclasses import replace

from harness.engines.contract.feeding import new_password_marker, password_marker, refresh_marker
from harness.engines.contract.job import Secrets
from harness.evidence.redaction import remember_secret
from harness.model.errors import HarnessError
from harness.model.target import Role
from harness.probes.http.door import Credential, Door

_PASSWORD_BYTES = 12


class TestersSession:
    """One role's session on one instance: got at the start, got again where an operation ended it, checked at the end."""

    def __init__(self, door: Door, role: Role) -> None:
        self._door, self._role = door, role
        self._user = role.users[0]
        self._next = ""

    def secrets(self) -> Secrets:
        """The credential, and the passwords behind their markers.

        Raises:
            TargetError: the log-in was refused.
        """
        credential = self._door.sign_in(self._role, self._user)
        texts = {password_marker(role.name): role.users[0].password for role in self._door.target.roles if role.users}
        self._next = f"Aa1-{secrets.token_urlsafe(_PASSWORD_BYTES)}"
        remember_secret(self._next)
        own = {password_marker(self._role.name): self._user.password, new_password_marker(self._role.name): self._next}
        if credential.refresh_token:
            own[refresh_marker(self._role.name)] = credential.refresh_token
        return Secrets(_disguised(credential), {**texts, **own})

    def renewed(self, password: str) -> Secrets | None:
        """A new credential, with the new password where there is one; None where the target refuses it."""
        if password:
            is_ours = password == new_password_marker(self._role.name)
            self._user = replace(self._user, password=self._next if is_ours else password)
        try:
            return self.secrets()
        except HarnessError:
            return None

    def check(self) -> str:
        """Whether the role can still log in at the end: "" where it can, else why not."""
        try:
            self._door.sign_in(self._role, self._user)
        except HarnessError as error:
            return f"the tester cannot log in any more: {error.message}"
        return ""


def _disguised(credential: Credential) -> dict[str, tuple[str, str]]:
    """Headers with a marker of the same form in place of each secret."""
    headers = dict(credential.headers)
    if credential.cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in credential.cookies.items())
    return {name: (_marker(name, value), value) for name, value in headers.items()}


def _marker(name: str, value: str) -> str:
    if name == "Cookie":
        return "; ".join(f"{pair.partition('=')[0]}=harness-session" for pair in value.split("; "))
    scheme, space, _ = value.partition(" ")
    return f"{scheme} harness-session" if space else "harness-session"

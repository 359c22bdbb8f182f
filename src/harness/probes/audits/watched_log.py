"""The logs of targets as they are after all that the usual requests and hostile ones cause, searched for every known secret."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from harness.model.errors import HarnessError
from harness.model.finding import Finding
from harness.model.target import Role, Target, User
from harness.probes.abuse.guessing import PLAIN, log_ins_of
from harness.probes.audits.canaries import examine_canaries
from harness.probes.audits.robustness import RobustnessRun
from harness.probes.audits.traces import examine_log
from harness.probes.checks import Report
from harness.probes.http.door import Credential, Door
from harness.probes.http.doors import Doors
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.probes.scene.secret_columns import secret_values
from harness.probes.tour import take_tour


def known_secrets(door: Door, tokens: frozenset[str]) -> Mapping[str, frozenset[str]]:
    """What no log may hold, by what it is: passwords, the tokens of sessions, and what stands in secret columns."""
    refused = {"a password that a log-in was refused with": refused_passwords(door)}
    return {**session_secrets(door, tokens), **refused, **secret_values(door.dsn, door.target.secret_columns)}


def session_secrets(door: Door, tokens: frozenset[str]) -> Mapping[str, frozenset[str]]:
    """Those of them that are known of a target which does not run any more: passwords, and the tokens of sessions."""
    passwords = frozenset(user.password for role in door.target.roles for user in role.users)
    return {"a user's password": passwords, "a session's token": tokens}


def refused_passwords(door: Door) -> frozenset[str]:
    """Wrong passwords, one for each log-in, which have now been tried: whoever mistypes one writes most of a right one."""
    tried: set[str] = set()
    with World(door) as world:
        for log_in in log_ins_of(door):
            password = f"Wrong-{secrets.token_hex(8)}"
            with suppress(HarnessError):
                log_in.attempt(world, log_in.role.users[-1].username, password, PLAIN)
                tried.add(password)
    return frozenset(tried)


def examine_logs(doors: Doors, document: Document, seed: int) -> Report:
    """Visits everything, with canaries in the data too, sends hostile input, and searches the log of each target."""
    watching = _Watching(doors)
    tour = take_tour(watching, document, seed)
    RobustnessRun(watching, document, seed).run()
    report = Report("log", watching.lines, list(watching.found.values()))
    with doors.fresh("shared") as shared:
        planted = examine_canaries(doors, shared, document, seed, tour)
    report.findings += [finding for finding in planted.findings if finding.fingerprint not in watching.found]
    report.note = "" if report.tried else "the target writes no log that can be read here"
    return report


@dataclass
class _Watching:
    """Targets as `doors` gives them; what their logs hold when they are left is `found`, by fingerprint."""

    doors: Doors
    found: dict[str, Finding] = field(default_factory=dict)
    lines: int = 0

    @property
    def isolated(self) -> bool:
        return self.doors.isolated

    @contextmanager
    def fresh(self, label: str) -> Iterator[Door]:
        with self.doors.fresh(label) as door:
            watched = _Watched(door)
            yield watched
            report = examine_log(door.log_path, known_secrets(door, frozenset(watched.tokens)))
            self.lines += report.tried
            self.found |= {finding.fingerprint: finding for finding in report.findings}


@dataclass
class _Watched:
    """A door that keeps the `tokens` of all who log in through it."""

    door: Door
    tokens: set[str] = field(default_factory=set)

    @property
    def target(self) -> Target:
        return self.door.target

    @property
    def base_url(self) -> str:
        return self.door.base_url

    @property
    def log_path(self) -> Path | None:
        return self.door.log_path

    @property
    def dsn(self) -> str:
        return self.door.dsn

    @property
    def secrets(self) -> tuple[str, ...]:
        return self.door.secrets

    def alive(self) -> bool:
        return self.door.alive()

    def sign_in(self, role: Role, user: User) -> Credential:
        credential = self.door.sign_in(role, user)
        self.tokens |= credential.texts
        return credential

    def seen_from(self, source: str) -> Door:
        return _Watched(self.door.seen_from(source), self.tokens)

    def client(self) -> httpx.Client:
        return self.door.client()

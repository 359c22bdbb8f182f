"""The sessions of a target attacked: forged tokens on every protected operation as every role, endings, cookies, forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from harness.model.errors import HarnessError, TargetError
from harness.model.finding import Confidence, Finding
from harness.model.target import Role
from harness.probes.deaths import Death, death_by
from harness.probes.http.door import Door, token_of
from harness.probes.http.doors import Doors
from harness.probes.http.exchange import World
from harness.probes.http.forging import read_jwt
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import Operation
from harness.probes.scene.scene import Scene, Untestable
from harness.probes.sessions.closing import Kind, closings_of, examine_closing
from harness.probes.sessions.cookies import CookieReport, examine_cookies
from harness.probes.sessions.cross_site import NO_COOKIE, by_cookie, examine_cross_site
from harness.probes.sessions.endings import Ended, examine_log_out, examine_password_change
from harness.probes.sessions.forged_tokens import Attacked, attack, findings_of
from harness.probes.sessions.page_forms import NO_PAGES, examine_page_forms
from harness.probes.sessions.password_checks import examine_log_in, examine_present_password
from harness.probes.sessions.refreshing import (
    examine_refresh,
    examine_refresh_after_log_out,
    examine_refresh_after_password_change,
)
from harness.probes.sessions.session_age import examine_age
from harness.probes.sessions.tokens import token_findings

_ENDINGS = (
    ("log-in", examine_log_in),
    ("log-out", examine_log_out),
    ("present password", examine_present_password),
    ("refresh", examine_refresh),
    ("refresh after log-out", examine_refresh_after_log_out),
    ("age", examine_age),
    ("password", examine_password_change),
    ("refresh after password", examine_refresh_after_password_change),  # of the first user; the one before is of the last
)
_FORGERIES = (("cross-site", examine_cross_site, NO_COOKIE), ("page forms", examine_page_forms, NO_PAGES))
_REWRITES = "its forms rewrite what users are called, and the target cannot be made anew"


@dataclass
class SessionsRun:
    """Attacks the sessions of a target. `say` is told of each operation as soon as it was attacked."""

    doors: Doors
    document: Document
    seed: int
    say: Callable[[Attacked], None] = lambda _attacked: None
    attacked: list[Attacked] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    ended: dict[str, list[Ended]] = field(default_factory=dict)  # "log-out", "password"
    cookies: list[CookieReport] = field(default_factory=list)
    token_findings: list[Finding] = field(default_factory=list)
    tokens_read: int = 0
    requests: int = 0
    death: Death | None = None

    @property
    def died(self) -> str:
        """How the target ended; "" where it did not."""
        return self.death.note if self.death else ""

    def run(self) -> SessionsRun:
        """Attacks, and sees what was found a second time on a fresh target. A dead target leaves what was done until then."""
        first = self._pass(self.say)
        self.attacked, self.ended, self.cookies, self.tokens_read = first.attacked, first.ended, first.cookies, first.tokens_read
        self.requests = first.requests
        if any(first.findings()) and self.doors.isolated and not self.died:
            again = self._pass(lambda _attacked: None)
            first.rate({finding.fingerprint for finding in again.findings()})
        self.findings, self.token_findings = first.accepted, first.tokens
        self.ended, self.cookies = first.ended, first.cookies
        return self

    @property
    def protected(self) -> tuple[str, ...]:
        """The operations that ask for a credential and admit some role."""
        return tuple(dict.fromkeys(item.operation for item in self.attacked))

    @property
    def reached(self) -> tuple[str, ...]:
        """Those of them that a good token opened."""
        return tuple(dict.fromkeys(item.operation for item in self.attacked if item.valid))

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles whose token opened something."""
        return tuple(dict.fromkeys(item.role for item in self.attacked if item.valid))

    def is_protected(self, operation: str) -> bool:
        """Whether the operation asks for a credential and admits some role."""
        return operation in self.protected

    def gap(self, operation: str) -> str:
        """Why the refusals of an operation prove nothing, "" where they do."""
        mine = [item for item in self.attacked if item.operation == operation]
        return "" if any(item.valid and len(item.tried) > 1 for item in mine) else "; ".join(item.note for item in mine)

    @property
    def all_findings(self) -> Iterator[Finding]:
        """Whatever was found."""
        yield from (*self.findings, *self.token_findings, *(finding for report in self.cookies for finding in report.findings))
        yield from (finding for how in self.ended for finding in self.ended_findings(how))

    def ended_findings(self, how: str) -> list[Finding]:
        """What still worked after the session's end; one log-out that serves several roles has one defect."""
        found = [item.finding for item in self.ended.get(how, ()) if item.finding is not None]
        return list({(finding.rule, finding.operation): finding for finding in reversed(found)}.values())

    def skip_unless_tried(self, how: str, skip: Callable[[str], object]) -> None:
        """Calls `skip` with the reasons where no role's session can be ended so.

        Raises:
            TargetError: the document has ways to end it so, and none of them could be tried.
        """
        ended = self.ended.get(how, [])
        if any(item.tried for item in ended):
            return
        if left_out := self.left_out(how):
            raise TargetError(left_out)
        skip("; ".join(item.note for item in ended) or self.died or "not tried")

    def left_out(self, how: str) -> str:
        """How many ways to end a session so could not be tried, and why; "" where there are none."""
        notes = [f"{item.role}: {item.note}" for item in self.ended.get(how, ()) if item.offered and not item.tried]
        return f"{how}: {len(notes)} could not be tried: {'; '.join(notes)}" if notes else ""

    def _pass(self, say: Callable[[Attacked], None]) -> _Pass:
        done = _Pass()
        with self.doors.fresh("sessions") as door, World(door) as world:
            scene = Scene(world, self.document, self.seed)
            with_cookies = bool(by_cookie(scene)) or any(role.page_login for role in scene.roles)
            for role in scene.roles:
                self._bounded(lambda role=role: _read_tokens(scene, role, done), door)  # type: ignore[misc]
            for role in scene.log_ins:
                self._bounded(lambda role=role: done.cookies.append(examine_cookies(world, role)), door)  # type: ignore[misc]
            for role, operation in _protected(scene):
                done.attacked.append(self._guarded(scene, role, operation))
                say(done.attacked[-1])
            done.requests = world.traffic.requests
        if not with_cookies:
            done.ended |= {how: [Ended("", False, note=why)] for how, _, why in _FORGERIES}
        elif not self.died:
            self._forge_writes(done)
        if self.doors.isolated and not self.died:
            self._end_sessions(done)
        return done

    def _forge_writes(self, done: _Pass) -> None:
        """On fresh data: what the attacks wrote is refused a second time for its own sake."""
        with self.doors.fresh("cross-site") as door, World(door) as world:
            scene = Scene(world, self.document, self.seed)
            if not self.doors.isolated:
                done.ended["page forms"] = [Ended("", False, note=_REWRITES)]
            for how, examine, _ in (each for each in _FORGERIES if each[0] not in done.ended):
                self._bounded(lambda how=how, examine=examine: done.ended.setdefault(how, []).extend(examine(scene)), door)  # type: ignore[misc]
            done.requests += world.traffic.requests

    def _bounded(self, act: Callable[[], object], door: Door) -> None:
        if self.died:
            return
        try:
            act()
        except HarnessError as error:
            if not door.alive():
                self.death = death_by(error)
        else:  # what was examined may have taken the death for a refusal
            if not door.alive():
                self.death = Death("the target did not answer any more when its sessions had been ended")

    def _end_sessions(self, done: _Pass) -> None:
        with self.doors.fresh("endings") as door, World(door) as world:
            scene = Scene(world, self.document, self.seed)
            closed: list[tuple[Kind, Role]] = []
            self._bounded(lambda: closed.extend(_closable(scene)), door)
            for role in scene.roles:
                for how, examine in _ENDINGS:
                    self._bounded(
                        lambda how=how, examine=examine, role=role: done.ended.setdefault(how, []).append(examine(scene, role)),  # type: ignore[misc]
                        door,
                    )
            done.requests += world.traffic.requests
        self._close_accounts(done, closed)

    def _close_accounts(self, done: _Pass, ways: list[tuple[Kind, Role]]) -> None:
        """Each kind on a target of its own: a closed account is of no use to any other attack."""
        if not ways or self.died:
            why = self.died or "the document has no way to close an account"
            done.ended["closing"] = [Ended("", False, note=why)]
            return
        for kind in dict(ways):
            self._close(done, kind, [role for each, role in ways if each is kind])

    def _close(self, done: _Pass, kind: Kind, roles: list[Role]) -> None:
        closed = done.ended.setdefault("closing", [])
        with self.doors.fresh("closing") as door, World(door) as world:
            scene = Scene(world, self.document, self.seed)
            for role in roles:
                self._bounded(lambda role=role: closed.append(examine_closing(scene, role, kind)), door)  # type: ignore[misc]
            done.requests += world.traffic.requests

    def _guarded(self, scene: Scene, role: Role, operation: Operation) -> Attacked:
        if self.died:
            return Attacked(operation.name, role.name, note=self.died)
        try:
            return attack(scene, role, operation, isolated=self.doors.isolated)
        except (Untestable, HarnessError) as error:
            if not scene.world.door.alive():
                self.death = death_by(error)
            return Attacked(operation.name, role.name, note=str(error))


@dataclass
class _Pass:
    """Everything that one pass over a fresh target gave."""

    attacked: list[Attacked] = field(default_factory=list)
    ended: dict[str, list[Ended]] = field(default_factory=dict)
    cookies: list[CookieReport] = field(default_factory=list)
    tokens: list[Finding] = field(default_factory=list)
    tokens_read: int = 0
    requests: int = 0

    @cached_property
    def accepted(self) -> list[Finding]:
        """The forgeries that were accepted."""
        return list(findings_of(self.attacked))

    def findings(self) -> Iterator[Finding]:
        """All of them."""
        yield from self.accepted
        yield from self.tokens
        yield from (finding for report in self.cookies for finding in report.findings)
        yield from (item.finding for items in self.ended.values() for item in items if item.finding is not None)

    def rate(self, again: set[str]) -> None:
        """Gives each finding its confidence: high where it is among those that were seen again."""

        def rated(finding: Finding) -> Finding:
            return replace(finding, confidence=Confidence.HIGH if finding.fingerprint in again else Confidence.LOW)

        self.accepted[:] = [rated(finding) for finding in self.accepted]
        self.tokens = [rated(finding) for finding in self.tokens]
        self.cookies = [replace(report, findings=tuple(map(rated, report.findings))) for report in self.cookies]
        for how, items in self.ended.items():
            self.ended[how] = [replace(item, finding=rated(item.finding) if item.finding else None) for item in items]


def _closable(scene: Scene) -> Iterator[tuple[Kind, Role]]:
    """Each kind of closing with each role whose accounts can be closed so."""
    for role in scene.roles:
        for kind in dict.fromkeys(closing.kind for closing in closings_of(scene, role)):
            yield kind, role


def _read_tokens(scene: Scene, role: Role, done: _Pass) -> None:
    text = token_of(scene.world.credential(role.name, role.users[0].name), role.login)
    token = read_jwt(text)
    if token is not None:
        done.tokens_read += 1
        done.tokens += token_findings(token, role)


def _protected(scene: Scene) -> list[tuple[Role, Operation]]:
    """The operations that ask for a credential, with each role that they admit; what destroys the credential comes last."""
    found = [
        (role, operation)
        for role in scene.roles
        for operation in scene.document.operations
        if operation.is_secured and scene.permissions.of(operation, role).permitted is not False
    ]
    return sorted(found, key=lambda pair: scene.lateness(pair[1]))

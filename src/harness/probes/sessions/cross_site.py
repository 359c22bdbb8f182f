"""Writes that another site causes: the browser adds the session cookie by itself, so the cookie alone must not be enough.

A log-in that says which header goes with every write (`login.send`) has promised that a write without it is refused. One that
says nothing may rely on `SameSite`, or on taking JSON only: there, what a form of another site can send is tried, and is a defect
where the cookie goes along with it. Each forged write has a twin, the same request with everything right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Finding, Request, Severity, Symptom
from harness.model.target import Login, Role
from harness.probes.http.answers import Answer
from harness.probes.http.exchange import World, with_headers
from harness.probes.openapi.operations import Operation
from harness.probes.scene.calls import on_a_new_object, valid_drafts
from harness.probes.scene.scene import Asker, Scene, Untestable
from harness.probes.sessions.cookies import log_in_cookies
from harness.probes.sessions.endings import ENGINE, STAGE, Ended

NO_COOKIE = "no role is logged in by a cookie alone"
DRAFTS_MAX = 4
EVERYWHERE_SHARE = 0.7  # of the writes that were tried: one cause, said once
ORIGIN = "https://elsewhere.example"
_PAST_THE_DOOR = (409, 412, 428)  # refused for the object's state: the same write was done just before, or it was let in at least
_METHODS = ("POST", "PUT", "PATCH")
_WRONG = "0123456789abcdef" * 2
_MADE_ANEW = re.compile(r"\{(cookie:[^{}]+|page_token)\}")
_AGAINST_FORGERY = re.compile(r"csrf|xsrf|requested-with|anti-?forgery", re.I)
_HELD_BACK = "its log-in names no header for writes, and a browser adds its cookie to no write of another site (SameSite)"
_FORM, _TEXT = "application/x-www-form-urlencoded", "text/plain"


@dataclass(frozen=True)
class _Forged:
    """One way to forge a write. `sent` says it in the words of a finding."""

    rule: str
    sent: str
    headers: dict[str, str]
    severity: Severity
    is_simple: bool = False  # what a form of another page can send: POST, and no type that asks first


@dataclass(frozen=True)
class _Hit:
    role: Role
    operation: Operation
    forged: _Forged
    request: Request
    answer: Answer
    good: Answer


def examine_cross_site(scene: Scene) -> list[Ended]:
    """Every write that a role with a session cookie may make, forged in each way and then sent as it should be."""
    if not by_cookie(scene):
        return [Ended("", False, note=NO_COOKIE)]
    ways = {role.name: tuple(_ways(scene.world, role)) for role in by_cookie(scene)}
    done = [Ended(name, False, note=f"{name}: {_HELD_BACK}") for name, found in ways.items() if not found]
    hits: list[_Hit] = []
    for role, operation in _writes(scene, [role for role in by_cookie(scene) if ways[role.name]]):
        try:
            hit = _examined(scene, role, operation, ways[role.name])
        except (Untestable, HarnessError) as error:
            if not scene.world.door.alive():
                raise
            done.append(Ended(role.name, False, note=f"{operation.name}: {error}"))
            continue
        done.append(Ended(role.name, True))
        hits += [hit] if hit else []
    return [*done, *_judged(hits, sum(item.tried for item in done))] or [Ended("", False, note="no write is known")]


def by_cookie(scene: Scene) -> list[Role]:
    """The roles that a session cookie alone logs in."""
    return [role for role in scene.roles if role.login.cookie and not role.login.token]


def guards_of(login: Login) -> dict[str, str]:
    """The headers of a log-in that guard against forged writes: a token that is made anew, or a name that says so."""
    return {name: value for name, value in login.send.items() if _MADE_ANEW.search(value) or _AGAINST_FORGERY.search(name)}


def _ways(world: World, role: Role) -> Iterator[_Forged]:
    guards = guards_of(role.login)
    if guards:
        names = ", ".join(guards)
        without = dict.fromkeys(guards, "")
        yield _Forged("cookies.write-without-csrf-header", f"without the header {names}", without, Severity.MEDIUM)
        wrong = {name: _WRONG for name, value in guards.items() if _MADE_ANEW.search(value)}
        if wrong:
            text = f"with a wrong value of {', '.join(wrong)}"
            yield _Forged("cookies.write-without-csrf-header", text, wrong, Severity.LOW)
        return
    cookies = log_in_cookies(world, role, role.users[0])
    cookie = next((cookie for cookie in cookies if cookie.name == role.login.cookie), None)
    same_site = cookie.attributes.get("samesite", "").lower() if cookie else "not seen"
    if same_site in ("", "none"):
        said = "is set with SameSite=None" if same_site else "has no SameSite attribute"
        severity = Severity.HIGH if same_site else Severity.MEDIUM  # without one some browsers hold it back
        for kind in (_TEXT, _FORM):
            text = f"with Origin: {ORIGIN} and Content-Type: {kind} (the cookie {role.login.cookie} {said})"
            headers = {"Origin": ORIGIN, "Content-Type": kind}
            yield _Forged("cookies.cross-site-write", text, headers, severity, is_simple=True)


def _writes(scene: Scene, roles: list[Role]) -> Iterator[tuple[Role, Operation]]:
    """Each write once, as the first role with a cookie that may make it; what ends sessions is left out."""
    for operation in scene.document.operations:
        if operation.method not in _METHODS or not operation.is_secured or operation.name in scene.destructive:
            continue
        if scene.login_role(operation) or scene.refreshes(operation):
            continue
        may = [role for role in roles if scene.permissions.of(operation, role).permitted is not False]
        if may:
            yield may[0], operation


def _examined(scene: Scene, role: Role, operation: Operation, ways: tuple[_Forged, ...]) -> _Hit | None:
    """The first way that was let in, None where all were refused.

    Raises:
        Untestable: nothing can be forged, or no good write was let in, so that the refusals prove nothing.
    """
    asker = Asker.first_of(role)
    usable = [way for way in ways if operation.method == "POST" or not way.is_simple]
    if not usable:
        raise Untestable(f"a browser asks before it sends a {operation.method} of another site")
    last = 0
    for draft in chain(islice(valid_drafts(scene, operation, asker), DRAFTS_MAX), on_a_new_object(scene, operation, asker)):
        request = draft.request(asker.role, asker.user)
        let_in = None
        for way in usable:
            forged = with_headers(_without(request, way.headers), way.headers)
            answer = scene.world.send(forged, renew=False)
            if answer.is_success:
                let_in = (way, forged, answer)
                break
        good = scene.world.send(request)
        last = good.status
        if let_in and (good.status == let_in[2].status or good.status in _PAST_THE_DOOR):
            return _Hit(role, operation, *let_in, good)
        if good.is_success or good.status in _PAST_THE_DOOR:
            return None
    raise Untestable(f"no good write was let in (the last was answered {last})")


def _without(request: Request, names: dict[str, str]) -> Request:
    taken = {name.lower() for name in names}
    return replace(request, headers={name: value for name, value in request.headers.items() if name.lower() not in taken})


def _judged(hits: list[_Hit], tried: int) -> Iterator[Ended]:
    """One finding per way: of the whole platform where nearly every write is let in, else per operation."""
    by_way: dict[str, list[_Hit]] = {}
    for hit in hits:
        by_way.setdefault(hit.forged.sent, []).append(hit)
    for found in by_way.values():
        if len(found) > 1 and len(found) >= EVERYWHERE_SHARE * tried:
            yield Ended(found[0].role.name, True, _finding(found[0], [hit.operation.name for hit in found]))
        else:
            yield from (Ended(hit.role.name, True, _finding(hit, [])) for hit in found)


def _finding(hit: _Hit, everywhere: list[str]) -> Finding:
    where = f"{len(everywhere)} writes are" if everywhere else f"{hit.operation.name} is"
    others = f" So it was with {', '.join(everywhere[:5])}{' …' if len(everywhere) > 5 else ''}." if everywhere else ""
    return Finding(
        rule=hit.forged.rule,
        title=f"{where} done {hit.forged.sent}",
        severity=hit.forged.severity,
        confidence=Confidence.MEDIUM,
        stage=STAGE,
        engines=(ENGINE,),
        method="" if everywhere else hit.operation.method,
        route="" if everywhere else hit.operation.path,
        role="" if everywhere else hit.role.name,
        cwe=352,
        owasp="API8:2023",
        expected="A write with the session cookie, and nothing that only the platform's own pages know, is refused with 403.",
        observed=f"{hit.role.name} sent {hit.operation.name} with its session cookie {hit.forged.sent}: it was answered "
        f"{hit.answer.status}, and the same request with everything right was answered {hit.good.status}.{others}",
        why="The browser adds the cookie to what other sites send: a page that a user visits writes in that user's name.",
        advice=_advice(hit),
        steps=(hit.request,),
        symptom=Symptom(status=(hit.answer.status,)),
        parts=("2.1.9.a",),
    )


def _advice(hit: _Hit) -> str:
    if hit.forged.is_simple:
        return (
            "Set the cookie with SameSite=Lax (or Strict), answer 415 to a write that is not application/json, and 403 to one "
            "whose Origin is not your own."
        )
    names = ", ".join(guards_of(hit.role.login))
    return (
        f"Before every write, in one place, compare {names} with the session's own value in constant time; answer 403 where it "
        "differs or is missing."
    )

"""Session cookies: their attributes, whether the log-in renews them, and whether the log-out ends them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.model.finding import Confidence, Finding, Severity, Symptom
from harness.model.target import Role, User
from harness.probes.http.exchange import PASSWORD, USERNAME, World
from harness.probes.http.forms import forms_of
from harness.probes.http.log_in_requests import log_in_request
from harness.probes.http.pages import Browsing, Cookie, PageSession, cookies_of, is_csrf, log_in

STAGE, ENGINE = "sessions", "probes"
PARTS = ("2.1.9.a",)
_LOG_OUT = re.compile(r"log-?out|sign-?out|logoff", re.I)
_FIXED = "harness-fixed-0000000000000000"


@dataclass(frozen=True)
class CookieReport:
    """What was seen of one role's cookies. `looked_at` counts cookies; 0 with a note where there was nothing to look at."""

    role: str
    looked_at: int
    findings: tuple[Finding, ...] = ()
    note: str = ""


def examine_cookies(world: World, role: Role) -> CookieReport:
    """Logs in through the page and through the API, and judges every cookie that this sets."""
    user = role.users[0]
    findings: list[Finding] = []
    seen = 0
    session = None
    if role.page_login:
        session = log_in(Browsing(world), role, user)
        if session is None:
            return CookieReport(role.name, 0, note=f"the log-in form at {role.page_login} could not be used as {role.name}")
        for cookie in session.after:
            if not cookie.is_gone:
                seen += 1
                findings += judged(cookie, "POST", role.page_login, role.name)
    if role.login.kind in ("json", "form") and role.login.path:
        for cookie in log_in_cookies(world, role, user):
            seen += 1
            findings += judged(cookie, "POST", role.login.path, role.name)
    if session is not None:
        findings += _endings(world, role, user, session)
    return CookieReport(role.name, seen, tuple(findings), "" if seen else f"no log-in of {role.name} sets a cookie")


def log_in_cookies(world: World, role: Role, user: User) -> tuple[Cookie, ...]:
    """The cookies that a log-in through the API sets; none where it is refused."""
    answer = world.send_as(log_in_request(world, role, user.name, USERNAME, PASSWORD), world.credential("", ""))
    return tuple(cookie for cookie in cookies_of(answer) if not cookie.is_gone)


def judged(cookie: Cookie, method: str, route: str, role: str) -> Iterator[Finding]:
    """What is wrong with a cookie of a log-in."""
    has = cookie.attributes
    if "httponly" not in has and not is_csrf(cookie.name):
        why = "A script that gets into a page reads the session and sends it away."
        yield _cookie_finding(cookie, method, route, role, "HttpOnly", 1004, why, Severity.MEDIUM)
    if "secure" not in has:
        why = "The browser sends it over plain HTTP too, where anybody on the way reads it."
        yield _cookie_finding(cookie, method, route, role, "Secure", 614, why, Severity.MEDIUM)
    if has.get("samesite", "").lower() not in ("lax", "strict"):
        why = "The browser sends it with requests that other sites cause, so they act as the user."
        yield _cookie_finding(cookie, method, route, role, "SameSite=Lax (or Strict)", 1275, why, Severity.LOW)
    if has.get("domain"):
        finding = _cookie_finding(
            cookie, method, route, role, "", 1275, "Every host under the domain reads and sets it.", Severity.LOW
        )
        yield replace(
            finding,
            rule="cookies.not-host-bound",
            title=f"The cookie {cookie.name} is sent to every host of {has['domain']}",
            expected="A session cookie names no Domain (best: its name begins with __Host-).",
            observed=f"It was set with Domain={has['domain']}.",
            advice="Leave Domain out and name the cookie __Host-….",
            symptom=Symptom(header="set-cookie", header_value="domain="),
        )


def _cookie_finding(
    cookie: Cookie, method: str, route: str, role: str, wanted: str, cwe: int, why: str, severity: Severity
) -> Finding:
    short = re.sub(r"[^a-z]", "", wanted.split("=")[0].lower())
    return Finding(
        rule=f"cookies.without-{short}",
        title=f"The cookie {cookie.name} is set without {wanted}",
        severity=severity,
        confidence=Confidence.MEDIUM,
        stage=STAGE,
        engines=(ENGINE,),
        method=method,
        route=route,
        parameter=cookie.name,
        role=role,
        cwe=cwe,
        owasp="API8:2023",
        expected=f"Every cookie of a log-in is set with {wanted}.",
        observed=f"Set-Cookie: {cookie.name}=…; {'; '.join(cookie.attributes) or 'no attributes'}.",
        why=why,
        advice=f"Set {cookie.name} with {wanted}.",
        parts=PARTS,
    )


def _endings(world: World, role: Role, user: User, session: PageSession) -> Iterator[Finding]:
    """Fixation and log-out, by trying both."""
    fixed = _fixated(world, role, user, session)
    if fixed is not None:
        yield fixed
    alive = _alive_after_log_out(world, role, user)
    if alive is not None:
        yield alive


def _fixated(world: World, role: Role, user: User, session: PageSession) -> Finding | None:
    """Whether a session id that was there before the log-in is the session after it."""
    kept = [
        name for name, value in session.before.items() if not is_csrf(name) and not any(c.name == name for c in session.after)
    ]
    works = not session.session_cookies and bool(kept)
    names = kept if works else []
    names += [each.name for each in session.session_cookies if _is_the_session_of_before(world, session, each)]
    for cookie in session.session_cookies:
        browsing = Browsing(world, {cookie.name: _FIXED})
        again = log_in(browsing, role, user)
        if again is not None and browsing.jar.get(cookie.name) == _FIXED:
            names.append(cookie.name)
    if not names:
        return None
    return Finding(
        rule="sessions.fixation",
        title=f"The log-in at {role.page_login} keeps the session id that the browser came with ({names[0]})",
        severity=Severity.HIGH,
        confidence=Confidence.MEDIUM,
        stage=STAGE,
        engines=(ENGINE,),
        method="POST",
        route=role.page_login,
        parameter=names[0],
        role=role.name,
        cwe=384,
        owasp="API2:2023",
        expected="A log-in gives a new session id.",
        observed=f"After the log-in {names[0]} still has the value from before.",
        why="Whoever plants a session id in a victim's browser is logged in as the victim afterwards.",
        advice="Make a new session at each log-in and end the one that came with it.",
        parts=("2.1.6.a",),
    )


def _is_the_session_of_before(world: World, session: PageSession, cookie: Cookie) -> bool:
    """Whether the log-in set a cookie to what the browser came with, and without it the page behind is closed."""
    if session.before.get(cookie.name) != cookie.value:
        return False
    jar = {**session.before, **{each.name: each.value for each in session.after if not each.is_gone}}
    rest = {name: value for name, value in jar.items() if name != cookie.name}
    return not is_closed(world, session, jar) and is_closed(world, session, rest)


def _alive_after_log_out(world: World, role: Role, user: User) -> Finding | None:
    """Whether the cookie of a session that was logged out still opens the page behind the log-in."""
    browsing = Browsing(world)
    session = log_in(browsing, role, user)
    if session is None:
        return None
    form = next((form for form in forms_of(session.landing) if _LOG_OUT.search(form.action)), None)
    before = dict(browsing.jar)
    if form is None or is_closed(world, session, {}) is False:
        return None  # no way out is shown, or the page is open to everybody
    browsing.submit(session.landing_path, form, {}, role.name, user.name)
    if is_closed(world, session, before):
        return None
    return Finding(
        rule="sessions.cookie-alive-after-log-out",
        title=f"The session cookie of {role.name} still works after the log-out",
        severity=Severity.HIGH,
        confidence=Confidence.MEDIUM,
        stage=STAGE,
        engines=(ENGINE,),
        method=form.method,
        route=form.action,
        role=role.name,
        cwe=613,
        owasp="API2:2023",
        expected=f"After the log-out {session.landing_path} asks for the log-in again.",
        observed="It was shown as before.",
        why="A session that was stolen, or left on a shared computer, goes on for ever.",
        advice="End the session in the store, not only the cookie in the browser.",
        parts=("2.1.6.a",),
    )


def is_closed(world: World, session: PageSession, jar: dict[str, str]) -> bool:
    """Whether the page behind the log-in refuses a browser with these cookies."""
    answer = Browsing(world, dict(jar)).open(session.landing_path)
    return answer.is_denial or any(form.password for form in forms_of(answer))

"""Whether passwords can be guessed: log-ins of one client, and wrong passwords for one account, are limited.

Where the target file promises a limit, that is what must hold, for every log-in (API and page) and in every disguise. Where it
promises none, one client tries fifty wrong passwords for one account: a log-in that neither refuses nor slows down is a defect
whatever was promised. Accounts may be locked by this, so it has a target of its own.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import median

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Request, Severity, Symptom
from harness.model.target import Role
from harness.model.weakness import Place, Weakness
from harness.probes.abuse.limits import SPARE, disguised
from harness.probes.checks import Report, finding_of
from harness.probes.http.addresses import fresh_address
from harness.probes.http.answers import Answer
from harness.probes.http.clients import ALTERNATELY, Disguise, can_be_many, disguises
from harness.probes.http.door import Credential, Door
from harness.probes.http.exchange import PASSWORD, USERNAME, World
from harness.probes.http.forms import forms_of
from harness.probes.http.log_in_requests import log_in_request
from harness.probes.http.pages import Browsing

GUESSES = 50
GUESSES_MIN = 20  # fewer in the time that there is are no proof: hashing passwords slowly is a guard of its own
GUESSING_S_MAX = 20.0
SLOWED_FACTOR, SLOWED_S_MIN = 3.0, 0.3
ATTEMPTS_MAX = 200  # a larger limit of log-ins is not tried
_WRONG = "Wrong-Password-"
_TOO_MANY = re.compile(
    r"too many|rate.?limit|try again (later|in )|temporarily (locked|blocked|disabled)|account (is )?locked|captcha", re.I
)
ONE, ANOTHER = "one client", "another client"

_GUESSED = Weakness(
    "abuse.log-in-not-limited",
    Severity.MEDIUM,
    307,
    "API2:2023",
    "A log-in refuses (429), or slows down, long before a list of common passwords is through.",
    "Passwords are tried until one fits: a list of leaked ones opens some account of every platform.",
    "Count failed log-ins for each client and for each account, and refuse further ones for some minutes.",
    ("2.1.2.a",),
)
_ACCOUNT = Weakness(
    "abuse.account-not-limited",
    Severity.MEDIUM,
    307,
    "API2:2023",
    "After a few wrong passwords an account refuses further ones for a while, whoever sends them.",
    "Somebody with many addresses tries passwords for one account without end.",
    "Count failed log-ins for each account too, over all clients, and let the count run out after some minutes.",
    ("2.1.2.a",),
)
_EVADED = Weakness(
    "abuse.log-in-limit-evaded",
    Severity.HIGH,
    348,
    "API2:2023",
    "A client that may not log in any more may not, whatever it writes into its requests.",
    "Passwords are tried without end by changing one word of each request.",
    "Take the client's address from the connection, and the account from the database after the name was normalised.",
    ("2.1.2.a",),
)


@dataclass(frozen=True)
class LogIn:
    """One way to log in. `attempt` sends a name and a password through it and gives the request with its answer."""

    role: Role
    name: str  # "POST /login"
    attempt: Callable[[World, str, str, Disguise], tuple[Request, Answer]]


PLAIN = Disguise("")


def log_ins_of(door: Door) -> Iterator[LogIn]:
    """Each way once: the roles' log-in operations and their pages."""
    seen: set[str] = set()
    for role in door.target.roles:
        if not role.users:
            continue
        if role.login.kind in ("json", "form") and role.login.path and role.login.path not in seen:
            seen.add(role.login.path)
            yield LogIn(role, f"POST {role.login.path}", _by_operation(role))
        if role.page_login and role.page_login not in seen:
            seen.add(role.page_login)
            yield LogIn(role, f"POST {role.page_login}", _by_page(role))


def _by_operation(role: Role) -> Callable[[World, str, str, Disguise], tuple[Request, Answer]]:
    def attempt(world: World, username: str, password: str, disguise: Disguise) -> tuple[Request, Answer]:
        request = log_in_request(world, role, role.users[-1].name, username, password)
        request = disguised(replace(request, client=ONE), disguise)
        return request, world.send_as(request, Credential())

    return attempt


def _by_page(role: Role) -> Callable[[World, str, str, Disguise], tuple[Request, Answer]]:
    def attempt(world: World, username: str, password: str, disguise: Disguise) -> tuple[Request, Answer]:
        browsing = Browsing(world, headers=disguise.headers)
        shown = browsing.open(role.page_login)
        form = next((form for form in forms_of(shown) if form.password and form.username), None)
        if form is None:
            return browsing.answers[-1][0], shown
        words = {form.username: username, form.password: password}
        answer = browsing.submit(role.page_login, form, words, role.name, role.users[-1].name)
        return browsing.answers[-1][0], answer

    return attempt


def is_refused(answer: Answer, first: Answer) -> bool:
    """Whether an attempt was not even looked at: 429 or 423, a new 403 or 503, or words that say so and that were not there."""
    if answer.status in (423, 429):
        return True
    if answer.status in (403, 503) and answer.status != first.status:
        return True
    return bool(_TOO_MANY.search(answer.text)) and not _TOO_MANY.search(first.text)


def examine_guessing(door: Door, *, locks: bool = True) -> Report:
    """Every log-in of the target. `locks` is false where accounts must not be locked, for other checks use them."""
    report = Report("guessing")
    if not can_be_many(door):
        report.note = (
            "the target is not on this machine: we are one client there, and to use up its log-ins would end every check"
        )
        return report
    log_ins = list(log_ins_of(door))
    limits = door.target.limits
    for log_in in log_ins:
        if 0 < limits.log_in_attempts <= ATTEMPTS_MAX:
            _client(door, log_in, report, limits.log_in_attempts + SPARE)
        if not locks:
            continue
        if 0 < limits.failed_per_account <= ATTEMPTS_MAX:
            _account(door, log_in, report, limits.failed_per_account + SPARE)
        if not limits.log_in_attempts and not limits.failed_per_account:
            _undeclared(door, log_in, report)
    if not report.tried:
        reason = "accounts are not locked where other checks use them too" if log_ins else "no role logs in with a password"
        report.note = report.note or reason
    return report


def _nobody() -> str:
    return f"nobody-{secrets.token_hex(6)}@example.com"


def _wrong() -> str:
    return _WRONG + secrets.token_hex(3)


def _client(door: Door, log_in: LogIn, report: Report, times: int) -> None:
    """Wrong passwords of one client, each for an account that is not there; then in every disguise."""
    with World(door.seen_from(fresh_address())) as world:
        request, first = log_in.attempt(world, _nobody(), _wrong(), PLAIN)
        answer, sent = first, 1
        while sent < times and not is_refused(answer, first):
            request, answer = log_in.attempt(world, _nobody(), _wrong(), PLAIN)
            sent += 1
        report.tried += sent
        place = Place(log_in.name, role=log_in.role.name)
        if not is_refused(answer, first):
            free = log_in.role.users[0]  # what is tried for accounts locks the last one
            right = _from_another(door, log_in, free.username, free.password)[1]
            if not _let_in(right, first):
                report.leave_out(log_in.name, f"the right password is refused there too ({right.status})")
                return
            observed = f"{sent} wrong log-ins of one client in a row were all looked at, the last answered {answer.status}."
            title = f"{log_in.name} lets a client guess without end"
            steps = (replace(request, times=times),)
            report.findings.append(finding_of(_GUESSED, place, title, observed, steps, Symptom(status=(answer.status,))))
            return
        _in_disguise(world, log_in, report, _Refused(request, first, times))


@dataclass(frozen=True)
class _Refused:
    """A client that may not log in any more: what it sent, how that was answered at first, and how often it was sent.

    `account` is the name that it is refused for; "" where it is for every one.
    """

    plain: Request
    first: Answer
    times: int
    account: str = ""

    @property
    def name(self) -> str:
        """A name to try it with."""
        return self.account or _nobody()


def _in_disguise(world: World, log_in: LogIn, report: Report, refused: _Refused) -> None:
    for number in range(len(disguises())):
        _disguised(world, log_in, report, number, refused)


def _disguised(world: World, log_in: LogIn, report: Report, number: int, refused: _Refused) -> None:
    disguise, first = disguises()[number], refused.first
    request, answer = log_in.attempt(world, refused.name, _wrong(), disguise)
    report.tried += 1
    if answer.status != first.status or is_refused(answer, first):
        return  # refused for the limit, or (before anybody looks at the password) for what the disguise adds
    for each in ALTERNATELY:
        other = log_in.attempt(world, refused.name, _wrong(), PLAIN if each == "P" else disguises()[number])[1]
        if is_refused(other, first) != (each == "P"):
            return
    confidence = _confidence(world, log_in, disguise, first)
    if confidence is None:
        return
    if any(f.rule == _EVADED.rule and f.operation == log_in.name for f in report.findings):
        return  # several headers of one kind have one cause
    title = f"{log_in.name} goes on for a client that is limited, with {disguise.name} of its own choice"
    observed = f"Used up, the client was refused; with {disguise.name} set its log-in was looked at and answered {answer.status}."
    steps = (replace(refused.plain, times=refused.times), request)
    place = Place(log_in.name, disguise.name)
    symptom = Symptom(status=(answer.status,))
    report.findings.append(finding_of(_EVADED, place, title, observed, steps, symptom, confidence))


def _confidence(world: World, log_in: LogIn, disguise: Disguise, refused: Answer) -> Confidence | None:
    """How sure it is that a disguised log-in is looked at: sure where the right password is let in.

    Low where that password opens nothing from elsewhere either (its account is locked); None where it does: then what the
    disguise adds is refused as a wrong password is (a token that is none), and nobody looked at the password.
    """
    free = log_in.role.users[0]  # what is tried for accounts locks the last one
    if _let_in(log_in.attempt(world, free.username, free.password, disguise)[1], refused):
        return Confidence.MEDIUM
    with World(world.door.seen_from(fresh_address())) as elsewhere:
        opens = _let_in(log_in.attempt(elsewhere, free.username, free.password, PLAIN)[1], refused)
    return None if opens else Confidence.LOW


def _account(door: Door, log_in: LogIn, report: Report, times: int) -> None:
    """Wrong passwords for one account, each from a client of its own; then the right one."""
    place = Place(log_in.name, "account", log_in.role.name)
    steps: list[Request] = []
    first: Answer | None = None
    for number in range(times):
        request, answer = _from_another(door, log_in, USERNAME, _wrong())
        report.tried += 1
        first = first or answer
        steps.append(replace(request, client=f"client {number + 1}"))
        if is_refused(answer, first):
            _written_otherwise(door, log_in, report, first)
            return
    request, answer = _from_another(door, log_in, USERNAME, PASSWORD)
    if first is None or not _let_in(answer, first):
        return  # refused without a word, or this log-in works for nobody: either way no password is found out
    observed = f"After {times} wrong passwords from {times} clients the right one was answered {answer.status}."
    title = f"{log_in.name} lets many clients guess one account's password"
    steps.append(replace(request, client=ANOTHER))
    report.findings.append(finding_of(_ACCOUNT, place, title, observed, tuple(steps), Symptom(status=(answer.status,))))


def _from_another(door: Door, log_in: LogIn, username: str, password: str) -> tuple[Request, Answer]:
    with World(door.seen_from(fresh_address())) as world:
        return log_in.attempt(world, username, password, PLAIN)


def _let_in(answer: Answer, refused: Answer) -> bool:
    """Whether a log-in was taken: by a success, or by a redirect where the refusal was none, or to another place than it."""
    if 300 <= answer.status < 400:
        return answer.status != refused.status or answer.header("location") != refused.header("location")
    return answer.is_success and not refused.is_success


def _written_otherwise(door: Door, log_in: LogIn, report: Report, first: Answer) -> None:
    """The same account under a name that the log-in takes for the same: a limit of the name as it was sent is no limit."""
    if len(log_in.role.users) < 2:
        return
    free, locked = log_in.role.users[0].username, log_in.role.users[-1].username
    for what, written in (("in capitals", str.upper), ("with a space behind it", lambda name: f"{name} ")):
        if written(free) == free:
            continue
        with World(door.seen_from(fresh_address())) as world:
            password = log_in.role.users[0].password
            _, answer = log_in.attempt(world, written(free), password, PLAIN)
        if not _let_in(answer, first):
            continue
        _, answer = _from_another(door, log_in, written(locked), _wrong())
        report.tried += 1
        if not is_refused(answer, first):
            title = f"{log_in.name} goes on for a locked account whose name is written {what}"
            observed = f"The account was refused; its name {what} was looked at and answered {answer.status}."
            place = Place(log_in.name, "account", log_in.role.name)
            report.findings.append(finding_of(_EVADED, place, title, observed, (), Symptom(status=(answer.status,))))
            return


def _undeclared(door: Door, log_in: LogIn, report: Report) -> None:
    """Fifty wrong passwords of one client for one account, one after the other; in every disguise where it is refused."""
    took: list[float] = []
    with World(door.seen_from(fresh_address())) as world:
        deadline = time.monotonic() + GUESSING_S_MAX
        request, first = log_in.attempt(world, USERNAME, _wrong(), PLAIN)
        for _ in range(GUESSES - 1):
            request, answer = log_in.attempt(world, USERNAME, _wrong(), PLAIN)
            report.tried += 1
            if is_refused(answer, first):
                everywhere = is_refused(log_in.attempt(world, _nobody(), _wrong(), PLAIN)[1], first)
                account = "" if everywhere else USERNAME
                _in_disguise(world, log_in, report, _Refused(request, first, len(took) + 1 + SPARE, account))
                return
            if time.monotonic() > deadline:
                break
            took.append(answer.elapsed_s)
        if len(took) < GUESSES_MIN or is_slowed(took):
            return
        try:
            _, answer = log_in.attempt(world, USERNAME, PASSWORD, PLAIN)
        except HarnessError:
            return
    if not _let_in(answer, first):
        return
    sent = len(took) + 1
    observed = f"{sent} wrong passwords in a row were all looked at, and the right one after them was answered {answer.status}."
    title = f"{log_in.name} lets one client guess one account's password without end"
    place = Place(log_in.name, role=log_in.role.name)
    steps = (replace(request, times=sent),)
    report.findings.append(finding_of(_GUESSED, place, title, observed, steps, Symptom(status=(first.status,))))


def is_slowed(took_s: list[float]) -> bool:
    """Whether the last fifth of the attempts took clearly longer than the first."""
    part = max(1, len(took_s) // 5)
    early, late = median(took_s[:part]), median(took_s[-part:])
    return late >= SLOWED_FACTOR * early and late - early >= SLOWED_S_MIN

"""Whether a log-in, a reset or a registration tells who has an account: by status, by text, by time.

Time is judged on pairs that are sent one after the other, in changing order, so that a slow moment falls on both: the median of
the differences with its confidence interval from the binomial distribution (exact, whatever the times are distributed like).
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from random import Random
from statistics import median

from harness.model.errors import HarnessError
from harness.model.finding import Request, Severity, Symptom
from harness.model.target import Role, User
from harness.model.weakness import Place, Weakness
from harness.probes.checks import Report, finding_of
from harness.probes.http.addresses import fresh_address
from harness.probes.http.answers import Answer
from harness.probes.http.clients import can_be_many
from harness.probes.http.door import Credential, Door
from harness.probes.http.doors import Doors
from harness.probes.http.exchange import USERNAME, World
from harness.probes.http.log_in_requests import log_in_request
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import Operation
from harness.probes.scene.flows import flows_of, mark_of
from harness.probes.scene.scene import Scene, Untestable

PAIRS = 16  # the least for the interval is 11
PAIRS_OF_REGISTRATION = 2  # its answer is judged; its time differs by what a registration does
TARGETS_MAX = 3  # fresh ones that are asked, where each limits the attempts
CONFIDENCE = 0.999  # of the interval: one false alarm in a thousand log-ins that do not tell
DIFFERENCE_S_MIN = (
    0.002  # under it nobody measures it through a network (Crosby et al. 2009: some 100 requests for 15 µs in a LAN)
)
_WRONG = "Wrong-Password-"

_ENUMERATION = Weakness(
    "abuse.account-enumeration",
    Severity.MEDIUM,
    204,
    "API2:2023",
    "The answer says, and takes, the same whether the account exists or not.",
    "A list of accounts is tried out first and attacked afterwards; people are found out as users of the platform.",
    "Give one text and one status for both, and compute the password's hash for unknown accounts too.",
)


@dataclass(frozen=True)
class Interval:
    """The median of differences in seconds, with its confidence interval."""

    median_s: float
    low_s: float
    high_s: float

    @property
    def tells(self) -> bool:
        """Whether the difference is there for certain and large enough to be of use."""
        return (self.low_s > 0 or self.high_s < 0) and abs(self.median_s) >= DIFFERENCE_S_MIN


def interval_of(differences_s: list[float], confidence: float = CONFIDENCE) -> Interval:
    """The sign-test interval of the median; the whole line where there are too few pairs for the confidence."""
    ordered = sorted(differences_s)
    count, tail = len(ordered), 0.0
    rank = 0
    for below in range(count // 2):
        tail += math.comb(count, below) / 2**count
        if 2 * tail > 1 - confidence:
            break
        rank = below + 1
    if rank == 0:
        return Interval(median(ordered) if ordered else 0.0, -math.inf, math.inf)
    return Interval(median(ordered), ordered[rank - 1], ordered[count - rank])


class What(StrEnum):
    """What is asked for with a name that may have an account."""

    LOG_IN = "log-in"
    RESET = "reset"
    REGISTRATION = "registration"


@dataclass(frozen=True)
class Question:
    """One way to ask. `request` gives the request for a name; its `role` and `user` are of the account that exists."""

    what: What
    operation: str
    role: Role
    request: Callable[[str, User], Request]

    @property
    def pairs(self) -> int:
        """How often both are asked."""
        return PAIRS_OF_REGISTRATION if self.what is What.REGISTRATION else PAIRS


@dataclass
class _Asked:
    """The answers so far: to the account that exists, and to the one that does not."""

    question: Question
    pairs: list[tuple[Answer, Answer]] = field(default_factory=list)
    names: list[tuple[str, str]] = field(default_factory=list)
    limited: bool = False
    why: str = "it limits how often"  # there are no pairs
    steps: tuple[Request, ...] = ()  # the last request about nobody


def examine_enumeration(doors: Doors, document: Document, seed: int) -> Report:
    """Asks for known and unknown accounts in turn; on another fresh target where the first limits how often."""
    report = Report("enumeration")
    asked: dict[tuple[str, str], _Asked] = {}
    random = Random(seed)
    for _ in range(TARGETS_MAX if doors.isolated else 1):
        with doors.fresh("enumeration") as door, World(door) as world:
            for question in _questions(Scene(world, document, seed)):
                gathered = asked.setdefault((question.operation, question.role.name), _Asked(question))
                gathered.limited = False
                _gather(door, world, gathered, random)
        if not any(gathered.limited and len(gathered.pairs) < gathered.question.pairs for gathered in asked.values()):
            break
    for gathered in asked.values():
        report.tried += len(gathered.pairs)
        if len(gathered.pairs) > 1:
            _judge(report, gathered)
        else:
            operation, role = gathered.question.operation, gathered.question.role.name
            report.leave_out(f"{operation} about accounts of {role}", gathered.why)
    report.note = "" if asked else "no log-in, reset or registration takes a name"
    return report


def _questions(scene: Scene) -> Iterator[Question]:
    """The log-ins come last: wrong passwords lock the accounts that the bodies of the others may be found with."""
    flows = flows_of(scene.document, scene.world.target.codes) if scene.world.target.allow.writes else ()
    for flow in (flow for flow in flows if not flow.start.is_secured):
        for role in scene.roles:
            what = What.RESET if flow.is_reset else What.REGISTRATION
            yield Question(what, flow.start.name, role, partial(_start, scene, flow.start, role))
    for role in scene.log_ins:
        if role.login.kind in ("json", "form") and role.login.path:
            yield Question(What.LOG_IN, f"POST {role.login.path}", role, partial(_log_in, scene.world, role))


def _log_in(world: World, role: Role, username: str, user: User) -> Request:
    return log_in_request(world, role, user.name, username, _WRONG + secrets.token_hex(3))


def _start(scene: Scene, operation: Operation, role: Role, username: str, user: User) -> Request:
    body = next((body for body in scene.bodies(operation) if isinstance(body, dict)), {})
    marked = username == USERNAME
    named = {name: (mark_of(name) if marked else username) if _NAMES.search(name) else value for name, value in body.items()}
    return scene.drafter.draft(operation).with_body(named).request(role.name, user.name)


def _gather(door: Door, world: World, asked: _Asked, random: Random) -> None:
    """Further pairs until there are enough, or the target limits them; each account is asked for in turn."""
    users = asked.question.role.users
    refused: set[str] = set()
    while len(asked.pairs) < asked.question.pairs and len(refused) < len(users):
        user = users[len(asked.pairs) % len(users)]
        if user.name in refused:
            user = next(each for each in users if each.name not in refused)
        try:
            known, unknown, request = _pair(door, world, asked.question, user, random)
        except (Untestable, HarnessError) as error:
            if not door.alive():
                raise
            asked.why = str(error)
            return
        if any(answer.status in (0, 423, 429) for answer in (known[1], unknown[1])):
            refused.add(user.name)
            asked.limited = True
            continue
        asked.pairs.append((known[1], unknown[1]))
        asked.names.append((known[0], unknown[0]))
        asked.steps = (request,)


def _pair(
    door: Door, world: World, question: Question, user: User, random: Random
) -> tuple[tuple[str, Answer], tuple[str, Answer], Request]:
    """Both asked one after the other in changing order, by a client of their own on a connection that is open already."""
    known_as = user.username if question.what is What.LOG_IN else user.address
    nobody = _nobody(known_as)
    known, unknown = question.request(USERNAME, user), question.request(nobody, user)
    with World(door.seen_from(fresh_address())) if can_be_many(door) else nullcontext(world) as client:
        client.send_as(Request("GET", door.target.health_path), Credential())
        answers: dict[str, Answer] = {}
        for name, request in sorted({"known": known, "unknown": unknown}.items(), reverse=random.random() < 0.5):
            answers[name] = client.send_as(request, Credential())
    return (known_as, answers["known"]), (nobody, answers["unknown"]), unknown


def _nobody(username: str) -> str:
    """A name of the same form and length that nobody has."""
    name, at, host = username.partition("@")
    kept = name[: max(1, len(name) - 6)]
    return f"{kept}{secrets.token_hex(3)}{at}{host}"


def _judge(report: Report, asked: _Asked) -> None:
    """Status and text must differ in each of the first two pairs; time over all of them."""
    question = asked.question
    place = Place(question.operation, role=question.role.name)
    if any(finding.operation == place.operation for finding in report.findings):
        return  # one operation that several roles are asked for at has one cause
    statuses = [(known.status, unknown.status) for known, unknown in asked.pairs[:2]]
    texts = [tuple(_bare(answer, names) for answer in pair) for pair, names in zip(asked.pairs[:2], asked.names[:2], strict=True)]
    if all(known != unknown for known, unknown in statuses):
        observed = f"A known account is answered {statuses[0][0]}, an unknown one {statuses[0][1]}."
        _say(report, asked, place, "status", observed, Symptom(status=(statuses[0][1],)))
    elif all(known != unknown for known, unknown in texts) and texts[0] == texts[1]:
        observed = f"A known account is told {texts[0][0][:80]!r}, an unknown one {texts[0][1][:80]!r}."
        said = max(texts[0][1].split("…"), key=len)[:60]
        _say(report, asked, place, "text", observed, Symptom(status=(statuses[0][1],), body_contains=said))
    elif question.what is not What.REGISTRATION:
        found = interval_of([known.elapsed_s - unknown.elapsed_s for known, unknown in asked.pairs])
        if found.tells:
            observed = (
                f"Over {len(asked.pairs)} interleaved pairs a known account takes {found.median_s * 1000:+.1f} ms "
                f"against an unknown one ({CONFIDENCE:.1%} interval {found.low_s * 1000:+.1f} to {found.high_s * 1000:+.1f} ms)."
            )
            _say(report, asked, Place(place.operation, "time", place.role), "time", observed, None)


def _say(report: Report, asked: _Asked, place: Place, how: str, observed: str, symptom: Symptom | None) -> None:
    title = f"{place.operation} tells by its {how} who has an account"
    registers = asked.question.what is What.REGISTRATION
    weakness = replace(_ENUMERATION, severity=Severity.LOW) if registers else _ENUMERATION
    steps = asked.steps if symptom else ()
    report.findings.append(finding_of(weakness, place, title, observed, steps, symptom or Symptom()))


_NAMES = re.compile(r"e-?mail|user_?name|login|account", re.I)
_VOLATILE = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\d[T ][\d:.]+Z?|\b\d{10,}\b|\b[0-9a-f]{16,}\b")


def _bare(answer: Answer, names: tuple[str, str]) -> str:
    """The text without the names that were sent, and without clocks, random marks and request numbers."""
    text = answer.text
    for name in names:
        text = text.replace(name, "…")
    return _VOLATILE.sub("…", text)

"""Whether a log-in tells who has an account: by status, by text, by time.

Time is judged on pairs that are sent one after the other, in changing order, so that a slow moment falls on both: the median of
the differences with its confidence interval from the binomial distribution (exact, whatever the times are distributed like).
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from random import Random
from statistics import median

from harness.model.finding import Confidence, Request, Severity, Symptom
from harness.model.target import Role
from harness.probes.checks import Place, Report, Weakness, finding_of
from harness.probes.exchange import USERNAME, Answer, World

PAIRS = 24
CONFIDENCE = 0.999  # of the interval: one false alarm in a thousand log-ins that do not tell
DIFFERENCE_S_MIN = (
    0.002  # under it nobody measures it through a network (Crosby et al. 2009: some 100 requests for 15 µs in a LAN)
)
_WRONG = "Wrong-Password-0"

_ENUMERATION = Weakness(
    "abuse.account-enumeration",
    Severity.MEDIUM,
    204,
    "API2:2023",
    "A refused log-in says, and takes, the same whether the account exists or not.",
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


def examine_enumeration(world: World, role: Role, seed: int, *, pairs: int = PAIRS) -> Report:
    """Compares wrong passwords of a known account with those of an account that is not there."""
    report = Report("enumeration")
    login = role.login
    if login.kind not in ("json", "form") or not login.path or not role.users:
        report.note = f"{role.name} logs in without a request of its own"
        return report
    known = [_request(role, USERNAME), _request(role, _nobody(role.users[0].username))]
    random = Random(seed)
    differences: list[float] = []
    first: list[Answer] = []
    for _ in range(pairs):
        order = [0, 1] if random.random() < 0.5 else [1, 0]
        answers = {number: world.send_as(known[number], world.credential("", "")) for number in order}
        if any(answer.status in (0, 429, 423) for answer in answers.values()):
            report.note = (
                f"after {len(differences)} pairs the log-in is limited ({answers[0].status}): time was not compared further"
            )
            break
        first = first or [answers[0], answers[1]]
        differences.append(answers[0].elapsed_s - answers[1].elapsed_s)
        report.tried += 1
    if first:
        _judge(report, role, known, first, differences)
    return report


def _request(role: Role, username: str) -> Request:
    body = role.login.body_for(username, _WRONG)
    if role.login.kind == "json":
        return Request(
            "POST", role.login.path, role.name, role.users[0].name, {"Content-Type": "application/json"}, json.dumps(body)
        )
    text = "&".join(f"{name}={value}" for name, value in body.items())
    return Request(
        "POST", role.login.path, role.name, role.users[0].name, {"Content-Type": "application/x-www-form-urlencoded"}, text
    )


def _nobody(username: str) -> str:
    """A name of the same form that nobody has."""
    name, at, host = username.partition("@")
    return f"{name[:-1] or 'n'}q7f3e{at}{host}"


def _judge(report: Report, role: Role, requests: list[Request], answers: list[Answer], differences: list[float]) -> None:
    place = Place(f"POST {role.login.path}", role=role.name)
    steps = (requests[1],)
    if answers[0].status != answers[1].status:
        observed = f"A known account is answered {answers[0].status}, an unknown one {answers[1].status}."
        symptom = Symptom(status=(answers[1].status,))
        title = f"{place.operation} tells by its status who has an account"
        report.findings.append(finding_of(_ENUMERATION, place, title, observed, steps, symptom, Confidence.HIGH))
        return
    texts = [_bare(answer, role) for answer in answers]
    if texts[0] != texts[1]:
        observed = f"A known account is told {texts[0][:80]!r}, an unknown one {texts[1][:80]!r}."
        symptom = Symptom(status=(answers[1].status,))
        title = f"{place.operation} tells by its text who has an account"
        report.findings.append(finding_of(_ENUMERATION, place, title, observed, steps, symptom, Confidence.HIGH))
        return
    found = interval_of(differences)
    if found.tells:
        observed = (
            f"Over {len(differences)} interleaved pairs a known account takes {found.median_s * 1000:+.1f} ms "
            f"against an unknown one ({CONFIDENCE:.1%} interval {found.low_s * 1000:+.1f} to {found.high_s * 1000:+.1f} ms)."
        )
        title = f"{place.operation} tells by its time who has an account"
        place = Place(place.operation, "time", role.name)
        report.findings.append(finding_of(_ENUMERATION, place, title, observed, (), Symptom()))


_VOLATILE = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\d[T ][\d:.]+Z?|\b\d{10,}\b")


def _bare(answer: Answer, role: Role) -> str:
    """The text without the name that was sent, and without clocks and request numbers."""
    text = answer.text
    for name in (role.users[0].username, _nobody(role.users[0].username)):
        text = text.replace(name, "…")
    return _VOLATILE.sub("…", text)

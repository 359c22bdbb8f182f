"""A defect of the target, whatever found it, and how to see it again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from harness.model.owasp import top10_of


class Severity(StrEnum):
    """How bad it is for the platform's users, in the four steps that code scanning knows."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for critical up to 3 for low: sorts the worst first."""
        return tuple(Severity).index(self)


class Confidence(StrEnum):
    """How sure we are. `HIGH` means: seen a second time, on fresh data where the target allows it."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True)
class Request:
    """One request as it can be sent again. Credentials are not in it: `role` and `user` say whose to use ("" is nobody)."""

    method: str
    path: str  # concrete path with its query, without host: "/api/x/12?page=2"
    role: str = ""
    user: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    client: str = ""  # "" is the usual one; each other name a client with an address of its own, that asks the target directly
    times: int = 1  # sent so often in a row
    stands_for: str = (
        ""  # the id of what it made when it was found: in the later steps, the one that it makes now takes its place
    )


@dataclass(frozen=True)
class Symptom:
    """What in the last answer shows the defect. All of the members that are set must hold.

    `status` lists statuses; `header_absent` names a header; `header` and `header_value` an unwanted pair;
    `body_contains` a text in the body, `body_lacks` one that should be in it; `server_error` any 5xx, or no answer at all;
    `elapsed_s_min` an answer that took at least so long; `answer_contains` a text in the body or, in whatever case, the head.
    """

    status: tuple[int, ...] = ()
    header_absent: str = ""
    header: str = ""
    header_value: str = ""
    body_contains: str = ""
    server_error: bool = False
    body_lacks: str = ""
    elapsed_s_min: float = 0.0
    answer_contains: str = ""


@dataclass(frozen=True)
class Finding:
    """One defect.

    `rule` is ours and stable (`authorization.read-of-another`, `headers.missing`); `route` is the document's template
    (`/api/x/{id}`), "" where the defect belongs to no route; `parameter` a header, field or parameter name.
    `expected` and `observed` are sentences; `advice` says what to mend and `why` what the defect lets somebody do.
    `steps` are the requests that show it, in order, and `symptom` what to look for in the last answer.
    """

    rule: str
    title: str
    severity: Severity
    confidence: Confidence
    stage: str
    engines: tuple[str, ...]
    method: str = ""
    route: str = ""
    parameter: str = ""
    role: str = ""
    cwe: int = 0
    owasp: str = ""  # "API1:2023"; "A01:2025" where only that is known
    expected: str = ""
    observed: str = ""
    why: str = ""
    advice: str = ""
    steps: tuple[Request, ...] = ()
    symptom: Symptom = Symptom()
    parts: tuple[str, ...] = ()  # ledger parts that it refutes
    severity_reason: str = ""  # why it is as bad as that, where the rule alone does not say
    proof: tuple[str, ...] = ()  # what a machine wrote of it, line by line: a statement, a query plan, counts at two sizes
    checks: tuple[str, ...] = ()  # what its engines call the checks that found it, where that is not `rule`: `zap.40018`
    owasp_top10: str = ""  # "A01:2025": its engine's word, else what the CWE says; "" where the Top 10:2025 has no class

    def __post_init__(self) -> None:
        """Gives every finding its class, those of runs that were written before included."""
        if not self.owasp_top10:
            object.__setattr__(self, "owasp_top10", top10_of(self.cwe))

    @property
    def classes(self) -> tuple[str, ...]:
        """`("CWE-89", "API8:2023", "A05:2025")`, as far as there are such."""
        named = (f"CWE-{self.cwe}" if self.cwe else "", self.owasp, self.owasp_top10)
        return tuple(dict.fromkeys(filter(None, named)))

    @property
    def found_by(self) -> tuple[str, ...]:
        """The checks that found it: only where one of them runs again can it be called fixed."""
        return self.checks or (self.rule,)

    @property
    def fingerprint(self) -> str:
        """16 hex digits of rule, method, route template, parameter and role: never of host, value or engine."""
        return fingerprint_of(self.rule, self.method, self.route, self.parameter, self.role)

    @property
    def operation(self) -> str:
        """`"GET /api/x/{id}"`, or "" where the defect belongs to no route."""
        return f"{self.method.upper()} {self.route}".strip()


def fingerprint_of(rule: str, method: str, route: str, parameter: str, role: str) -> str:
    """The fingerprint of what these five name."""
    key = "\n".join((rule, method.upper(), route, parameter, role))
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:16]  # as it is stored


@dataclass(frozen=True)
class Observation:
    """Something noticed that is no defect; it is shown and never judged."""

    rule: str
    text: str
    stage: str
    operation: str = ""
    count: int = 1

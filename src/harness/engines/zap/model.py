"""ZAP's words as data: alerts, rules with their state, and the counters of a scan."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Alert:
    """One alert: `risk` 0 (informational) to 3 (high), `confidence` 0 (false positive) to 3 (high), 4 (confirmed by a user)."""

    plugin: str
    name: str
    risk: int
    confidence: int
    method: str
    url: str
    parameter: str = ""
    attack: str = ""
    evidence: str = ""
    description: str = ""
    solution: str = ""
    other: str = ""
    cwe: int = 0
    tags: tuple[str, ...] = ()
    body: str = ""
    content_type: str = ""  # of the request
    message: str = ""  # ZAP's id of the request and its answer, "" where it gives none
    active: bool = False  # raised by an attack, not by looking


@dataclass(frozen=True)
class RuleState:
    """One active rule in one scan. `state` is ZAP's word (`Complete`, `Skipped`, `Pending`, `66%`), `requests` what it sent."""

    rule: str
    name: str
    state: str
    requests: int
    alerts: int
    duration_s: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether ZAP calls it complete. A rule that a cap cut off reads so too: see `requests`."""
        return self.state == "Complete"


@dataclass(frozen=True)
class ScanFacts:
    """What is known of one scan, from ZAP's counters and from our own look at the target.

    `None` stands for what nobody said. `rules_wanted` are the rules that the scan profile asks for; `alive_before` and
    `alive_after` are ours, never ZAP's. `statuses` are the target's answers by status code, of this scan alone.
    """

    requests: int | None = None
    progress: int | None = None
    rules: tuple[RuleState, ...] = ()
    rules_wanted: tuple[str, ...] = ()
    statuses: dict[int, int] = field(default_factory=dict)
    operations: int = 0  # of the document, or addresses that were to be tried
    reached: int = 0
    log_ins_wanted: bool = False
    log_ins: int = 0
    log_in_failures: int = 0
    network_failures: int = 0
    alive_before: bool | None = None
    alive_after: bool | None = None
    faults: tuple[str, ...] = ()  # what ZAP or its plan said went wrong, and what a call of ours met
    names: dict[str, str] = field(default_factory=dict)  # of the wanted rules
    rule_s_max: float = 0.0  # the longest that one rule was given, 0 where that has no end

"""A decision of people to live with a finding for a while, and what is known of findings from earlier runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Literal

from harness.model.finding import Severity

WAIVER_DAYS_MAX = 90
"""The longest that a waiver holds (design, section 9): a decision that nobody repeats each quarter is no decision."""
WARNING_DAYS = 14
"""So many days before its end a waiver is announced, so that nobody learns of it from a red build."""
KNOWN_FORMAT: Literal["power100-known-findings/1"] = "power100-known-findings/1"


class WaiverKind(StrEnum):
    """Why a finding does not fail the gate. Both end, and both stay visible."""

    ACCEPTED = "accepted"  # it is a defect, and its risk is carried until the expiry
    FALSE_ALARM = "false-alarm"  # an engine is mistaken; the reason says why


@dataclass(frozen=True)
class Waiver:
    """One entry of `security/waivers.toml`. It holds from `granted` up to and including `expires`, in UTC."""

    fingerprint: str
    reason: str
    owner: str
    approvers: tuple[str, ...]
    granted: date
    expires: date
    kind: WaiverKind = WaiverKind.ACCEPTED


@dataclass(frozen=True)
class Examined:
    """That some rules were tried on some operations, whatever they found: only then can a finding be called fixed.

    `rules` are exact names or families (`contract.*`), `operations` are `"GET /x/{id}"` ("" where a rule concerns no route),
    `roles` those as whom it was tried; empty where the rule has no role.
    """

    engine: str
    rules: tuple[str, ...]
    operations: tuple[str, ...]
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class KnownFinding:
    """A finding as the committed base remembers it. Times are UTC, ISO 8601; `fixed` is "" while it stands."""

    fingerprint: str
    rule: str
    title: str
    severity: Severity
    first_seen: str
    last_seen: str
    method: str = ""
    route: str = ""
    parameter: str = ""
    role: str = ""
    fixed: str = ""
    checks: tuple[str, ...] = ()  # as a Finding's

    @property
    def found_by(self) -> tuple[str, ...]:
        """As a Finding's."""
        return self.checks or (self.rule,)


@dataclass(frozen=True)
class KnownBase:
    """`security/known.json`: what earlier runs found, as somebody accepted it for comparison."""

    format: Literal["power100-known-findings/1"]
    run: str
    accepted: str
    findings: tuple[KnownFinding, ...] = ()


class FindingState(StrEnum):
    """What a finding is, seen against the base."""

    NEW = "new"
    REGRESSED = "regressed"  # it had been fixed
    KNOWN = "known"
    ACCEPTED = "accepted"  # a waiver holds
    FALSE_ALARM = "false alarm"  # a waiver of that kind holds
    FIXED = "fixed"  # its rule ran on its route again and found nothing
    NOT_OBSERVED = "not observed"  # not found, and nobody looked: says nothing


@dataclass(frozen=True)
class FindingStatus:
    """The state of one finding in one run. `note` says what else is to be known: which waiver, or why one does not hold."""

    fingerprint: str
    state: FindingState
    rule: str
    title: str
    severity: Severity
    method: str
    route: str
    parameter: str
    role: str
    first_seen: str
    last_seen: str
    note: str = ""


@dataclass(frozen=True)
class History:
    """All findings of a run and of the base with their states, and what is to be said of the waivers."""

    base_run: str  # "" where no base is committed: then everything counts as new
    statuses: tuple[FindingStatus, ...] = ()
    warnings: tuple[str, ...] = ()  # waivers that end soon, have ended, do not hold, or match nothing

    def of(self, *states: FindingState) -> tuple[FindingStatus, ...]:
        """Those of some states, the worst first."""
        return tuple(status for status in self.statuses if status.state in states)

    @cached_property
    def by_fingerprint(self) -> dict[str, FindingStatus]:
        """Status by fingerprint."""
        return {status.fingerprint: status for status in self.statuses}

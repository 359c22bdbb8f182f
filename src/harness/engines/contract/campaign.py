"""The whole stage on one target: every phase as every role, each on fresh data, then what was found once more and in words.

The campaign gives values, it judges nothing: what is too little evidence, the gate `contract` says.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from harness.engines.contract.budget import Budget
from harness.engines.contract.confirming import Case, Fresh, Heard, confirm, expected_statuses
from harness.engines.contract.feeding import (
    Feed,
    Kinds,
    feed_of,
    kinds_of,
    watch_of,
    with_examples,
)
from harness.engines.contract.job import Ended, Job, Secrets
from harness.engines.contract.legs import LegResult, run_leg
from harness.engines.contract.oracle import Oracle
from harness.engines.contract.self_contained import self_contained, told_elsewhere
from harness.engines.contract.testers_session import TestersSession
from harness.model.errors import HarnessError
from harness.model.evidence import OperationCases
from harness.model.finding import Finding, Observation
from harness.model.target import Role, Target
from harness.probes.http.door import Door
from harness.probes.http.exchange import World
from harness.probes.http.files import file_member
from harness.probes.openapi.document import Document
from harness.probes.scene.permissions import Permissions
from harness.targets.forwarding import is_forwarded

Progress = Callable[[str], None]
_REFUSALS = (400, 415, 422)
_ADDRESSES_MAX = 3
_NO_TIME = "the time was over before it began"
ENUMERATED, FUZZING, STATEFUL, DESTRUCTIVE = "enumerated", "fuzzing", "stateful", "destructive"
# Phases of ours → phases of the engine. Those of one line share an instance: `examples` are few and come first.
PHASES: dict[str, tuple[str, ...]] = {
    ENUMERATED: ("examples", "coverage"),
    DESTRUCTIVE: ("examples", "coverage", "fuzzing"),  # before what repeats: where time runs out, each operation had its turn
    FUZZING: ("fuzzing",),
    STATEFUL: ("stateful",),
}


@dataclass(frozen=True)
class Leg:
    """One phase as one role."""

    phase: str
    role: Role


@dataclass
class LegReport:
    """What became of one leg. `feed` is what its cases were fed with, `alive` whether the target still served afterwards."""

    leg: Leg
    result: LegResult
    feed: Feed = field(default_factory=Feed)
    alive: bool = True
    note: str = ""


@dataclass(frozen=True)
class CampaignResult:
    """What the campaign found and how much it tried. `incomplete` says, phase by phase, what did not come to its end."""

    findings: tuple[Finding, ...]
    observations: tuple[Observation, ...]
    cases: tuple[OperationCases, ...]
    untested: dict[str, str]
    phases: tuple[str, ...]
    incomplete: tuple[str, ...]
    target_alive: bool = True
    seconds: float = 0.0
    worker_cpu_seconds: float = 0.0


class Campaign:
    """One campaign.

    `counted` is told what each leg sent as soon as it ends, so that a campaign that is cut off has not sent it for nothing.
    `operations` and `phases` narrow it to some (other operations stay in the document, and are not called). `isolated` is false
    for a target that is the same each time: what ends sessions or deletes is left out then, as nobody could bring it back.
    """

    def __init__(
        self,
        document: Document,
        target: Target,
        fresh: Fresh,
        *,
        seed: int,
        budget: Budget | None = None,
        operations: Sequence[str] | None = None,
        phases: Sequence[str] = tuple(PHASES),
        isolated: bool = True,
        progress: Progress | None = None,
        counted: Callable[[tuple[OperationCases, ...]], None] | None = None,
    ) -> None:
        self._document, self._target, self._fresh = document, target, fresh
        self._seed, self._budget = seed, budget or Budget()
        self._wanted = tuple(phases)
        self._selected = frozenset(document.names if operations is None else operations)
        self._progress = progress or (lambda _: None)
        self._counted = counted or (lambda _: None)
        self._kinds: Kinds = kinds_of(document, target)
        self._forbidden = _forbidden(document, target, self._kinds, isolated=isolated)
        self._permissions = Permissions(document, target)
        self._elsewhere = told_elsewhere(document)
        self._expected = {**expected_statuses(document, target)}
        for name in self._elsewhere:  # a rule that nobody can read is broken unknowingly
            self._expected[name] = (*self._expected.get(name, ()), *_REFUSALS)
        self._files = {op.name: member for op in document.operations if (member := file_member(document, op))}
        self._lent: dict[str, dict[str, tuple[Any, ...]]] = {}
        self._deadline = 0.0
        self._said_lock = threading.Lock()
        self._sent = 0

    def run(self) -> CampaignResult:
        """Runs every leg, then confirms what was found."""
        started = time.monotonic()
        self._deadline = started + self._budget.seconds
        with ThreadPoolExecutor(self._budget.workers) as pool:
            reports = list(pool.map(self._guarded, self._legs()))
        case = Case(self._document, self._target, Oracle(self._document, self._expected), _feed(reports), self._kinds)
        until = self._deadline + self._budget.seconds / 4
        findings, observations = confirm(case, _heard(reports), self._fresh, until, self._budget.request_seconds)
        cases = tuple(self._cases(reports, findings))
        return CampaignResult(
            findings=tuple(findings),
            observations=(*observations, *self._notes(reports)),
            cases=cases,
            untested=self._untested(reports, cases),
            phases=tuple(self._phases(reports)),
            incomplete=tuple(self._incomplete(reports)),
            target_alive=all(report.alive for report in reports),
            seconds=time.monotonic() - started,
            worker_cpu_seconds=sum(report.result.ended.cpu_seconds for report in reports),
        )

    # -- legs

    def _legs(self) -> list[Leg]:
        """Phase by phase, so that what is cut off by the time limit is the same for every role."""
        roles = [role for role in self._target.roles if role.users]
        return [Leg(phase, role) for phase in self._wanted for role in roles if self._operations(Leg(phase, role))]

    def _operations(self, leg: Leg) -> dict[str, int]:
        """The operations of a leg, with the most cases that each may get in one phase of the engine."""
        budget, chosen = self._budget, {}
        for operation in self._document.operations:
            name = operation.name
            if name not in self._selected or name in self._forbidden or not self._belongs(name, leg.phase):
                continue
            if self._permissions.of(operation, leg.role).permitted is False:
                if leg.phase in (ENUMERATED, DESTRUCTIVE):
                    chosen[name] = budget.refused_max
            elif leg.phase == ENUMERATED:
                chosen[name] = budget.enumerated_max
            else:
                chosen[name] = budget.cases_per_operation
        return chosen

    def _belongs(self, name: str, phase: str) -> bool:
        if phase == DESTRUCTIVE:
            return name in self._kinds.destructive
        if phase == STATEFUL:
            return name not in self._kinds.changes_session | self._kinds.logs_in
        return name not in self._kinds.destructive

    def _guarded(self, leg: Leg) -> LegReport:
        result = LegResult(leg.role.name, PHASES[leg.phase])
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            result.ended = Ended(_NO_TIME)
            return LegReport(leg, result)
        try:
            report = self._run(leg)
        except HarnessError as error:
            result.ended = Ended(f"could not be run: {error.message}")
            return LegReport(leg, result)
        with self._said_lock:
            self._counted(tuple(_sums([report]).values()))
        return report

    def _run(self, leg: Leg) -> LegReport:
        with (
            self._fresh(f"contract-{leg.phase}-{leg.role.name}") as door,
            World(door, patience_s=self._budget.request_seconds) as world,
        ):
            try:
                called = self._operations(leg)
                feed = feed_of(self._document, self._target, leg.role, world, self._lent, operations=called, seed=self._seed)
                session = TestersSession(door, leg.role)
                job = replace(self._job(leg, door, feed, session.secrets()), watch=self._watch(leg.role, world))
            except HarnessError as error:
                if door.alive():
                    raise
                ended = Ended(f"the target died before the first case: {error.message}")
                return LegReport(leg, LegResult(leg.role.name, PHASES[leg.phase], ended=ended), alive=False)
            result = run_leg(job, session.renewed, self._said)
            report = LegReport(leg, result, feed, alive=door.alive())
            if report.alive and not result.ended.reason:
                report.note = session.check()
            return report

    def _watch(self, role: Role, world: World) -> str:
        allowed = [op for op in self._document.operations if self._permissions.of(op, role).permitted is not False]
        return watch_of(self._document, role, world, (op.name for op in allowed if op.name not in self._kinds.destructive))

    def _job(self, leg: Leg, door: Door, feed: Feed, secrets: Secrets) -> Job:
        return Job(
            document=with_examples(self._document, feed.values),
            base_url=door.base_url + self._document.base_path,
            role=leg.role.name,
            phases=PHASES[leg.phase],
            seed=self._seed,
            cases=self._operations(leg),
            scenarios_max=self._budget.scenarios_max,
            secrets=secrets,
            expected=dict(self._expected),
            values=feed.values,
            bodies=feed.bodies,
            places=feed.places,
            files=self._files,
            fresh=feed.fresh,
            destroys=self._kinds.changes_session if leg.phase == DESTRUCTIVE else frozenset(),
            secured=frozenset(operation.name for operation in self._document.operations if operation.is_secured),
            seconds=max(1.0, self._deadline - time.monotonic()),
            request_seconds=self._budget.request_seconds,
            answer_bytes_max=self._budget.answer_bytes_max,
            is_forwarded=is_forwarded(self._target),
        )

    def _said(self, result: LegResult) -> None:
        with self._said_lock:
            self._sent += sum(tally.cases for tally in result.scenarios[-1].tallies)
            self._progress(f"{self._sent} cases, {result.scenarios[-1].phase} as {result.role}")

    # -- sums

    def _cases(self, reports: Iterable[LegReport], findings: Iterable[Finding]) -> Iterable[OperationCases]:
        failures: dict[str, int] = defaultdict(int)
        for finding in findings:
            failures[finding.operation] += 1
        totals = {key: replace(sums, failures=failures[key[0]]) for key, sums in _sums(reports).items()}
        for operation in self._document.operations:
            for role in self._target.roles:
                if operation.name in self._selected and role.users:
                    yield self._permitted(totals, operation.name, role)

    def _permitted(self, totals: dict[tuple[str, str], OperationCases], name: str, role: Role) -> OperationCases:
        """With what the role may do. Where nobody says, a 403 with another role's success says that it may not."""
        own = totals.get((name, role.name)) or OperationCases(name, role.name, False, 0, 0, 0)
        permitted = self._permissions.of(self._document.operation(name), role).permitted
        if any(flow.confirm == name for flow in self._target.codes):
            permitted = bool(own.successes)  # only who was sent the code can succeed: no case here was
        elif permitted is None:
            others = any(key[0] == name and entry.successes for key, entry in totals.items())
            permitted = bool(own.successes) or not (others and own.statuses.get("403"))
        return replace(own, permitted=permitted)

    def _untested(self, reports: Sequence[LegReport], cases: Iterable[OperationCases]) -> dict[str, str]:
        sent = {entry.operation for entry in cases if entry.cases}
        why = {
            trouble.operation: trouble.text.splitlines()[0][:300]
            for report in reports
            for trouble in report.result.troubles
            if trouble.operation and trouble.kind in ("schema", "engine")
        }
        why.update(self._forbidden)
        in_part = {name: _in_part(addresses) for name, addresses in self._elsewhere.items() if name in self._selected}
        late = any(report.result.ended.reason == _NO_TIME for report in reports)
        otherwise = "no case was sent: the stage's time was over before" if late else "no case was sent"
        return {**in_part, **{name: why.get(name, otherwise) for name in self._document.names if name in self._selected - sent}}

    def _phases(self, reports: Sequence[LegReport]) -> Iterable[str]:
        """The engine's phases that came to their end as every role, and `destructive`."""
        for phase, parts in PHASES.items():
            own = [report for report in reports if report.leg.phase == phase]
            if own and all(_complaint(report) == "" for report in own):
                yield from (DESTRUCTIVE,) if phase == DESTRUCTIVE else parts

    def _incomplete(self, reports: Iterable[LegReport]) -> Iterable[str]:
        for report in reports:
            if said := _complaint(report):
                yield f"{report.leg.phase} as {report.leg.role.name}: {said}"

    def _notes(self, reports: Iterable[LegReport]) -> Iterable[Observation]:
        notes = dict.fromkeys(note for report in reports for note in report.feed.notes)
        yield from (Observation("contract.feeding", note, "contract") for note in notes)
        for problem in self._document.problems:
            yield Observation("contract.document", f"{problem.where}: {problem.text}", "contract")
        for left_out in self_contained(self._document.data)[1]:
            yield Observation("contract.document", str(left_out), "contract")


def _sums(reports: Iterable[LegReport]) -> dict[tuple[str, str], OperationCases]:
    """By operation and role, what was sent and answered; neither what the role may do nor what was wrong is known yet."""
    totals: dict[tuple[str, str], OperationCases] = {}
    for report in reports:
        for tally in (tally for scenario in report.result.scenarios for tally in scenario.tallies):
            key = (tally.operation, report.leg.role.name)
            before = totals.get(key) or OperationCases(*key, False, 0, 0, 0)
            statuses = {
                status: before.statuses.get(status, 0) + tally.statuses.get(status, 0)
                for status in sorted(before.statuses.keys() | tally.statuses.keys())
            }
            cases, successes = before.cases + tally.cases, before.successes + tally.successes
            totals[key] = replace(before, cases=cases, successes=successes, statuses=statuses)
    return totals


def _forbidden(document: Document, target: Target, kinds: Kinds, *, isolated: bool) -> dict[str, str]:
    """Operations that are never called on this target, and why."""
    why: dict[str, str] = {}
    for operation in document.operations:
        if not operation.is_safe and not target.allow.writes and operation.name not in kinds.logs_in:
            why[operation.name] = f"{target.name} does not allow writes (allow.writes in its file)"
        elif not isolated and operation.name in kinds.ends_session | kinds.deletes:
            why[operation.name] = "it destroys data or credentials, and the target is the same each time"
    return why


def _heard(reports: Iterable[LegReport]) -> list[Heard]:
    return [
        Heard(
            report.leg.role.name,
            tuple(exchange for scenario in report.result.scenarios for exchange in scenario.complaints),
            tuple(report.result.troubles),
            tuple(report.result.logged_out),
            report.alive,
        )
        for report in reports
    ]


def _feed(reports: Sequence[LegReport]) -> Feed:
    """What any leg was fed with: fresh data has the same ids."""
    return Feed(
        {name: ids for report in reports for name, ids in report.feed.values.items()},
        {name: fresh for report in reports for name, fresh in report.feed.fresh.items()},
    )


def _in_part(addresses: Sequence[str]) -> str:
    """What an operation's document leaves to others to say, and that nobody looked there."""
    return f"in part: what {', '.join(addresses[:_ADDRESSES_MAX])} demands is not known here, as nothing is fetched"


def _complaint(report: LegReport) -> str:
    """Why a leg is not complete, "" where it is."""
    if not report.alive:
        return report.note or "the target died"
    if report.result.logged_out:
        lost = report.result.logged_out[0]
        return f"the tester was logged out{' by ' + lost.operation if lost.operation else ''}"
    return report.result.ended.reason or report.note

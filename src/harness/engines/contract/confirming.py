"""From what the legs complained of to findings: grouped, seen again on fresh data, made small, said."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace

from harness.engines.contract.deviations import Deviation, Rule
from harness.engines.contract.exchange import Answer, Exchange, Sent
from harness.engines.contract.feeding import Feed, Kinds
from harness.engines.contract.grouping import Group, group
from harness.engines.contract.job import LoggedOut, Trouble
from harness.engines.contract.oracle import Oracle
from harness.engines.contract.reducing import Confirmed, Replayer
from harness.engines.contract.wording import MEANINGS, Evidence, finding_of
from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Finding, Observation
from harness.model.target import Target
from harness.probes.http.door import Door
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.probes.scene.flows import flows_of

Fresh = Callable[[str], AbstractContextManager[Door]]
CAUSES_MAX = 3  # different causes of failure that are looked for in one operation
CONFIRMED_MAX = 60  # suspected defects that are sent again; the rest is said with less confidence
_CODE_REFUSED = (400, 422)
# The answer alone proves these, whether it can be had a second time or not.
_SURE = frozenset((Rule.SERVER_ERROR, Rule.RESPONSE, Rule.NO_AUTHENTICATION, Rule.ENDLESS, Rule.AFTER_DELETE))


@dataclass(frozen=True)
class Heard:
    """What one leg said that may be a defect. `alive` is whether the target still served after it."""

    role: str
    exchanges: tuple[Exchange, ...]
    troubles: tuple[Trouble, ...]
    logged_out: tuple[LoggedOut, ...]
    alive: bool


@dataclass(frozen=True)
class Case:
    """What is needed to confirm: the documents' side of it."""

    document: Document
    target: Target
    oracle: Oracle
    feed: Feed
    kinds: Kinds


def confirm(
    case: Case, heard: Sequence[Heard], fresh: Fresh, deadline: float, request_seconds: float
) -> tuple[list[Finding], list[Observation]]:
    """Findings, the worst first, and observations; an answer is waited for as long as it was before, `request_seconds`.

    What is not seen again stays a finding, of medium confidence, where the answer alone proves it; else it is an observation.
    """
    groups, observations = group((exchange for each in heard for exchange in each.exchanges), case.oracle)
    groups.sort(key=lambda each: each.operation in case.kinds.destructive)  # what destroys data comes last
    with _Stand(case, fresh, deadline, request_seconds) as stand:
        evidence = [found for each in groups for found in _seen_again(each, case, stand, observations)]
        evidence.extend(_of_troubles(case, heard, stand))
    evidence.extend(_of_lost_sessions(heard))
    findings = [finding_of(each, case.target) for each in evidence]
    findings.extend(filter(None, map(unexplained_death, heard)))
    once = {finding.fingerprint: finding for finding in reversed(findings)}
    return sorted(once.values(), key=lambda finding: (finding.severity.rank, finding.route, finding.method)), observations


class _Stand:
    """A fresh instance to replay on, opened when it is first needed and replaced when it died or was used up."""

    def __init__(self, case: Case, fresh: Fresh, deadline: float, request_seconds: float) -> None:
        self._case, self._fresh, self._deadline, self._request_seconds = case, fresh, deadline, request_seconds
        self._stack = ExitStack()
        self._replayer: Replayer | None = None
        self._door: Door | None = None
        self._used = 0
        self.is_refused = False  # no instance could be had the last time

    def __enter__(self) -> _Stand:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def replayer(self) -> Replayer | None:
        """None where no instance can be had, or enough was sent again."""
        self._used += 1
        if self._used > CONFIRMED_MAX:
            return None
        if self._replayer is None or self._door is None or not self._door.alive():
            self.discard()
            try:
                self._door = self._stack.enter_context(self._fresh("contract-confirm"))
            except HarnessError:
                self.is_refused = True
                return None
            self.is_refused = False
            world = self._stack.enter_context(World(self._door, patience_s=self._request_seconds))
            self._replayer = Replayer(world, self._case.document, self._case.oracle, self._case.feed, self._deadline)
        return self._replayer

    @property
    def is_spent(self) -> bool:
        """Whether nothing can be sent again any more: that it was not seen a second time says nothing then."""
        return self._used >= CONFIRMED_MAX or time.monotonic() > self._deadline or self.is_refused

    def alive(self) -> bool:
        """Whether the instance still serves."""
        return self._door is not None and self._door.alive()

    def discard(self) -> None:
        """Ends the instance: what comes next gets another."""
        self._stack.close()
        self._stack, self._replayer, self._door = ExitStack(), None, None


def _seen_again(each: Group, case: Case, stand: _Stand, observations: list[Observation]) -> Iterator[Evidence]:
    if each.deviation.rule is Rule.SERVER_ERROR:
        yield from _failures(each, stand)
        return
    if each.deviation.rule is Rule.AFTER_DELETE:
        yield _after_delete(each, stand)
        return
    was_spent = stand.is_spent
    confirmed = _confirmed(each.deviation, each.exchanges, stand) if each.deviation.replayable else None
    if each.operation in case.kinds.ends_session:
        stand.discard()
    if confirmed is not None or each.deviation.rule in _SURE or not each.deviation.replayable or was_spent or stand.is_refused:
        yield _evidence(each, confirmed)
        return
    text = f"{each.deviation.what}: seen in {each.count} cases, but not again on fresh data"
    observations.append(Observation(each.deviation.rule, text, "contract", each.operation, each.count))


def _failures(each: Group, stand: _Stand) -> Iterator[Evidence]:
    """One finding for each cause of failure: what still fails when the first cause is taken away has another."""
    left = list(each.exchanges)
    for number in range(CAUSES_MAX):
        confirmed = _confirmed(each.deviation, left, stand)
        if confirmed is None and number:
            return
        mine = _with_exchanges(each, left)
        yield _evidence(mine, confirmed)
        if confirmed is None or not confirmed.blamed:
            return
        left = _with_other_causes(each.deviation, left, confirmed.blamed, stand)
        if not left:
            return


def _with_other_causes(deviation: Deviation, exchanges: list[Exchange], blamed: str, stand: _Stand) -> list[Exchange]:
    """Those that still fail without the blamed part; none where that cannot be asked any more."""
    replayer = stand.replayer()
    try:
        return [each for each in exchanges if replayer and replayer.fails_without(deviation, each, blamed)]
    except HarnessError:
        stand.discard()
        return []


def _with_exchanges(each: Group, exchanges: list[Exchange]) -> Group:
    return Group(each.operation, each.deviation, exchanges, each.others, max(len(exchanges), 1))


def _confirmed(deviation: Deviation, exchanges: list[Exchange], stand: _Stand) -> Confirmed | None:
    replayer = stand.replayer()
    if replayer is None:
        return None
    try:
        return replayer.confirm(deviation, exchanges)
    except HarnessError:
        stand.discard()  # it died of it, or refuses the log-in: what was seen stays seen, once
        return None


def _evidence(each: Group, confirmed: Confirmed | None) -> Evidence:
    first = each.exchanges[0]
    before = next((complaint.before for complaint in first.complaints if complaint.before), ())
    if confirmed is None:
        chain = before if not each.deviation.replayable else ()
        return Evidence(first, each.deviation, each.count, each.others, before=chain)
    parameter = confirmed.blamed if each.deviation.rule is Rule.SERVER_ERROR else ""
    return Evidence(confirmed.exchange, confirmed.deviation, each.count, each.others, confirmed=True, parameter=parameter)


def _after_delete(each: Group, stand: _Stand) -> Evidence:
    """Deletes an object of fresh data and asks for it again: two requests instead of the engine's chain of ids."""
    replayer = stand.replayer()
    try:
        short = replayer.deleted_and_back(each.exchanges[0]) if replayer else None
    except HarnessError:
        stand.discard()
        short = None
    if short is None:
        return _evidence(each, None)
    exchange, deletion = short
    freed = f"status {exchange.answer.status if exchange.answer else 0}, after `DELETE {deletion.path}` had succeeded"
    deviation = replace(each.deviation, observed=freed)
    return Evidence(exchange, deviation, each.count, each.others, confirmed=True, before=(deletion,))


# -- requests that were not answered


def _of_troubles(case: Case, heard: Iterable[Heard], stand: _Stand) -> Iterator[Evidence]:
    said: set[str] = set()
    for each in heard:
        for trouble in reversed(each.troubles):  # the last request that was lost is the one that killed it
            if trouble.kind not in ("silent", "connection") or trouble.sent is None or trouble.operation in said:
                continue
            if trouble.operation in case.document.names:
                said.add(trouble.operation)
                yield _unanswered(trouble.operation, trouble, trouble.sent, each, stand)


def unexplained_death(heard: Heard) -> Finding | None:
    """The finding of a target that was gone after a leg without any request having been lost; else None."""
    if heard.alive or any(trouble.sent is not None for trouble in heard.troubles):
        return None
    meaning = MEANINGS[Rule.DIED]
    return Finding(
        rule=Rule.DIED,
        title="the service ended while it was tested",
        severity=meaning.severity,
        confidence=Confidence.MEDIUM,
        stage="contract",
        engines=("schemathesis",),
        cwe=meaning.cwe,
        owasp=meaning.owasp,
        expected="A service that still runs, whatever is sent.",
        observed=f"It did not answer any more after the requests of {heard.role}; none of them was seen to end it.",
        why=meaning.why,
        advice=f"{meaning.advice} It cannot be replayed, as no request shows it: run the stage again, `harness verify contract`.",
    )


def _unanswered(operation: str, trouble: Trouble, sent: Sent, heard: Heard, stand: _Stand) -> Evidence:
    exchange = Exchange(operation, heard.role, trouble.phase, sent, Answer(0))
    replayer = stand.replayer()
    again, died = None, False
    try:
        again = replayer.again(exchange) if replayer else None
    except HarnessError:
        died = True
    died = died or (replayer is not None and not stand.alive())
    if died or not heard.alive:
        stand.discard()
        deviation = Deviation(
            Rule.DIED,
            "",
            "ends the whole service" if died else "was the last request before the service ended",
            "An answer, and a service that still runs.",
            "no answer, and nobody listened afterwards",
        )
        return Evidence(exchange, deviation, 1, confirmed=died)
    what = "does not answer" if trouble.kind == "silent" else "closes the connection without an answer"
    deviation = Deviation(Rule.SILENT, "", what, "An answer within a bounded time.", f"nothing ({trouble.text[:160]})")
    return Evidence(exchange, deviation, 1, confirmed=replayer is not None and again is None)


def _of_lost_sessions(heard: Iterable[Heard]) -> Iterator[Evidence]:
    for each in heard:
        for lost in each.logged_out:
            if not lost.operation or not lost.after:
                continue
            deviation = Deviation(
                Rule.LOGGED_OUT,
                "",
                "ends the session of whoever calls it",
                "A session that lasts: nothing says that this operation ends it.",
                "a success, after which the credential was refused",
            )
            yield Evidence(
                Exchange(lost.operation, each.role, "", lost.after[-1], Answer(0)), deviation, 1, before=lost.after[:-1]
            )


def expected_statuses(document: Document, target: Target) -> Mapping[str, tuple[int, ...]]:
    """Statuses that are correct though no schema predicts them, by operation: those that the target file names.

    A confirmation refuses every code but the one that was sent, which is none of those that an engine makes up.
    """
    expected = {flow.confirm.name: _CODE_REFUSED for flow in flows_of(document, target.codes)}
    for hint in target.operations:
        if hint.expected_statuses:
            expected[hint.operation] = (*expected.get(hint.operation, ()), *hint.expected_statuses)
    return expected

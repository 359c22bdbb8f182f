"""Injection, proved by the statement itself: a marker with quotes and comment signs that stands in its text as more than a value.

A bound value does not stand in the text at all; a correct escape keeps the whole marker inside one literal. Every statement of
the whole examination is looked at, so that a marker stored now and built into a statement later (second order) is seen as well.

Some drivers parse a statement before they send it, and refuse one whose quotes do not balance: the server never hears of it.
Where a marker was refused and never arrived, one whose quotes balance is sent in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Finding, Request, Severity
from harness.model.weakness import Place, Weakness
from harness.probes.http.answers import Answer
from harness.probes.openapi.nested import replaced
from harness.probes.openapi.operations import Operation
from harness.probes.scene.calls import sender, valid_drafts
from harness.probes.scene.scene import Asker, Scene, Untestable
from harness.witness.markers import Marker, stands
from harness.witness.report import OracleReport
from harness.witness.slots import Slot, slots_of
from harness.witness.statements import Statement
from harness.witness.watcher import Watcher
from harness.witness.wording import Said, finding_of, noticed

ORACLE = "injection"
_WITNESSED = Weakness(
    "injection.sql",
    Severity.CRITICAL,
    89,
    "API8:2023",
    "A quote in a value is a character of the value: the value is bound, or stands escaped in one literal.",
    "A caller reads and changes the whole database.",
    "Bind the value as a parameter of the statement; never put it into the text.",
    ("2.1.7.a", "7.3.2.a"),
)
SECOND_ORDER = replace(
    _WITNESSED,
    rule="injection.sql-second-order",
    expected="A value that was stored is bound again when it is used in a later statement.",
    advice="Bind stored values too: that they come from the database does not make them safe.",
)
_CUT = 220
_REASON_CHARACTERS_MAX = 160
_TYPED = re.compile(r"[\d.+-]+|True|False")  # values of places that take no text at all


@dataclass
class Sent:
    """A marker on its way: the request that carried it, the ids in its path, and what it was answered."""

    slot: Slot
    request: Request
    path: Mapping[str, Any]
    answer: Answer = field(default_factory=lambda: Answer(0))


@dataclass
class InjectionOracle:
    """Sends markers and listens while `during` names the operation that a statement is due to."""

    scene: Scene
    watcher: Watcher
    report: OracleReport
    label: str = ""  # a letter that tells its markers from those of another oracle on the same data; no hexadecimal one
    stored: list[Sent] = field(default_factory=list)  # by writes that succeeded
    _sent: dict[str, Sent] = field(default_factory=dict)
    _hits: dict[tuple[str, str, str], tuple[Statement, str, Marker]] = field(default_factory=dict)
    _arrived: set[str] = field(default_factory=set)  # markers that the server heard of, as a bound value too
    _during: str = ""
    _escaped: int = 0

    def __post_init__(self) -> None:
        self._run = f"{self.scene.seed % 46656:x}{self.label}"
        self.watcher.listen(self._heard)

    @contextmanager
    def during(self, operation: str) -> Iterator[None]:
        """What is heard meanwhile is due to this operation; what was sent to prepare it, before, is not."""
        self.watcher.catch_up()
        self._during = operation
        try:
            yield
            self.watcher.catch_up()
        finally:
            self._during = ""

    def examine(self, operation: Operation, asker: Asker) -> None:
        """Every place of an operation, each with a marker of its own."""
        if not operation.is_safe and not self.scene.world.target.allow.writes:
            self.report.untried[operation.name] = "the target file does not allow writes"
            return
        left = [operation.name]
        try:
            slots = slots_of(self.scene, operation, asker)
            left = [f"{operation.name} {slot.title}" for slot in slots]
            taken: list[tuple[Slot, int]] = []
            for slot in slots:
                number = self.mark(slot)
                taken += [] if number is None else [(slot, number)]
                self.report.tried += 1
                left.pop(0)
            if operation.method in ("PUT", "PATCH") and operation.name not in self.scene.destructive:
                self._store_together([(slot, number) for slot, number in taken if slot.name.startswith("$.")])
        except (Untestable, HarnessError) as error:
            if not self.scene.world.door.alive():
                raise
            self.report.untried.update(dict.fromkeys(left, str(error).splitlines()[0][:_REASON_CHARACTERS_MAX]))

    def mark(self, slot: Slot) -> int | None:
        """Sends the marker's texts until the server hears of it; the number of the one that was taken, None where none was."""
        marker = Marker(len(self._sent), self._run)
        for number, text in enumerate(marker.texts(slot.value, slot.length_max)):
            answer = self._send(slot, marker, text).answer
            if answer.is_success:
                return number
            if marker.first in self._arrived or not _may_be_of_the_driver(slot, answer):
                return None
        return None

    def _store_together(self, taken: list[tuple[Slot, int]]) -> None:
        """All members that took a marker in one body: sent alone, the next one's good body overwrites what each has stored."""
        if len(taken) < 2:
            return
        draft = next(valid_drafts(self.scene, taken[0][0].operation, taken[0][0].asker))
        marked: dict[str, Slot] = {}
        for slot, number in taken:
            marker = Marker(len(self._sent) + len(marked), self._run)
            text = marker.texts(slot.value, slot.length_max)[number]
            draft = draft.with_body(replaced(draft.body, slot.name.split(".")[1:], text))
            marked[marker.first] = slot
        request = draft.request(*sender(self.scene, draft.operation, taken[0][0].asker))
        sent = {first: Sent(slot, request, draft.path) for first, slot in marked.items()}
        self._sent.update(sent)
        with self.during(draft.operation.name):
            answer = self.scene.ask(request)
        for each in sent.values():
            each.answer = answer
        self.stored += sent.values() if answer.is_success else ()

    def _send(self, slot: Slot, marker: Marker, text: str) -> Sent:
        filled = slot.filled(self.scene, text)
        sent = self._sent[marker.first] = Sent(slot, filled.request, filled.path)
        with self.during(slot.operation.name):
            sent.answer = slot.send(self.scene, filled.request)
        if sent.answer.is_success and slot.operation.method in ("POST", "PUT", "PATCH"):
            self.stored.append(sent)
        return sent

    def store_divided(self, slot: Slot) -> Sent | None:
        """Sends a marker with balanced quotes; None where it is not taken, or there is no room for it."""
        marker = Marker(len(self._sent), self._run)
        text = marker.texts(slot.value, slot.length_max)[-1]
        sent = self._send(slot, marker, text) if marker.last in text else None
        return sent if sent is not None and sent.answer.is_success else None

    def has_heard(self, during: str) -> bool:
        """Whether a statement of this operation held a marker as more than a value."""
        return any(name == during for name, _, _ in self._hits)

    # -- hearing

    def _heard(self, statement: Statement) -> None:
        if not self._during:
            return
        for value in (statement.text, *(value or "" for value in statement.parameters)):
            self._arrived |= set(re.findall(rf"zq{self._run}\d{{4}}a", value.lower()))
        for first in set(re.findall(rf"zq{self._run}\d{{4}}(?=[ab])", statement.text.lower())):
            sent = self._sent.get(first + "a")
            if sent is None:
                continue
            marker = Marker(int(first[-4:]), self._run)
            how = stands(statement.text, marker)
            if how == "escaped":
                self._escaped += 1
            elif how:
                key = (self._during, sent.slot.operation.name, sent.slot.name)
                self._hits.setdefault(key, (statement, how, marker))

    # -- saying

    def conclude(self) -> OracleReport:
        """The findings, each confirmed with another marker where that can be."""
        for (during, stored, _), (statement, how, marker) in list(self._hits.items()):
            self.report.findings.append(self._finding(during, stored, statement, how, marker))
        if self._escaped:
            text = (
                f"{self._escaped} statements held a marker as an escaped literal: values are written into statements, correctly"
            )
            self.report.observations.append(noticed("injection.escaped-not-bound", text))
        return self.report

    def _finding(self, during: str, stored: str, statement: Statement, how: str, marker: Marker) -> Finding:
        sent = self._sent[marker.first]
        slot = sent.slot
        steps = (sent.request,) if slot.is_shown_again else ()
        again = self._again(slot, during, stored)
        error = f"; the server said: {statement.error}" if statement.error else ""
        text = cut_around(statement.text, marker.first)
        proof = (f"sent in {slot.title}: {_shown(sent.request, marker)}", f"statement: {text}", *_error(statement))
        confidence = Confidence.HIGH if again else Confidence.MEDIUM
        if during == stored:
            title = f"{during} builds a statement from {slot.title}"
            observed = f"What was sent in {slot.title} stands in the statement {how}{error}."
            return finding_of(
                _WITNESSED,
                Place(during, slot.title, slot.asker.role),
                Said(title, observed, proof, steps, confidence, sent.answer.status),
            )
        title = f"{during} builds a statement from what {stored} stored as {slot.title}"
        observed = f"What was stored by {stored} in {slot.title} stands in a statement of {during} {how}{error}."
        place = Place(during, f"{stored} {slot.title}", slot.asker.role)
        return finding_of(SECOND_ORDER, place, Said(title, observed, proof, steps, confidence, sent.answer.status))

    def _again(self, slot: Slot, during: str, stored: str) -> bool:
        """Whether another marker in the same place stands in a statement too; not tried for what was stored."""
        if during != stored:
            return False
        before = self._hits.pop((during, stored, slot.name))
        self.mark(slot)
        seen = (during, stored, slot.name) in self._hits
        self._hits[during, stored, slot.name] = before
        return seen


def _may_be_of_the_driver(slot: Slot, answer: Answer) -> bool:
    """Whether a refusal may be what became of an error before the statement was sent; a number's place refuses any text."""
    return answer.status >= 500 or (answer.status in (400, 422) and not _TYPED.fullmatch(slot.value))


def cut_around(text: str, word: str) -> str:
    """The part of a long text around a word, on one line."""
    flat = " ".join(text.split())
    at = max(flat.lower().find(word), 0)
    begin, end = max(at - _CUT, 0), at + _CUT
    return f"{'…' if begin else ''}{flat[begin:end]}{'…' if end < len(flat) else ''}"


def _error(statement: Statement) -> tuple[str, ...]:
    return (f"error {statement.code}: {statement.error}",) if statement.error else ()


def _shown(request: Request, marker: Marker) -> str:
    for text in (request.body or "", *request.headers.values()):
        if marker.first in text:
            return cut_around(text, marker.first)
    return request.path

"""Every read once more, when markers are stored in what it shows: the second order of an injection.

A statement that is heard meanwhile proves it. Where the read fails and nothing is heard, the driver may have refused the
statement: what stored the marker stores one with balanced quotes, and the read is made again. Where that proves nothing either,
the read is a suspicion: it succeeded before, and fails now for what others stored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from harness.model.finding import Confidence, Request, Severity
from harness.model.weakness import Place
from harness.probes.http.answers import Answer
from harness.probes.http.oracle import member
from harness.probes.scene.scene import Asker
from harness.witness.injection import SECOND_ORDER, InjectionOracle, Sent
from harness.witness.survey import Sight
from harness.witness.wording import Said, finding_of

MADE_MAX = 12  # objects with markers in them that are looked at again; of those that were changed, as many again
TRIES_MAX = 12  # places that may have stored what a read fails at
_SUSPECTED = replace(
    SECOND_ORDER,
    severity=Severity.HIGH,
    expected="A read succeeds whatever characters stand in the values that were stored.",
    advice="Look at the error in the log; bind stored values, too: that they come from the database does not make them safe.",
)


@dataclass(frozen=True)
class _Marked:
    """An object that holds a marker, and what stored it."""

    collection: str
    identity: Any
    sent: Sent


@dataclass
class Rereads:
    """Reads again what succeeded before the markers were sent."""

    oracle: InjectionOracle
    _marked: list[_Marked] = field(init=False)

    def __post_init__(self) -> None:
        created = [made for sent in self.oracle.stored if (made := _created(sent)) is not None]
        changed = {(made.collection, made.identity): made for sent in self.oracle.stored if (made := _changed(sent)) is not None}
        self._marked = [*created[:MADE_MAX], *list(changed.values())[:MADE_MAX]]

    def look(self, sight: Sight) -> None:
        """The read as it succeeded, and that of each object with a marker in it that the operation shows."""
        if sight.watched is None:
            return
        changes = {(sent.slot.operation.name, sent.slot.name): sent for sent in self.oracle.stored if not _is_creation(sent)}
        self._read(sight, sight.watched.request, tuple(reversed(changes.values()))[:TRIES_MAX])
        for marked in self._marked:
            request = self._request(sight, marked.collection, marked.identity)
            if request is not None:
                self._read(sight, request, (marked.sent,))

    def _request(self, sight: Sight, collection: str, identity: Any) -> Request | None:
        operation = sight.operation
        names = re.findall(r"\{([^{}/]+)\}", operation.path)
        if len(names) != 1 or not operation.path.startswith(f"{collection}/{{"):
            return None
        draft = self.oracle.scene.draft(operation, sight.asker, {names[0]: identity})
        return draft.request(sight.asker.role, sight.asker.user)

    def _read(self, sight: Sight, request: Request, suspects: tuple[Sent, ...]) -> None:
        name = sight.operation.name
        answer = self._answer(name, request)
        if answer.status < 500 or not self.oracle.stored or self._is_said(name):
            return
        if self._answer(name, request).status < 500:  # it failed once, for a reason of its own
            return
        known = self._blamed(sight, request, suspects)
        if not self.oracle.has_heard(name):
            self._suspect(name, sight.asker, request, answer, known)

    def _is_said(self, name: str) -> bool:
        found = self.oracle.report.findings
        return self.oracle.has_heard(name) or any(f.operation == name and f.rule == SECOND_ORDER.rule for f in found)

    def _answer(self, name: str, request: Request) -> Answer:
        with self.oracle.during(name):
            return self.oracle.scene.ask(request)

    def _blamed(self, sight: Sight, request: Request, suspects: tuple[Sent, ...]) -> Sent | None:
        """What stored the value that the read fails at. Each stores a marker with balanced quotes, until a statement proves it.

        Without a proof it is the one after which the read fails anew, else the first after which it fails no more.
        """
        healed: Sent | None = None
        for sent in suspects:
            status = self._divided(sight, request, sent)
            if self.oracle.has_heard(sight.operation.name) or (status >= 500 and healed):
                return sent
            healed = healed or (sent if 0 < status < 500 else None)
        return healed or (suspects[0] if len(suspects) == 1 else None)

    def _divided(self, sight: Sight, request: Request, sent: Sent) -> int:
        """How the read is answered once its suspect has stored a marker with balanced quotes; 0 where that was not taken."""
        again = self.oracle.store_divided(sent.slot)
        if again is None:
            return 0
        if (made := _created(again)) is not None:
            request = self._request(sight, made.collection, made.identity) or request
        return self._answer(sight.operation.name, request).status

    def _suspect(self, name: str, asker: Asker, request: Request, answer: Answer, sent: Sent | None) -> None:
        what = f"what {sent.slot.operation.name} stored as {sent.slot.title}" if sent else "what was stored meanwhile"
        title = f"{name} fails at {what}"
        observed = (
            f"It succeeded before markers with quotes were stored, and was answered {answer.status} twice since; "
            "no statement of it came to the server with the marker in it."
        )
        stored = (sent.request,) if sent else tuple(each.request for each in self.oracle.stored[-TRIES_MAX:])
        proof = tuple(f"stored before: {each.method} {each.path} {(each.body or '')}" for each in stored)
        parameter = f"{sent.slot.operation.name} {sent.slot.title}" if sent else ""
        said = Said(title, observed, proof, (*stored[:1], request) if sent else (request,), Confidence.MEDIUM, answer.status)
        self.oracle.report.findings.append(finding_of(_SUSPECTED, Place(name, parameter, asker.role), said))


def _is_creation(sent: Sent) -> bool:
    return sent.slot.operation.method == "POST"


def _created(sent: Sent) -> _Marked | None:
    """The object that a POST made with the marker in it."""
    found = (member(sent.answer.json, name) for name in ("id", "_id", "uuid")) if _is_creation(sent) else ()
    identity = next((each for each in found if isinstance(each, int | str)), None)
    return None if identity is None else _Marked(sent.slot.operation.path.rstrip("/"), identity, sent)


def _changed(sent: Sent) -> _Marked | None:
    """The object that another write names in its path."""
    collection, opened, rest = sent.slot.operation.path.partition("/{")
    if _is_creation(sent) or not opened or "{" in rest:
        return None
    return _Marked(collection, sent.path.get(rest.partition("}")[0]), sent)

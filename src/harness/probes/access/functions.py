"""Examines operations that name no object: which roles they answer, and whether their answers show what is another's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from harness.model.evidence import Cell, Whose
from harness.model.finding import Finding, Request
from harness.probes.access.cells import Examined, tried, untried, with_twins
from harness.probes.access.unasked import looks_up_for_nobody
from harness.probes.access.wording import function_of_another
from harness.probes.http.answers import Answer
from harness.probes.http.drafts import Draft
from harness.probes.http.oracle import alike
from harness.probes.openapi.operations import Operation
from harness.probes.scene.calls import OF_THE_OBJECT, on_other_objects, versioned
from harness.probes.scene.code_exchange import confirmed
from harness.probes.scene.permissions import Basis, Permission
from harness.probes.scene.scene import BODIES_TRIED_MAX, Asker, Scene, Untestable

_UNCLEAR = (400, 409, 412, 413, 415, 422, 428)  # refused for what was sent, not for who sent it
OBJECTS_TRIED_MAX = 3  # further ones of the list


@dataclass(frozen=True)
class _Call:
    asker: Asker
    permission: Permission
    request: Request
    answer: Answer


def examine_function(scene: Scene, operation: Operation) -> Examined:
    """All cells of an operation that names no object. Those who may call it go first: their request is then everybody's."""
    return _Function(scene, operation).run()


class _Function:
    def __init__(self, scene: Scene, operation: Operation) -> None:
        self._scene, self._operation = scene, operation
        self._cells: list[Cell] = []
        self._draft: tuple[Draft, int] | None = None  # what succeeded, and which of the bodies it was
        self._may: Asker | None = None  # with whom it did

    def run(self) -> Examined:
        """Permitted askers first, then the undecided, then the forbidden."""
        order = {True: 0, None: 1, False: 2}
        asked = sorted(
            ((asker, self._scene.permission(self._operation, asker)) for asker in self._scene.askers()),
            key=lambda pair: order[pair[1].permitted],
        )
        calls = []
        unasked = looks_up_for_nobody(self._scene, self._operation)  # before the password is another one
        for asker, permission in asked:
            try:
                calls.append(self._call(asker, permission))
            except Untestable as error:
                self._cells.append(untried(self._operation, asker, Whose.NONE, permission.permitted is not False, str(error)))
        if not any(call.answer.is_success for call in calls):
            calls += self._by_code()
        twin = next((call for call in calls if call.permission.permitted is not False and call.answer.is_success), None)
        findings = [finding for call in calls if (finding := self._judged(call, twin)) is not None]
        if unasked is not None and not any(finding.role == unasked.role for finding in findings):
            findings.append(unasked)
        certain = all(call.permission.is_certain for call in calls if call.permission.permitted is False)
        return Examined(self._operation, with_twins(self._cells), tuple(findings), certain=certain)

    def _call(self, asker: Asker, permission: Permission) -> _Call:
        """Sends as the asker: the bodies in turn until one succeeds, or the one that succeeded for somebody before.

        Where the object of the path may be to blame, as somebody who may has used it up, others are tried.
        """
        draft = self._draft[0] if self._draft else self._scene.draft(self._operation, self._author(asker))
        call = _Call(asker, permission, draft.request(asker.role, asker.user), Answer(0, error="not sent"))
        for number, body in self._bodies(asker):
            call = self._sent(asker, permission, versioned(self._scene, draft.with_body(body), self._author(asker)))
            if call.answer.is_success:
                self._draft, self._may = self._draft or (draft, number), self._may or asker
                return call
        with suppress(Untestable):  # the answer above stands
            for other in self._for_others(asker) if self._may_be_of_the_object(call) else ():
                again = self._sent(asker, permission, other)
                if again.answer.is_success:
                    number = next((number for number, body in self._bodies(asker) if body == other.body), 0)
                    self._draft, self._may = self._draft or (other, number), self._may or asker
                    return again
        return call

    def _by_code(self) -> list[_Call]:
        """A confirmation with the code that was sent, as no other one is good; none of what confirms nothing."""
        with suppress(Untestable):
            if (call := confirmed(self._scene, self._operation)) is not None:
                return [_Call(call.asker, self._scene.permission(self._operation, call.asker), call.request, call.answer)]
        return []

    def _may_be_of_the_object(self, call: _Call) -> bool:
        """Whether the object's state may be why it was refused; whoever has deleted it left none for the next."""
        status = call.answer.status
        return status in OF_THE_OBJECT and (status != 404 or self._operation.method == "DELETE")

    def _for_others(self, asker: Asker) -> Iterator[Draft]:
        """Requests for other objects: of somebody who was let in, of the asker itself as long as nobody was."""
        may = self._may or (
            self._author(asker) if self._scene.permission(self._operation, asker).permitted is not False else None
        )
        if may is not None and not self._operation.is_safe:
            yield from on_other_objects(self._scene, self._operation, may, OBJECTS_TRIED_MAX)

    def _author(self, asker: Asker) -> Asker:
        """Whose ids fill the path: the asker's own, for nobody those of the first role that may call it."""
        if asker.role:
            return asker
        may = [other for other in self._scene.askers() if other.role and self._scene.permission(self._operation, other).permitted]
        return may[0] if may else asker

    def _sender(self, asker: Asker, permission: Permission) -> Asker:
        """A log-in is sent without a credential, with the words of a user of the role that logs in there; so is a refresh."""
        if self._scene.refreshes(self._operation) and (asker.role or permission.basis is Basis.PUBLIC):
            return self._scene.refreshing(asker)
        login = self._scene.login_role(self._operation)
        if login and permission.basis is Basis.PUBLIC:
            return Asker.first_of(self._scene.world.target.role(login))
        return asker

    def _sent(self, asker: Asker, permission: Permission, draft: Draft) -> _Call:
        sender, world = self._sender(asker, permission), self._scene.world
        request = draft.request(sender.role, sender.user)
        answer = world.send(request) if asker.role else world.send_as(request, world.credential("", ""))
        return _Call(asker, permission, request, answer)

    def _bodies(self, asker: Asker) -> list[tuple[int, Any]]:
        salt = f" {asker.role} {asker.user}"  # a second creation with the same values would be refused for that
        bodies = list(enumerate(self._scene.bodies(self._operation, salt)[:BODIES_TRIED_MAX]))
        if self._draft is None:
            return bodies
        return [bodies[min(self._draft[1], len(bodies) - 1)]]

    def _judged(self, call: _Call, twin: _Call | None) -> Finding | None:
        allowed = call.answer.is_success
        if call.permission.permitted is False and twin is not None and not alike(twin.answer, call.answer):
            allowed = False  # a page for everybody in place of the data is no access
        permitted = allowed if call.permission.permitted is None else call.permission.permitted
        self._cells.append(
            tried(self._operation, call.asker, Whose.NONE, permitted, allowed, call.answer.status, _note(call, permitted))
        )
        if not allowed or permitted:
            return None
        because = self._because(call.permission)
        return function_of_another(self._operation, call.asker, because, call.answer, (call.request,))

    def _because(self, permission: Permission) -> str:
        """Who may call it, and what says so."""
        may = [role.name for role in self._scene.roles if self._scene.permission(self._operation, Asker(role.name)).permitted]
        who = f"{permission.basis} lets only {' and '.join(may)} call it" if may else f"{permission.basis} asks for a credential"
        return who if permission.basis is not Basis.WORDS else str(permission.basis)


def _note(call: _Call, permitted: bool) -> str:
    if call.answer.error:
        return call.answer.error
    if not permitted and call.answer.status in _UNCLEAR:
        return f"refused with {call.answer.status}: for what was sent, before it was asked who sent it"
    return f"refused with {call.answer.status}" if call.answer.status >= 500 else ""

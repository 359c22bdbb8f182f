"""Requests that should succeed: what each attack is the twin of, and what the header audit looks at."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from harness.model.errors import HarnessError
from harness.model.finding import Request
from harness.probes.http.answers import Answer
from harness.probes.http.drafts import Draft, body_schema
from harness.probes.http.oracle import member
from harness.probes.openapi.operations import Operation, only_redirects
from harness.probes.scene.destruction import leaving_open
from harness.probes.scene.fresh_objects import BODIES_FOR_NEW_MAX, fresh_objects
from harness.probes.scene.objects import Reference
from harness.probes.scene.path_ids import collection_of, names_in
from harness.probes.scene.preconditions import asks_version, fresh
from harness.probes.scene.scene import Asker, Scene, Untestable

TRIES_MAX = 12
OBJECTS_TRIED_MAX = 6
OF_THE_OBJECT = (400, 404, 409, 410, 412, 422, 428)  # refusals that may be due to an object's state: the next may be let in


@dataclass(frozen=True)
class Call:
    """A request and what it was answered."""

    asker: Asker
    request: Request
    answer: Answer
    redirects: bool = False  # a redirect is all the success that the operation declares

    @property
    def succeeded(self) -> bool:
        """Whether the operation gave what it is there for."""
        return self.answer.is_success or (self.redirects and 300 <= self.answer.status < 400)


def valid_drafts(scene: Scene, operation: Operation, asker: Asker) -> Iterator[Draft]:
    """Requests that the asker may make, the most likely to succeed first; at most `TRIES_MAX` for objects that are known.

    Objects are the asker's own, else some user's; versions are read freshly before each. Who asks on, because none was let in,
    gets an object that is made for this operation alone, in each state that it can be brought into.

    Raises:
        Untestable: a value is missing that nothing tells.
    """
    yield from islice(_drafts(scene, operation, asker), TRIES_MAX)
    if (operation.name, asker) not in scene.helpless:
        yield from on_a_new_object(scene, operation, asker)


def on_other_objects(scene: Scene, operation: Operation, asker: Asker, listed_max: int = OBJECTS_TRIED_MAX) -> Iterator[Draft]:
    """Requests of the asker for the objects at the end of the path but the first: what the list shows, and then a new one.

    Raises:
        Untestable: a value is missing that nothing tells.
    """
    yield from _on_listed_objects(scene, operation, asker, listed_max)
    yield from on_a_new_object(scene, operation, asker)


def _drafts(scene: Scene, operation: Operation, asker: Asker) -> Iterator[Draft]:
    references = [reference for reference in scene.references(operation) if reference.place == "path"]
    bodies = scene.bodies(operation, otherwise=not references, asker=asker)
    if not references:
        for body in bodies:
            yield versioned(scene, scene.draft(operation, asker).with_body(body), asker)
        hints = _hints(scene, operation, asker)
        if hints:
            for body in bodies:
                yield versioned(scene, _hinted(scene.draft(operation, asker), hints).with_body(body), asker)
        yield from _on_listed_objects(scene, operation, asker, OBJECTS_TRIED_MAX)
        return
    reference = references[-1]
    owner = _owner(scene, reference, asker)
    hints = {} if owner == asker else _hints(scene, operation, asker)
    identities = turned(operation, scene.holdings(reference.kind).own.get(owner.user, ()))[:OBJECTS_TRIED_MAX]
    if not identities:
        raise Untestable(f"no {reference.kind.name} is known to be anybody's own")
    reasons: list[Untestable] = []
    for identity in identities:
        try:
            draft = _hinted(scene.draft(operation, owner, {reference.name: identity}), hints)
        except Untestable as error:  # the path may go on to what not every object has
            reasons.append(error)
            continue
        for body in bodies:
            yield _fed(scene, draft, reference, identity, owner, body)
    if len(reasons) == len(identities):
        raise reasons[0]


def _on_listed_objects(scene: Scene, operation: Operation, asker: Asker, listed_max: int) -> Iterator[Draft]:
    """Objects that are nobody's own: all but the first that the list shows."""
    first = scene.draft(operation, asker).path
    for name in names_in(operation.path)[-1:]:
        listed = scene.listed_ids(collection_of(operation.path, name), name, asker, first)
        for identity in [each for each in listed if each != first[name]][:listed_max]:
            draft = scene.draft(operation, asker, {**first, name: identity})
            for body in scene.bodies(operation, asker=asker)[:BODIES_FOR_NEW_MAX]:
                yield versioned(scene, draft.with_body(body), asker)


def on_a_new_object(scene: Scene, operation: Operation, asker: Asker) -> Iterator[Draft]:
    """Requests of the asker for an object that is made for them, in each state that it can be brought into.

    Raises:
        Untestable: a value is missing that nothing tells.
    """
    reference = next((each for each in reversed(scene.references(operation)) if each.place == "path"), None)
    owner = _owner(scene, reference, asker) if reference else asker
    hints = {} if owner == asker else _hints(scene, operation, asker)
    last = names_in(operation.path)[-1:]
    for name in dict.fromkeys((*last, reference.name) if reference else last):
        for identity in fresh_objects(scene, operation, name, owner):
            try:
                draft = _hinted(scene.draft(operation, owner, {name: identity}), hints)
            except Untestable:  # the path goes on to what the new one does not have
                break
            for body in scene.bodies(operation, asker=asker)[:BODIES_FOR_NEW_MAX]:
                if reference is None:
                    yield versioned(scene, draft.with_body(body), asker)
                else:
                    yield _fed(scene, draft, reference, draft.path[reference.name], owner, body)


def turned(operation: Operation, identities: Sequence[Any]) -> tuple[Any, ...]:
    """The objects, those at the head of the list first; each write begins elsewhere: what one used up, no other meets first."""
    head = identities[: 2 * OBJECTS_TRIED_MAX]
    start = zlib.crc32(operation.name.encode()) % min(OBJECTS_TRIED_MAX, len(head)) if head and not operation.is_safe else 0
    return (*head[start:], *head[:start], *identities[len(head) :])


def versioned(scene: Scene, draft: Draft, asker: Asker) -> Draft:
    """The draft with the version of what it writes, read at the same path: by the asker, else by whoever may.

    Unchanged where the operation asks for none, or nothing is read there.
    """
    reader = scene.document.find("GET", draft.operation.path)
    if draft.operation.is_safe or reader is None or not asks_version(scene.document, draft):
        return draft
    for reading in (asker, *scene.askers()):
        request = scene.drafter.draft(reader, given=draft.path).request(reading.role, reading.user)
        seen = scene.world.send(request) if reading.role else scene.world.send_as(request, scene.anonymous)
        if seen.is_success:
            return fresh(scene.document, draft, {reader.name: seen})
    return draft


def _fed(scene: Scene, draft: Draft, reference: Reference, identity: Any, owner: Asker, body: Any) -> Draft:
    if draft.operation.is_safe or draft.operation.method == "DELETE":
        return draft.with_body(body)
    seen = scene.looks.at(reference, identity, owner)
    if isinstance(body, dict):
        current = {name: value for name in body for answer in seen.values() if (value := member(answer.json, name)) is not None}
        kept = leaving_open(scene.document, scene.world.target, draft.operation)
        plain = {name: value for name, value in current.items() if not isinstance(value, dict | list) and name not in kept}
        body = scene.drafter.values.unlike(
            body_schema(draft.operation.body), f"{draft.operation.name} body {identity}", body, plain
        )
    return fresh(scene.document, draft.with_body(body), seen)


def _owner(scene: Scene, reference: Reference, asker: Asker) -> Asker:
    """The asker where it owns objects of the kind, else the first user who does."""
    own = scene.holdings(reference.kind).own
    if asker.role == reference.kind.role and own.get(asker.user):
        return asker
    return Asker(reference.kind.role, next((user for user, ids in own.items() if ids), ""))


def _hints(scene: Scene, operation: Operation, asker: Asker) -> dict[str, Any]:
    """Values for optional parameters that name an object (`?partner_id=`): somebody of another role may have to give them."""
    found: dict[str, Any] = {}
    for reference in scene.references(operation):
        if reference.place == "query" and reference.kind.role != asker.role:
            owner = _owner(scene, reference, asker)
            ids = scene.holdings(reference.kind).own.get(owner.user, ())
            found.update({reference.name: ids[0]} if ids else {})
    return found


def _hinted(draft: Draft, hints: dict[str, Any]) -> Draft:
    for name, value in hints.items():
        parameter = draft.operation.parameter(name, "query")
        if parameter is not None:
            draft = draft.with_value(parameter, value)
    return draft


def succeed(scene: Scene, operation: Operation, asker: Asker) -> Call | None:
    """The first valid request that succeeds, sent as the asker; None where none does. The last failure is kept by nobody.

    Raises:
        Untestable: a value is missing that nothing tells.
    """
    for call in attempts(scene, operation, asker):
        if call.succeeded:
            return call
    return None


def attempts(scene: Scene, operation: Operation, asker: Asker) -> Iterator[Call]:
    """Valid requests sent in turn, each with its answer; the caller stops when it has seen enough."""
    for draft in valid_drafts(scene, operation, asker):
        request = draft.request(*sender(scene, operation, asker))
        answer = scene.world.send(request) if asker.role else scene.world.send_as(request, scene.anonymous)
        yield Call(asker, request, answer, only_redirects(operation))
    scene.helpless.add((operation.name, asker))


def caller(scene: Scene, operation: Operation) -> Asker:
    """Who may call the operation: where nothing says which of the roles may, whom it lets in is found out by a valid request.

    Raises:
        TargetError: the target has ended.
    """
    callers = scene.callers(operation)
    asks = len(callers) > 1 and scene.permission(operation, callers[0]).permitted is None
    if asks and operation.name not in scene.let_in:
        scene.let_in[operation.name] = _let_in(scene, operation, callers)
    return scene.caller(operation)


def _let_in(scene: Scene, operation: Operation, callers: Sequence[Asker]) -> Asker:
    behind: list[Asker] = []  # refused for something else than who they are
    for asker in callers:
        scene.let_in[operation.name] = asker  # whose ids the bodies take
        try:
            call = next(attempts(scene, operation, asker), None)
        except (Untestable, HarnessError):
            if not scene.world.door.alive():
                raise
            continue
        if call is not None and call.succeeded:
            return asker
        behind += [asker] if call is not None and not call.answer.is_of_the_door else []
    return (*behind, *callers)[0]


def sender(scene: Scene, operation: Operation, asker: Asker) -> tuple[str, str]:
    """Role and user of a request: a log-in is sent with the words of a user, a refresh with the token of a new session.

    Raises:
        TargetError: that session was refused.
    """
    if scene.refreshes(operation):
        session = scene.refreshing(asker)
        return session.role, session.user
    login = scene.login_role(operation)
    return (login, scene.world.target.role(login).users[0].name) if login else (asker.role, asker.user)

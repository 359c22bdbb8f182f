"""Bodies that are worth trying, filled with what the one who sends them knows: words of its own, and ids of what it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from harness.model.target import ObjectKind
from harness.probes.http.askers import Asker, Untestable
from harness.probes.http.exchange import PASSWORD, REFRESH_TOKEN, USERNAME
from harness.probes.http.files import file_member, samples
from harness.probes.openapi.names import snake
from harness.probes.openapi.operations import Operation
from harness.probes.openapi.schemas import SchemaError
from harness.probes.scene.body_places import first_member, placed
from harness.probes.scene.borrowed import IDS_MAX, listed_names, refers_to_others, with_borrowed
from harness.probes.scene.destruction import leaving_open
from harness.probes.scene.objects import references
from harness.probes.scene.passwords import asks_present
from harness.probes.scene.refresh_tokens import refresh_member

if TYPE_CHECKING:
    from harness.probes.scene.scene import Scene

OWN_TRIED_MAX = 6  # of one's own objects that a body may be about


class Bodies:
    """Makes the bodies of one scene."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def of(self, operation: Operation, salt: str = "", *, otherwise: bool = False, asker: Asker | None = None) -> list[Any]:
        """Bodies worth trying, with the user's own credentials where the operation asks for them; none closes an account.

        Args:
            otherwise: other choices too, where a member has a list of them.
            asker: who sends it, and sees the objects that it refers to; where nobody is named, who may call the operation.

        Raises:
            Untestable: a body is demanded and none could be made.
        """
        login = self._scene.login_of(operation)
        if login is not None:
            return [login.body_for(USERNAME, PASSWORD)]
        try:
            kept_open = leaving_open(self._scene.document, self._scene.world.target, operation)
            made = self._scene.drafter.bodies(operation, salt, otherwise=otherwise)
            bodies = [_with_present_password(operation, body) for body in made]
            bodies = [_with(body, kept_open) for body in bodies]
            if self._scene.refreshes(operation):
                bodies = [_with(body, {refresh_member(self._scene.document, operation): REFRESH_TOKEN}) for body in bodies]
            if name := file_member(self._scene.document, operation):
                bodies = [{**bodies[0], name: sample} for sample in samples(name)] if isinstance(bodies[0], dict) else bodies
            sender = asker if asker and asker.role else self._scene.caller(operation)
            return self._with_known_ids(operation, bodies, sender)
        except SchemaError as error:
            raise Untestable(error.message) from None

    def _with_known_ids(self, operation: Operation, bodies: list[Any], asker: Asker) -> list[Any]:
        """The bodies with ids that the asker is shown where they refer to other objects, before the bodies as they are."""
        described = {reference.name for reference in self._scene.references(operation) if reference.place == "body"}
        own = self._own_places(operation, asker)
        first, *further = _turns(own)
        # One's own objects in further states with the first body only: they are not to crowd the other bodies out.
        states = [_about(bodies[0], turn) for turn in further]
        bodies = [_about(body, first) for body in bodies]
        names = listed_names(self._scene.document)
        if not asker.role or operation.is_safe or not any(refers_to_others(body, described, names) for body in bodies):
            return _distinct([*bodies, *states])
        kept = {*described, *(f"{snake(name)}_id" for name in own)}  # what is one's own is not replaced by what one sees
        known = {**self._scene.known_ids(self._scene.caller(operation)), **self._scene.known_ids(asker)}
        ids = {name: listed for name, listed in known.items() if name not in kept}
        borrowed = [with_borrowed(body, ids) for body in bodies]
        others = [with_borrowed(bodies[0], ids, turn) for turn in range(1, IDS_MAX)]  # not every object will do
        in_turn = [body for pair in zip_longest(borrowed, others, fillvalue=borrowed[0]) for body in pair]
        return _distinct([*in_turn, *(with_borrowed(body, ids) for body in states), *bodies])

    def _own_places(self, operation: Operation, asker: Asker) -> dict[str, Sequence[Any]]:
        """By place of the body, the ids of the asker's own objects that it names; those of any owner for who stands above."""
        found: dict[str, Sequence[Any]] = {}
        bound = references(self._scene.document, self._scene.bound_kinds, operation)
        for reference in (*self._scene.named_references(operation), *self._scene.references(operation), *bound):
            own = self._scene.holdings(reference.kind).own if reference.place == "body" else {}
            ids = own.get(asker.user, ()) if reference.kind.role == asker.role else ()
            if not ids and self._stands_above(asker, reference.kind):
                ids = next((each for each in own.values() if each), ())
            found.update({reference.name: ids} if ids else {})
        return found

    def _stands_above(self, asker: Asker, kind: ObjectKind) -> bool:
        return bool(asker.role) and self._scene.world.target.role(asker.role).rank > self._scene.world.target.role(kind.role).rank


def _with(body: Any, members: Mapping[str, Any]) -> Any:
    """The body with other values of members that it has."""
    return {name: members.get(name, value) for name, value in body.items()} if isinstance(body, dict) else body


def _turns(own: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """One's own objects by the place of a body that names one: the first of each, then the next: a state may refuse it."""
    turns = range(max(1, min(OWN_TRIED_MAX, max(map(len, own.values()), default=0))))
    return [{place: ids[turn % len(ids)] for place, ids in own.items()} for turn in turns]


def _distinct(items: list[Any]) -> list[Any]:
    return [item for number, item in enumerate(items) if item not in items[:number]]


def _about(body: Any, identities: Mapping[str, Any]) -> Any:
    """The body with objects at the places that it has."""
    for place, identity in identities.items():
        if not isinstance(body, dict) or first_member(place) in body:
            body = placed(body, place, identity, {})
    return body


def _with_present_password(operation: Operation, body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    return {name: PASSWORD if isinstance(value, str) and asks_present(operation, name) else value for name, value in body.items()}

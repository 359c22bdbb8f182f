"""The objects that users own: found through the target file's kinds, and inferred from the document's paths."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from harness.model.finding import Request
from harness.model.target import ObjectKind, User
from harness.probes.http.answers import Answer
from harness.probes.http.drafts import Drafter
from harness.probes.http.exchange import World
from harness.probes.http.paging import is_page_size
from harness.probes.openapi.document import Document
from harness.probes.openapi.jsonpath import find
from harness.probes.openapi.operations import Operation
from harness.probes.scene.body_places import MANY, body_places, carries
from harness.probes.scene.life_cycle import ids_by_state

IDS_MAX = 200
READ_TO_TELL_MAX = 60  # objects that are asked for one by one where the lists do not tell whose they are
_LIMIT_WANTED = 100


@dataclass(frozen=True)
class Reference:
    """A place of an operation that names an object: a path or query parameter, or a place of the body (`body_places`)."""

    operation: str
    name: str
    place: Literal["path", "query", "body"]
    kind: ObjectKind
    peers_only: bool = False  # nobody but a peer of the owner's role is asked: what other roles may do is known otherwise

    @property
    def is_of_many(self) -> bool:
        """Whether it stands in a list: then a success may be that of the request, and of none of the objects that it names."""
        return self.place == "body" and MANY in self.name


@dataclass(frozen=True)
class Listed:
    """What one user's list showed."""

    user: str
    request: Request
    answer: Answer
    ids: tuple[Any, ...]


@dataclass(frozen=True)
class Holdings:
    """Which objects of a kind are whose. `shared` are in the lists of several users at once."""

    kind: ObjectKind
    lists: tuple[Listed, ...]
    own: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)  # by user name
    shared: tuple[Any, ...] = ()
    problem: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether the lists are there and some user has nothing in them."""
        return (
            bool(self.lists)
            and all(listed.answer.is_success for listed in self.lists)
            and not all(listed.ids for listed in self.lists)
        )

    def nobody(self) -> Any:
        """An id like the others that names no object."""
        known = [identity for listed in self.lists for identity in listed.ids]
        known += [identity for owned in self.own.values() for identity in owned]
        return unknown_like(known[0] if known else 1)


def unknown_like(identity: Any) -> Any:
    """An id of the same form that names nothing."""
    if isinstance(identity, int) or (isinstance(identity, str) and identity.isdigit()):
        return type(identity)(2_000_000_011)  # fits 32 bits, so that the database does not refuse it first
    if _is_uuid(identity):
        return str(uuid.UUID("7f3e2d1c-5b4a-4c8d-9e6f-0a1b2c3d4e5f"))
    return "nobody-" + "0" * max(4, len(str(identity)) - 7)


def _is_uuid(identity: Any) -> bool:
    try:
        uuid.UUID(str(identity))
    except ValueError:
        return False
    return True


def references(document: Document, kinds: tuple[ObjectKind, ...], operation: Operation) -> tuple[Reference, ...]:
    """The places where an operation names an object of one of the kinds; path parameters first, in the path's order."""
    found = [
        Reference(operation.name, parameter.name, parameter.where, kind)
        for place in ("path", "query")
        for parameter in operation.placed(place)
        for kind in kinds
        if parameter.where in ("path", "query") and carries(kind, operation, parameter.name)
    ]
    found += [
        Reference(operation.name, place, "body", kind) for kind in kinds for place in body_places(document, operation, kind)
    ]
    return tuple(found)


class Finder:
    """Finds out, through the API itself, what each user owns."""

    def __init__(self, world: World, document: Document, drafter: Drafter) -> None:
        self._world, self._document, self._drafter = world, document, drafter

    def holdings(self, kind: ObjectKind) -> Holdings:
        """What the users of the kind's role own: the ids that stand in one user's list and in no other's."""
        users = self._world.target.role(kind.role).users
        lists = tuple(self._list(kind, user) for user in users) if kind.list_path else ()
        if kind.examples:
            return Holdings(kind, lists, own={user.name: tuple(kind.examples.get(user.name, ())) for user in users})
        refused = next((listed for listed in lists if not listed.answer.is_success), None)
        if refused:
            return Holdings(
                kind, lists, problem=f"GET {kind.list_path} as {kind.role} {refused.user} gave {refused.answer.status}"
            )
        if not any(listed.ids for listed in lists):
            return Holdings(kind, lists, problem=f"GET {kind.list_path} shows no {kind.name} at {kind.id_path}")
        return Holdings(kind, lists, own=_own(lists), shared=_shared(lists))

    def by_reading(self, holdings: Holdings, reads: Callable[[str, Any], bool]) -> Holdings:
        """What is whose where the lists show all the same: an object is whose who alone may read it by its id.

        Args:
            reads: whether a user (by name) is shown the object of an id.
        """
        users = [listed.user for listed in holdings.lists]
        own: dict[str, tuple[Any, ...]] = {user: () for user in users}
        for identity in holdings.shared[:READ_TO_TELL_MAX]:
            readers = [user for user in users if reads(user, identity)]
            if len(readers) == 1:
                own[readers[0]] = (*own[readers[0]], identity)
        return replace(holdings, own=own)

    def listed(self, kind: ObjectKind, role: str, user: str) -> tuple[Any, ...]:
        """Ids that the kind's list shows a user of any role; none where it is refused."""
        answer = self._world.send(self.list_request(kind.list_path, role, user))
        return tuple(find(answer.json, kind.id_path)) if answer.is_success else ()

    def _list(self, kind: ObjectKind, user: User) -> Listed:
        request = self.list_request(kind.list_path, kind.role, user.name)
        answer = self._world.send(request)
        return Listed(user.name, request, answer, ids_by_state(answer.json, kind.id_path)[:IDS_MAX])

    def list_request(self, path: str, role: str, user: str, asked: Mapping[str, Any] | None = None) -> Request:
        """A request for a list, with as long a page as the document allows (at most 100).

        Args:
            asked: values of optional parameters, by name.
        """
        operation = self._document.find("GET", path)
        if operation is None:
            return Request("GET", self._drafter.base_path + path, role, user)
        given: dict[str, Any] = dict(asked or {})
        for parameter in operation.placed("query"):
            most = parameter.schema.get("maximum")
            if is_page_size(parameter.name) and isinstance(most, int):
                given[parameter.name] = min(most, _LIMIT_WANTED)
        return self._drafter.draft(operation, given=given).request(role, user)


def _own(lists: Iterable[Listed]) -> dict[str, tuple[Any, ...]]:
    everything = list(lists)
    own = {}
    for listed in everything:
        others = {identity for other in everything if other.user != listed.user for identity in other.ids}
        own[listed.user] = tuple(identity for identity in listed.ids if identity not in others)
    return own


def _shared(lists: tuple[Listed, ...]) -> tuple[Any, ...]:
    if len(lists) < 2:
        return ()
    common = set(lists[0].ids).intersection(*(listed.ids for listed in lists[1:]))
    return tuple(identity for identity in lists[0].ids if identity in common)


def ids_in(data: Any, parameter: str) -> tuple[Any, ...]:
    """The ids of a list's items, by the names that such members bear: the parameter's own, `id`, `_id`, `uuid`, `…_id`."""
    path = id_path_in(data, parameter)
    return ids_by_state(data, path)[:IDS_MAX] if path else ()


def id_path_in(data: Any, parameter: str) -> str:
    """The JSON path of the ids in an answer that lists objects, "" where it lists none."""
    level = [("$", data)]
    for _ in range(3):
        for path, node in level:
            if isinstance(node, list) and node and all(isinstance(item, Mapping) for item in node):
                name = _id_member(node, parameter)
                return f"{path}[*].{name}" if name else ""
        level = [(path + _step(key), value) for path, node in level if isinstance(node, Mapping) for key, value in node.items()]
    return ""


def _step(key: str) -> str:
    """A member in a JSON path: what is no plain word is quoted (`['hydra:member']`)."""
    return f".{key}" if re.fullmatch(r"[\w-]+", key) else f"['{key}']"


def _id_member(items: list[Mapping[str, Any]], parameter: str) -> str:
    return next((name for name in id_names(parameter) if all(isinstance(item.get(name), int | str) for item in items)), "")


def id_names(parameter: str) -> tuple[str, ...]:
    """The names that the id of an object may bear where a path calls it `parameter`, the likeliest first."""
    bare = re.sub(r"[_-]?(id|uuid)$", "", parameter, flags=re.I)
    names = (parameter, "id", "_id", "uuid", f"{bare}_id", f"{bare}Id", bare, "slug", "name", "title", "username", "key")
    return tuple(dict.fromkeys(name for name in names if re.fullmatch(r"[\w-]+", name)))

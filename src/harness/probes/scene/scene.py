"""What the examinations share on one running target: sessions, permissions, values, and who owns what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from typing import Any

from harness.model.errors import HarnessError
from harness.model.finding import Request
from harness.model.target import Login, ObjectKind, Role
from harness.probes.http.answers import Answer
from harness.probes.http.askers import NOBODY, Asker, Untestable
from harness.probes.http.door import Credential
from harness.probes.http.drafts import Draft, Drafter
from harness.probes.http.exchange import World
from harness.probes.http.values import Values
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import Operation
from harness.probes.openapi.schemas import SchemaError
from harness.probes.scene.bodies import Bodies
from harness.probes.scene.body_places import members_named
from harness.probes.scene.borrowed import borrowed_ids
from harness.probes.scene.destruction import changes_password, closes_account, destructive
from harness.probes.scene.flows import resets
from harness.probes.scene.inference import bound_roles, created_for, inferred
from harness.probes.scene.looks import Looks
from harness.probes.scene.objects import Finder, Holdings, Reference, ids_in, references, unknown_like
from harness.probes.scene.parts import parts_of_kinds
from harness.probes.scene.path_ids import collection_of, names_in, path_ids
from harness.probes.scene.permissions import Permission, Permissions
from harness.probes.scene.refresh_tokens import refresh_member

BODIES_TRIED_MAX = 5  # for one object


@dataclass
class Scene:
    """One world with everything that was found out about it."""

    world: World
    document: Document
    seed: int
    made: dict[str, tuple[Request, ...]] = field(default_factory=dict)  # by id: what made an object that was not there before
    salts: Iterator[int] = field(default_factory=count)  # each makes another object than those before it
    helpless: set[tuple[str, Asker]] = field(default_factory=set)  # who is let in with no object, a new one neither; by operation
    let_in: dict[str, Asker] = field(default_factory=dict)  # by operation: who was, where no document says who may
    _holdings: dict[tuple[str, str, bool], Holdings] = field(default_factory=dict)
    _shown: dict[tuple[str, Asker], frozenset[str]] = field(default_factory=dict)
    _borrowed: dict[Asker, dict[str, tuple[Any, ...]]] = field(default_factory=dict)

    @cached_property
    def permissions(self) -> Permissions:
        """Who may call what."""
        return Permissions(self.document, self.world.target)

    @cached_property
    def drafter(self) -> Drafter:
        """Makes requests of this document."""
        return Drafter(Values(self.document.schemas, self.seed), base_path_of(self.document, self.world.door.base_url))

    @cached_property
    def finder(self) -> Finder:
        """Finds out what users own."""
        return Finder(self.world, self.document, self.drafter)

    @cached_property
    def looks(self) -> Looks:
        """Looks at what users own."""
        return Looks(self)

    @cached_property
    def _bodies(self) -> Bodies:
        return Bodies(self)

    @property
    def anonymous(self) -> Credential:
        """The credential of somebody who has none."""
        return Credential()

    @cached_property
    def roles(self) -> tuple[Role, ...]:
        """The target's roles that have a user."""
        return tuple(role for role in self.world.target.roles if role.users)

    @cached_property
    def log_ins(self) -> tuple[Role, ...]:
        """One role of each log-in: what is wrong with a log-in that several roles share is wrong once."""
        first = {(role.login.kind, role.login.path, role.page_login): role for role in reversed(self.roles)}
        return tuple(reversed(first.values()))

    @cached_property
    def kinds(self) -> tuple[ObjectKind, ...]:
        """The kinds that the target file describes, and those that the document shows and the target treats as somebody's own."""
        return (*(kind for kind in self.world.target.objects if kind.owned and not kind.published), *inferred(self))

    @cached_property
    def published(self) -> tuple[ObjectKind, ...]:
        """The kinds that the target file calls published: everybody may read them by their id."""
        return tuple(kind for kind in self.world.target.objects if kind.published)

    @cached_property
    def bound_kinds(self) -> tuple[ObjectKind, ...]:
        """The kinds as the further roles have them whose users are shown different objects."""
        return tuple(bound_roles(self))

    @cached_property
    def parts(self) -> tuple[ObjectKind, ...]:
        """The kinds of what is made below an object of those and has an address of its own."""
        return tuple(parts_of_kinds(self))

    @cached_property
    def destructive(self) -> frozenset[str]:
        """Names of the operations that destroy credentials or data: they run apart."""
        return destructive(self.document, self.world.target)

    @cached_property
    def resets(self) -> frozenset[str]:
        """Those of them that are confirmed with a one-time code: without the right one they change nothing."""
        return self.destructive & resets(self.document, self.world.target.codes)

    def lateness(self, operation: Operation) -> tuple[bool, bool, bool, bool, bool]:
        """Sorts operations so that each leaves the next what it needs: readers, writers, deletions; credentials go last."""
        late = operation.name in self.destructive
        closes = late and closes_account(operation)
        return (
            late,
            closes,
            late and (changes_password(self.document, operation) or operation.name in self.resets),
            not operation.is_safe,
            operation.method == "DELETE",
        )

    def permission(self, operation: Operation, asker: Asker) -> Permission:
        """Whether the asker may call the operation."""
        return self.permissions.of(operation, self.world.target.role(asker.role) if asker.role else None)

    def askers(self) -> tuple[Asker, ...]:
        """The first user of each role, and nobody."""
        return (*(Asker.first_of(role) for role in self.roles), NOBODY)

    def caller(self, operation: Operation) -> Asker:
        """Who was let in, else the first of `callers`, nobody where there is none."""
        return self.let_in.get(operation.name) or next(iter(self.callers(operation)), NOBODY)

    def callers(self, operation: Operation) -> tuple[Asker, ...]:
        """The first user of each role that may call the operation, those that are named for it first; nobody where all may."""
        if not operation.is_secured:
            return (NOBODY,)
        permitted = [(self.permissions.of(operation, role).permitted, role) for role in self.roles]
        may = [role for known in (True, None) for said, role in permitted if said is known]
        return tuple(Asker.first_of(role) for role in may)

    def ask(self, request: Request) -> Answer:
        """Sends a request as the user that it names, or as nobody."""
        return self.world.send(request) if request.role else self.world.send_as(request, self.anonymous)

    # -- objects

    def references(self, operation: Operation) -> tuple[Reference, ...]:
        """The places where the operation names an object of a described kind, for published ones but in its path."""
        published = (found for found in references(self.document, self.published, operation) if found.place != "path")
        return (*references(self.document, self.kinds, operation), *published)

    def bound_references(self, operation: Operation) -> tuple[Reference, ...]:
        """The last such place of its path for each further role that has a part of the objects only, and may call it."""
        found = [each for each in references(self.document, self.bound_kinds, operation) if each.place == "path"]
        last = {each.kind.role: replace(each, peers_only=True) for each in found}
        return tuple(each for role, each in last.items() if self.permission(operation, Asker(role)).permitted is not False)

    def holdings(self, kind: ObjectKind) -> Holdings:
        """What the users own of a kind, found out once."""
        key = (kind.name, kind.role, bool(kind.examples))
        if key not in self._holdings:
            found = self.finder.holdings(kind)
            if found.is_empty and created_for(self, kind):
                found = self.finder.holdings(kind)
            if found.shared and not kind.published and not any(found.own.values()):
                found = self.finder.by_reading(found, lambda user, identity: self._reads(kind, user, identity))
            self._holdings[key] = found
        return self._holdings[key]

    def is_account(self, kind: ObjectKind) -> bool:
        """Whether the objects of a kind are the users themselves: each owns exactly one, and no two the same."""
        own = self.holdings(kind).own
        ids = [identity for found in own.values() for identity in found]
        return len(own) > 1 and all(len(found) == 1 for found in own.values()) and len(set(map(str, ids))) == len(ids)

    def shown_ids(self, kind: ObjectKind, asker: Asker) -> frozenset[str]:
        """Ids of a kind that its list shows somebody of another role, where that one may ask for it; found out once."""
        key = (kind.name, asker)
        if key not in self._shown:
            lister = self.document.find("GET", kind.list_path) if kind.list_path else None
            may = lister is not None and self.permission(lister, asker).permitted is not False
            self._shown[key] = frozenset(map(str, self.finder.listed(kind, asker.role, asker.user))) if may else frozenset()
        return self._shown[key]

    def _reads(self, kind: ObjectKind, user: str, identity: Any) -> bool:
        place, asker = Reference("", "", "path", kind), Asker(kind.role, user)
        return bool(self.looks.readers(place)) and any(seen.is_success for seen in self.looks.at(place, identity, asker).values())

    def owned(self, asker: Asker) -> dict[str, tuple[Any, ...]]:
        """By parameter name, the ids of each kind that are the asker's own."""
        own: dict[str, tuple[Any, ...]] = {}
        for kind in (*self.bound_kinds, *self.published, *self.kinds):
            ids = self.holdings(kind).own.get(asker.user, ()) if kind.role == asker.role else ()
            own.update({written.rpartition(":")[2]: ids for written in kind.parameters if ids})
        return own

    def own_ids(self, asker: Asker) -> dict[str, Any]:
        """By parameter name, an id of each described kind that is the asker's own."""
        return {name: ids[0] for name, ids in self.owned(asker).items()}

    # -- requests

    def draft(
        self, operation: Operation, asker: Asker, given: Mapping[str, Any] | None = None, *, optional: bool = False
    ) -> Draft:
        """A valid request without body, its path filled with ids that the asker can see.

        Raises:
            Untestable: a path parameter has no value that is known, or a value cannot be made.
        """
        values = path_ids(self, operation, asker, given or {})
        try:
            return self.drafter.draft(operation, given=values, optional=optional)
        except SchemaError as error:
            raise Untestable(error.message) from None

    def listed_ids(self, collection: str, name: str, asker: Asker, values: Mapping[str, Any] | None = None) -> tuple[Any, ...]:
        """Ids that the collection shows the asker; empty where there is no such list."""
        lister = self.document.find("GET", collection)
        if lister is None or self.permission(lister, asker).permitted is False:
            return ()
        inner = {key: value for key, value in (values or {}).items() if "{" + key + "}" in collection}
        if set(names_in(collection)) - inner.keys():
            return ()
        try:
            answer = self.world.send(self.drafter.draft(lister, given=inner).request(asker.role, asker.user))
        except SchemaError:
            return ()
        return ids_in(answer.json, name) if answer.is_success else ()

    def bodies(self, operation: Operation, salt: str = "", *, otherwise: bool = False, asker: Asker | None = None) -> list[Any]:
        """Bodies worth trying (see `harness.probes.scene.bodies`).

        Raises:
            Untestable: a body is demanded and none could be made.
        """
        return self._bodies.of(operation, salt, otherwise=otherwise, asker=asker)

    def known_ids(self, asker: Asker) -> Mapping[str, tuple[Any, ...]]:
        """Ids by the name that refers to them (`doctor_id`), as lists show them to a user; found out once, none for nobody."""
        if not asker.role:
            return {}
        if asker not in self._borrowed:
            self._borrowed[asker] = borrowed_ids(self.world, self.document, asker)
        return self._borrowed[asker]

    def named_references(self, operation: Operation) -> Iterator[Reference]:
        """Members that bear a kind's name (`order` for an order); not those of users, who seldom mean themselves."""
        for kind in (*self.kinds, *self.bound_kinds):
            names = [] if operation.is_safe else list(members_named(self.document, operation, kind))
            if names and not self.is_account(kind):
                yield from (Reference(operation.name, name, "body", kind) for name in names)

    def login_of(self, operation: Operation) -> Login | None:
        """The log-in that is this operation; None where it is no log-in."""
        for role in self.roles:
            if operation.method == "POST" and role.login.path == self.drafter.base_path + operation.path and role.login.body:
                return role.login
        return None

    def login_role(self, operation: Operation) -> str:
        """The role that logs in through this operation, "" where it is no log-in."""
        login = self.login_of(operation)
        return next((role.name for role in self.roles if role.login is login), "") if login else ""

    def refreshes(self, operation: Operation) -> bool:
        """Whether the operation takes a refresh token and the log-in of some role gives one."""
        return bool(refresh_member(self.document, operation)) and bool(self.refreshers)

    @cached_property
    def refreshers(self) -> tuple[Role, ...]:
        """The roles whose log-in gives a refresh token."""
        found = []
        for role in self.roles:
            with suppress(HarnessError):
                found += [role] if self.world.credential(role.name, role.users[0].name).refresh_token else []
        return tuple(found)

    def refreshing(self, asker: Asker) -> Asker:
        """A new session, of the asker where its log-in gives a refresh token: one is good once, and its session ends with it.

        Raises:
            TargetError: the log-in was refused.
        """
        role = next((role for role in self.refreshers if role.name == asker.role), self.refreshers[0])
        user = asker.user if role.name == asker.role else role.users[0].name
        session = Asker(role.name, f"{user.partition('#')[0]}#refresh")
        self.world.forget(session.role, session.user)
        self.world.credential(session.role, session.user)
        return session

    def is_listed(self, draft: Draft, name: str, asker: Asker) -> bool:
        """Whether the list at a path shows the asker the object that the draft names there."""
        return draft.path[name] in self.listed_ids(collection_of(draft.operation.path, name), name, asker, draft.path)

    def shown_elsewhere(self, draft: Draft, name: str, asker: Asker) -> list[Request]:
        """Requests of the asker for the object that the draft names, by operations that ask for it alone (`/tags/{tag}`)."""
        segment = collection_of(draft.operation.path, name).rsplit("/", 1)[-1]
        found = []
        for operation in self.document.operations:
            collection, _, last = operation.path.rstrip("/").rpartition("/")
            if operation.method == "GET" and collection.endswith(f"/{segment}") and names_in(operation.path) == (last[1:-1],):
                given = {last[1:-1]: draft.path[name]}
                with suppress(SchemaError):
                    found.append(self.drafter.draft(operation, given=given).request(asker.role, asker.user))
        return found


def base_path_of(document: Document, base_url: str) -> str:
    """What stands before the document's paths: its server's path, unless the base address has one already."""
    has_path = "/" in base_url.partition("://")[2]
    return "" if has_path else document.base_path


__all__ = ["NOBODY", "Asker", "Scene", "Untestable", "base_path_of", "unknown_like"]

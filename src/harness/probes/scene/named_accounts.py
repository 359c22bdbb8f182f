"""Query parameters that name somebody whose data is asked for: `GET /invoices/summary?customerId=7`.

A name alone proves nothing. Such a parameter counts where the operation itself is about who asks: it tells users different things
without the parameter, and each of them the same with the id of its own account in it (as `GET /me` gives it, or each row that the
user is shown). Where users may look at each other's accounts, what they have there is no secret either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from harness.model.errors import HarnessError
from harness.model.target import ObjectKind, Role
from harness.probes.http.answers import Answer
from harness.probes.http.askers import Asker, Untestable
from harness.probes.http.oracle import leaves, member, same_body
from harness.probes.openapi.names import singular, snake
from harness.probes.scene.destruction import PEOPLE, is_own_account
from harness.probes.scene.objects import Reference, id_names
from harness.probes.scene.path_ids import names_in

if TYPE_CHECKING:
    from harness.probes.openapi.operations import Operation
    from harness.probes.scene.scene import Scene

_ID = re.compile(r"_(id|uuid|no|number)$")
_ABOUT_PEOPLE = re.compile(r"^(users?|profiles?|members?|people|accounts?|me|self)$", re.I)  # one may look at others there


def named_accounts(scene: Scene, operation: Operation) -> Iterator[Reference]:
    """The parameters of a read that name the account whose data it gives; none where users publish what they have."""
    last = operation.path.rsplit("/", 1)[-1]
    if not operation.is_safe or not operation.is_secured or "{" in operation.path:
        return
    if scene.published or _ABOUT_PEOPLE.search(last):
        return
    for parameter in operation.placed("query"):
        if parameter.required or _is_described(scene, operation, parameter.name):
            continue
        for role in _lowest(scene):
            if not _names_one_of(role, parameter.name):
                continue
            own = _own_ids(scene, role, parameter.name) or _shown_ids(scene, operation, role, parameter.name)
            if len(own) < 2 or _look_at_each_other(scene, role, own):
                continue
            if _is_about_the_caller(scene, operation, role, parameter.name, own):
                kind = ObjectKind(
                    f"account by {parameter.name}",
                    role.name,
                    (f"{operation.path}:{parameter.name}",),
                    examples={user: (identity,) for user, identity in own.items()},
                )
                yield Reference(operation.name, parameter.name, "query", kind, peers_only=True)


def _is_described(scene: Scene, operation: Operation, name: str) -> bool:
    """Whether the parameter is one of a kind's already, or the target file says whose what it names is."""
    said = {written for kind in scene.world.target.objects for written in kind.parameters}
    return bool(said & {name, f"{operation.path}:{name}"}) or any(
        reference.name == name and reference.place == "query" for reference in scene.references(operation)
    )


def _lowest(scene: Scene) -> Iterator[Role]:
    """The roles that no other stands below, with users to compare: who stands above others may well look at a colleague's."""
    rank = min((role.rank for role in scene.roles), default=0)
    return (role for role in scene.roles if role.rank == rank and len(role.users) > 1)


def _names_one_of(role: Role, parameter: str) -> bool:
    return _ID.sub("", snake(parameter)) in (*PEOPLE, "owner", snake(role.name))


def _own_ids(scene: Scene, role: Role, parameter: str) -> dict[str, Any]:
    """By user, the id that the account's own page gives (`GET /me`); none where two users are given the same."""
    for reader in scene.document.operations:
        if reader.method != "GET" or not is_own_account(reader):
            continue
        answers = {user.name: _ask(scene, reader, role, user.name) for user in role.users}
        for name in id_names(parameter)[:6]:
            found = {user: member(answer.json, name) for user, answer in answers.items() if answer is not None}
            ids = {user: identity for user, identity in found.items() if isinstance(identity, int | str)}
            if len(set(map(str, ids.values()))) == len(answers):
                return ids
    return {}


def _shown_ids(scene: Scene, operation: Operation, role: Role, parameter: str) -> dict[str, Any]:
    """By user, the one value that all rows of the answer hold in a member of the parameter's name; none where two share one."""
    found: dict[str, Any] = {}
    for user in role.users:
        answer = _ask(scene, operation, role, user.name)
        shown = leaves(answer.json) if answer is not None else ()
        values = {value for path, value in shown if path.rpartition(".")[2] == parameter and isinstance(value, int | str)}
        if len(values) == 1:
            found[user.name] = values.pop()
    return found if len(set(map(str, found.values()))) == len(found) else {}


def _look_at_each_other(scene: Scene, role: Role, own: dict[str, Any]) -> bool:
    """Whether the first user is shown the last one's account, by its id or in a list of people."""
    user, others = next(iter(own)), list(own.values())[-1]
    for reader in (reader for reader in scene.document.operations if reader.method == "GET"):
        parts = reader.path.strip("/").split("/")
        names = names_in(reader.path)
        collection = parts[-2] if len(parts) > 1 and names else parts[-1]
        if len(names) > 1 or singular(snake(collection)) not in (*PEOPLE, "profile", snake(role.name)):
            continue
        if not names or parts[-1] == "{" + names[0] + "}":
            answer = _ask(scene, reader, role, user, {names[0]: others} if names else {})
            if answer is not None and (names or str(others) in {str(value) for _, value in leaves(answer.json)}):
                return True
    return False


def _is_about_the_caller(scene: Scene, operation: Operation, role: Role, parameter: str, own: dict[str, Any]) -> bool:
    plain = [_ask(scene, operation, role, user) for user in own]
    named = [_ask(scene, operation, role, user, {parameter: identity}) for user, identity in own.items()]
    pairs = [(one, other) for one, other in zip(plain, named, strict=True) if one is not None and other is not None]
    return (
        len(pairs) == len(own)
        and all(same_body(one, other) for one, other in pairs)
        and not all(same_body(pairs[0][0], other) for other, _ in pairs[1:])
    )


def _ask(scene: Scene, operation: Operation, role: Role, user: str, given: dict[str, Any] | None = None) -> Answer | None:
    """What a user is answered; None without success."""
    asker = Asker(role.name, user)
    if scene.permission(operation, asker).permitted is False:
        return None
    with suppress(Untestable, HarnessError):
        answer = scene.world.send(scene.draft(operation, asker, given).request(asker.role, asker.user))
        return answer if answer.is_success else None
    return None

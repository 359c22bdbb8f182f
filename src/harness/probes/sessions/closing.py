"""Accounts that are closed: after deletion or deactivation their tokens open nothing, and nobody logs in to them any more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Finding, Request, Severity, Symptom
from harness.model.target import ObjectKind, Role
from harness.probes.http.answers import Answer
from harness.probes.openapi.operations import Operation
from harness.probes.openapi.schemas import SchemaError
from harness.probes.scene.body_places import carries
from harness.probes.scene.destruction import closes_account, closing_members, is_about_users, names_people
from harness.probes.scene.flows import members_of
from harness.probes.scene.objects import id_names
from harness.probes.scene.path_ids import collection_of
from harness.probes.scene.scene import BODIES_TRIED_MAX, Asker, Scene, Untestable
from harness.probes.sessions.endings import ENGINE, STAGE, Ended, witness_of

_CLOSES = re.compile(r"deactivate|disable|suspend|block|ban|close|lock|terminate|archive", re.I)
_DELETES = re.compile(r"^(delete|remove|erase)", re.I)
# What the part of an account is called that says whether it may be used.
_ACCESS = re.compile(r"^(status|state|approval|activation|activity|account|access|active|enabled)$", re.I)

_ONESELF = re.compile(r"^(me|self|profile|account)$", re.I)
_BEARS = re.compile(r"^(user_?name|e?[_-]?mail|email_?address|login|name)$", re.I)  # members that hold a username
_SEARCH = re.compile(r"^(q|query|search|e?mail|user_?name|name)$", re.I)


class Kind(StrEnum):
    """What becomes of an account that is closed. A platform has code of its own for each, and may forget the sessions in one."""

    DELETION = "deletion"
    DEACTIVATION = "deactivation"


@dataclass(frozen=True)
class Closing:
    """A way to close the account of a role's last user: by itself, or by somebody who may (`closer`), who names it in the path.

    `members` are what the body must say, where the operation does other things too. `is_meant`: it is said that the closer may.
    """

    operation: Operation
    closer: Asker
    is_meant: bool
    path: Mapping[str, Any] = field(default_factory=dict)  # the account's id by its parameter
    members: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """Whether the account is gone afterwards, or there and shut."""
        deletes = self.operation.method == "DELETE" or _DELETES.search(self.operation.path.rstrip("/").rsplit("/", 1)[-1])
        return Kind.DELETION if deletes else Kind.DEACTIVATION


def closings_of(scene: Scene, role: Role) -> Iterator[Closing]:
    """Every way that the document shows, by each user of who may: those of another tenant cannot."""
    kinds = (kind for kind in (*scene.kinds, *scene.published) if kind.role == role.name and _is_of_people(scene, kind))
    accounts = [kind for kind in kinds if scene.is_account(kind)]
    asker = Asker(role.name, role.users[-1].name)
    for operation in scene.document.operations:
        if operation.is_safe or not operation.is_secured:
            continue
        words = operation.path.rstrip("/").rsplit("/", 1)[-1]
        named = re.findall(r"\{([^{}]+)\}", operation.path)
        members = closing_members(scene.document, operation)
        closes = operation.method == "DELETE" or bool(_CLOSES.search(words) or members)
        if closes_account(operation):
            if scene.permissions.of(operation, role).permitted is not False:
                yield Closing(operation, asker, is_meant=True)
        elif len(named) == 1 and closes and (words == f"{{{named[0]}}}" or _CLOSES.search(words) or _ACCESS.search(words)):
            for closer, is_meant in _closers(scene, operation, role):
                identity = _account(scene, operation, named[0], closer, asker, accounts)
                if identity is not None:
                    yield Closing(operation, closer, is_meant, {named[0]: identity}, members)


def _is_of_people(scene: Scene, kind: ObjectKind) -> bool:
    """Whether a kind's objects may be users, by its name or where they are listed: each may own exactly one webhook too."""
    last = kind.list_path.rstrip("/").rsplit("/", 1)[-1]
    return bool(_ONESELF.match(last)) or any(names_people(scene.world.target, name) for name in (kind.name, last))


def _closers(scene: Scene, operation: Operation, role: Role) -> Iterator[tuple[Asker, bool]]:
    """The users of a higher role that may call it, one that is named before one that is not kept away; and if it is named."""
    higher = [(scene.permissions.of(operation, each).permitted, each) for each in scene.roles if each.rank > role.rank]
    may = [(said, each) for known in (True, None) for said, each in higher if said is known]
    for said, each in may[:1]:
        yield from ((Asker(each.name, user.name), said is True) for user in each.users)


def _account(
    scene: Scene, operation: Operation, name: str, closer: Asker, asker: Asker, accounts: Sequence[ObjectKind]
) -> int | str | None:
    """The id of the asker's account: of a kind whose objects are the users, else what a list of users has beside its username."""
    kind = next((kind for kind in accounts if carries(kind, operation, name)), None)
    if kind is not None:
        own: int | str | None = next(iter(scene.holdings(kind).own.get(asker.user, ())), None)
        return own
    return _listed_account(scene, operation, name, closer, asker) if is_about_users(scene.world.target, operation) else None


def _listed_account(scene: Scene, operation: Operation, name: str, closer: Asker, asker: Asker) -> int | str | None:
    """The id in the only entry of the closer's list (`GET /users` for `/users/{user_id}`) that bears the asker's username."""
    collection = collection_of(operation.path, name)
    lister = scene.document.find("GET", collection)
    username = scene.world.user(asker.role, asker.user)[1].username
    if lister is None or not username or scene.permission(lister, closer).permitted is False:
        return None
    searches = [parameter.name for parameter in lister.placed("query") if _SEARCH.match(parameter.name)]
    for asked in (*({word: username} for word in searches), {}):
        try:
            answer = scene.world.send(scene.finder.list_request(collection, closer.role, closer.user, asked))
        except SchemaError:
            return None
        entries = _entries_of(answer.json, username) if answer.is_success else []
        ids: list[int | str | None] = [
            next((entry[word] for word in id_names(name) if isinstance(entry.get(word), int | str)), None) for entry in entries
        ]
        if len(ids) == 1 and ids[0] is not None:
            return ids[0]
    return None


def _entries_of(data: Any, username: str) -> list[Mapping[str, Any]]:
    """The objects of an answer that bear the username."""
    found: list[Mapping[str, Any]] = []
    waiting = [data]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            bears = (str(value).lower() == username.lower() for word, value in node.items() if _BEARS.match(str(word)))
            found += [node] if any(bears) else []
        inner = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
        waiting += [each for each in inner if isinstance(each, Mapping | list)]
    return found


def examine_closing(scene: Scene, role: Role, kind: Kind) -> Ended:
    """Logs a user in, closes the account in the first way of the kind that succeeds, uses the token, and logs in again."""
    asker = Asker(role.name, role.users[-1].name)
    refused = Ended(role.name, False, note=f"the document has no {kind} of an account of {role.name}")
    try:
        for closing in closings_of(scene, role):
            if closing.kind is kind:
                ended = _closed(scene, closing, role, asker)
                if ended.tried:
                    return ended
                refused = ended
    except (Untestable, HarnessError) as error:
        return Ended(role.name, False, note=str(error), offered=True)
    return refused


def _closed(scene: Scene, closing: Closing, role: Role, asker: Asker) -> Ended:
    name = closing.operation.name
    witness, answer = witness_of(scene, asker), Answer(0)
    for request in _requests(scene, closing, asker):
        answer = scene.world.send(request, renew=False)
        if answer.is_success:
            break
    else:
        offered = closing.is_meant or answer.status not in (401, 403)
        return Ended(role.name, False, note=f"{name} was answered {answer.status}", operation=name, offered=offered)
    after = scene.world.send(witness, renew=False)
    works = _logs_in(scene, asker)
    if after.is_success:
        return Ended(role.name, True, _finding(closing, role, after, (witness, request, witness)), operation=name)
    return Ended(role.name, True, _opens(closing, role, request) if works else None, operation=name)


def _requests(scene: Scene, closing: Closing, asker: Asker) -> Iterator[Request]:
    """What closes the account and leaves its role as it is: with all that may be said of it, and with what must be."""
    roles = _enumerated_roles(scene, closing.operation, asker.role)
    for body in scene.bodies(closing.operation)[:BODIES_TRIED_MAX]:
        kept = {name: value for name, value in roles.items() if isinstance(body, dict) and name in body}
        whole = {**body, **kept, **closing.members} if isinstance(body, dict) else body
        yield (
            scene.draft(closing.operation, closing.closer, closing.path)
            .with_body(whole)
            .request(closing.closer.role, closing.closer.user)
        )


def _enumerated_roles(scene: Scene, operation: Operation, role: str) -> dict[str, str]:
    """The members of the body whose listed values name roles, with the role's own."""
    found = {}
    for name, schema in members_of(scene.document, operation).items():
        try:
            listed = scene.document.schemas.resolve(schema).get("enum")
        except SchemaError:
            continue
        named = [value for value in listed if str(value).lower() == role.lower()] if isinstance(listed, list) else []
        if named:
            found[name] = named[0]
    return found


def _logs_in(scene: Scene, asker: Asker) -> bool:
    """Whether a log-in succeeds; who is known by a key or a header alone asks nobody for one."""
    if scene.world.target.role(asker.role).login.kind not in ("json", "form"):
        return False
    try:
        scene.world.door.sign_in(*scene.world.user(asker.role, asker.user))
    except HarnessError:
        return False
    return True


def _finding(closing: Closing, role: Role, answer: Answer, steps: tuple[Request, ...]) -> Finding:
    operation = closing.operation
    return Finding(
        rule="sessions.alive-after-closing",
        title=f"The token of {role.name} still works after its account was closed",
        severity=Severity.HIGH,
        confidence=Confidence.MEDIUM,
        stage=STAGE,
        engines=(ENGINE,),
        method=operation.method,
        route=operation.path,
        role=role.name,
        cwe=613,
        owasp="API2:2023",
        expected=f"After {operation.name} the account's tokens are answered 401.",
        observed=f"{steps[-1].method} {steps[-1].path} with its token was answered {answer.status}.",
        why="Somebody who was shut out goes on working in the platform until the token ends.",
        advice="Ask for the account's state on every request, or revoke its tokens where it is closed.",
        steps=steps,
        symptom=Symptom(status=(answer.status,)),
        parts=("2.1.6.a",),
    )


def _opens(closing: Closing, role: Role, request: Request) -> Finding:
    finding = _finding(closing, role, Answer(0), (request,))
    return replace(
        finding,
        rule="sessions.log-in-after-closing",
        title=f"{role.name} still logs in after its account was closed",
        expected=f"After {closing.operation.name} the account's password logs nobody in.",
        observed="The log-in gave a token as before.",
        why="Closing an account closes nothing.",
        advice="Refuse the log-in of a closed account, with the text of a wrong password.",
        steps=(),
        symptom=Symptom(),
    )

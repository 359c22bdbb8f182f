"""Accounts that are closed: after deletion or deactivation their tokens open nothing, and nobody logs in to them any more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Finding, Request, Severity, Symptom
from harness.model.target import Role
from harness.probes.destruction import closes_account, closing_members
from harness.probes.endings import ENGINE, STAGE, Ended, witness_of
from harness.probes.exchange import Answer
from harness.probes.objects import id_names
from harness.probes.operations import Operation
from harness.probes.path_ids import collection_of
from harness.probes.scene import Asker, Scene, Untestable
from harness.probes.schemas import SchemaError

_CLOSES = re.compile(r"deactivate|disable|suspend|block|ban|close|lock|terminate|archive", re.I)
# What the part of an account is called that says whether it may be used.
_ACCESS = re.compile(r"^(status|state|approval|activation|activity|account|access|active|enabled)$", re.I)

_SEARCH = re.compile(r"^(q|query|search|e?mail|user_?name|name)$", re.I)


@dataclass(frozen=True)
class Closing:
    """A way to close a role's account: by its user, or by somebody who may (`closer`), who names it by `parameter`.

    `members` are what the body must say, where the operation does other things too.
    """

    operation: Operation
    closer: str  # the role that calls it; "" is the user
    parameter: str = ""
    members: Mapping[str, Any] = field(default_factory=dict)


def closings_of(scene: Scene, role: Role) -> Iterator[Closing]:
    """Every way that the document shows."""
    accounts = {
        written.rpartition(":")[2]
        for kind in (*scene.kinds, *scene.published)
        if kind.role == role.name and _is_account(scene, kind)
        for written in kind.parameters
    }
    for operation in scene.document.operations:
        if operation.is_safe or not operation.is_secured:
            continue
        words = operation.path.rstrip("/").rsplit("/", 1)[-1]
        named = re.findall(r"\{([^{}]+)\}", operation.path)
        members = closing_members(scene.document, operation)
        closes = operation.method == "DELETE" or bool(_CLOSES.search(words) or members)
        if closes_account(operation):
            if scene.permissions.of(operation, role).permitted is not False:
                yield Closing(operation, "")
        elif len(named) == 1 and closes and (words == f"{{{named[0]}}}" or _CLOSES.search(words) or _ACCESS.search(words)):
            closer = _closer(scene, operation, role)
            asker = Asker(role.name, role.users[-1].name)
            if closer is not None and (
                named[0] in accounts or listed_account(scene, operation, named[0], closer, asker) is not None
            ):
                yield Closing(operation, closer.name, named[0], members)


def _closer(scene: Scene, operation: Operation, role: Role) -> Role | None:
    """A higher role that may call it: one that the document names, else one that it does not keep away."""
    higher = [(scene.permissions.of(operation, each).permitted, each) for each in scene.roles if each.rank > role.rank]
    named = [each for permitted, each in higher if permitted]
    return next(iter([*named, *(each for permitted, each in higher if permitted is None)]), None)


def _is_account(scene: Scene, kind: Any) -> bool:
    """Whether the objects of a kind are the users themselves: each owns exactly one, and no two the same."""
    own = scene.holdings(kind).own
    ids = [identity for found in own.values() for identity in found]
    return len(own) > 1 and all(len(found) == 1 for found in own.values()) and len(set(map(str, ids))) == len(ids)


def listed_account(scene: Scene, operation: Operation, name: str, closer: Role, asker: Asker) -> Any:
    """The id beside the asker's username in the closer's list (`GET /users` for `/users/{user_id}`); None where there is none."""
    collection = collection_of(operation.path, name)
    lister = scene.document.find("GET", collection)
    if lister is None or not closer.users or scene.permissions.of(lister, closer).permitted is False:
        return None
    username = scene.world.user(asker.role, asker.user)[1].username
    searches = [parameter.name for parameter in lister.placed("query") if _SEARCH.match(parameter.name)]
    for asked in (*({word: username} for word in searches), {}):
        try:
            answer = scene.world.send(scene.finder.list_request(collection, closer.name, closer.users[0].name, asked))
        except SchemaError:
            return None
        entry = _entry_of(answer.json, username) if answer.is_success else None
        found = next((entry[word] for word in id_names(name) if isinstance(entry.get(word), int | str)), None) if entry else None
        if found is not None:
            return found
    return None


def _entry_of(data: Any, username: str) -> Mapping[str, Any] | None:
    """The innermost object of an answer in which the username stands."""
    inner = data.values() if isinstance(data, Mapping) else data if isinstance(data, list) else ()
    for node in inner:
        if (found := _entry_of(node, username)) is not None:
            return found
    if isinstance(data, Mapping) and any(isinstance(value, str) and value.lower() == username.lower() for value in inner):
        return data
    return None


def examine_closing(scene: Scene, role: Role) -> Ended:
    """Logs a user in, closes the account, uses the token, and logs in again."""
    closing = next(closings_of(scene, role), None)
    if closing is None:
        return Ended(role.name, False, note=f"the document has no way to close an account of {role.name}")
    asker = Asker(role.name, role.users[-1].name)
    try:
        witness = witness_of(scene, asker)
        request = _request(scene, closing, asker)
        answer = scene.world.send(request, renew=False)
        if not answer.is_success:
            return Ended(role.name, False, note=f"{closing.operation.name} was answered {answer.status}")
        after = scene.world.send(witness, renew=False)
        works = _logs_in(scene, asker)
    except (Untestable, HarnessError) as error:
        return Ended(role.name, False, note=str(error))
    if after.is_success:
        return Ended(role.name, True, _finding(closing, role, after, (witness, request, witness)))
    return Ended(role.name, True, _opens(closing, role, request) if works else None)


def _request(scene: Scene, closing: Closing, asker: Asker) -> Request:
    caller = asker
    given: dict[str, Any] = {}
    if closing.closer:
        closer = scene.world.target.role(closing.closer)
        caller = Asker(closer.name, closer.users[0].name)
        own = scene.own_ids(asker).get(closing.parameter)
        identity = listed_account(scene, closing.operation, closing.parameter, closer, asker) if own is None else own
        given = {closing.parameter: identity}
    body = scene.bodies(closing.operation)[0]
    if closing.members and isinstance(body, dict):
        body = {**body, **closing.members}
    return scene.draft(closing.operation, caller, given).with_body(body).request(caller.role, caller.user)


def _logs_in(scene: Scene, asker: Asker) -> bool:
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

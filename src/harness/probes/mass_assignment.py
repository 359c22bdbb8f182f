"""Members that a caller must not set, sent with a good request and looked for afterwards.

Sent are the members that the document marks read-only, those that an object shows but the request does not declare, the names
that usually carry rights, and, with the database, those of columns beside the ones that the request is about. Only what is read
back with the value that was sent is a defect: in an answer, or in a column of its name where the harness has the database, and a
good request without it leaves no such value there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from harness.model.errors import HarnessError
from harness.model.finding import Request, Severity, Symptom
from harness.model.weakness import Place, Weakness
from harness.probes.answers import Answer
from harness.probes.calls import valid_drafts
from harness.probes.checks import Report, finding_of
from harness.probes.codes import confirming
from harness.probes.drafts import Draft
from harness.probes.foreign_keys import another_parent, keys_beside
from harness.probes.operations import Operation
from harness.probes.oracle import excerpt, leaves
from harness.probes.rows import columns_beside, grown, standing
from harness.probes.scene import Asker, Scene, Untestable
from harness.probes.schemas import SchemaError

MEMBERS_MAX = 40
_NEAR = 3  # how far below the most a number is sent: the most itself may stand there by itself
_NODES_MAX = 200_000  # of a document that is looked through
_STRANGE = "zq_nothing_is_called_so"
_RIGHTS: dict[str, Any] = {
    **dict.fromkeys(
        ("is_admin", "isAdmin", "admin", "is_superuser", "is_staff", "verified", "is_verified", "email_verified"), True
    ),
    **dict.fromkeys(("role", "user_role", "userRole"), "admin"),
    **dict.fromkeys(("balance", "credit", "credits", "available_credit"), 987_654),
}
# Where each member is sent alone, as unknown ones are refused: one of them may be known by mistake.
_FOREMOST = {name: _RIGHTS[name] for name in ("role", "isAdmin", "is_admin")}
# What a platform may well take over from a client: not worth a word.
_HARMLESS = re.compile(
    r"(^|_)(name|title|description|note|notes|comment|text|body|label|tags?)$|^(success|message|error|token)$", re.I
)

_MASS_ASSIGNMENT = Weakness(
    "abuse.mass-assignment",
    Severity.HIGH,
    915,
    "API3:2023",
    "A member that the request does not declare is refused or ignored.",
    "A caller gives itself rights, another owner, or a state that only the platform may set.",
    "Copy the declared members one by one, or refuse unknown ones; never write the whole body into the row.",
)


@dataclass(frozen=True)
class _Good:
    """A request that succeeded, its draft and where that stands; `strict`: with an unknown member in it, it was refused."""

    number: int
    draft: Draft
    request: Request
    answer: Answer
    strict: bool


def examine_mass_assignment(scene: Scene) -> Report:
    """Tries every writing operation with a JSON body, as a role that may call it."""
    report = Report("mass-assignment")
    for operation in scene.document.operations:
        if not _is_candidate(scene, operation):
            continue
        try:
            _examine(scene, operation, report)
        except (Untestable, HarnessError) as error:
            if not scene.world.door.alive():
                raise
            report.leave_out(operation.name, error)
    return report


def _is_candidate(scene: Scene, operation: Operation) -> bool:
    takes_json = operation.body is not None and operation.body.is_json and not operation.is_safe
    return takes_json and operation.name not in scene.destructive and not scene.login_role(operation)


def _examine(scene: Scene, operation: Operation, report: Report) -> None:
    asker = _asker(scene, operation)
    good = _first_good(scene, operation, asker)
    if good is None:
        report.leave_out(operation.name, "no good request succeeded")
        return
    shown = {name: value for name, value in _plain(good.answer.json).items() if name != _STRANGE}
    for each in _looked(scene, operation, good.draft, asker):  # what stands there already shows nothing afterwards
        shown = {**_plain(each.json), **shown}
    report.tried += 1
    members = _members(scene, operation, shown, _FOREMOST if good.strict else _RIGHTS)
    members = dict(list(_with_parents(scene, operation, asker, members, good).items())[:MEMBERS_MAX])
    taken = _taken(scene, operation, asker, members, good)
    said: set[str] = set()
    for taking in taken:
        name, value = taking.name, members[taking.name]
        if name in said or (taking.in_rows and _comes_by_itself(scene, operation, asker, {name: value})):
            continue
        said.add(name)
        where = "a row of its database holds it afterwards" if taking.in_rows else "shows it afterwards"
        observed = f"It was sent with {name} = {value!r}, which the document does not let a caller set, and {where}."
        symptom = Symptom()  # what only a row shows no answer can show again
        if not taking.in_rows:
            symptom = Symptom(status=(taking.answer.status,), body_contains=excerpt(taking.answer, value, name))
        title = f"{operation.name} takes over {name} from the caller"
        report.findings.append(
            finding_of(_MASS_ASSIGNMENT, Place(operation.name, name, asker.role), title, observed, (taking.request,), symptom)
        )


@dataclass(frozen=True)
class Taking:
    """A member that was taken over: the request that sent it, and the answer that shows it, or the request's where a row does."""

    name: str
    request: Request
    answer: Answer
    in_rows: bool = False


def _comes_by_itself(scene: Scene, operation: Operation, asker: Asker, member: Mapping[str, Any]) -> bool:
    """Whether a good request without the member leaves its value in a row too: a default, or the work of somebody else.

    It is another user's: what was taken over may have made the asker somebody who may not call it.
    """
    other = Asker(asker.role, scene.world.target.role(asker.role).users[-1].name) if asker.role else asker
    before = standing(scene.world.door.dsn, member)
    return _first_success(scene, operation, other) is None or bool(grown(before, standing(scene.world.door.dsn, member)))


def _asker(scene: Scene, operation: Operation) -> Asker:
    """The lowest role that may call it: the one that has something to gain."""
    for role in sorted(scene.roles, key=lambda role: role.rank):
        if scene.permissions.of(operation, role).permitted is not False:
            return Asker(role.name, role.users[0].name) if operation.is_secured else Asker()
    raise Untestable("no role may call it")


def _drafts(scene: Scene, operation: Operation, asker: Asker) -> Iterator[Draft]:
    """Good requests; of a confirmation those with the code that was sent first, as no other one is good."""
    with suppress(Untestable):
        yield from (draft for draft in confirming(scene, operation) if isinstance(draft.body, dict))
    yield from (draft for draft in valid_drafts(scene, operation, asker) if isinstance(draft.body, dict))


def _send(scene: Scene, asker: Asker, draft: Draft) -> tuple[Request, Answer]:
    request = draft.request(asker.role, asker.user)
    return request, scene.world.send(request) if asker.role else scene.world.send_as(request, scene.anonymous)


def _first_success(scene: Scene, operation: Operation, asker: Asker) -> tuple[Request, Answer] | None:
    return next((sent for draft in _drafts(scene, operation, asker) if (sent := _send(scene, asker, draft))[1].is_success), None)


def _first_good(scene: Scene, operation: Operation, asker: Asker) -> _Good | None:
    """The first request that succeeds, each tried with a member that nothing has, and without it where that may be to blame."""
    for number, draft in enumerate(_drafts(scene, operation, asker)):
        request, answer = _send(scene, asker, replace(draft, body={**draft.body, _STRANGE: "x"}))
        if answer.is_success:
            return _Good(number, draft, request, answer, strict=False)
        if _is_of_the_body(answer):
            strict = answer.status < 500
            request, answer = _send(scene, asker, draft)
            if answer.is_success:
                return _Good(number, draft, request, answer, strict)
    return None


def _is_of_the_body(answer: Answer) -> bool:
    """Whether a refusal may be due to what the body holds: it is none of a missing object, a conflict or a version."""
    return answer.status in (400, 403, 422) or answer.status >= 500 or 200 <= answer.status < 300


def _taken(scene: Scene, operation: Operation, asker: Asker, members: dict[str, Any], good: _Good) -> list[Taking]:
    """The members that were taken over, all sent at once; each alone where all at once are refused, as one may still pass."""
    echoes = _is_echo(good.request, good.answer)
    if not good.strict:
        taken = _sent(scene, operation, asker, members, _drafts(scene, operation, asker), echoes=echoes)
        if taken is not None:
            return taken
    found: list[Taking] = []
    for name, value in members.items():
        drafts = islice(_drafts(scene, operation, asker), good.number, None)
        found += _sent(scene, operation, asker, {name: value}, drafts, echoes=echoes, alone=True) or []
    return found


def _plain(data: Any) -> dict[str, Any]:
    """The scalar members that an answer shows, by their own name; the shallowest counts."""
    found: dict[str, Any] = {}
    for path, value in sorted(leaves(data), key=lambda pair: pair[0].count(".")):
        if "[" not in path:
            found.setdefault(path.rsplit(".", 1)[-1], value)
    return found


def _members(scene: Scene, operation: Operation, shown: Mapping[str, Any], guessed: Mapping[str, Any]) -> dict[str, Any]:
    """What to send beside the declared members: by name, a value unlike the present one."""
    declared, read_only = _declared(scene, operation)
    found: dict[str, Any] = {name: _another(scene, name, shown.get(name)) for name in read_only}
    for name, value in shown.items():
        if name not in declared and not _HARMLESS.search(name):
            found.setdefault(name, _another(scene, name, value))
    for name, value in guessed.items():
        if name not in declared:
            found.setdefault(name, _guess(scene, name, value))
    for name, kind in columns_beside(scene.world.door.dsn, declared).items():
        if not _HARMLESS.search(name) and (value := _of_column(scene, name, kind)) is not None:
            found.setdefault(name, value)
    return found


def _with_parents(scene: Scene, operation: Operation, asker: Asker, members: dict[str, Any], good: _Good) -> dict[str, Any]:
    """The members, those that refer to another row with the key of one that is there, and the foreign keys of the row beside."""
    dsn = scene.world.door.dsn
    if not dsn:
        return members
    declared, _ = _declared(scene, operation)
    known = [_plain(answer.json) for answer in (good.answer, *_looked(scene, operation, good.draft, asker))]
    found = dict(members)
    for name in dict.fromkeys((*members, *keys_beside(dsn, declared))):
        present = next((shown[name] for shown in known if shown.get(name) is not None), None)
        if name not in _RIGHTS and (parent := another_parent(dsn, name, present)) is not None:
            found[name] = parent
    return found


def _of_column(scene: Scene, name: str, kind: str) -> Any:
    """A value that a column of this type takes: a small number, as a limit on it is likely, or a text that the document lists."""
    if kind == "boolean":
        return True
    if listed := enumerated(scene.document.data, name):
        return highest_role(listed, _role_names(scene)) or listed[-1]
    return 77 if kind in ("smallint", "integer", "bigint", "numeric", "double precision", "real") else None


def _declared(scene: Scene, operation: Operation) -> tuple[set[str], set[str]]:
    try:
        schema = scene.document.schemas.resolve(operation.body.schema if operation.body else {})
    except SchemaError:
        return set(), set()
    properties = schema.get("properties")
    named = properties if isinstance(properties, Mapping) else {}
    read_only = {name for name, member in named.items() if isinstance(member, Mapping) and member.get("readOnly") is True}
    return set(named) - read_only, read_only


def _another(scene: Scene, name: str, value: Any) -> Any:
    """A value that the platform may well store: another one of the member's enumeration, another role, else one of its type."""
    roles = _role_names(scene)
    choices = [choice for choice in (enumerated(scene.document.data, name) or roles) if choice != value]
    if value is not None and choices and (value in roles or enumerated(scene.document.data, name)):
        return highest_role(choices, roles) or choices[-1]
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        within = bounded(scene.document.data, name, value)
        return _unlike(value) if within is None else within
    return _unlike(value)


def _role_names(scene: Scene) -> list[str]:
    return [role.name for role in sorted(scene.roles, key=lambda role: -role.rank)]


def highest_role(choices: Sequence[Any], roles: Sequence[str]) -> Any:
    """The choice that names the highest role, in whatever case; None where none does."""
    return next((choice for role in roles for choice in choices if str(choice).lower() == role.lower()), None)


def _guess(scene: Scene, name: str, value: Any) -> Any:
    """The value of a right; of a role the highest one as the document writes it."""
    listed = enumerated(scene.document.data, name) if value == _RIGHTS["role"] else ()
    return highest_role(listed, _role_names(scene)) or value


def enumerated(data: Any, name: str) -> tuple[Any, ...]:
    """The values that the document lists for a property of this name, wherever it stands; () where it lists none."""
    listed = (member["enum"] for member in _properties_named(data, name) if isinstance(member.get("enum"), list))
    return tuple(next((values for values in listed if values), ()))


def bounded(data: Any, name: str, value: float | None) -> float | None:
    """Another number near the most that the document allows a property of this name; None where it names no most."""
    for member in _properties_named(data, name):
        least, most = member.get("minimum", 0), member.get("maximum")
        if isinstance(most, int) and isinstance(least, int | float) and most - least > _NEAR:
            return next(number for number in (most - _NEAR, most - _NEAR + 1) if number != value)
    return None


def _properties_named(data: Any, name: str) -> Iterator[Mapping[str, Any]]:
    waiting, seen = [data], 0
    while waiting and seen < _NODES_MAX:
        node = waiting.pop()
        seen += 1
        if isinstance(node, Mapping):
            properties = node.get("properties")
            member = properties.get(name) if isinstance(properties, Mapping) else None
            if isinstance(member, Mapping):
                yield member
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _unlike(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1_234
    if isinstance(value, float):
        return round(value + 1_234.5, 2)
    if isinstance(value, str) and re.match(r"^\d{4}-\d\d-\d\d", value):
        return "2001-02-03" + value[10:]
    return "harness-planted" if value is None or isinstance(value, str) else value


def _sent(
    scene: Scene,
    operation: Operation,
    asker: Asker,
    members: dict[str, Any],
    drafts: Iterable[Draft],
    *,
    echoes: bool,
    alone: bool = False,
) -> list[Taking] | None:
    """Sends a good body with these members; those that an answer or a row shows as sent. None where the request was refused.

    Args:
        alone: a refusal that may be due to the member is one, whatever the other drafts would be answered.
    """
    for draft in drafts:
        before = standing(scene.world.door.dsn, members)
        request, answer = _send(scene, asker, replace(draft, body={**draft.body, **members}))
        if alone and not answer.is_success and _is_of_the_body(answer):
            return None
        if answer.is_success:
            held = grown(before, standing(scene.world.door.dsn, members))
            seen = [] if echoes else [answer]
            seen += _looked(scene, operation, draft, asker)
            shown = [
                Taking(name, request, each)
                for name, value in members.items()
                for each in seen
                if _plain(each.json).get(name) == value
            ]
            return shown + [Taking(name, request, answer, in_rows=True) for name in members if name in held]
    return None


def _looked(scene: Scene, operation: Operation, draft: Draft, asker: Asker) -> list[Answer]:
    """What the object shows afterwards, where the path names one."""
    for reference in scene.references(operation):
        if reference.place == "path" and reference.name in draft.path and asker.role == reference.kind.role:
            return list(scene.looks.at(reference, draft.path[reference.name], asker).values())
    return []


def _is_echo(request: Request, answer: Answer) -> bool:
    """Whether a good answer merely gives the body back: then such answers show nothing that was stored."""
    try:
        sent = json.loads(request.body or "null")
    except ValueError:
        return False
    return bool(_without_strange(sent) == _without_strange(answer.json))


def _without_strange(data: Any) -> Any:
    return {name: value for name, value in data.items() if name != _STRANGE} if isinstance(data, dict) else data

"""What is sent where a caller must not set it: names of members that no request declares, and values that tell.

The members that the document marks read-only, those that an object shows but the request does not declare, the names that usually
carry rights, and, with the database, the columns beside the ones that the request is about. Each with a value that a platform may
well store, and unlike the present one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness.probes.abuse.spots import Spot
from harness.probes.openapi.schemas import Schemas
from harness.probes.scene.foreign_keys import another_parent, keys_beside
from harness.probes.scene.rows import columns_beside
from harness.probes.scene.scene import Scene

_NEAR = 3  # how far below the most a number is sent: the most itself may stand there by itself
_NODES_MAX = 200_000  # of a document that is looked through
RIGHTS: dict[str, Any] = {
    **dict.fromkeys(
        ("is_admin", "isAdmin", "admin", "is_superuser", "is_staff", "verified", "is_verified", "email_verified"), True
    ),
    **dict.fromkeys(("role", "user_role", "userRole"), "admin"),
    **dict.fromkeys(("balance", "credit", "credits", "available_credit"), 987_654),
}
# Where each member is sent alone, as unknown ones are refused: one of them may be known by mistake.
FOREMOST = {name: RIGHTS[name] for name in ("role", "isAdmin", "is_admin")}
# What a platform may well take over from a client: not worth a word.
_HARMLESS = re.compile(
    r"(^|_)(name|title|description|note|notes|comment|text|body|label|tags?)$|^(success|message|error|token)$", re.I
)


def undeclared_members(scene: Scene, spot: Spot, known: Sequence[Any], *, strict: bool = False) -> dict[str, Any]:
    """What to send beside the declared members: by name, a value unlike the present one.

    Args:
        known: what answers show of the object, the first before the others.
        strict: unknown members are refused, so that only the foremost of the usual names are tried.
    """
    shown: dict[str, Any] = {}
    for data in reversed(known):
        shown.update(spot.plain(data))
    found = {name: _another(scene, name, shown.get(name)) for name in sorted(spot.read_only)}
    for name, value in shown.items():
        if name not in spot.declared and not _HARMLESS.search(name):
            found.setdefault(name, _another(scene, name, value))
    for name, value in _guessed(spot, strict=strict).items():
        if name not in spot.declared:
            found.setdefault(name, _guess(scene, name, value))
    for name, kind in columns_beside(scene.world.door.dsn, spot.declared).items():
        if not _HARMLESS.search(name) and (value := _of_column(scene, name, kind)) is not None:
            found.setdefault(name, value)
    return {**found, **_parents(scene, spot, found, known)}


def _guessed(spot: Spot, *, strict: bool) -> Mapping[str, Any]:
    """The usual names of rights; they are an account's or an object's own, not those of a part of it."""
    if spot.name:
        return {}
    return FOREMOST if strict else RIGHTS


def _parents(scene: Scene, spot: Spot, members: Iterable[str], known: Sequence[Any]) -> dict[str, Any]:
    """Members that refer to another row, and the foreign keys of the row beside, with the key of one that is there."""
    dsn = scene.world.door.dsn
    if not dsn:
        return {}
    plain = [spot.plain(data) for data in known]
    found: dict[str, Any] = {}
    for name in dict.fromkeys((*members, *keys_beside(dsn, tuple(spot.declared)))):
        present = next((shown[name] for shown in plain if shown.get(name) is not None), None)
        if name not in RIGHTS and (parent := another_parent(dsn, name, present)) is not None:
            found[name] = parent
    return found


def _of_column(scene: Scene, name: str, kind: str) -> Any:
    """A value that a column of this type takes: a small number, as a limit on it is likely, or a text that the document lists."""
    if kind == "boolean":
        return True
    if listed := enumerated(scene.document.data, name):
        return highest_role(listed, _role_names(scene)) or listed[-1]
    return 77 if kind in ("smallint", "integer", "bigint", "numeric", "double precision", "real") else None


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
    listed = enumerated(scene.document.data, name) if value == RIGHTS["role"] else ()
    return highest_role(listed, _role_names(scene)) or value


def enumerated(data: Any, name: str) -> tuple[Any, ...]:
    """The values that the document lists for a property of this name, wherever it stands; () where it lists none."""
    schemas = Schemas(data)
    admitted = (schema for member in _properties_named(data, name) for schema in schemas.alternatives(member))
    return tuple(next((schema["enum"] for schema in admitted if isinstance(schema.get("enum"), list) and schema["enum"]), ()))


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
    if isinstance(value, str) and (decimal := re.fullmatch(r"(\d{1,6})(\.\d+)", value)):
        return f"{int(decimal[1]) + 1_234}{decimal[2]}"
    return "harness-planted" if value is None or isinstance(value, str) else value

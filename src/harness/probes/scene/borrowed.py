"""Values for members of a body that refer to other objects: ids that the role is shown in the platform's lists.

A member refers by its name: `doctor_id`, or just `doctor` where the platform lists doctors and the value is a number, a UUID, or
the slug that the list has.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from harness.model.errors import HarnessError
from harness.model.finding import Request
from harness.probes.http.askers import Asker
from harness.probes.http.exchange import World
from harness.probes.http.oracle import leaves
from harness.probes.openapi.document import Document
from harness.probes.openapi.names import singular, snake
from harness.probes.openapi.operations import Operation

READS_MAX = 25  # lists that are read for one role
IDS_MAX = 5  # of one name
_ENVELOPE = re.compile(r"^(data|items?|results?|records?|rows?|list|content|entries|values|objects?|payload|response|)$", re.I)
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.I)
_ID = re.compile(r"^(.+?)_(id|uuid|slug)$")


def borrowed_ids(world: World, document: Document, asker: Asker) -> dict[str, tuple[Any, ...]]:
    """Ids by the name that refers to them (`doctor_id`), as a user sees them: at most `IDS_MAX` of each."""
    found: dict[str, list[Any]] = {}
    lists = [operation for operation in document.operations if _is_list(operation)]
    for operation in lists[:READS_MAX]:
        try:
            answer = world.send(Request("GET", document.base_path + operation.path, asker.role, asker.user))
        except HarnessError:
            if not world.door.alive():
                raise
            continue
        for name, value in _named(operation.path, answer.json) if answer.is_success else ():
            known = found.setdefault(name, [])
            if value not in known and len(known) < IDS_MAX:
                known.append(value)
    return {name: tuple(values) for name, values in found.items()}


def with_borrowed(body: Any, ids: Mapping[str, tuple[Any, ...]], turn: int = 0, within: str = "") -> Any:
    """The body with known ids where it refers to objects, also in its lists (`{"leads": [{"id": …}]}`); other ones each turn."""
    if isinstance(body, list):
        return [_borrowed(item, ids, turn + number, within) for number, item in enumerate(body)]
    return _borrowed(body, ids, turn, within)


def listed_names(document: Document) -> frozenset[str]:
    """What the platform lists, each by the name of one: `doctor` for `GET /doctors`."""
    return frozenset(_one_of(operation.path) for operation in document.operations if _is_list(operation))


def refers_to_others(body: Any, described: Collection[str] = (), listed: Collection[str] = ()) -> bool:
    """Whether a body holds an id of another object, beside those that are described.

    Args:
        listed: names of what the platform lists; a member of such a name holds one too.
    """
    places = [place for place, _ in leaves(body)] if isinstance(body, dict | list) else []
    names = {re.sub(r"\[\d*\]", "", place).rsplit(".", 1)[-1] for place in places}
    return any(
        name not in described and (is_reference(name) or snake(name) in ("id", "uuid") or snake(name) in listed) for name in names
    )


def is_reference(name: str) -> bool:
    """Whether a member is named as one that refers to another object."""
    return bool(_ID.match(snake(name)))


def refers(name: str, ids: Mapping[str, tuple[Any, ...]], within: str = "") -> tuple[Any, ...]:
    """The ids that a member of this name may hold: of its own name, else of the name that it ends with (`main_doctor_id`)."""
    plain = snake(name)
    if plain in ("id", "uuid"):
        plain = f"{singular(snake(within))}_id" if within else ""
    found = _ID.match(plain)
    if not found:
        return ()
    words = found[1].split("_")
    end = "slug" if found[2] == "slug" else "id"
    tails = ("_".join(words[start:]) for start in range(len(words)))
    return next((ids[f"{tail}_{end}"] for tail in tails if f"{tail}_{end}" in ids), ())


def refers_by_name(name: str, value: Any, ids: Mapping[str, tuple[Any, ...]]) -> tuple[Any, ...]:
    """The ids that a member may hold which is named after what it refers to (`doctor`), of the form of its value."""
    plain = snake(name)
    known = ids.get(f"{plain}_id", ())
    if isinstance(value, int) and not isinstance(value, bool):
        return tuple(each for each in known if type(each) is int)
    if not isinstance(value, str):
        return ()
    if _UUID.fullmatch(value):
        return tuple(each for each in known if _UUID.fullmatch(str(each)))
    return ids.get(f"{plain}_slug", ())


def _borrowed(value: Any, ids: Mapping[str, tuple[Any, ...]], turn: int, within: str) -> Any:
    if not isinstance(value, dict):
        return value
    made = {}
    for name, member in value.items():
        if isinstance(member, dict | list):
            made[name] = with_borrowed(member, ids, turn, name)
            continue
        known = [each for each in refers(name, ids, within) if type(each) is type(member)]
        known = known or list(refers_by_name(name, member, ids))
        made[name] = known[turn % len(known)] if known else member
    return made


def _one_of(path: str) -> str:
    return singular(snake(path.rstrip("/").rsplit("/", 1)[-1]))


def _is_list(operation: Operation) -> bool:
    return operation.method == "GET" and "{" not in operation.path and not any(p.required for p in operation.parameters)


def _named(path: str, data: Any) -> Iterator[tuple[str, Any]]:
    """Every id of an answer with the name that refers to it; one in an envelope is of what the path lists."""
    one = _one_of(path)
    for place, value in leaves(data):
        if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
            continue
        *parents, leaf = re.sub(r"\[\d*\]", "", place).split(".")
        name = snake(leaf)
        if name in ("id", "uuid", "slug"):
            parent = snake(parents[-1]) if parents else ""
            end = "slug" if name == "slug" else "id"
            yield (f"{one}_{end}" if _ENVELOPE.match(parent) else f"{singular(parent)}_{end}"), value
        elif found := _ID.match(name):
            yield f"{found[1]}_{'slug' if found[2] == 'slug' else 'id'}", value

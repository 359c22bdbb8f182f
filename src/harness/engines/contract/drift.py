"""The document that a target serves against the committed one: they must be equal, and where they are not it is said where."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Finding, Request, Severity, Symptom
from harness.probes.checks import Report
from harness.probes.http.door import Door
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.probes.openapi.parsing import METHODS

RULE = "contract.drift"
UNREADABLE = "contract.document-unreadable"
_CWE = 1059  # insufficient technical documentation
_OWASP = "API9:2023"  # improper inventory management
_UNORDERED = frozenset(("required", "enum", "tags", "security", "parameters", "type", "anyOf", "oneOf", "allOf", "servers"))
_SHOWN_MAX = 5
_VALUE_CHARACTERS_MAX = 80
_MISSING = object()


@dataclass(frozen=True)
class Difference:
    """One place in which two documents differ. `place` is `"GET /x"`, a component or "" for the rest; `pointer` is below it."""

    place: str
    pointer: str
    committed: str
    served: str

    def __str__(self) -> str:
        where = f"{self.pointer or 'the whole of it'}"
        return f"{where}: committed {self.committed}, served {self.served}"


def differences(committed: Mapping[str, Any], served: Mapping[str, Any]) -> list[Difference]:
    """All differences, in the committed document's order; the order of names and of unordered lists means nothing."""
    found: list[Difference] = []
    for path, old, new in _walk(_normal(committed, ""), _normal(served, ""), ()):
        whole = old if isinstance(old, dict) else new
        if path[:1] == ("paths",) and len(path) == 2 and isinstance(whole, dict):  # a path is there or not, with its operations
            places = [(*path, method) for method in METHODS if method in whole]
            found.extend(Difference(*_place(place), _shown(old), _shown(new)) for place in places)
        else:
            found.append(Difference(*_place(path), _shown(old), _shown(new)))
    return found


def _normal(node: Any, key: str) -> Any:
    if isinstance(node, Mapping):
        return {str(name): _normal(value, str(name)) for name, value in node.items()}
    if isinstance(node, list):
        items = [_normal(item, "") for item in node]
        return sorted(items, key=_order) if key in _UNORDERED else items
    return node


def _order(item: Any) -> str:
    if isinstance(item, Mapping) and "name" in item and "in" in item:
        return f"{item['in']} {item['name']}"
    return json.dumps(item, sort_keys=True, default=str)


def _walk(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*old, *(name for name in new if name not in old)]:
            yield from _walk(old.get(name, _MISSING), new.get(name, _MISSING), (*path, name))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _walk(one, other, (*path, _label(one, index)))
    elif old is _MISSING or new is _MISSING or old != new or isinstance(old, bool) != isinstance(new, bool):
        yield path, old, new


def _label(item: Any, index: int) -> str:
    return f"{item['in']} {item['name']}" if isinstance(item, dict) and "in" in item and "name" in item else str(index)


def _place(path: tuple[str, ...]) -> tuple[str, str]:
    if path[:1] == ("paths",) and len(path) >= 3 and path[2] in METHODS:
        return f"{path[2].upper()} {path[1]}", "/".join(path[3:])
    if path[:1] == ("components",) and len(path) >= 3:
        return "/".join(path[:3]), "/".join(path[3:])
    return "", "/".join(path)


def _shown(value: Any) -> str:
    if value is _MISSING:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _VALUE_CHARACTERS_MAX else text[:_VALUE_CHARACTERS_MAX] + "…"


def drift(document: Document, world: World) -> list[Finding]:
    """What the served document says differently from the committed one; [] where the target says that it serves none.

    Raises:
        HarnessError: the target died.
    """
    path = world.target.document_path
    if not path:
        return []
    request = Request("GET", path)
    answer = world.send(request)
    try:
        if answer.status != 200:
            raise HarnessError(f"status {answer.status}{': ' + answer.error if answer.error else ''}")
        served = Document.load(answer.content, "the served document")
    except HarnessError as error:
        return [_unreadable(request, path, error.message, answer.status)]
    by_place: dict[str, list[Difference]] = defaultdict(list)
    for difference in differences(document.data, served.data):
        by_place[difference.place].append(difference)
    return [_finding(document, request, place, found) for place, found in by_place.items()]


def drifted(document: Document, door: Door) -> Report:
    """`drift` as one examination of a target."""
    with World(door) as world:
        return Report("drift", tried=1, findings=drift(document, world))


def _unreadable(request: Request, path: str, why: str, status: int) -> Finding:
    return Finding(
        rule=UNREADABLE,
        title=f"the document at {path} cannot be read",
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,  # until another target has served the same
        stage="contract",
        engines=("schemathesis",),
        method="GET",
        route=path,
        cwe=_CWE,
        owasp=_OWASP,
        expected="The OpenAPI document, with status 200.",
        observed=f"As nobody, `GET {path}`: {why}",
        why="Clients are generated from the served document.",
        advice="Serve the document at this address, or correct `document_path` in the target file.",
        steps=(request,),
        symptom=Symptom(status=(status,) if status else ()),
    )


def _finding(document: Document, request: Request, place: str, found: list[Difference]) -> Finding:
    method, _, route = place.partition(" ") if place[:1].isupper() else ("", "", "")
    more = f"; and {len(found) - _SHOWN_MAX} more" if len(found) > _SHOWN_MAX else ""
    return Finding(
        rule=RULE,
        title=f"the served document differs from {document.name} in {place or 'its general part'}",
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,  # until another target has served the same
        stage="contract",
        engines=("schemathesis",),
        method=method,
        route=route,
        parameter="" if route else place,
        cwe=_CWE,
        owasp=_OWASP,
        expected=f"The served document equals the committed {document.name}.",
        observed="; ".join(str(difference) for difference in found[:_SHOWN_MAX]) + more,
        why="Who builds a client from the one is told something else than who reviews the other; one of the two is wrong.",
        advice="If the change is meant, write the served document down as the committed one and review it; else undo it.",
        steps=(request,),
        symptom=_symptom(route, found),
    )


def _symptom(route: str, found: list[Difference]) -> Symptom:
    """What a replay can look for in the served text: a path that is not in it, or a name that is too much."""
    whole = found[0].pointer == ""
    if route and whole and found[0].served == "nothing":
        return Symptom(status=(200,), body_lacks=json.dumps(route))
    if route and whole and found[0].committed == "nothing":
        return Symptom(status=(200,), body_contains=json.dumps(route))
    return Symptom()

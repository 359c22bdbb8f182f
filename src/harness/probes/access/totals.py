"""Totals of lists that count objects of others: two users are told the same number, and it holds what both of them are shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from harness.model.finding import Finding, Request
from harness.probes.access.reads import Stage
from harness.probes.access.wording import total_of_others
from harness.probes.http.answers import Answer
from harness.probes.http.oracle import leaves
from harness.probes.http.paging import is_page_size
from harness.probes.openapi.jsonpath import find
from harness.probes.openapi.operations import Operation
from harness.probes.scene.objects import id_path_in
from harness.probes.scene.path_ids import collection_of
from harness.probes.scene.scene import Scene

_TOTAL = re.compile(r"(^|\.)(total|count|total_?(count|items|results|rows|elements|records))$", re.I)


@dataclass(frozen=True)
class _Counted:
    """A list's answer: where its total stands, what it says, and the ids that are shown."""

    member: str
    total: int
    ids: frozenset[Any]


def counts_strange(scene: Scene, operation: Operation, stage: Stage, request: Request, answer: Answer) -> Finding | None:
    """A finding where a peer's list, shown to its end, counts more than it shows: the owner's objects.

    The owner is told the same number for the same request, and it is at least as large as both lists together.
    """
    mine = _counted(operation, answer)
    if mine is None or stage.peer is None or mine.total <= len(mine.ids) or not _is_whole(request, mine):
        return None
    asked = replace(request, role=stage.owner.role, user=stage.owner.user)
    theirs = _counted(operation, scene.world.send(asked))
    if theirs is None or theirs.total != mine.total:
        return None
    further = len(theirs.ids - mine.ids)
    if not further or mine.total < len(mine.ids) + further:
        return None
    return total_of_others(operation, stage.peer, stage.owner, (mine.member, mine.total, len(mine.ids)), answer, (request, asked))


def _counted(operation: Operation, answer: Answer) -> _Counted | None:
    """What a list's answer counts, None where it does not."""
    if not answer.is_success or not isinstance(answer.json, Mapping):
        return None
    path = id_path_in(answer.json, collection_of(operation.path + "/{id}", "id").rsplit("/", 1)[-1])
    if not path and not any(value == [] for value in answer.json.values()):
        return None
    outside = ((name, value) for name, value in leaves(answer.json) if "[" not in name and type(value) is int)
    told = next(((name, value) for name, value in outside if _TOTAL.search(name)), None)
    return _Counted(*told, frozenset(find(answer.json, path) if path else ())) if told else None


def _is_whole(request: Request, counted: _Counted) -> bool:
    """Whether the answer shows all that there is: fewer than were asked for."""
    sizes = [value for name, value in parse_qsl(urlsplit(request.path).query) if is_page_size(name)]
    return not counted.ids or any(value.isdigit() and len(counted.ids) < int(value) for value in sizes)

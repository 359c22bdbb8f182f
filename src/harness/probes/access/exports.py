"""Exports that hold objects of others: judged by their rows, each of which is an object of the lists that were seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.probes.access.cells import Examined
from harness.probes.access.reads import Stage
from harness.probes.access.wording import list_shows_another
from harness.probes.http.askers import Asker
from harness.probes.http.oracle import leaves, telling
from harness.probes.openapi.jsonpath import find
from harness.probes.openapi.operations import Operation
from harness.probes.scene.scene import Scene
from harness.probes.scene.sheets import Sheet, sheet_of

TEXTS_MIN = 2  # telling texts of an object that a row shows beside its id


@dataclass(frozen=True)
class _Row:
    """A row that is somebody's object: its id, and one of its telling texts."""

    identity: Any
    text: str


def examine_exports(scene: Scene, stage: Stage) -> Iterator[Examined]:
    """Whether a sheet that a peer is given has a row of the owner's, which the peer is refused when it names it."""
    peer, objects = stage.peer, _objects(stage)
    if peer is None or not objects:
        return
    for operation in scene.document.operations:
        if (found := _examine(scene, stage, operation, peer, objects)) is not None:
            yield found


def _examine(
    scene: Scene, stage: Stage, operation: Operation, peer: Asker, objects: Mapping[str, tuple[Any, frozenset[str]]]
) -> Examined | None:
    sheet = sheet_of(scene, operation, peer)
    if sheet is None:
        return None
    for row in _rows(sheet, objects):
        if scene.looks.shows(stage.reference, row.identity, peer) is False:
            what = f"the {stage.holdings.kind.name} {row.identity} in a row, which it is refused when it asks for it by its id"
            found = list_shows_another(operation, peer, stage.owner, what, sheet.answer, row.text, (sheet.request,))
            return Examined(operation, findings=(found,))
    return None


def _objects(stage: Stage) -> dict[str, tuple[Any, frozenset[str]]]:
    """By its id as a text, each object that is the owner's own, with its telling texts."""
    items, _, id_member = stage.holdings.kind.id_path.rpartition(".")
    own = set(stage.holdings.own.get(stage.owner.user, ()))
    lists = (listed for listed in stage.holdings.lists if listed.user == stage.owner.user)
    nodes = (node for each in lists for node in find(each.answer.json, items) if isinstance(node, Mapping))
    return {
        str(node[id_member]): (node[id_member], frozenset(filter(None, (telling(value) for _, value in leaves(node)))))
        for node in nodes
        if node.get(id_member) in own
    }


def _rows(sheet: Sheet, objects: Mapping[str, tuple[Any, frozenset[str]]]) -> Iterator[_Row]:
    """The rows that are one of the objects: a cell is its id, and others are its telling texts."""
    for row in sheet.rows():
        cells = {cell.removeprefix("'") for _, cell in row}  # which makes a formula a text
        for cell in cells & objects.keys():
            identity, texts = objects[cell]
            shown = sorted((texts - {cell}) & cells, key=len, reverse=True)
            if len(shown) >= TEXTS_MIN:
                yield _Row(identity, shown[0])

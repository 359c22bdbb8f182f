"""Whether lists and summaries keep to the caller's own objects: judged by the objects, and by what another's write moves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from harness.model.finding import Finding, Observation
from harness.probes.cells import Examined
from harness.probes.exchange import Answer
from harness.probes.objects import Holdings, Listed
from harness.probes.operations import Operation
from harness.probes.oracle import changes, excerpt, unstable
from harness.probes.reads import Stage
from harness.probes.scene import Asker, Scene, Untestable
from harness.probes.wording import STAGE, Moves, list_shows_another, moves_with_another
from harness.probes.writes import write_as_owner

OBJECTS_COMPARED_MAX = 5
_MEMBERS_MIN = 4
_NODES_MAX = 20_000


def examine_shared(scene: Scene, holdings: Holdings) -> Examined | None:
    """Whether the list of a kind shows two users the same objects, though each must see its own only; else None."""
    operation = scene.document.find("GET", holdings.kind.list_path)
    if operation is None or holdings.problem or not holdings.shared:
        return None
    first, second = holdings.lists[0], holdings.lists[1]
    values = tuple(str(identity) for identity in holdings.shared)
    what = f"{len(values)} of the {holdings.kind.name} ids that {second.user} is shown too ({', '.join(values[:3])} …)"
    finding = list_shows_another(
        operation,
        Asker(holdings.kind.role, first.user),
        Asker(holdings.kind.role, second.user),
        what,
        first.answer,
        excerpt(first.answer, holdings.shared[0], holdings.kind.id_path.rsplit(".", 1)[-1]),
        (second.request, first.request),
    )
    return Examined(operation, findings=(finding,))


def summaries(scene: Scene, role: str) -> list[Operation]:
    """Reading operations that a role may call and that need no parameter."""
    found = scene.world.target.role(role)
    return [
        operation
        for operation in scene.document.operations
        if operation.method == "GET"
        and "{" not in operation.path
        and not any(parameter.required for parameter in operation.placed("query"))
        and scene.permissions.of(operation, found).permitted is not False
    ]


def examine_summaries(scene: Scene, stage: Stage) -> Iterator[Examined]:
    """Whether anything that a peer may read without an id shows an object of the owner."""
    if stage.peer is None:
        return
    listed = next(item for item in stage.holdings.lists if item.user == stage.owner.user)
    objects = _objects_of(listed, stage)
    for operation in summaries(scene, stage.peer.role):
        request = scene.draft(operation, stage.peer).request(stage.peer.role, stage.peer.user)
        answer = scene.world.send(request)
        seen = next((identity for identity, owned in objects if _stands_in(owned, answer)), None)
        if seen is not None and operation.path != stage.holdings.kind.list_path:
            what = f"the {stage.holdings.kind.name} {seen} of {stage.owner.title}"
            text = excerpt(answer, seen, "id") or str(seen)
            finding = list_shows_another(operation, stage.peer, stage.owner, what, answer, text, (request,))
            yield Examined(operation, findings=(finding,))


def _objects_of(listed: Listed, stage: Stage) -> list[tuple[Any, Mapping[str, Any]]]:
    """The owner's objects as its list shows them, by id."""
    owned = set(stage.identities[:OBJECTS_COMPARED_MAX])
    found = []
    for node in _mappings(listed.answer.json):
        identity = next((value for value in node.values() if isinstance(value, int | str) and value in owned), None)
        if identity is not None and len(_scalars(node)) >= _MEMBERS_MIN:
            found.append((identity, node))
    return found


def _stands_in(owned: Mapping[str, Any], answer: Answer) -> bool:
    """Whether the same object stands somewhere in the answer: nearly all of its plain members, with the same values."""
    wanted = _scalars(owned)
    for node in _mappings(answer.json):
        same = sum(1 for key, value in _scalars(node).items() if wanted.get(key) == value)
        if same >= _MEMBERS_MIN and same >= 0.8 * len(wanted):
            return True
    return False


def _scalars(node: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if not isinstance(value, Mapping | list) and value is not None}


def _mappings(data: Any) -> Iterator[Mapping[str, Any]]:
    stack = [data]
    for _ in range(_NODES_MAX):
        if not stack:
            return
        node = stack.pop()
        if isinstance(node, Mapping):
            yield node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def examine_echoes(scene: Scene, operation: Operation, stage: Stage) -> Examined:
    """Whether what a peer reads moves when the owner writes: then it counts objects that are not the peer's.

    Judged under the path of the kind's list and beside it; elsewhere a number for everybody may be meant, and is only noticed.
    """
    if stage.peer is None:
        return Examined(operation)
    readers = {reader.name: reader for reader in summaries(scene, stage.peer.role)}
    first, before = _ask(scene, readers, stage.peer), _ask(scene, readers, stage.peer)
    written = write_as_owner(scene, operation, stage)
    if written is None:
        return Examined(operation)
    after = _ask(scene, readers, stage.peer)
    volatile = unstable(first, before)
    findings: list[Finding] = []
    observations: list[Observation] = []
    for name in before.keys() & after.keys():
        moved = changes({name: before[name]}, {name: after[name]}, volatile)
        if moved and _is_near(readers[name].path, stage.holdings.kind.list_path):
            request = scene.draft(readers[name], stage.peer).request(stage.peer.role, stage.peer.user)
            moves = Moves(operation, stage.peer, stage.owner, moved[0], (written, request))
            findings.append(moves_with_another(readers[name], moves, after[name]))
        elif moved:
            text = f"{moved[0]} when {stage.owner.title} writes through {operation.name}"
            observations.append(Observation("authorization.moves-with-another", text, STAGE, name))
    return Examined(operation, findings=tuple(findings), observations=tuple(observations))


def _ask(scene: Scene, readers: Mapping[str, Operation], asker: Asker) -> dict[str, Answer]:
    answers = {}
    for name, operation in readers.items():
        with contextlib.suppress(Untestable):
            answers[name] = scene.world.send(scene.draft(operation, asker).request(asker.role, asker.user))
    return answers


def _is_near(path: str, list_path: str) -> bool:
    return path.startswith(list_path) or path.rpartition("/")[0] == list_path.rpartition("/")[0]

"""Whether lists and summaries keep to the caller's own objects: judged by the objects, and by what another's write moves."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.model.finding import Finding, Observation, Request
from harness.probes.access.cells import Examined
from harness.probes.access.expansions import expanded_reads
from harness.probes.access.reads import Stage
from harness.probes.access.totals import counts_strange
from harness.probes.access.wording import STAGE, Moves, list_shows_another, moves_with_another
from harness.probes.access.writes import write_as_owner
from harness.probes.http.answers import Answer
from harness.probes.http.oracle import changes, excerpt, leaves, unstable
from harness.probes.http.paging import is_paging
from harness.probes.openapi.jsonpath import find
from harness.probes.openapi.operations import Operation
from harness.probes.openapi.schemas import JsonSchema, SchemaError
from harness.probes.scene.objects import Holdings
from harness.probes.scene.scene import Asker, Scene, Untestable

OBJECTS_COMPARED_MAX = 5
_MEMBERS_MIN = 4
_NODES_MAX = 20_000
VALUES_MAX = 3  # of one parameter
CODES_MAX = 2
FILTERS_MAX = 16  # requests with a filter, of one list
_TEXTS_MAX = 20
_WORD = re.compile(r"[A-Za-z]{4,20}")
_CODE = re.compile(r"(?=.*[A-Za-z])(?=.*\d)[\w./-]{4,30}")
_SECRET = re.compile(r"token|secret|key|passw|pin$|otp", re.I)  # is not put into an address, where a log keeps it
_MOMENT = re.compile(r"\d{4}-\d\d")
_NAMING = re.compile(r"(^|[._])(\w*name|title|subject|description|label|note|text)$", re.I)


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
    return [operation for operation in _without_id(scene, role) if not _needed(operation)]


def _without_id(scene: Scene, role: str) -> list[Operation]:
    found = scene.world.target.role(role)
    return [
        operation
        for operation in scene.document.operations
        if operation.method == "GET"
        and "{" not in operation.path
        and scene.permissions.of(operation, found).permitted is not False
    ]


def _needed(operation: Operation) -> frozenset[str]:
    """The parameters that a request must have in its query."""
    return frozenset(parameter.name for parameter in operation.placed("query") if parameter.required)


def examine_summaries(scene: Scene, stage: Stage) -> Iterator[Examined]:
    """Whether anything that a peer may read without an id shows an object that the peer is refused when it names it.

    Asked for as it is, and by each of its filters: a search may forget whose the objects are where the plain list does not.
    """
    peer, watch = stage.peer, _Watch.of(scene, stage)
    if peer is None:
        return
    for operation in _without_id(scene, peer.role):
        needed = _needed(operation)
        filters = [asked for asked in _filters(scene, operation, stage) if not needed or needed & asked.keys()][:FILTERS_MAX]
        for asked in filters if needed else ({}, *filters):
            try:
                request = scene.finder.list_request(operation.path, peer.role, peer.user, asked)
            except SchemaError:
                break
            answer = scene.world.send(request)
            finding = watch.strange(operation, request, answer)
            finding = finding or counts_strange(scene, operation, stage, request, answer)
            if finding is not None:
                yield Examined(operation, findings=(replace(finding, parameter=next(iter(asked), "")),))
                break
    yield from _beside_ones_own(scene, watch, peer)


def _beside_ones_own(scene: Scene, watch: _Watch, peer: Asker) -> Iterator[Examined]:
    """Whether what is shown beside an object of the peer's own is another's: said once for each operation."""
    said: set[str] = set()
    for operation, request in expanded_reads(scene, peer):
        if operation.name not in said and (finding := watch.strange(operation, request, scene.world.send(request))):
            said.add(operation.name)
            yield Examined(operation, findings=(finding,))


@dataclass(frozen=True)
class _Watch:
    """Looks into answers for objects of a stage's kind; what looks more like another kind's is none of them."""

    scene: Scene
    stage: Stage
    form: _Form
    others: tuple[_Form, ...]

    @classmethod
    def of(cls, scene: Scene, stage: Stage) -> _Watch:
        kinds = (kind for kind in scene.kinds if kind.list_path != stage.holdings.kind.list_path)
        return cls(scene, stage, _form(stage.holdings), tuple(_form(scene.holdings(kind)) for kind in kinds))

    def strange(self, operation: Operation, request: Request, answer: Answer) -> Finding | None:
        """What the peer is shown though it is refused when it asks for it by its id."""
        peer = self.stage.peer
        if peer is None:
            return None
        mine, id_member = set(self.stage.holdings.own.get(peer.user, ())), self.form.id_member
        found = (node[id_member] for node in _mappings(answer.json) if self._is_of_the_kind(node))
        shown = dict.fromkeys(each for each in found if isinstance(each, int | str) and each not in mine)
        refused = [each for each in list(shown)[:OBJECTS_COMPARED_MAX] if _is_refused(self.scene, self.stage, each)]
        if not refused:
            return None
        what = f"the {self.stage.holdings.kind.name} {refused[0]}, which it is refused when it asks for it by its id"
        text = excerpt(answer, refused[0], id_member) or str(refused[0])
        return list_shows_another(operation, peer, Asker(peer.role), what, answer, text, (request,))

    def _is_of_the_kind(self, node: Mapping[str, Any]) -> bool:
        likeness = self.form.likeness(node)
        return self.form.fits(node) and not any(other.likeness(node) > likeness for other in self.others)


def _filters(scene: Scene, operation: Operation, stage: Stage) -> Iterator[dict[str, Any]]:
    """One parameter at a time: words of the owner's objects where it takes any text, else some of its values.

    Of a number the bounds: what is at least the most, or at most the least, is little, and is shown to its end.
    """
    words = [*_words(stage), *_codes(stage)]
    made: list[dict[str, Any]] = []
    for parameter in operation.placed("query"):
        try:
            schema = _not_null(scene, parameter.schema)
        except SchemaError:
            continue
        if isinstance(schema.get("enum"), list):
            values: list[Any] = schema["enum"][:VALUES_MAX]
        elif schema.get("type") == "boolean":
            values = [True, False]
        elif schema.get("type") in ("integer", "number"):
            bounds = (schema.get("maximum"), schema.get("minimum"))
            values = [bound for bound in bounds if type(bound) in (int, float) and not is_paging(parameter.name)]
        else:
            values = words if schema.get("type") == "string" and "format" not in schema else []
        made += [{parameter.name: value} for value in values]
    return iter(made)


def _not_null(scene: Scene, schema: JsonSchema) -> JsonSchema:
    """The schema of a parameter, where it has alternatives (`anyOf` with null) the first that takes a value.

    Raises:
        SchemaError: it refers to nothing.
    """
    resolved = scene.document.schemas.resolve(schema)
    choices = [scene.document.schemas.resolve(each) for each in resolved.get("anyOf", ()) if isinstance(each, Mapping)]
    return next((each for each in choices if each.get("type") != "null"), resolved)


def _texts(stage: Stage) -> list[tuple[str, str]]:
    """The texts of the owner's first objects, each with its member."""
    items, _, id_member = stage.holdings.kind.id_path.rpartition(".")
    own = set(stage.holdings.own.get(stage.owner.user, ()))
    lists = [listed for listed in stage.holdings.lists if listed.user == stage.owner.user]
    nodes = [node for each in lists for node in find(each.answer.json, items) if isinstance(node, Mapping)]
    mine = (node for node in nodes if node.get(id_member) in own)
    return [(path, value) for node in mine for path, value in leaves(node) if isinstance(value, str)][:_TEXTS_MAX]


def _codes(stage: Stage) -> list[str]:
    """References of the owner's first object that has some (`FC-2041`), one of each member: a search may look for them apart."""
    codes = {
        path: value
        for path, value in reversed(_texts(stage))
        if _CODE.fullmatch(value) and not _MOMENT.match(value) and not _NAMING.search(path) and not _SECRET.search(path)
    }
    return list(codes.values())[:CODES_MAX]


def _words(stage: Stage) -> list[str]:
    """Words of texts of the owner's first objects: what a search for one of them would ask.

    Those of names and descriptions come first, among them the rarest: a search seldom looks into what else is shown.
    """
    texts = [(bool(_NAMING.search(path)), value) for path, value in _texts(stage)]
    words = Counter(word for _, text in texts for word in _WORD.findall(text))
    naming = {word for is_naming, text in texts if is_naming for word in _WORD.findall(text)}
    return sorted(words, key=lambda word: (word not in naming, words[word], -len(word)))[:VALUES_MAX]


@dataclass(frozen=True)
class _Form:
    """How an object of the kind looks: the members that all of them have, and which one is the id."""

    members: frozenset[str]
    id_member: str

    def fits(self, node: Mapping[str, Any]) -> bool:
        """Whether a mapping looks like one: it has the id and nearly all of the members."""
        return self.id_member in node and len(self.members & node.keys()) >= max(_MEMBERS_MIN, 0.8 * len(self.members))

    def likeness(self, node: Mapping[str, Any]) -> float:
        """The share of members that both have: of kinds that look alike a mapping is of the one that it is most like."""
        return len(self.members & node.keys()) / max(1, len(self.members | node.keys()))


def _form(holdings: Holdings) -> _Form:
    items, _, id_member = holdings.kind.id_path.rpartition(".")
    nodes = [node for listed in holdings.lists for node in find(listed.answer.json, items) if isinstance(node, Mapping)]
    shared = frozenset.intersection(*(frozenset(node) for node in nodes)) if nodes else frozenset()
    return _Form(shared, id_member)


def _is_refused(scene: Scene, stage: Stage, identity: Any) -> bool:
    """Whether the peer is refused the object by every operation that shows a single one."""
    if stage.peer is None or not scene.looks.readers(stage.reference):
        return False
    answers = scene.looks.at(stage.reference, identity, stage.peer).values()
    return all(answer.status in (401, 403, 404) for answer in answers)


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
    path, list_path = path.rstrip("/"), list_path.rstrip("/")
    return path.startswith(list_path) or path.rpartition("/")[0] == list_path.rpartition("/")[0]

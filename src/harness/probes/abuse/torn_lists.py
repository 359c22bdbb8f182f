"""Lists that are read page by page: every row stands on one page, and on no second one.

The same list is read as one long page and in short ones. Only what is at rest is judged: the long page is the same before and
after, and a second walk loses or repeats rows as well.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from harness.model.errors import HarnessError
from harness.model.finding import Finding, Request, Severity, Symptom
from harness.model.weakness import Place, Weakness
from harness.probes.checks import Report, finding_of
from harness.probes.http.answers import Answer
from harness.probes.http.drafts import Draft
from harness.probes.http.paging import Paging, next_cursor, paging_of
from harness.probes.openapi.jsonpath import find
from harness.probes.openapi.operations import Operation
from harness.probes.openapi.schemas import JsonSchema, SchemaError
from harness.probes.scene.objects import id_path_in
from harness.probes.scene.path_ids import collection_of
from harness.probes.scene.scene import Asker, Scene, Untestable

LONG, SHORT = 100, 5  # items of a long page, and of a short one; twice as many where a long one does not hold all
PAGES_MAX = 61  # of one walk
ORDERS_MAX = 3  # of one list beside its own, those in which most rows have equals
_TOLD_MAX = 3
_SORT = re.compile(r"^(sort|order|sort_?by|order_?by|sorting|ordering)$", re.I)
_WEAKNESS = Weakness(
    "lists.torn-pages",
    Severity.MEDIUM,
    682,
    "",
    "Read page by page, a list shows every row once.",
    "Whoever reads the list to its end acts on some rows twice, or never learns of them; no answer tells so.",
    "Order by something that no two rows share: make the id the last column, in a cursor's comparison too.",
)


@dataclass(frozen=True)
class _Page:
    """One page: what was asked, what came, and the ids on it. `number` counts from 1, 0 is the long one."""

    number: int
    request: Request
    answer: Answer
    ids: list[Any]


@dataclass(frozen=True)
class _Walk:
    """Pages in turn. `whole`: up to the end of the list."""

    pages: list[_Page]
    whole: bool

    @property
    def ids(self) -> list[Any]:
        """All of them, in order."""
        return [identity for page in self.pages for identity in page.ids]

    def of(self, identity: Any) -> list[_Page]:
        """The pages that show an id."""
        return [page for page in self.pages if identity in page.ids]


class _NotWalkable(Exception):
    """Why a list cannot be read page by page."""


@dataclass(frozen=True)
class _List:
    """One list in one order, as somebody asks for it."""

    scene: Scene
    paging: Paging
    draft: Draft
    asker: Asker
    id_path: str
    short: int = SHORT

    def page(self, length: int, place: Any = None, number: int = 0) -> _Page:
        """One page.

        Raises:
            _NotWalkable: it was refused.
        """
        draft, wanted = self.draft, self.paging.length(length)
        if self.paging.size is not None:
            draft = draft.with_value(self.paging.size, wanted)
        if place is not None:
            draft = draft.with_value(self.paging.place, place)
        request = draft.request(self.asker.role, self.asker.user)
        answer = self.scene.ask(request)
        if not answer.is_success:
            raise _NotWalkable(f"{request.path} was answered {answer.status}")
        return _Page(number, request, answer, find(answer.json, self.id_path))

    def walk(self) -> _Walk:
        """The list in short pages, from its beginning.

        Raises:
            _NotWalkable: a page was refused, or where the next one begins is not what it was taken for.
        """
        pages = [self.page(self.short, number=1)]
        for place in self._places(pages):
            try:
                page = self.page(self.short, place, len(pages) + 1)
            except _NotWalkable:
                if 0 < len(pages[-1].ids) < len(pages[0].ids):  # behind a last page that is not full some answer 404
                    break
                raise
            if page.ids and page.ids == pages[-1].ids:
                raise _NotWalkable(f"{self.paging.place.name}={place} gives the page before once more")
            pages.append(page)
            if not page.ids:
                break
            if len(pages) == PAGES_MAX:
                return _Walk(pages, whole=False)
        return _Walk(pages, whole=True)

    def _places(self, pages: list[_Page]) -> Iterator[Any]:
        """Where the second page begins, and each one after the last of those that were read meanwhile.

        Raises:
            _NotWalkable: nothing tells.
        """
        first = self._first(pages[0]) if self.paging.form == "number" else 0
        length = self.paging.length(self.short)
        step = max(length, len(pages[0].ids))  # a page may be longer than was asked for
        while pages[-1].ids:
            last = pages[-1]
            if self.paging.form == "cursor":
                cursor = next_cursor(last.answer, self.paging.place.name)
                if cursor is None and len(pages) == 1 and len(last.ids) >= length:
                    raise _NotWalkable("nothing in its answer tells where the second page begins")
                if cursor is None:
                    return
                yield cursor
            elif self.paging.form == "last-id":
                yield last.ids[-1]
            else:
                yield first + len(pages) if self.paging.form == "number" else step * len(pages)

    def _first(self, page: _Page) -> int:
        """The number of the first page: that under which it is given once more."""
        for number in (1, 0):
            try:
                if self.page(self.short, number).ids == page.ids:
                    return number
            except _NotWalkable:
                continue
        raise _NotWalkable(f"neither {self.paging.place.name}=1 nor 0 is the page that is given without it")


@dataclass(frozen=True)
class _Torn:
    """What a walk lost of the long page, and what it showed twice."""

    lost: list[Any]
    repeated: list[Any]

    def __bool__(self) -> bool:
        return bool(self.lost or self.repeated)


def torn(long: list[Any], walked: list[Any], *, whole: bool) -> _Torn:
    """Compares a long page with a walk. Where that did not reach the end and keeps another order, nothing is called lost.

    Args:
        long: ids in the order of the long page.
        walked: ids in the order of the short ones.
        whole: whether the walk reached the end of the list.
    """
    repeated = [identity for identity, times in Counter(walked).items() if times > 1]
    rank = {identity: number for number, identity in enumerate(long)}
    ranks = [rank[identity] for identity in walked if identity in rank]
    in_order = all(earlier < later for earlier, later in pairwise(ranks))
    end = len(long) if whole else max(ranks, default=-1) + 1 if in_order else 0
    return _Torn([identity for identity in long[:end] if identity not in set(walked)], repeated)


def examine_torn_lists(scene: Scene) -> Report:
    """Every list that is read in pages, in its own order and in others in which rows are equal."""
    report = Report("torn lists")
    for operation in scene.document.operations:
        paging = paging_of(operation) if operation.method == "GET" else None
        if paging is None:
            continue
        try:
            found = _examine(scene, operation, paging, report)
            report.findings.extend([found] if found else ())
        except (Untestable, HarnessError, SchemaError, _NotWalkable) as error:
            if not scene.world.door.alive():
                raise
            report.leave_out(operation.name, error)
    report.note = "" if report.tried or report.untried else "no list is read in pages"
    return report


def _examine(scene: Scene, operation: Operation, paging: Paging, report: Report) -> Finding | None:
    listed = _longest(scene, operation, paging)
    if listed is None:
        return None
    orders = _orders(listed)
    report.tried += 1
    for order in ({}, *orders):
        draft = listed.draft
        for parameter in operation.placed("query"):
            draft = draft.with_value(parameter, order[parameter.name]) if parameter.name in order else draft
        try:
            if found := _judged(replace(listed, draft=draft), order):
                return found
        except _NotWalkable:
            if not order:
                raise
    return None


def _longest(scene: Scene, operation: Operation, paging: Paging) -> _List | None:
    """The list as that of its callers who is shown most of it; None where nobody is shown more than one page.

    Raises:
        Untestable: a value is missing that nothing tells.
        _NotWalkable: everybody was refused.
    """
    refusal: _NotWalkable | None = None
    most: tuple[int, _List | None] = (paging.length(SHORT), None)
    for asker in scene.callers(operation):
        unread = _List(scene, paging, scene.draft(operation, asker), asker, "$")
        try:
            page = unread.page(LONG)
        except _NotWalkable as error:
            refusal = error
            continue
        path = id_path_in(page.answer.json, collection_of(operation.path + "/{id}", "id").rsplit("/", 1)[-1])
        shown = len(set(find(page.answer.json, path))) if path else 0
        if shown > most[0]:
            short = SHORT if shown < paging.length(LONG) else 2 * SHORT
            most = shown, _List(scene, paging, unread.draft, asker, path, short)
    if most[1] is None and refusal is not None:
        raise refusal
    return most[1]


def _judged(listed: _List, order: Mapping[str, Any]) -> Finding | None:
    """A finding where two walks in a row are torn while the long page stays as it is."""
    before = listed.page(LONG)
    if len(set(before.ids)) < len(before.ids):
        return None  # what stands in the place of an id is none
    walks = []
    for _ in range(2):
        walk = listed.walk()
        broken = torn(before.ids, walk.ids, whole=walk.whole)
        if not broken or listed.page(LONG).ids != before.ids:
            return None
        walks.append((walk, broken))
    return _finding(listed, before, *walks[-1], order)


def _finding(listed: _List, long: _Page, walk: _Walk, broken: _Torn, order: Mapping[str, Any]) -> Finding:
    operation, length = listed.draft.operation, listed.paging.length(listed.short)
    rows = "rows" if len(broken.lost or broken.repeated) > 1 else "row"
    does = f"loses {len(broken.lost)} {rows}" if broken.lost else f"shows {len(broken.repeated)} {rows} twice"
    by = "".join(f", {name}={value}" for name, value in order.items())
    told = [f"not on any: {_some(broken.lost)}"] if broken.lost else []
    told += [f"on two: {_some(broken.repeated)}"] if broken.repeated else []
    observed = (
        f"As {listed.asker.title}{by}: one page shows {len(long.ids)} rows; on {len(walk.pages)} pages"
        f"{f' of {length}' if length else ''} there are {len(set(walk.ids))} different ones ({'; '.join(told)}). "
        "So it was twice in a row, and the long page was the same before and after."
    )
    title = f"{operation.name} {does} when it is read page by page"
    place = Place(operation.name, listed.paging.place.name, listed.asker.role)
    steps = (long.request, *(page.request for page in _seam(long, walk, broken)))
    return finding_of(_WEAKNESS, place, title, observed, steps, Symptom())


def _some(ids: list[Any]) -> str:
    return ", ".join(map(str, ids[:_TOLD_MAX])) + (" …" if len(ids) > _TOLD_MAX else "")


def _seam(long: _Page, walk: _Walk, broken: _Torn) -> list[_Page]:
    """The two pages between which the first row is lost, or both that show it."""
    if not broken.lost:
        return walk.of(broken.repeated[0])[:2]
    ahead = [page for identity in long.ids[: long.ids.index(broken.lost[0])] for page in walk.of(identity)]
    last = ahead[-1].number if ahead else 1
    return walk.pages[last - 1 : last + 1]


def _orders(listed: _List) -> list[dict[str, Any]]:
    """Other orders of the list: by what rows share, where a parameter sorts by it."""
    rows = [row for row in find(listed.page(LONG).answer.json, listed.id_path.rpartition(".")[0]) if isinstance(row, Mapping)]
    found: list[tuple[int, dict[str, Any]]] = []
    for parameter in listed.draft.operation.placed("query"):
        if _SORT.match(parameter.name):
            values = _sorts(listed.scene.document.schemas.resolve(parameter.schema), rows)
            found += [(_equals(rows, value), {parameter.name: value}) for value in values]
    shared = [each for each in found if each[0]]
    return [order for _, order in sorted(shared, key=lambda each: -each[0])[:ORDERS_MAX]]


def _sorts(schema: JsonSchema, rows: list[Mapping[str, Any]]) -> list[str]:
    """The orders that a parameter names; where it takes any text, the names of the rows' members."""
    schemas = (schema, *(each for each in schema.get("anyOf", ()) if isinstance(each, Mapping)))
    listed = [value for each in schemas for value in each.get("enum", ()) if isinstance(value, str)]
    return listed or [name for name in (rows[0] if rows else {}) if isinstance(name, str)]


def _equals(rows: list[Mapping[str, Any]], order: str) -> int:
    """How many rows have the same value as another one in the member that an order names (`-created_at`, `createdAt:desc`)."""
    name = re.sub(r"^[-+]|[:_ .]?(asc|desc)(ending)?$", "", order, flags=re.I)
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    member = next((each for each in (rows[0] if rows else {}) if re.sub(r"[^a-z0-9]", "", each.lower()) == plain), None)
    values = Counter(str(row.get(member)) for row in rows) if member is not None else Counter[str]()
    return sum(times for times in values.values() if times > 1)

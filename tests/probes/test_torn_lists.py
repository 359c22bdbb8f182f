"""Lists that are read page by page, on a platform whose rows share the value that they are sorted by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from harness.model.target import Allow, Environment, Target
from harness.probes.abuse.torn_lists import examine_torn_lists, torn
from harness.probes.again import examined_twice, in_scene
from harness.probes.checks import Report
from harness.probes.http.answers import Answer
from harness.probes.http.paging import next_cursor, paging_of
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import Operation, Parameter
from harness.targets.live import LiveTarget
from tests.probes.servers.small_http import Asked, Given, served

ROWS = [{"id": 100 - number, "day": f"2031-01-0{1 + number // 6}", "title": f"Row {number}"} for number in range(23)]
TARGET = Target("rows", "Rows", Environment.LOCAL, Path(), ("127.0.0.1",), Allow(), (), health_path="/health")
SIZE = {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}}


def document(place: str, schema: dict[str, Any], *more: dict[str, Any]) -> Document:
    parameters = [SIZE, {"name": place, "in": "query", "schema": schema}, *more]
    operation = {"parameters": parameters, "responses": {"200": {"description": "rows"}}}
    return Document.of({"openapi": "3.1.0", "info": {"title": "Rows", "version": "1"}, "paths": {"/rows": {"get": operation}}})


@dataclass
class Rows:
    """Gives a platform that answers for `/rows` as `page(query, limit)` does."""

    page: Callable[[dict[str, str], int], Any]
    isolated: bool = True
    asked: Iterator[int] = field(default_factory=count)

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        assert label
        with served(TARGET, self._answer) as live:
            yield live

    def _answer(self, asked: Asked) -> Given:
        if asked.path != "/rows":
            return Given(200, "ok")
        body = self.page(dict(asked.query), int(asked.query.get("limit", "20")))
        return body if isinstance(body, Given) else Given(200, body)


def seen(of: Document, page: Callable[[dict[str, str], int], Any]) -> Report:
    return examined_twice(Rows(page), "rows", in_scene(of, 1, examine_torn_lists))


def by_offset(query: dict[str, str], limit: int) -> Any:
    start = int(query.get("offset", "0"))
    return {"rows": ROWS[start : start + limit], "total": len(ROWS)}


def by_offset_unsteadily(query: dict[str, str], limit: int) -> Any:
    """Equal days stand in another order on every other page, as a database's sort of a few first rows leaves them."""
    start = int(query.get("offset", "0"))
    turned = sorted(ROWS, key=lambda row: (row["day"], row["id"] if start // max(limit, 1) % 2 else -int(str(row["id"]))))
    return {"rows": turned[start : start + limit]}


def by_offset_sorted(query: dict[str, str], limit: int) -> Any:
    return by_offset_unsteadily(query, limit) if query.get("sort") == "day" else by_offset(query, limit)


def by_number(first: int) -> Callable[[dict[str, str], int], Any]:
    def page(query: dict[str, str], limit: int) -> Any:
        start = (int(query.get("page", str(first))) - first) * limit
        return {"rows": ROWS[start : start + limit], "page": int(query.get("page", str(first)))} if start >= 0 else Given(400, {})

    return page


def by_cursor(key: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, str], int], Any]:
    """The cursor is the key of the last row, and the next page begins with the first row whose key is greater."""
    ordered = sorted(ROWS, key=lambda row: (row["day"], row["id"]))

    def page(query: dict[str, str], limit: int) -> Any:
        rest = [row for row in ordered if "cursor" not in query or str(key(row)) > query["cursor"]]
        return {"rows": rest[:limit], "next_cursor": str(key(rest[limit - 1])) if len(rest) > limit else None}

    return page


WHOLE, TEXT = {"type": "integer"}, {"type": "string"}
SORT = {"name": "sort", "in": "query", "schema": {"type": "string", "enum": ["title", "day", "-day"]}}


@pytest.mark.parametrize(
    ("of", "page"),
    [
        (document("offset", WHOLE), by_offset),
        (document("page", WHOLE), by_number(1)),
        (document("page", WHOLE), by_number(0)),
        (document("cursor", TEXT), by_cursor(lambda row: f"{row['day']} {row['id']:03}")),
    ],
    ids=["offset", "numbered from 1", "numbered from 0", "cursor"],
)
def test_pages_that_hold_every_row_once_give_no_finding(of: Document, page: Callable[[dict[str, str], int], Any]) -> None:
    report = seen(of, page)
    assert (report.tried, report.findings, report.untried) == (1, [], [])


def test_a_cursor_that_compares_what_rows_share_loses_rows() -> None:
    report = seen(document("cursor", TEXT), by_cursor(lambda row: row["day"]))
    (finding,) = report.findings
    assert (finding.rule, finding.parameter) == ("lists.torn-pages", "cursor")
    assert finding.title == "GET /rows loses 3 rows when it is read page by page"
    assert "one page shows 23 rows" in finding.observed
    assert len(finding.steps) == 3


def test_an_order_that_rows_share_shows_some_of_them_twice() -> None:
    (finding,) = seen(document("offset", WHOLE), by_offset_unsteadily).findings
    assert "on two: " in finding.observed
    assert "not on any: " in finding.observed


def test_an_order_is_asked_for_where_rows_are_equal_in_it() -> None:
    report = seen(document("offset", WHOLE, SORT), by_offset_sorted)
    assert [("sort=day" in finding.observed) for finding in report.findings] == [True]
    assert seen(document("offset", WHOLE), by_offset_sorted).findings == []


def test_a_row_that_comes_again_far_behind_the_first_page_is_found() -> None:
    def page(query: dict[str, str], limit: int) -> Any:
        start = int(query.get("offset", "0"))
        shown = [{"id": number if number != 250 else 249} for number in range(420)]  # 250 is lost, 249 comes twice
        return {"rows": shown[start : start + limit]}

    (finding,) = seen(document("offset", WHOLE), page).findings
    assert "one page shows 100 rows" in finding.observed
    assert "on two: 249" in finding.observed


def test_a_list_that_moves_is_not_judged() -> None:
    turns = count()

    def moving(query: dict[str, str], limit: int) -> Any:
        start, turn = int(query.get("offset", "0")), next(turns)
        return {"rows": [{"id": row["id"] + turn} for row in ROWS[start : start + limit]]}  # type: ignore[operator]

    assert seen(document("offset", WHOLE), moving).findings == []


def test_a_place_that_is_not_heeded_is_left_out() -> None:
    report = seen(document("offset", WHOLE), lambda _query, limit: {"rows": ROWS[:limit]})
    assert (report.findings, report.untried) == ([], ["GET /rows: offset=5 gives the page before once more"])


def test_a_cursor_that_no_answer_names_is_left_out() -> None:
    report = seen(document("cursor", TEXT), lambda _query, limit: {"rows": ROWS[:limit], "beyond": "zq"})
    assert (report.findings, report.untried) == (
        [],
        ["GET /rows: nothing in its answer tells where the second page begins"],
    )


def test_pages_that_are_longer_than_asked_for_are_no_repetition() -> None:
    assert seen(document("offset", WHOLE), lambda query, _limit: by_offset(query, 8)).findings == []


def test_a_page_behind_the_last_one_may_be_refused() -> None:
    def page(query: dict[str, str], limit: int) -> Any:
        shown = by_number(1)(query, limit)
        return shown if shown["rows"] else Given(404, {})

    report = seen(document("page", WHOLE), page)
    assert (report.tried, report.findings, report.untried) == (1, [], [])


def test_a_list_of_one_page_has_nothing_to_try() -> None:
    report = seen(document("offset", WHOLE), lambda _query, _limit: {"rows": ROWS[:3]})
    assert (report.tried, report.findings) == (0, [])


def test_an_unfinished_walk_in_another_order_loses_nothing() -> None:
    assert not torn([1, 2, 3, 4, 5, 6], [2, 1, 5], whole=False)
    assert torn([1, 2, 3, 4, 5, 6], [1, 2, 5], whole=False).lost == [3, 4]
    assert torn([1, 2, 3], [3, 1], whole=True).lost == [2]
    assert torn([], [7, 8, 7], whole=True).repeated == [7]


@pytest.mark.parametrize(
    ("body", "header", "cursor"),
    [
        (b'{"next_cursor": "abc", "items": [{"next": "no"}]}', "", "abc"),
        (b'{"page": {"endCursor": "abc"}}', "", "abc"),
        (b'{"links": {"next": "/rows?limit=5&cursor=ab%2Bc"}}', "", "ab+c"),
        (b"[]", '</rows?cursor=first>; rel="prev", </rows?cursor=abc>; rel="next"', "abc"),
        (b'{"next": null}', "", None),
        (b'{"cursor": 12}', "", "12"),
    ],
)
def test_the_next_page_is_found_where_answers_name_it(body: bytes, header: str, cursor: str | None) -> None:
    headers = (("Link", header),) if header else ()
    assert next_cursor(Answer(200, headers, body), "cursor") == cursor


@pytest.mark.parametrize(
    ("name", "schema", "form"),
    [
        ("page", WHOLE, "number"),
        ("page", TEXT, "cursor"),
        ("page[number]", WHOLE, "number"),
        ("offset", {"anyOf": [WHOLE, {"type": "null"}]}, "offset"),
        ("starting_after", TEXT, "last-id"),
        ("pageToken", TEXT, "cursor"),
        ("status", TEXT, None),
        ("after", {"type": "string", "format": "date"}, None),
        ("since_id", WHOLE, None),
    ],
)
def test_a_parameter_is_known_as_the_place_of_a_page(name: str, schema: dict[str, Any], form: str | None) -> None:
    paging = paging_of(Operation("GET", "/rows", parameters=(Parameter(name, "query", False, schema),)))
    assert (paging.form if paging else None) == form

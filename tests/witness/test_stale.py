"""Which members of an answer show an old value of a row."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.probes.access.row_changes import Rows
from harness.probes.http.answers import Answer
from harness.witness.stale import moved_columns, old_members

READER, PLACE = "GET /orders/{id}", ("orders", "7")


def answer(body: Any, *headers: tuple[str, str]) -> dict[str, Answer]:
    return {READER: Answer(200, headers, json.dumps(body).encode())}


def rows(**columns: Any) -> Rows:
    return Rows({PLACE: columns}, frozenset({PLACE}))


def old(before: Any, after: Any, *headers: tuple[str, str], first: str = "new") -> list[str]:
    moved = moved_columns(rows(status="open", id=7), rows(status="paid", id=7), {"status": first, "id": 7})
    return [each.member for each in old_members(answer(before), answer(after, *headers), moved)]


@pytest.mark.parametrize(
    ("before", "after", "members"),
    [
        ({"status": "open"}, {"status": "open"}, ["status"]),
        ({"order": {"status": "open"}}, {"order": {"status": "open"}}, ["order.status"]),
        ({"status": "new"}, {"status": "new"}, ["status"]),  # as old as the first read
        ({"status": "open"}, {"status": "paid"}, []),
        ({"status": "active"}, {"status": "active"}, []),  # another thing of that name
        ({"status": "open", "customer": {"status": "open"}}, {"status": "paid", "customer": {"status": "open"}}, []),
        ({"lines": [{"status": "open"}]}, {"lines": [{"status": "open"}]}, []),
    ],
)
def test_a_member_is_old_where_the_one_of_a_columns_name_stays(before: Any, after: Any, members: list[str]) -> None:
    assert old(before, after) == members


def test_an_answer_that_may_be_kept_is_not_old() -> None:
    assert old({"status": "open"}, {"status": "open"}, ("Cache-Control", "private, max-age=30")) == []
    assert old({"status": "open"}, {"status": "open"}, ("Cache-Control", "no-store")) == ["status"]

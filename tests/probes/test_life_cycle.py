"""Objects of each state are met soon, whatever the list's order."""

from __future__ import annotations

import pytest

from harness.probes.scene.life_cycle import ids_by_state


def rows(*states: str) -> list[dict[str, object]]:
    return [{"id": number, "status": state} for number, state in enumerate(states, start=1)]


def test_one_of_each_state_comes_before_the_second_of_any() -> None:
    listed = {"content": rows("new", "new", "new", "done", "lost", "done")}
    assert ids_by_state(listed, "$.content[*].id") == (1, 4, 5, 2, 6, 3)


@pytest.mark.parametrize(
    ("data", "path", "ids"),
    [
        ([{"id": 3}, {"id": 1}, {"id": 3}], "$[*].id", (3, 1)),
        ({"id": 7, "status": "new"}, "$.id", (7,)),
        ({"ids": ["b", "a"]}, "$.ids[*]", ("b", "a")),
        ([{"id": 1, "orderStatus": "x"}, {"id": 2, "orderStatus": "x"}, {"id": 3, "orderStatus": "y"}], "$[*].id", (1, 3, 2)),
        ([{"id": 1, "statement": "x"}, {"id": 2, "statement": "x"}, {"id": 3, "statement": "y"}], "$[*].id", (1, 2, 3)),
        ([{"id": {"a": 1}}, {"id": None}, "text", {"id": 4, "status": ["new"]}], "$[*].id", (4,)),
        ({}, "$.content[*].id", ()),
    ],
)
def test_without_states_the_order_of_the_list_is_kept_and_what_is_no_id_is_left_out(
    data: object, path: str, ids: tuple[object, ...]
) -> None:
    assert ids_by_state(data, path) == ids

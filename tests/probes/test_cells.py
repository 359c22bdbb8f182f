"""What makes a refusal mean something."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.model.evidence import Cell, Whose
from harness.probes.access.cells import Examined, tried, with_lent_twins
from harness.probes.openapi.operations import Operation
from harness.probes.scene.scene import Asker

ASSIGN = Operation("POST", "/trips/{id}/assign")
CUSTOMER, DISPATCHER = Asker("customer", "ann"), Asker("dispatcher", "dan")


def refused(asker: Asker, status: int, twin: str = "") -> Cell:
    return replace(tried(ASSIGN, asker, Whose.ANOTHER, False, False, status), twin=twin)


DONE = Examined(ASSIGN, (tried(ASSIGN, DISPATCHER, Whose.OWN, True, True, 200),))


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_refused_for_who_it_is_has_a_twin_in_whoever_did_it_with_other_objects(status: int) -> None:
    alone, other = with_lent_twins([Examined(ASSIGN, (refused(CUSTOMER, status),)), DONE])
    assert alone.cells[0].twin == other.cells[0].name


@pytest.mark.parametrize("status", [404, 409])
def test_the_object_may_be_why(status: int) -> None:
    alone, _ = with_lent_twins([Examined(ASSIGN, (refused(CUSTOMER, status),)), DONE])
    assert alone.cells[0].twin == ""


def test_unless_the_same_was_refused_in_the_same_way_where_a_twin_succeeded() -> None:
    proved = Examined(ASSIGN, (*DONE.cells, refused(CUSTOMER, 404, twin="dispatcher own")))
    alone, other = with_lent_twins([Examined(ASSIGN, (refused(CUSTOMER, 404), refused(CUSTOMER, 409))), proved])
    assert [bool(cell.twin) for cell in alone.cells] == [True, False]
    assert other.cells[1].twin == "dispatcher own"


def test_where_nobody_succeeded_nothing_is_lent() -> None:
    (alone,) = with_lent_twins([Examined(ASSIGN, (refused(CUSTOMER, 403),))])
    assert alone.cells[0].twin == ""

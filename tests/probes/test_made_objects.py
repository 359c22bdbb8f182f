"""A finding about an object that the harness made can be shown again: it is made first, and named as it is then."""

from __future__ import annotations

import dataclasses

import pytest

from harness.model.finding import Confidence, Finding, Request, Severity
from harness.probes.again import with_makers, with_names

MAKER = Request("POST", "/orders", "customer", "two", body="{}", stands_for="17")
OPENER = Request("POST", "/orders/17/open", "customer", "two")
FINDING = Finding("a.rule", "It shows", Severity.HIGH, Confidence.HIGH, "authorization", ("probes",))


@pytest.mark.parametrize(
    ("path", "now"),
    [
        ("/orders/17", "/orders/99"),
        ("/orders/17/lines?page=17", "/orders/99/lines?page=99"),
        ("/orders/171", "/orders/171"),
        ("/v17/orders/7", "/v17/orders/7"),
        ("/orders?id=17&x=1", "/orders?id=99&x=1"),
    ],
)
def test_the_new_id_takes_the_old_ones_place_and_no_other(path: str, now: str) -> None:
    assert with_names(Request("GET", path), {"17": "99"}).path == now


def test_a_finding_begins_with_what_made_its_objects() -> None:
    read = Request("GET", "/orders/17", "customer", "one")
    finding = dataclasses.replace(FINDING, steps=(read,))
    assert with_makers(finding, {"17": (MAKER, OPENER), "18": (MAKER,)}).steps == (MAKER, OPENER, read)


def test_a_finding_about_what_was_there_stays_as_it_is() -> None:
    finding = dataclasses.replace(FINDING, steps=(Request("GET", "/orders/16"),))
    assert with_makers(finding, {"17": (MAKER,)}) == finding


def test_what_made_them_by_the_time_of_the_finding_is_not_added_to() -> None:
    finding = dataclasses.replace(FINDING, steps=(MAKER, Request("GET", "/orders/17", "customer", "one")))
    assert with_makers(finding, {"17": (MAKER, OPENER)}) == finding

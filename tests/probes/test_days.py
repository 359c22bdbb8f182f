"""The days that requests are filled with: ahead, near, and in the order that their names tell."""

from __future__ import annotations

from datetime import date
from random import Random

import pytest

from harness.probes.http import days
from harness.probes.http.days import YEAR_DAYS, day_for, some_day, windows
from harness.probes.http.values import Values
from harness.probes.openapi.schemas import Schemas

DATE, MOMENT = {"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}
TODAY = date(2026, 6, 15)


@pytest.fixture(autouse=True)
def _one_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of the tests may begin on one day and end on the next."""
    monkeypatch.setattr(days, "_today", lambda: TODAY)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("from", "to"),
        ("startsOn", "endsOn"),
        ("start_date", "end_date"),
        ("startdate", "enddate"),
        ("check_in", "check_out"),
        ("pickupAt", "returnAt"),
        ("validFrom", "validUntil"),
        ("date", "due_date"),
        ("after", "before"),
    ],
)
def test_what_ends_comes_behind_what_begins(first: str, then: str) -> None:
    body = {"type": "object", "properties": {first: DATE, then: DATE}, "required": [first, then]}
    for seed in range(20):
        made = Values(Schemas({}), seed).value(body, "POST /bookings body")
        assert TODAY < date.fromisoformat(made[first]) < date.fromisoformat(made[then])


def test_parameters_of_one_request_are_about_one_day() -> None:
    values = Values(Schemas({}), 1)
    begins, ends = (values.value(MOMENT, f"GET /free {name}", together="GET /free") for name in ("from", "to"))
    assert begins < ends
    assert begins[:7] <= ends[:7]


def test_a_read_asks_about_the_next_weeks() -> None:
    values = Values(Schemas({}), 1)
    begins, ends = (
        date.fromisoformat(values.value(DATE, f"GET /free {name}", together="GET /free", is_read=True)) for name in ("from", "to")
    )
    assert (begins - TODAY).days == 1
    assert (ends - begins).days == 13


def test_another_request_is_about_another_day() -> None:
    values = Values(Schemas({}), 1)
    assert len({values.value(DATE, f"POST /bookings body {salt} date") for salt in range(30)}) > 15


def test_the_windows_hold_everything_and_then_each_year_about_today() -> None:
    begins, ends = windows("departs_from"), windows("departs_until")
    assert (begins[0].year, ends[0].year) == (2000, 2099)
    assert begins[1] < TODAY < ends[1]
    assert {(end - begin).days for begin, end in zip(begins[1:], ends[1:], strict=True)} == {YEAR_DAYS}
    assert sorted(ends[1:])[:-1] == sorted(begins[1:])[1:]


@pytest.mark.parametrize("name", ["birth_date", "dateOfBirth", "dob", "hiredOn", "purchase_date", "incidentAt"])
def test_what_has_been_lies_behind(name: str) -> None:
    assert all(day_for(name, some_day(Random(seed)), Random(seed)) < TODAY for seed in range(20))


def test_days_that_are_changed_still_follow_each_other() -> None:
    body = {"type": "object", "properties": {"startsOn": DATE, "endsOn": DATE}, "required": ["startsOn", "endsOn"]}
    for seed in range(20):
        values = Values(Schemas({}), seed)
        made = values.value(body, "POST /bookings body")
        changed = values.unlike(body, "POST /bookings race 1", made, made)
        assert TODAY < date.fromisoformat(changed["startsOn"]) < date.fromisoformat(changed["endsOn"])
        assert changed != made

"""How values are read from text and JSON: one written form each."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tpe.infra.problems import BadRequestError, PreconditionFailedError, PreconditionRequiredError, UnsupportedMediaTypeError
from tpe.infra.routing import QUERY_ERRORS_MAX, refuse_other_media, refuse_query_names
from tpe.infra.schemas import VERSION_MAX, read_date, read_flag, read_integral, read_whole_number
from tpe.infra.versions import entity_tag, named_version
from tpe.leads.model import LeadChange, LeadStatus, Stage
from tpe.leads.schemas import NOTE_LENGTH_MAX, AddNoteRequest, ChangeLeadRequest


@given(st.integers(-(10**18), 10**18))
def test_whole_numbers_are_read_from_their_decimal_text(number: int) -> None:
    assert read_whole_number(str(number)) == number


@pytest.mark.parametrize("text", ["", " 1", "1 ", "+1", "01", "1_0", "1.0", "1e3", "0x1", "٣", "--1", "1" * 20, "null", "true"])
def test_other_texts_are_no_whole_numbers(text: str) -> None:
    with pytest.raises(ValueError, match="whole number"):
        read_whole_number(text)


@pytest.mark.parametrize(("text", "flag"), [("true", True), ("false", False)])
def test_flags_are_read(text: str, flag: bool) -> None:
    assert read_flag(text) is flag


@pytest.mark.parametrize("text", ["", "1", "0", "True", "yes", "on", "t"])
def test_other_texts_are_no_flags(text: str) -> None:
    with pytest.raises(ValueError, match="true or false"):
        read_flag(text)


def test_values_that_are_no_text_pass_the_readers() -> None:
    assert read_whole_number(3) == 3
    assert read_flag(value=True) is True
    assert read_date(None) is None
    assert read_date(date(2026, 1, 1)) == date(2026, 1, 1)


@given(st.dates())
def test_dates_are_read_from_their_iso_text(day: date) -> None:
    assert read_date(day.isoformat()) == day


@pytest.mark.parametrize("value", ["2026-02-30", "2026-1-1", "20260101", "2026-01-01T00:00:00", "01.01.2026", "", 0, 1.5, True])
def test_other_values_are_no_dates(value: Any) -> None:
    with pytest.raises(ValueError, match=r"YYYY-MM-DD|day|month"):
        read_date(value)


@pytest.mark.parametrize(("value", "read"), [(3.0, 3), (3, 3), (3.5, 3.5), ("3", "3"), (float("inf"), float("inf"))])
def test_an_integral_number_is_an_integer_however_it_is_written(value: object, read: object) -> None:
    found = read_integral(value)
    assert (found, type(found)) == (read, type(read))


def test_a_change_is_read_from_json() -> None:
    body = ChangeLeadRequest.model_validate(
        {"engagement_stage": "won", "status": "paused", "next_follow_up": "2026-02-03", "version": 4.0}
    )
    assert body.change() == LeadChange(Stage.WON, LeadStatus.PAUSED, set_follow_up=True, next_follow_up=date(2026, 2, 3))
    assert body.version == 4


def test_an_absent_follow_up_is_told_from_a_null_one() -> None:
    absent = ChangeLeadRequest.model_validate({"engagement_stage": "won"}).change()
    null = ChangeLeadRequest.model_validate({"engagement_stage": "won", "next_follow_up": None}).change()
    assert (absent.set_follow_up, null.set_follow_up, null.next_follow_up) == (False, True, None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"engagement_stage": "gone"},
        {"engagement_stage": 0},
        {"engagement_stage": "won", "extra": 1},
        {"engagement_stage": "won", "version": "1"},
        {"engagement_stage": "won", "version": True},
        {"engagement_stage": "won", "version": 0},
        {"engagement_stage": "won", "version": VERSION_MAX + 1},
        {"engagement_stage": "won", "version": 1.5},
        {"engagement_stage": "won", "next_follow_up": datetime(2026, 1, 1).isoformat()},
        {"engagement_stage": "won", "next_follow_up": 1},
        {"engagement_stage": "won", "status": "deleted"},
    ],
    ids=str,
)
def test_a_change_with_anything_else_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ChangeLeadRequest.model_validate(body)


@pytest.mark.parametrize("text", ["a", "n" * NOTE_LENGTH_MAX, "two\nlines\t", "<b>ünïcödé 🙂</b>"])
def test_notes_up_to_their_length_are_taken_as_they_are(text: str) -> None:
    assert AddNoteRequest.model_validate({"body": text}).body == text


@pytest.mark.parametrize("text", ["", "n" * (NOTE_LENGTH_MAX + 1), "a\x00b", 5, None])
def test_other_notes_are_refused(text: object) -> None:
    with pytest.raises(ValidationError):
        AddNoteRequest.model_validate({"body": text})


@pytest.mark.parametrize(
    ("header", "member", "version"),
    [(entity_tag(3), None, 3), ("3", None, 3), (None, 3, 3), (entity_tag(3), 3, 3), (None, VERSION_MAX, VERSION_MAX)],
)
def test_a_write_names_its_version_by_header_or_member(header: str | None, member: int | None, version: int) -> None:
    assert named_version(header, member) == version


def test_a_write_without_a_version_is_told_to_send_one() -> None:
    with pytest.raises(PreconditionRequiredError):
        named_version(None, None)


@pytest.mark.parametrize(("header", "member"), [('"3"', 4), (f'"{VERSION_MAX + 1}"', None)])
def test_versions_that_disagree_or_cannot_be_are_stale(header: str, member: int | None) -> None:
    with pytest.raises(PreconditionFailedError):
        named_version(header, member)


def test_known_query_names_given_once_pass() -> None:
    refuse_query_names(["page", "limit"], [("page", "1"), ("limit", "2")], frozenset({"page", "limit", "search"}))


def test_unknown_and_repeated_query_names_are_listed() -> None:
    items = [("page", "1"), ("page", "2"), ("sort", "x")]
    with pytest.raises(BadRequestError) as refusal:
        refuse_query_names(["page", "sort"], items, frozenset({"page"}))
    assert {(error.field, error.message) for error in refusal.value.errors} == {
        ("sort", "is not known here"),
        ("page", "is given more than once"),
    }


def test_the_list_of_refused_names_is_bounded() -> None:
    names = [f"x{number}" for number in range(QUERY_ERRORS_MAX + 1)]
    with pytest.raises(BadRequestError) as refusal:
        refuse_query_names(names, [(name, "") for name in names], frozenset())
    assert len(refusal.value.errors) == QUERY_ERRORS_MAX


@pytest.mark.parametrize("media", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_bodies_pass(media: str) -> None:
    refuse_other_media(media, has_body=True)


@pytest.mark.parametrize("media", [None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_other_bodies_are_refused_and_none_is_no_body(media: str | None) -> None:
    refuse_other_media(media, has_body=False)
    with pytest.raises(UnsupportedMediaTypeError):
        refuse_other_media(media, has_body=True)

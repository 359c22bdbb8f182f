"""Ids that a role is shown, in the members of a body that refer to other objects."""

from __future__ import annotations

import pytest

from harness.probes.scene.borrowed import _named, is_reference, refers, refers_by_name, refers_to_others, with_borrowed

DOCTORS = ("d-1", "d-2", "d-3")
IDS = {"doctor_id": DOCTORS, "lead_id": (7, 8), "category_id": (3,), "box_slug": ("large",)}


@pytest.mark.parametrize(
    ("path", "answer", "found"),
    [
        ("/v1/doctors", {"data": [{"id": "d-1", "name": "Ann"}]}, [("doctor_id", "d-1")]),
        ("/v1/categories", [{"id": 3}], [("category_id", 3)]),
        ("/v1/visits", {"items": [{"id": 1, "doctor": {"id": "d-1"}}]}, [("visit_id", 1), ("doctor_id", "d-1")]),
        ("/v1/visits", {"items": [{"doctorId": "d-1", "patient_uuid": "p-1"}]}, [("doctor_id", "d-1"), ("patient_id", "p-1")]),
        ("/v1/visits", {"items": [{"paid": True, "id": None}]}, []),
        ("/v1/boxes/", {"results": [{"slug": "large", "price": "9.50"}]}, [("box_slug", "large")]),
    ],
)
def test_an_id_is_known_by_the_name_that_refers_to_it(path: str, answer: object, found: list[tuple[str, object]]) -> None:
    assert list(_named(path, answer)) == found


@pytest.mark.parametrize(
    ("name", "within", "known"),
    [
        ("doctor_id", "", DOCTORS),
        ("doctorId", "", DOCTORS),
        ("main_doctor_id", "", DOCTORS),
        ("id", "leads", (7, 8)),
        ("boxSlug", "", ("large",)),
        ("id", "", ()),
        ("reason", "", ()),
        ("nurse_id", "", ()),
    ],
)
def test_a_member_takes_the_ids_of_its_own_name_or_of_the_end_of_it(name: str, within: str, known: tuple[object, ...]) -> None:
    assert refers(name, IDS, within) == known


def test_a_body_gets_known_ids_of_its_own_types_and_others_each_turn() -> None:
    body = {
        "doctor_id": "made-up",
        "reason": "r",
        "leads": [{"id": 1, "version": 1}, {"id": 2, "version": 1}],
        "category_id": "text",
    }
    assert with_borrowed(body, IDS) == {**body, "doctor_id": "d-1", "leads": [{"id": 7, "version": 1}, {"id": 8, "version": 1}]}
    assert with_borrowed(body, IDS, turn=2)["doctor_id"] == "d-3"
    assert refers_to_others(body)
    assert not refers_to_others({"doctor_id": "d-1"}, ("doctor_id",))
    assert not refers_to_others({"reason": "r"})
    assert is_reference("patientId")
    assert not is_reference("paid")


@pytest.mark.parametrize(
    ("name", "value", "known"),
    [
        ("lead", 3, (7, 8)),
        ("lead", True, ()),
        ("lead", "text", ()),
        ("doctor", "text", ()),
        ("box", "text", ("large",)),
        ("room", "0b3e5d0e-8f3a-4c1e-9d57-0c9a3f1f2b4d", ("7f3e2d1c-5b4a-4c8d-9e6f-0a1b2c3d4e5f",)),
    ],
)
def test_a_member_that_is_named_after_what_it_refers_to_takes_an_id_of_its_form(
    name: str, value: object, known: tuple[object, ...]
) -> None:
    ids = {**IDS, "room_id": ("7f3e2d1c-5b4a-4c8d-9e6f-0a1b2c3d4e5f",)}
    assert refers_by_name(name, value, ids) == known
    assert with_borrowed({name: value}, ids)[name] == (known or (value,))[0]


def test_what_is_named_after_something_that_is_listed_refers_to_it() -> None:
    assert refers_to_others({"lead": 3}, listed={"lead"})
    assert not refers_to_others({"lead": 3}, ("lead",), {"lead"})

"""What is fed to the cases: objects of each state soon, in parameters and in bodies, so that what may succeed does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.engines.contract.campaign import DESTRUCTIVE, ENUMERATED, Campaign
from harness.engines.contract.feeding import feed_of
from harness.model.target import Allow, Environment, Login, ObjectKind, Role, Target, User
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.targets.live import LiveTarget
from tests.contract.stand import BUDGET, told
from tests.probes.servers.small_http import Asked, Given, served

RETURNED = 30
BOOKINGS = [{"id": number, "status": "returned" if number == RETURNED else "open"} for number in range(1, RETURNED + 1)]
ID = {"type": "integer", "minimum": 1, "maximum": 10**6}


def taking(schema: dict[str, Any]) -> dict[str, Any]:
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {"post": {"requestBody": body, "responses": {str(status): {"description": "-"} for status in (201, 400, 409)}}}


def one_of(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties}


DOCUMENT = Document.of(
    {
        "openapi": "3.1.0",
        "info": {"title": "Van hire", "version": "1"},
        "paths": {
            "/bookings": {"get": {"responses": {"200": {"description": "all"}}}},
            "/damage-reports": taking(one_of(["bookingId"], bookingId=ID)),
            "/reminders": taking(
                one_of(["bookings"], bookings={"type": "array", "minItems": 1, "items": one_of(["bookingId"], bookingId=ID)})
            ),
            "/notes": taking(one_of(["text"], text={"type": "string"}, bookingId=ID)),
            "/vans": {"get": {"responses": {"200": {"description": "all"}}}, **taking(one_of(["name"], name={"type": "string"}))},
            "/vans/{vanId}": {
                "delete": {
                    "parameters": [{"name": "vanId", "in": "path", "required": True, "schema": ID}],
                    "responses": {str(status): {"description": "-"} for status in (204, 400, 404, 409)},
                }
            },
        },
    }
)
CLERK = Role("clerk", Login("none"), (User("one", "one"),))
TARGET = Target(
    "vans",
    "Van hire",
    Environment.LOCAL,
    Path(),
    ("127.0.0.1",),
    Allow(writes=True),
    (CLERK,),
    objects=(
        ObjectKind("booking", "clerk", ("bookingId",), "/bookings", "$[*].id"),
        ObjectKind("van", "clerk", ("vanId",), "/vans", "$[*].id"),
    ),
)
BOOKED = [{"id": number} for number in range(1, 30)]  # vans: none of these may go
made: set[int] = set()


def answer_about_vans(asked: Asked) -> Given:
    if asked.method == "GET":
        return Given(200, BOOKED)
    if asked.method == "POST":
        made.add(100 + len(made))
        return Given(201, {"id": max(made)})
    number = asked.path.rpartition("/")[2]
    return Given(204 if number.isdigit() and int(number) in made else 409, None)


def answer(asked: Asked) -> Given:
    if asked.path.startswith("/vans"):
        return answer_about_vans(asked)
    if asked.method == "GET":
        return Given(200, BOOKINGS)
    body = asked.body if isinstance(asked.body, dict) else {}
    booking = body.get("bookingId")
    if asked.path == "/reminders":
        listed = body.get("bookings")
        booking = listed[0].get("bookingId") if isinstance(listed, list) and listed and isinstance(listed[0], dict) else None
    if not isinstance(booking, int):
        return Given(400, {})
    return Given(201 if booking == RETURNED else 409, {})


@contextmanager
def fresh(_: str) -> Iterator[LiveTarget]:
    with served(TARGET, answer) as live:
        yield live


def test_the_first_ids_are_of_each_state() -> None:
    with fresh("") as live, World(live) as world:
        feed = feed_of(DOCUMENT, TARGET, CLERK, world, {})
    assert feed.values["POST /damage-reports"]["bookingId"][:3] == (1, RETURNED, 2)
    assert feed.bodies["POST /damage-reports"]["bookingId"][:2] == (1, RETURNED)
    assert feed.places["POST /reminders"]["bookings[].bookingId"][:2] == (1, RETURNED)
    assert "POST /notes" not in feed.bodies, "what may be left out is not always there"


def test_what_nobody_lists_is_fed_as_the_target_file_names_it() -> None:
    kind = replace(TARGET.objects[0], list_path="", examples={"one": (7, 8)})
    with fresh("") as live, World(live) as world:
        feed = feed_of(DOCUMENT, replace(TARGET, objects=(kind,)), CLERK, world, {})
    assert feed.bodies["POST /damage-reports"] == {"bookingId": (7, 8)}
    assert feed.notes == ()


def test_what_deletes_gets_objects_that_nobody_holds() -> None:
    name = "DELETE /vans/{vanId}"
    with fresh("") as live, World(live) as world:
        feed = feed_of(DOCUMENT, TARGET, CLERK, world, {}, operations=(name,))
        unasked = feed_of(DOCUMENT, TARGET, CLERK, world, {}, operations=("POST /notes",))
    assert set(feed.values[name]["vanId"][:3]) <= made
    assert feed.values[name]["vanId"][3:5] == unasked.values[name]["vanId"][:2] == (1, 2)


@pytest.mark.parametrize("operation", ["POST /damage-reports", "POST /reminders", "DELETE /vans/{vanId}"])
def test_a_write_that_only_one_state_allows_succeeds(operation: str) -> None:
    phases = (ENUMERATED, DESTRUCTIVE)
    result = Campaign(DOCUMENT, TARGET, fresh, seed=1, budget=BUDGET, operations=(operation,), phases=phases).run()
    assert [cases.successes > 0 for cases in result.cases] == [True], (result.cases, told(result))


MEMBERS = ("depth", "width", "height", "weight", "doors", "seats", "wheels")


@pytest.mark.parametrize("unbounded", MEMBERS)
def test_the_limit_of_each_member_is_tried_however_few_cases_there_are(unbounded: str) -> None:
    sizes = one_of(list(MEMBERS), **{name: {"type": "integer", "minimum": 1, "maximum": 9} for name in MEMBERS})
    document = Document.of({"openapi": "3.1.0", "info": {"title": "Sizes", "version": "1"}, "paths": {"/sizes": taking(sizes)}})

    def answer_about_sizes(asked: Asked) -> Given:
        body = asked.body if isinstance(asked.body, dict) else {}
        most = {name: 10**9 if name == unbounded else 9 for name in MEMBERS}
        good = all(type(body.get(name)) is int and 1 <= body[name] <= most[name] for name in MEMBERS)
        return Given(201 if good else 400, {})

    @contextmanager
    def fresh_sizes(_: str) -> Iterator[LiveTarget]:
        with served(replace(TARGET, objects=()), answer_about_sizes) as live:
            yield live

    few = replace(BUDGET, cases_per_operation=6)
    result = Campaign(document, replace(TARGET, objects=()), fresh_sizes, seed=1, budget=few, phases=(ENUMERATED,)).run()
    assert ("contract.invalid-accepted", unbounded) in {(f.rule, f.parameter) for f in result.findings}, told(result)

"""Operations that use their objects up: they are judged on objects that are made for them, and on others of the list."""

from __future__ import annotations

import psycopg
import pytest

from harness.databases.embedded import EmbeddedServer
from harness.model.finding import Confidence, Finding
from harness.probes.access.authorization import AuthorizationRun, Matrix
from harness.probes.http.exchange import World
from harness.probes.scene.calls import succeed
from harness.probes.scene.scene import Asker, Scene
from harness.witness.examination import Examination, examine
from tests.witness.conftest import MakeRecorded
from tests.witness.trips import DOCUMENT, SCHEMA, Grounds

TEMPLATE = "trips"
BOOK, ASSIGN, APPROVE = "POST /trips/{trip_id}/book", "POST /trips/{trip_id}/assign", "POST /carriers/{carrier_id}/approve"
ANN = Asker("traveller", "ann")


@pytest.fixture(scope="module")
def template(server: EmbeddedServer) -> str:
    with psycopg.connect(server.create(TEMPLATE)) as connection:
        connection.execute(SCHEMA)
    server.freeze(TEMPLATE)
    return TEMPLATE


@pytest.fixture
def grounds(server: EmbeddedServer, recorded: MakeRecorded, template: str, request: pytest.FixtureRequest) -> Grounds:
    """Of the defects that the test's parameter names."""
    return Grounds(server, recorded, template, frozenset(getattr(request, "param", ())))


def judged(grounds: Grounds) -> tuple[Matrix, list[Finding]]:
    matrix = AuthorizationRun(grounds, DOCUMENT, seed=1).run()
    return matrix, [finding for item in matrix.examined for finding in item.findings]


def examined(grounds: Grounds) -> Examination:
    return examine(grounds, DOCUMENT, 7)


@pytest.mark.parametrize(("name", "steps"), [(BOOK, ["/trips"]), (ASSIGN, ["/trips", "/trips/25/book"])])
def test_where_every_known_object_is_used_up_one_is_made_and_brought_into_its_state(
    name: str, steps: list[str], grounds: Grounds
) -> None:
    with grounds.fresh("calls") as door, World(door) as world:
        scene = Scene(world, DOCUMENT, seed=1)
        call = succeed(scene, DOCUMENT.operation(name), ANN)
    assert call is not None
    assert call.answer.status == 200
    assert [step.path for step in scene.made["25"]] == steps


def test_a_clean_platform_gives_no_finding_and_leaves_no_gap(grounds: Grounds) -> None:
    matrix, findings = judged(grounds)
    assert findings == []
    assert [gap for name in DOCUMENT.names for gap in matrix.gaps(name)] == []


@pytest.mark.parametrize(
    ("grounds", "rule", "operation"),
    [
        (["books-anothers"], "authorization.write-of-another", BOOK),
        (["assigns-anothers"], "authorization.write-of-another", ASSIGN),
        (["anyone-approves"], "authorization.function-of-another-role", APPROVE),
    ],
    indirect=["grounds"],
)
def test_a_hole_is_found_though_the_objects_that_are_known_are_used_up(grounds: Grounds, rule: str, operation: str) -> None:
    _, findings = judged(grounds)
    assert [(finding.rule, finding.operation, finding.role) for finding in findings] == [(rule, operation, "traveller")]
    assert findings[0].confidence is Confidence.HIGH


def test_the_witness_finds_nothing_on_the_clean_platform_and_tries_every_submission(grounds: Grounds) -> None:
    done = examined(grounds)
    assert done.payload().findings == ()
    assert done.of("double-submission").untried == {}
    assert done.of("double-submission").tried == len([op for op in DOCUMENT.operations if op.method == "POST"]) - 1
    assert done.of("limit-exceeded").tried == len(("join", "tickets"))


@pytest.mark.parametrize(
    ("grounds", "found"),
    [
        (["books-twice"], ("database.double-submission", BOOK, "")),
        (["approves-twice", "one-carrier"], ("database.double-submission", APPROVE, "")),
        (["miscounts"], ("database.lost-update", "POST /trips/{trip_id}/awards", "")),
        (["overbooks"], ("database.limit-exceeded", "POST /trips/{trip_id}/join", "")),
        (["oversells"], ("database.limit-exceeded", "POST /trips/{trip_id}/tickets", "")),
        (["remembers"], ("database.stale-read", BOOK, "GET /trips/{trip_id}")),
        (["page-stored"], ("injection.sql-second-order", "GET /desk", "POST /trips title")),
        (["page-search"], ("injection.sql", "GET /desk/search", "q")),
    ],
    indirect=["grounds"],
)
def test_the_witness_finds_it_on_a_new_object_and_on_a_page(grounds: Grounds, found: tuple[str, str, str]) -> None:
    assert [(each.rule, each.operation, each.parameter) for each in examined(grounds).payload().findings] == [found]


@pytest.mark.parametrize("grounds", [["says-how-long"]], indirect=True)
def test_an_answer_that_says_how_long_it_may_be_kept_is_not_stale(grounds: Grounds) -> None:
    done = examined(grounds)
    assert done.payload().findings == ()
    assert done.of("stale-read").tried


@pytest.mark.parametrize("grounds", [["takes-for-one"]], indirect=True)
def test_submissions_that_are_taken_for_one_are_not_called_lost(grounds: Grounds) -> None:
    assert examined(grounds).payload().findings == ()


@pytest.mark.parametrize("grounds", [["one-carrier"]], indirect=True)
def test_a_submission_that_can_be_made_once_only_is_raced_on_rows_that_are_brought_back(grounds: Grounds) -> None:
    done = examined(grounds)
    assert done.payload().findings == ()
    assert done.of("double-submission").untried == {}


@pytest.mark.parametrize("grounds", [["dies"]], indirect=True)
def test_a_target_that_dies_is_no_pass(grounds: Grounds) -> None:
    done = examined(grounds)
    assert done.death is not None
    assert done.death.request is not None
    assert done.payload().findings == ()


@pytest.fixture(scope="module")
def elsewhere(server: EmbeddedServer) -> str:
    """The template with every table in a schema that the platform alone has in its search path."""
    with psycopg.connect(server.create("elsewhere")) as connection:
        connection.execute("CREATE SCHEMA travel")
        connection.execute("SET search_path = travel")
        connection.execute(SCHEMA)
    server.freeze("elsewhere")
    return "elsewhere"


@pytest.mark.parametrize(
    ("defects", "found"),
    [
        ((), []),
        (("books-twice",), [("database.double-submission", BOOK)]),
        (("page-search",), [("injection.sql", "GET /desk/search")]),
    ],
)
def test_tables_outside_of_the_search_path_are_watched_as_well(
    server: EmbeddedServer, recorded: MakeRecorded, elsewhere: str, defects: tuple[str, ...], found: list[tuple[str, str]]
) -> None:
    done = examined(Grounds(server, recorded, elsewhere, frozenset(defects), schema="travel"))
    assert [(each.rule, each.operation) for each in done.payload().findings] == found
    assert done.sizes
    assert done.of("double-submission").untried == {}


def test_a_name_that_several_other_schemas_have_is_not_guessed_at(server: EmbeddedServer, recorded: MakeRecorded) -> None:
    with psycopg.connect(server.create("twice")) as connection:
        for schema in ("archive", "travel"):
            connection.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.bookings (id int)".encode())
        connection.execute(
            "CREATE SCHEMA single; CREATE TABLE single.fares (id int); CREATE TABLE public.bookings_of_ours (id int)"
        )
    server.freeze("twice")
    with recorded("twice").connect() as connection:
        row = connection.execute("SELECT to_regclass('bookings'), to_regclass('fares')::text").fetchone()
    assert row == (None, "fares")

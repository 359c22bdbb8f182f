"""The whole examination on a platform of its own: each oracle red on its defect, and quiet without one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from harness.databases.embedded import EmbeddedServer
from harness.model.evidence import DatabasePayload
from harness.model.finding import Confidence
from harness.targets.live import LiveTarget
from harness.witness.examination import NO_RECORD, Examination, examine
from tests.witness.conftest import MakeRecorded
from tests.witness.orders import (
    ANY_LIMIT,
    DEFECTS,
    FAILS_AT_QUOTES,
    KEEPS_FAILED,
    LOCKS_MOST,
    NO_HISTORY_INDEX,
    PAGES_BY_KEY,
    PARSES_QUOTES,
    STORED_COLOUR,
    STORED_NOTE,
    schema,
    served,
    target,
)
from tests.witness.orders_document import DOCUMENT

LEAKING = frozenset({"keeps-connection", "keeps-transaction"})
FOUND = (
    ("injection.sql", "GET /orders", "q"),
    ("injection.sql-second-order", "GET /orders/{order_id}/namesakes", "POST /orders title"),
    ("database.n-plus-one", "GET /orders", ""),
    ("database.unbounded-list", "GET /orders", ""),
    ("database.missing-index", "GET /orders/{order_id}/lines", "lines"),
    ("database.write-by-safe-method", "GET /orders/{order_id}", "orders"),
    ("database.write-in-refused-request", "DELETE /orders/{order_id}", "lines"),
    ("database.work-outside-transaction", "PATCH /orders/{order_id}", ""),
    ("database.lost-update", "PATCH /orders/{order_id}", ""),
    ("database.lost-update", "PUT /orders/{order_id}/label", ""),
    ("database.double-submission", "POST /orders", ""),
    ("database.double-submission", "POST /orders/{order_id}/close", ""),
    ("database.double-submission", "POST /orders/{order_id}/payments", "Idempotency-Key"),
)


class Grounds:
    """Gives the platform with the same defects on fresh data each time."""

    def __init__(self, server: EmbeddedServer, recorded: MakeRecorded, defects: frozenset[str]) -> None:
        self._server, self._recorded, self._defects = server, recorded, defects
        self._template = f"orders_{secrets.token_hex(6)}"
        with psycopg.connect(server.create(self._template)) as connection:
            connection.execute(schema(defects))  # type: ignore[arg-type]
        server.freeze(self._template)

    @contextmanager
    def recorded(self, label: str) -> Iterator[LiveTarget]:
        assert label
        record = self._recorded(self._template)
        dsn = self._server.dsn(record.name)
        with served(dsn, self._defects) as base_url:
            yield LiveTarget(target(base_url), base_url, dsn=dsn, record=record)


@pytest.fixture(scope="module")
def clean(server: EmbeddedServer, recorded: MakeRecorded) -> Examination:
    return examine(Grounds(server, recorded, frozenset()), DOCUMENT, 7)


@pytest.fixture(scope="module")
def kept() -> list[DatabasePayload]:
    """What the examination of the broken platform had come to after each step."""
    return []


@pytest.fixture(scope="module")
def broken(server: EmbeddedServer, recorded: MakeRecorded, kept: list[DatabasePayload]) -> Examination:
    return examine(Grounds(server, recorded, frozenset(DEFECTS) - LEAKING), DOCUMENT, 7, keep=kept.append)


@pytest.fixture(scope="module")
def leaking(server: EmbeddedServer, recorded: MakeRecorded) -> Examination:
    return examine(Grounds(server, recorded, LEAKING | {"per-row"}), DOCUMENT, 7)


def test_the_clean_platform_gives_no_finding_and_every_oracle_tried_something(clean: Examination) -> None:
    assert [finding.title for finding in clean.payload().findings] == []
    tried = {record.oracle: record.tried > 0 for record in clean.payload().oracles}
    assert not tried.pop("limit-exceeded"), "nothing is limited there"
    assert tried == dict.fromkeys(
        (
            "leaks", "write-by-safe-method", "work-outside-transaction", "write-in-refused-request", "injection",
            "stale-read", "lost-update", "double-submission", "n-plus-one", "unbounded-list", "missing-index",
        ),
        True,
    )  # fmt: skip
    assert all(seen.watched for seen in clean.payload().operations)


def test_a_lost_update_is_found_where_only_one_object_can_be_written(server: EmbeddedServer, recorded: MakeRecorded) -> None:
    examined = examine(Grounds(server, recorded, frozenset({"stale-version", LOCKS_MOST})), DOCUMENT, 7)
    assert [(found.rule, found.operation) for found in examined.payload().findings] == [
        ("database.lost-update", "PATCH /orders/{order_id}")
    ]


def test_a_write_and_a_deletion_that_read_a_whole_table_are_found(server: EmbeddedServer, recorded: MakeRecorded) -> None:
    (found,) = examine(Grounds(server, recorded, frozenset({NO_HISTORY_INDEX})), DOCUMENT, 7).payload().findings
    assert (found.rule, found.operation, found.parameter) == ("database.missing-index", "PATCH /orders/{order_id}", "history")
    assert found.proof[-1] == "also read so by DELETE /orders/{order_id}", "one index mends both"


def test_a_failed_transaction_that_stays_open_is_held_against_nobody_else(server: EmbeddedServer, recorded: MakeRecorded) -> None:
    examined = examine(Grounds(server, recorded, frozenset({KEEPS_FAILED})), DOCUMENT, 7)
    assert {(found.rule, found.operation) for found in examined.payload().findings} == {
        ("database.leaks.transaction", "GET /orders/{order_id}/namesakes"),
        ("database.leaks.connection", "GET /orders/{order_id}/namesakes"),
    }


def test_a_page_as_large_as_the_caller_likes_is_found(server: EmbeddedServer, recorded: MakeRecorded) -> None:
    examined = examine(Grounds(server, recorded, frozenset({ANY_LIMIT})), DOCUMENT, 7)
    found = next(found for found in examined.payload().findings if found.rule == "database.unbounded-list")
    assert (found.operation, found.parameter) == ("GET /orders", "limit")
    assert "limit=1000000" in found.steps[-1].path


def test_what_the_platform_does_by_itself_is_not_held_against_a_request(clean: Examination) -> None:
    assert any("heartbeat" not in shape and "customers" in shape for shape in clean.payload().idle)
    counted = next(seen for seen in clean.payload().operations if seen.operation == "GET /counts")
    assert counted.statements == 2  # the log of accesses, and the count


def test_the_tables_were_grown_for_the_comparison(clean: Examination) -> None:
    sizes = {size.table: size for size in clean.payload().sizes}
    assert sizes["orders"].after > 10_000
    assert sizes["lines"].after > 10_000
    assert "access_log" not in sizes


@pytest.mark.parametrize(("rule", "operation", "parameter"), FOUND)
def test_each_defect_is_found_where_it_is(broken: Examination, rule: str, operation: str, parameter: str) -> None:
    found = {(finding.rule, finding.operation, finding.parameter): finding for finding in broken.payload().findings}
    assert (rule, operation, parameter) in found, sorted(found)
    assert found[rule, operation, parameter].proof


def test_nothing_else_is_said_of_the_broken_platform(broken: Examination) -> None:
    found = {(finding.rule, finding.operation, finding.parameter) for finding in broken.payload().findings}
    # What is deleted before the check stands in a transaction of its own, too, where there was something to delete.
    assert found - {("database.work-outside-transaction", "DELETE /orders/{order_id}", "")} == set(FOUND)


def test_what_was_seen_is_kept_after_each_step_and_claims_less(broken: Examination, kept: list[DatabasePayload]) -> None:
    assert [len(payload.findings) for payload in kept] == sorted(len(payload.findings) for payload in kept)
    assert kept[0].operations
    assert {finding.fingerprint for finding in kept[-1].findings} <= {
        finding.fingerprint for finding in broken.payload().findings
    }
    assert {finding.confidence for payload in kept for finding in payload.findings} == {Confidence.MEDIUM}
    assert [payload.examined for payload in kept] == [()] * len(kept)


def test_what_a_request_leaves_behind_is_found_and_the_rest_is_examined_without_it(leaking: Examination) -> None:
    found = {(finding.rule, finding.operation) for finding in leaking.payload().findings}
    assert found == {
        ("database.leaks.connection", "GET /counts"),
        ("database.leaks.connection", "GET /orders/{order_id}/namesakes"),
        ("database.leaks.transaction", "GET /orders/{order_id}/namesakes"),
        ("database.n-plus-one", "GET /orders"),
    }


def test_an_injection_is_found_where_the_driver_refuses_open_quotes(server: EmbeddedServer, recorded: MakeRecorded) -> None:
    done = examine(Grounds(server, recorded, frozenset({"sql", PARSES_QUOTES})), DOCUMENT, 7, only=("GET /orders",))
    found = {(finding.rule, finding.operation, finding.parameter): finding for finding in done.payload().findings}
    assert set(found) == {("injection.sql", "GET /orders", "q")}
    assert "two pieces" in found["injection.sql", "GET /orders", "q"].observed
    assert found["injection.sql", "GET /orders", "q"].confidence is Confidence.HIGH


@pytest.mark.parametrize(
    ("defect", "operation", "stored"),
    [
        ("sql-stored", "GET /orders/{order_id}/namesakes", "POST /orders title"),
        (STORED_NOTE, "GET /orders/{order_id}/lines", "PATCH /orders/{order_id} note"),
    ],
)
def test_what_was_stored_is_proved_where_the_driver_refuses_open_quotes(
    server: EmbeddedServer, recorded: MakeRecorded, defect: str, operation: str, stored: str
) -> None:
    done = examine(Grounds(server, recorded, frozenset({defect, PARSES_QUOTES})), DOCUMENT, 7, only=(operation,))
    (finding,) = done.payload().findings
    assert (finding.rule, finding.operation, finding.parameter) == ("injection.sql-second-order", operation, stored)
    assert "two pieces" in finding.observed


@pytest.mark.parametrize("driver", [(), (PARSES_QUOTES,)])
def test_what_one_member_of_a_change_stored_is_not_overwritten_by_the_next(
    server: EmbeddedServer, recorded: MakeRecorded, driver: tuple[str, ...]
) -> None:
    operation = "GET /orders/{order_id}/lines"
    done = examine(Grounds(server, recorded, frozenset({STORED_COLOUR, *driver})), DOCUMENT, 7, only=(operation,))
    (finding,) = done.payload().findings
    assert (finding.rule, finding.operation) == ("injection.sql-second-order", operation)
    assert finding.parameter == "PUT /orders/{order_id}/label colour"


def test_a_read_that_fails_at_what_was_stored_is_a_suspicion(server: EmbeddedServer, recorded: MakeRecorded) -> None:
    operation = "GET /orders/{order_id}/namesakes"
    done = examine(Grounds(server, recorded, frozenset({FAILS_AT_QUOTES})), DOCUMENT, 7, only=(operation,))
    (finding,) = done.payload().findings
    assert (finding.rule, finding.operation) == ("injection.sql-second-order", operation)
    assert finding.parameter == "POST /orders title"
    assert finding.confidence is Confidence.MEDIUM
    assert len(finding.steps) == 2


@pytest.mark.parametrize(("defects", "tables"), [({"no-index"}, ["lines"]), (set(), [])])
def test_a_page_by_key_is_served_by_an_index_on_what_it_belongs_to(
    server: EmbeddedServer, recorded: MakeRecorded, defects: set[str], tables: list[str]
) -> None:
    operation = "GET /orders/{order_id}/lines"
    done = examine(Grounds(server, recorded, frozenset({*defects, PAGES_BY_KEY})), DOCUMENT, 7, only=(operation,))
    findings = done.payload().findings
    assert {finding.rule for finding in findings} <= {"database.missing-index"}
    assert [finding.parameter for finding in findings] == tables


def test_what_was_seen_twice_is_of_high_confidence(broken: Examination) -> None:
    unsure = {finding.rule for finding in broken.payload().findings if finding.confidence is not Confidence.HIGH}
    assert unsure <= {"injection.sql-second-order", "database.write-in-refused-request"}  # what was deleted is gone


def test_without_a_record_nothing_is_said(server: EmbeddedServer, recorded: MakeRecorded) -> None:
    class Unrecorded(Grounds):
        @contextmanager
        def recorded(self, label: str) -> Iterator[LiveTarget]:
            with super().recorded(label) as live:
                live.record = None
                yield live

    done = examine(Unrecorded(server, recorded, frozenset({"nothing"})), DOCUMENT, 7)
    assert done.unwatched == NO_RECORD
    assert done.payload().operations == ()

"""The platform gives nothing away, takes nothing over, and leaves nothing open."""

from __future__ import annotations

import pytest

from harness.probes.abuse.codes import examine_codes
from harness.probes.abuse.enumeration import examine_enumeration
from harness.probes.abuse.mass_assignment import examine_mass_assignment
from harness.probes.access.pages_of_others import examine_pages_of_others
from harness.probes.access.pages_that_list import examine_pages_that_list
from harness.probes.again import seen_again
from harness.probes.audits.canaries import examine_canaries
from harness.probes.audits.exposure import examine_exposure
from harness.probes.audits.open_doors import examine_left_open
from harness.probes.audits.personal_data import account_contacts, examine_personal_data
from harness.probes.checks import Report
from harness.probes.injection.entities import examine_entities
from harness.probes.injection.injection import examine_injection
from harness.probes.injection.outward import examine_outgoing
from harness.probes.injection.redirects import examine_redirects
from harness.probes.openapi.document import Document
from harness.probes.scene.secret_columns import secret_values
from harness.probes.tour import Tour, take_tour
from harness.targets.arena import Arena
from harness.targets.live import LiveTarget
from suites.security.judging import Judge


def test_no_answer_carries_a_secret_or_the_platforms_inside(
    arena: Arena, live_target: LiveTarget, document: Document, seed: int, tour: Tour, judge: Judge
) -> None:
    secrets = secret_values(live_target.dsn, arena.target.secret_columns)  # the tour's data is the same

    def again() -> Report:
        return examine_exposure(arena.target, take_tour(arena, document, seed), secrets)

    judge.settle("exposure", seen_again(examine_exposure(arena.target, tour, secrets), arena, again))


def test_no_one_is_told_whose_accounts_there_are(
    arena: Arena, live_target: LiveTarget, document: Document, seed: int, tour: Tour, judge: Judge
) -> None:
    accounts = account_contacts(live_target.dsn)  # the tour's data is the same

    def again() -> Report:
        return examine_personal_data(document, arena.target, take_tour(arena, document, seed), accounts)

    judge.settle("personal data", seen_again(examine_personal_data(document, arena.target, tour, accounts), arena, again))


def test_no_answer_and_no_log_carries_what_is_put_into_a_secret_column(
    arena: Arena, live_target: LiveTarget, document: Document, seed: int, tour: Tour, judge: Judge
) -> None:
    judge.twice("canaries", lambda: examine_canaries(arena, live_target, document, seed, tour))


def test_nothing_is_left_open_by_mistake(judge: Judge) -> None:
    judge.together("what is left open", examine_left_open)


def test_a_caller_sets_only_what_the_document_lets_it_set(arena: Arena, judge: Judge) -> None:
    if not arena.target.allow.writes:
        pytest.skip("the target file does not allow writes")
    judge.together("mass assignment", examine_mass_assignment)


def test_no_page_shows_what_belongs_to_another(judge: Judge) -> None:
    judge.together("pages of others", examine_pages_of_others)


def test_no_page_lists_what_its_reader_may_not_read(judge: Judge) -> None:
    judge.together("pages that list", examine_pages_that_list)


def test_nothing_tells_who_has_an_account(arena: Arena, document: Document, seed: int, judge: Judge) -> None:
    judge.twice("enumeration", lambda: examine_enumeration(arena, document, seed))


def test_redirects_lead_to_the_platforms_own_pages(judge: Judge) -> None:
    judge.together("redirects", examine_redirects)


def test_the_platform_calls_no_address_that_a_caller_names(judge: Judge) -> None:
    judge.together("outgoing calls", examine_outgoing)


def test_xml_brings_nothing_from_outside(judge: Judge) -> None:
    judge.together("entities of XML", examine_entities)


def test_no_value_stands_in_a_statement_or_a_path(judge: Judge) -> None:
    judge.together("injection", examine_injection)


def test_a_one_time_code_proves_what_it_is_sent_for(arena: Arena, document: Document, seed: int, judge: Judge) -> None:
    judge.alone("codes", lambda door: examine_codes(door, document, seed, isolated=arena.isolated))

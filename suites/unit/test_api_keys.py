"""The automation's keys: which are valid, and what happens without one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from suites.unit.conftest import Ask
from suites.unit.database import Services
from tpe.auth.keys import ApiKeys
from tpe.contractors.errors import ContractorNotFoundError
from tpe.messaging.service import MESSAGES_SHOWN_MAX, messages_of, post_message
from tpe.settings import JWT_SECRET_LENGTH_MIN, Settings

NEW, OLD = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
CONTRACTOR = 9


def test_both_keys_are_valid_while_one_takes_the_place_of_the_other() -> None:
    keys = ApiKeys([NEW, OLD])
    assert keys.admits(NEW)
    assert keys.admits(OLD)
    assert not ApiKeys([NEW]).admits(OLD)


@pytest.mark.parametrize("given", ["", NEW[:-1], NEW + "x", NEW.swapcase(), f" {NEW}", "\ud800", "٣"])
def test_anything_else_is_not(given: str) -> None:
    assert not ApiKeys([NEW, OLD]).admits(given)


def test_without_a_key_nothing_is_valid() -> None:
    assert not ApiKeys([]).admits("")


def test_the_settings_give_the_keys_that_are_set() -> None:
    plain = {"JWT_SECRET": secrets.token_hex(JWT_SECRET_LENGTH_MIN)}
    assert Settings.model_validate(plain).api_keys == ()
    assert Settings.model_validate({**plain, "TPX_N8N_API_KEY": NEW}).api_keys == (NEW,)
    both = Settings.model_validate({**plain, "TPX_N8N_API_KEY": NEW, "TPX_N8N_API_KEY_PREVIOUS": OLD})
    assert both.api_keys == (NEW, OLD)
    assert NEW not in repr(both)


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": ""}, {"X-API-Key": NEW}, {"Authorization": f"Bearer {NEW}"}])
def test_a_platform_without_keys_admits_none(ask: Ask, headers: dict[str, str]) -> None:
    posted = ask("POST", "/api/messages", json={"contractor_id": 1, "body": "hello"}, headers=headers)
    assert (posted.status_code, posted.headers["www-authenticate"]) == (401, 'ApiKey realm="tpe"')
    assert ask("GET", "/api/contractors", headers=headers).status_code == 401


# ------------------------------------------------------------------------------------------------------------------ messages


@pytest.fixture
def _emptied(services: Services) -> Iterator[None]:
    yield
    services.write("DELETE FROM messages")


@pytest.mark.usefixtures("_emptied")
def test_messages_are_kept_and_told_newest_first_and_bounded(services: Services) -> None:
    for number in range(MESSAGES_SHOWN_MAX + 2):
        posted = services.run(lambda number=number: post_message(services.db, CONTRACTOR, f"Message {number}"))
    found = services.run(lambda: messages_of(services.db, CONTRACTOR))
    assert found[0] == posted
    assert [message.body for message in found] == [f"Message {number}" for number in range(MESSAGES_SHOWN_MAX + 1, 1, -1)]
    assert services.run(lambda: messages_of(services.db, CONTRACTOR + 1)) == []


def test_a_message_to_nobody_is_refused(services: Services) -> None:
    with pytest.raises(ContractorNotFoundError):
        services.run(lambda: post_message(services.db, 9_000_000_000, "hello"))

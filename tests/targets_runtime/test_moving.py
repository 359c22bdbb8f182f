"""A client of a platform that limits each address: against a server that counts, and refuses."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from harness.targets.live import LiveTarget
from harness.targets.moving import USELESS_MOVES_MAX
from tests.probes.servers.small_http import Asked, Given, served
from tests.targets_runtime.conftest import shop

LIMIT = 5


@contextmanager
def limited(limit: int = LIMIT) -> Iterator[tuple[LiveTarget, Counter[str]]]:
    """A platform that answers each address `limit` times, and how often each one asked."""
    asked_by: Counter[str] = Counter()

    def answer(asked: Asked) -> Given:
        asked_by[asked.client] += 1
        if asked_by[asked.client] > limit:
            return Given(429, {"message": "slow down"}, {"Retry-After": "900"})
        if asked.path == "/crash":
            raise ConnectionAbortedError
        if asked.path == "/login":
            return Given(200, {"data": {"token": f"token-of-{asked.body['email']}"}})
        return Given(200, {"body": asked.raw.decode()})

    with served(shop(), answer) as live:
        yield live, asked_by


def test_who_has_used_up_an_address_goes_on_from_another_and_says_the_same_again() -> None:
    with limited() as (live, asked_by), live.client() as http:
        sent = [http.post("/say", content=f"word {number}") for number in range(4 * LIMIT)]
    assert [answer.json()["body"] for answer in sent] == [f"word {number}" for number in range(4 * LIMIT)]
    assert len(asked_by) == 4
    assert set(asked_by.values()) == {LIMIT, LIMIT + 1}


def test_more_users_log_in_than_one_address_may() -> None:
    with limited(limit=1) as (live, _):
        role = live.target.roles[0]
        given = [live.sign_in(role, user).headers for user in role.users * 3]
    assert len(given) == 6
    assert all(headers for headers in given)


def test_one_that_refuses_everybody_is_asked_from_few_addresses_and_its_refusal_stands() -> None:
    with limited(limit=0) as (live, asked_by), live.client() as http:
        assert {http.get("/").status_code for _ in range(20)} == {429}
    assert len(asked_by) == 1 + USELESS_MOVES_MAX
    assert asked_by.total() == 20 + USELESS_MOVES_MAX


def test_a_client_with_an_address_of_its_own_keeps_it() -> None:
    with limited() as (live, asked_by), live.seen_from("127.0.0.71").client() as http:
        assert [http.get("/").status_code for _ in range(LIMIT + 2)] == [200] * LIMIT + [429] * 2
    assert set(asked_by) == {"127.0.0.71"}


def test_where_no_other_address_reaches_the_platform_the_refusal_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.targets.moving.fresh_address", lambda: "192.0.2.1")  # RFC 5737: not ours
    with limited() as (live, _), live.client() as http:
        statuses = [http.get("/").status_code for _ in range(LIMIT + 2)]
    assert statuses == [200] * LIMIT + [429] * 2


def test_what_cannot_be_sent_twice_is_not() -> None:
    with limited(limit=1) as (live, asked_by), live.client() as http:
        assert http.get("/").status_code == 200
        assert http.post("/say", content=iter([b"once"])).status_code == 429
    assert len(asked_by) == 1


def test_what_a_request_comes_to_where_it_is_let_in_is_not_told_as_the_refusal_before() -> None:
    with limited(limit=1) as (live, asked_by), live.client() as http:
        assert http.get("/").status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            http.get("/crash")
        assert http.get("/").status_code == 200, "it goes on moving"
    assert len(asked_by) >= 3


def test_behind_a_forwarder_nothing_moves() -> None:
    with limited(limit=1) as (live, asked_by):
        forwarded = dataclasses.replace(live.target, variables={"PROXIES": "{trusted_proxy}"})
        with dataclasses.replace(live, target=forwarded).client() as http:
            assert [http.get("/").status_code for _ in range(3)] == [200, 429, 429]
    assert len(asked_by) == 1

"""What the browser flows share: the API as a second witness, and leads that no other test touches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from harness.model.target import User
from harness.targets.live import LiveTarget

Api = Callable[..., httpx.Client]


@pytest.fixture(scope="session")
def api(live_target: LiveTarget) -> Iterator[Api]:
    """`api(role, user)`: a client of the target's API in which that user is logged in, kept for the whole run."""
    clients: dict[tuple[str, str], httpx.Client] = {}

    def client_of(role: str = "partner", user: str = "one") -> httpx.Client:
        if (role, user) not in clients:
            credential = live_target.sign_in(live_target.target.role(role), _account(live_target, role, user))
            clients[role, user] = live_target.client(credential)
        return clients[role, user]

    yield client_of
    for client in clients.values():
        client.close()


@pytest.fixture(scope="session")
def _taken() -> set[int]:
    return set()


@pytest.fixture
def take_lead(api: Api, _taken: set[int]) -> Callable[..., dict[str, Any]]:
    """`take_lead(stage="new")`: a lead of the partner's own in that stage that no other test of this run has."""

    def take(*, stage: str = "new", user: str = "one") -> dict[str, Any]:
        query: dict[str, str | int] = {"engagement_stage": stage, "limit": 100}
        answer = api("partner", user).get("/api/partner-portal/leads", params=query).raise_for_status().json()
        free = [lead for lead in answer["leads"] if lead["id"] not in _taken]
        assert free, f"the data has no further lead in stage {stage} for partner {user}"
        _taken.add(free[-1]["id"])
        return free[-1]  # type: ignore[no-any-return]

    return take


@pytest.fixture
def lead_now(api: Api) -> Callable[[int], dict[str, Any]]:
    """`lead_now(id)`: what the API says of one of the first partner's leads, its notes and history included."""

    def read(lead_id: int) -> dict[str, Any]:
        return api().get(f"/api/partner-portal/leads/{lead_id}").raise_for_status().json()["lead"]  # type: ignore[no-any-return]

    return read


@pytest.fixture
def account(live_target: LiveTarget) -> Callable[..., User]:
    """`account(role, user)`: that account of the target's file, with this run's password."""
    return lambda role="partner", user="one": _account(live_target, role, user)


def _account(live: LiveTarget, role: str, user: str) -> User:
    return next(found for found in live.target.role(role).users if found.name == user)

"""Fixtures of the unit suite: settings with a key made for this run, and an application whose database is away."""

from __future__ import annotations

import itertools
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from ipaddress import ip_address
from typing import Any, Protocol

import httpx
import hypothesis
import pytest
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI

from harness.targets.arena import Arena
from suites.unit.database import Services, services_on
from tpe.app import create_app
from tpe.infra import db
from tpe.settings import JWT_SECRET_LENGTH_MIN, Settings

CHECKOUT_TIMEOUT_S = 0.3  # what waits for a database that is away is refused sooner than the 3 s of the platform

# A shared machine stalls for a quarter of a second now and then: that is no property of the code that is tested.
hypothesis.settings.register_profile("suites", deadline=None, database=None)
hypothesis.settings.load_profile("suites")

PROXY = "127.0.0.1"
"""Where requests to the application come from: a proxy that says for whom, so that each is another client's."""
PORTAL_ORIGIN = "https://portal.example.test"
ADMIN_ORIGIN = "https://admin.example.test:8443"


@pytest.fixture(autouse=True)
def _no_outside_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings of whoever runs the suite out of it."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def signing_key() -> str:
    """A key of this run's own, longer than the least length."""
    return secrets.token_hex(JWT_SECRET_LENGTH_MIN)


@pytest.fixture(scope="session")
def closed_port() -> int:
    """A port of the loopback on which nothing listens: found by the system, then let go."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def frozen_port() -> Iterator[int]:
    """A port of the loopback that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]


@pytest.fixture(scope="session")
def app(signing_key: str, closed_port: int) -> FastAPI:
    """The whole application, its database away."""
    settings = {
        "JWT_SECRET": signing_key,
        "DATABASE_URL": f"postgresql://nobody@127.0.0.1:{closed_port}/none",
        "FRONTEND_URL": PORTAL_ORIGIN,
        "ADMIN_DASHBOARD_URL": ADMIN_ORIGIN,
        "JWT_EXPIRE": "1h",
        "TRUSTED_PROXIES": PROXY,
    }
    return create_app(Settings.model_validate(settings))


class Ask(Protocol):
    """Sends one request to the application, in this process, and gives its answer."""

    def __call__(self, method: str, path: str, **parts: Any) -> httpx.Response: ...


@pytest.fixture(scope="session")
def ask(app: FastAPI) -> Iterator[Ask]:
    """Start the application once, on a thread of its own; ``parts`` of a request are httpx's own."""

    @asynccontextmanager
    async def started() -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(PROXY, 1))
        async with AsyncExitStack() as stack:
            with pytest.MonkeyPatch.context() as patch:  # read when the application opens its database
                patch.setattr(db, "CHECKOUT_TIMEOUT_S", CHECKOUT_TIMEOUT_S)
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1"))

    with start_blocking_portal() as portal, portal.wrap_async_context_manager(started()) as client:
        clients = itertools.count(1)

        def send(method: str, path: str, **parts: Any) -> httpx.Response:
            headers = {"X-Forwarded-For": str(ip_address("10.0.0.0") + next(clients)), **parts.pop("headers", {})}
            return portal.call(partial(client.request, method, path, headers=headers, **parts))

        yield send


@pytest.fixture(scope="session")
def services(arena: Arena) -> Iterator[Services]:
    """The services on a seeded database of this suite's own."""
    with arena.fresh("unit") as live:
        if not live.dsn:
            pytest.skip("the harness provides no database for this target")
        with services_on(live.dsn, arena.plan.password) as opened:
            yield opened

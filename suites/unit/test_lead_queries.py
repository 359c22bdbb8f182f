"""How the list of leads reads its query: the portal's own dependencies behind its own kind of route."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI

from tpe.infra.errors import install_error_handlers
from tpe.infra.paging import Page
from tpe.infra.routing import ApiRoute
from tpe.leads.model import LeadFilter
from tpe.leads.routes import SEARCH_LENGTH_MAX, LeadId, lead_filter, lead_page

NOTHING = asdict(LeadFilter())


@pytest.fixture(scope="module")
def reader() -> FastAPI:
    """An application that gives back what it read."""
    app = FastAPI()
    app.router.route_class = ApiRoute

    @app.get("/leads")
    async def read(
        chosen: Annotated[LeadFilter, Depends(lead_filter)], page: Annotated[Page, Depends(lead_page)]
    ) -> dict[str, Any]:
        return {**asdict(chosen), "page": page.number, "limit": page.limit}

    @app.get("/leads/{lead_id}")
    async def read_id(lead_id: LeadId) -> int:
        return lead_id

    install_error_handlers(app)
    return app


def ask(app: FastAPI, address: str) -> httpx.Response:
    async def exchange() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
            return await client.get(address)

    return asyncio.run(exchange())


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ("", {}),
        ("page=100&limit=100", {"page": 100, "limit": 100}),
        ("page=10000&limit=1", {"page": 10_000, "limit": 1}),
        ("engagement_stage=meeting_scheduled&status=paused", {"engagement_stage": "meeting_scheduled", "status": "paused"}),
        ("min_score=0&max_score=100", {"min_score": 0, "max_score": 100}),
        ("primary_only=true", {"primary_only": True}),
        ("search=", {"search": None}),
        ("search=o%27neil%20%25", {"search": "o'neil %"}),
        ("search=" + "a" * SEARCH_LENGTH_MAX, {"search": "a" * SEARCH_LENGTH_MAX}),
    ],
)
def test_a_right_query_is_read(reader: FastAPI, query: str, read: dict[str, Any]) -> None:
    answer = ask(reader, f"/leads?{query}")
    assert answer.json() == {**NOTHING, "page": 1, "limit": 20, **read}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=101", "limit"),
        ("limit=0", "limit"),
        ("page=0", "page"),
        ("limit=100&page=101", "page"),
        ("page=10001&limit=1", "page"),
        ("page=1.0", "page"),
        ("page=", "page"),
        ("page=99999999999999999999", "page"),
        ("sort=id", "sort"),
        ("page=1&page=2", "page"),
        ("engagement_stage=gone", "engagement_stage"),
        ("engagement_stage=NEW", "engagement_stage"),
        ("status=", "status"),
        ("min_score=-1", "min_score"),
        ("max_score=101", "max_score"),
        ("min_score=5.5", "min_score"),
        ("primary_only=1", "primary_only"),
        ("search=%00", "search"),
        ("search=" + "a" * (SEARCH_LENGTH_MAX + 1), "search"),
    ],
)
def test_a_query_that_is_not_right_is_refused_by_name(reader: FastAPI, query: str, field: str) -> None:
    answer = ask(reader, f"/leads?{query}")
    assert answer.status_code == 400
    assert [(error["in"], error["field"]) for error in answer.json()["errors"]] == [("query", field)]


@pytest.mark.parametrize("text", ["1", "9007199254740991"])
def test_ids_up_to_what_json_holds_are_read(reader: FastAPI, text: str) -> None:
    assert ask(reader, f"/leads/{text}").json() == int(text)


@pytest.mark.parametrize(
    "text", ["0", "-1", "9007199254740992", "99999999999999999999999", "abc", "1.0", "%00", "1%20", "7b1f6a52"]
)
def test_anything_else_is_no_id(reader: FastAPI, text: str) -> None:
    answer = ask(reader, f"/leads/{text}")
    assert (answer.status_code, answer.json()["errors"][0]["in"]) == (400, "path")

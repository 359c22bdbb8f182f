"""A small lead box to test the contract stage on: clean by default, with one planted defect when asked.

It keeps its data in memory, so every start is fresh. `LEADBOX_DEFECT` names the defect, `LEADBOX_PASSWORD` the password of
its accounts. Run it with `python leadbox.py HOST PORT`.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import uvicorn
from fastapi import Depends, FastAPI, Path, Query, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

DEFECT = os.environ.get("LEADBOX_DEFECT", "")
Stage = Literal["new", "contacted", "won", "lost"]


class Body(BaseModel):
    """A request: strict, and closed to members that it does not name."""

    model_config = ConfigDict(strict=True, extra="ignore" if DEFECT == "unknown-members" else "forbid")


class Credentials(Body):
    email: Annotated[str, Field(min_length=3, max_length=200)]
    password: Annotated[str, Field(min_length=1, max_length=200)]


class PasswordChange(Body):
    current_password: Annotated[str, Field(min_length=1, max_length=200)]
    new_password: Annotated[str, Field(min_length=8, max_length=200)]


class NewLead(Body):
    name: Annotated[str, Field(min_length=1, max_length=80)]
    score: Annotated[int, Field(ge=0, le=100)]
    stage: Stage = "new"


class Move(Body):
    stage: Stage
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


class Lead(BaseModel):
    id: int
    name: str
    score: Annotated[int, Field(ge=0, le=100)]
    stage: Stage
    version: int


class Paper(BaseModel):
    name: str
    bytes: int


class LeadPage(BaseModel):
    leads: list[Lead]
    total: int
    limit: int


class Token(BaseModel):
    token: str


class Me(BaseModel):
    email: str
    role: Literal["agent", "boss"]


class Stats(BaseModel):
    leads: int


class Problem(BaseModel):
    title: str
    status: int


@dataclass
class Account:
    email: str
    role: Literal["agent", "boss"]
    password: str


@dataclass
class Row:
    id: int
    owner: str
    name: str
    score: int
    stage: Stage
    version: int = 1

    def shown(self) -> Lead:
        return Lead(id=self.id, name=self.name, score=self.score, stage=self.stage, version=self.version)


def _accounts() -> dict[str, Account]:
    password = os.environ["LEADBOX_PASSWORD"]
    people: tuple[tuple[str, Literal["agent", "boss"]], ...] = (
        ("ada@leadbox.test", "agent"),
        ("bob@leadbox.test", "agent"),
        ("boss@leadbox.test", "boss"),
    )
    return {email: Account(email, role, password) for email, role in people}


def _rows() -> dict[int, Row]:
    owners = ("ada@leadbox.test", "bob@leadbox.test")
    return {number: Row(number, owners[number % 2], f"Lead {number}", number % 101, "new") for number in range(1, 241)}


@dataclass
class Store:
    accounts: dict[str, Account] = field(default_factory=_accounts)
    rows: dict[int, Row] = field(default_factory=_rows)
    tokens: dict[str, str] = field(default_factory=dict)


STORE = Store()


def problem(status: int, title: str, headers: dict[str, str] | None = None) -> JSONResponse:
    content = {"title": title, "status": status}
    return JSONResponse(content, status, headers=headers, media_type="application/problem+json")


def _documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": f"Refused with {status}", "content": content} for status in statuses}


app = FastAPI(title="Leadbox", version="1.0.0", docs_url=None, redoc_url=None)
bearer = HTTPBearer(auto_error=False, scheme_name="bearer")


@app.exception_handler(RequestValidationError)
async def refuse_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
    return problem(422, str(error.errors()[0]["msg"]))


@app.exception_handler(HTTPException)
async def refuse(request: Request, error: HTTPException) -> JSONResponse:
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_methods(request))
    return problem(error.status_code, str(error.detail), headers)


def _methods(request: Request) -> list[str]:
    """Every method of the path, not only those of the route that matched it first."""
    found: set[str] = set()
    for route in request.app.routes:
        match, _ = route.matches({**request.scope, "method": "OPTIONS"})
        if match.value:
            found |= set(getattr(route, "methods", ()))
    return sorted(found)


def signed_in(given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> Account:
    email = STORE.tokens.get(given.credentials) if given else None
    if email is None:
        if DEFECT == "open-door" and given is None:
            return STORE.accounts["ada@leadbox.test"]
        raise HTTPException(401, "log in first", {"WWW-Authenticate": "Bearer"})
    return STORE.accounts[email]


Somebody = Annotated[Account, Depends(signed_in)]
LeadId = Annotated[int, Path(ge=1, le=2**31 - 1)]


def own(account: Account, lead_id: int) -> Row:
    row = STORE.rows.get(lead_id)
    if row is None or (account.role == "agent" and row.owner != account.email):
        raise HTTPException(404, "no such lead")
    return row


@app.post("/api/session", response_model=Token, responses=_documented(401, 422))
def log_in(body: Credentials) -> Token:
    account = STORE.accounts.get(body.email)
    if account is None or account.password != body.password:
        raise HTTPException(401, "wrong e-mail or password")
    token = secrets.token_urlsafe(24)
    STORE.tokens[token] = account.email
    return Token(token=token)


@app.post("/api/session/end", status_code=204, responses=_documented(401))
def log_out(account: Somebody) -> Response:
    STORE.tokens = {token: email for token, email in STORE.tokens.items() if email != account.email}
    return Response(status_code=204)


@app.put("/api/password", status_code=204, responses=_documented(401, 403, 422))
def change_password(account: Somebody, body: PasswordChange) -> Response:
    if body.current_password != account.password:
        raise HTTPException(403, "that is not the present password")
    account.password = body.new_password
    STORE.tokens = {token: email for token, email in STORE.tokens.items() if email != account.email}
    return Response(status_code=204)


REQUESTS_OF_AN_ADDRESS_MAX = 40
asked_by: Counter[str] = Counter()

if DEFECT == "limits-each-address":  # as many platforms do, which is no defect

    @app.middleware("http")
    async def limit(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        address = request.client.host if request.client else ""
        asked_by[address] += request.url.path != "/api/health"
        if asked_by[address] > REQUESTS_OF_AN_ADDRESS_MAX:
            return problem(429, "slow down", {"Retry-After": "900"})
        return await proceed(request)


@app.get("/api/health", include_in_schema=False)
def health() -> dict[str, bool]:
    return {"ok": True}


@app.get("/api/me", response_model=Me, responses=_documented(401))
def me(account: Somebody) -> Me:
    return Me(email=account.email, role=account.role)


LIMIT_MAX = 10_000_000 if DEFECT == "any-limit" else 100


@app.get("/api/leads", response_model=LeadPage, responses=_documented(401, 422))
def list_leads(
    account: Somebody,
    stage: Stage | None = None,
    search: Annotated[str | None, Query(max_length=60)] = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 20,
    page: Annotated[int, Query(ge=1, le=1000)] = 1,
) -> Any:
    rows = [row for row in STORE.rows.values() if account.role == "boss" or row.owner == account.email]
    rows = [row for row in rows if (stage is None or row.stage == stage) and (search or "") in row.name]
    shown = rows[(page - 1) * limit : page * limit]
    if DEFECT == "drops-member":
        leads = [row.shown().model_dump(exclude={"score"}) for row in shown]
        return JSONResponse({"leads": leads, "total": len(rows), "limit": limit})
    return LeadPage(leads=[row.shown() for row in shown], total=len(rows), limit=limit)


@app.post("/api/leads", status_code=201, response_model=Lead, responses=_documented(401, 422))
def add_lead(account: Somebody, body: NewLead) -> Any:
    if DEFECT == "teapot" and body.score > 90:
        return problem(418, "too hot")
    if DEFECT == "refuses-valid" and body.stage == "won":
        raise HTTPException(422, "a new lead is not won")
    if DEFECT == "logs-out":
        STORE.tokens.clear()
    number = max(STORE.rows) + 1
    row = Row(number, account.email, body.name, body.score, body.stage)
    STORE.rows[number] = row
    return row.shown()


@app.get("/api/leads/{lead_id}", response_model=Lead, responses=_documented(401, 404, 422))
def read_lead(account: Somebody, lead_id: LeadId) -> Any:
    if DEFECT == "odd-id" and lead_id % 2:
        raise ZeroDivisionError(f"lead {lead_id}")
    if DEFECT == "dies" and lead_id > 100_000:
        os._exit(7)
    lead = own(account, lead_id).shown()
    if DEFECT == "wrong-type":
        return JSONResponse({**lead.model_dump(), "score": str(lead.score)})
    if DEFECT == "wrong-media-type":
        return Response(lead.model_dump_json(), media_type="text/html")
    if DEFECT == "endless":
        return StreamingResponse(_endless(), media_type="application/json")
    return lead


def _endless() -> Iterator[bytes]:
    while True:
        yield b" " * 65_536


@app.put("/api/leads/{lead_id}", response_model=Lead, responses=_documented(401, 404, 409, 422))
def move_lead(account: Somebody, lead_id: LeadId, body: Move) -> Any:
    row = own(account, lead_id)
    if body.version != row.version:
        raise HTTPException(409, "the lead has changed since you read it")
    row.stage, row.version = body.stage, row.version + 1
    return row.shown()


@app.delete("/api/leads/{lead_id}", status_code=204, responses=_documented(401, 404, 422))
def delete_lead(account: Somebody, lead_id: LeadId) -> Response:
    row = own(account, lead_id)
    if DEFECT != "still-there":
        del STORE.rows[row.id]
    return Response(status_code=204)


PAPERS = "/api/leads/{lead_id}/papers"


@app.post(PAPERS, status_code=201, response_model=Paper, responses=_documented(400, 401, 404, 413, 415, 422))
def add_paper(account: Somebody, lead_id: LeadId, paper: UploadFile) -> Any:
    """Takes PDFs alone, by their type, their name and how they begin."""
    own(account, lead_id)
    content = paper.file.read(100_001)
    if len(content) > 100_000:
        raise HTTPException(413, "a paper has 100,000 bytes at most")
    name = paper.filename or ""
    if paper.content_type != "application/pdf" or not name.endswith(".pdf") or not content.startswith(b"%PDF-"):
        raise HTTPException(415, "a paper is a PDF")
    if DEFECT == "size-as-text":
        return JSONResponse({"name": name, "bytes": str(len(content))}, 201)
    return Paper(name=name, bytes=len(content))


@app.get("/api/stats", response_model=Stats, responses=_documented(401, 403))
def stats(account: Somebody) -> Stats:
    if account.role != "boss":
        raise HTTPException(403, "for the boss only")
    if DEFECT == "hangs":
        time.sleep(60)
    return Stats(leads=len(STORE.rows))


def document() -> dict[str, Any]:
    """The OpenAPI document, with what FastAPI adds of its own accord replaced by what the code does."""
    if app.openapi_schema:
        return app.openapi_schema
    made = FastAPI.openapi(app)
    schemas = made["components"]["schemas"]
    schemas["Problem"] = Problem.model_json_schema()
    if DEFECT != "drift":
        return made
    del made["paths"]["/api/stats"]
    return made


app.openapi = document  # type: ignore[method-assign]

if __name__ == "__main__":
    uvicorn.run(app, host=sys.argv[1], port=int(sys.argv[2]), log_level="warning", access_log=False)

"""A small platform of projects with tasks below them, named by both ids: `/projects/{projectId}/tasks/{taskId}`.

Each member has three projects, the first without any task; each lead stands above one member, or beside it (`lead_rank`), and has
that one's. A lead reviews projects (`/reviews`, `/verdicts`, by an id in the body). Guards come off by name (`defects`); none are
`long-list` and `open-reviews`: the page of projects that a lead is shown has none of a member; leads read each other's projects,
and may review them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.model.target import Allow, Environment, Login, ObjectKind, Role, Target, User
from harness.probes.openapi.document import Document
from harness.targets.live import LiveTarget
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
USERS = ("ann", "ben")
LEADS = {"lea": "ann", "leo": "ben"}
TASK = {
    "type": "object",
    "required": ["title"],
    "properties": {"title": {"type": "string", "minLength": 8, "maxLength": 60}, "state": {"enum": ["open", "done"]}},
}
_REVIEW = {
    "type": "object",
    "required": ["projectId", "verdict"],
    "properties": {"projectId": {"type": "integer"}, "verdict": {"enum": ["good", "bad"]}},
}
_VERDICT = {
    "type": "object",
    "required": ["project", "verdict"],
    "properties": {"project": {"type": "integer"}, "verdict": {"enum": ["good", "bad"]}},
}
_PROJECT = {"name": "projectId", "in": "path", "required": True, "schema": {"type": "integer"}}
_TASK = {"name": "taskId", "in": "path", "required": True, "schema": {"type": "integer"}}


def _operation(*, body: Any = None, security: Any = None) -> dict[str, Any]:
    sent = {"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}} if body else {}
    return {
        "responses": {"default": {"description": "any"}},
        "security": [{"token": []}] if security is None else security,
        **sent,
    }


_LOGIN = {"type": "object", "properties": {"user": {"type": "string"}, "pass": {"type": "string"}}}
DOCUMENT = Document.of(
    {
        "openapi": "3.1.0",
        "info": {"title": "Projects", "version": "1"},
        "paths": {
            "/login": {"post": _operation(body=_LOGIN, security=[])},
            "/projects": {"get": _operation()},
            "/projects/{projectId}": {"parameters": [_PROJECT], "get": _operation()},
            "/projects/{projectId}/tasks": {"parameters": [_PROJECT], "get": _operation(), "post": _operation(body=TASK)},
            "/projects/{projectId}/tasks/{taskId}": {
                "parameters": [_PROJECT, _TASK],
                "get": _operation(),
                "patch": _operation(body=TASK),
                "delete": _operation(),
            },
            "/projects/{projectId}/labels/{labelId}": {
                "parameters": [_PROJECT, {"name": "labelId", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "get": _operation(),
            },
            "/reviews": {"post": {**_operation(body=_REVIEW), "description": "Reviews a project. Roles: lead."}},
            "/verdicts": {"post": {**_operation(body=_VERDICT), "description": "The same. Roles: lead."}},
            "/labels": {"get": _operation()},
            "/labels/{labelId}": {"parameters": [_TASK | {"name": "labelId"}], "get": _operation()},
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
)


@dataclass
class Projects:
    """The platform's whole state."""

    defects: frozenset[str] = frozenset()
    tokens: dict[str, str] = field(default_factory=dict)
    owners: dict[int, str] = field(default_factory=lambda: {number: USERS[number % 2] for number in range(11, 17)})
    tasks: dict[int, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if "empty" not in self.defects:
            for project in list(self.owners)[2:]:
                self._made(project, {"title": f"Task one of project {project}"})

    def answer(self, asked: Asked) -> Given:
        """What it gives for a request."""
        if asked.path == "/login":
            return self._log_in(asked.body)
        user = self.tokens.get(asked.token)
        if user is None:
            return Given(401, {"error": "log in"})
        if asked.path == "/projects" and user in LEADS and "long-list" in self.defects:
            return Given(200, {"projects": [self._shown(900 + len(user))]})  # the first page holds other ones
        if asked.path == "/projects":
            whose = LEADS.get(user, user)
            return Given(200, {"projects": [self._shown(number) for number, owner in self.owners.items() if owner == whose]})
        if asked.path in ("/reviews", "/verdicts"):
            return self._review(user, asked.body)
        if labels := re.fullmatch(r"(?:/projects/\d+)?/labels(?:/(\d+))?", asked.path):
            listed = [{"id": number, "name": f"Label number {number}"} for number in (71, 72)]
            return Given(
                200, {"labels": listed} if labels[1] is None else {"id": int(labels[1]), "name": f"Label number {labels[1]}"}
            )
        found = re.fullmatch(r"/projects/(\d+)(/tasks)?(?:/(\d+))?", asked.path)
        return self._within(asked, user, int(found[1]), found[2], found[3]) if found else Given(404, {"error": "no such path"})

    def _log_in(self, body: Any) -> Given:
        if not isinstance(body, dict) or body.get("user") not in (*USERS, *LEADS) or body.get("pass") != PASSWORD:
            return Given(401, {"error": "wrong"})
        token = secrets.token_hex(12)
        self.tokens[token] = body["user"]
        return Given(200, {"token": token})

    def _review(self, user: str, body: Any) -> Given:
        if user not in LEADS:
            return Given(403, {"error": "leads only"})
        if not isinstance(body, dict) or body.get("verdict") not in ("good", "bad"):
            return Given(422, {"error": "verdict"})
        project = body.get("projectId", body.get("project", 0))
        owner = self.owners.get(project)
        every = self.defects & {"any-review", "open-reviews"}
        known = owner in USERS if every else owner == LEADS[user]
        return Given(201, {"projectId": project}) if known else Given(404, {"error": "no such project"})

    def _within(self, asked: Asked, user: str, project: int, tasks: str | None, task: str | None) -> Given:
        ignored = "any-project" in self.defects or (task is not None and "ignores-project" in self.defects)
        ignored = ignored or (user in LEADS and "any-lead" in self.defects and project in self.owners)
        ignored = ignored or (
            user in LEADS and "open-reviews" in self.defects and asked.method == "GET" and project in self.owners
        )
        if self.owners.get(project) != LEADS.get(user, user) and not ignored:
            return Given(404, {"error": "no such project"})
        if tasks is None:
            return Given(200, self._shown(project))
        if task is not None:
            return self._task(asked, project, int(task))
        if asked.method == "POST":
            good = isinstance(asked.body, dict) and isinstance(asked.body.get("title"), str)
            return Given(201, self._made(project, asked.body)) if good else Given(422, {"error": "title"})
        return Given(200, {"tasks": [each for each in self.tasks.values() if each["project"] == project]})

    def _task(self, asked: Asked, project: int, number: int) -> Given:
        task = self.tasks.get(number)
        loose = ("loose-read" if asked.method == "GET" else "loose-write") in self.defects or "ignores-project" in self.defects
        if task is None or (task["project"] != project and not loose):
            return Given(404, {"error": "no such task"})
        if asked.method == "DELETE":
            del self.tasks[number]
            return Given(204)
        if asked.method == "PATCH":
            if not isinstance(asked.body, dict):
                return Given(422, {"error": "an object is wanted"})
            task.update({name: asked.body[name] for name in ("title", "state") if name in asked.body})
        return Given(200, task)

    def _shown(self, project: int) -> dict[str, Any]:
        return {"id": project, "name": f"Project number {project}"}

    def _made(self, project: int, body: Any) -> dict[str, Any]:
        number = 500 + len(self.tasks)
        self.tasks[number] = {"id": number, "project": project, "title": body["title"], "state": body.get("state", "open")}
        return self.tasks[number]


PROJECT = ObjectKind("project", "member", ("projectId",), "/projects", "$.projects[*].id")


def target(lead_rank: int = 2, objects: tuple[ObjectKind, ...] = ()) -> Target:
    login = Login("json", "/login", {"user": "{username}", "pass": "{password}"}, token="$.token")
    users = tuple(User(name, name, PASSWORD) for name in USERS)
    return Target(
        "projects",
        "Projects",
        Environment.LOCAL,
        Path(),
        ("127.0.0.1",),
        Allow(writes=True),
        (
            Role("member", login, users, rank=1),
            Role("lead", login, tuple(User(name, name, PASSWORD) for name in LEADS), rank=lead_rank),
        ),
        health_path="/health",
        objects=objects,
    )


@dataclass(frozen=True)
class Servers:
    """Gives a platform with the same defects and fresh data each time."""

    defects: frozenset[str] = frozenset()
    isolated: bool = True
    slashes: bool = False  # every path ends with one
    lead_rank: int = 2
    objects: tuple[ObjectKind, ...] = ()  # as a target file describes them

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        """A running platform; `label` is of no matter here."""
        assert label
        with served(target(self.lead_rank, self.objects), Projects(self.defects).answer, slashes=self.slashes) as live:
            yield live

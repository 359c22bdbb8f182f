"""What everybody reads and its maker alone may change, on a platform of posts whose guards come off by name (`defects`)."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from harness.model.evidence import Whose
from harness.model.finding import Confidence
from harness.model.target import Allow, Environment, Login, ObjectKind, Role, Target, User
from harness.probes.access.authorization import AuthorizationRun, Matrix
from harness.probes.openapi.document import Document
from harness.targets.live import LiveTarget
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
_ANY: dict[str, Any] = {"responses": {"default": {"description": "any"}}, "security": [{"token": []}]}
_POST = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 3}}}
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": _POST}}}}
_ID = {"name": "post_id", "in": "path", "required": True, "schema": {"type": "integer"}}
PATCH, PIN, DELETE = "PATCH /posts/{post_id}", "POST /posts/{post_id}/pin", "DELETE /posts/{post_id}"
ALL = (PATCH, PIN, DELETE)
POSTS = ObjectKind("post", "writer", ("post_id",), "/posts", "$.posts[*].id", published=True)
MINE = replace(POSTS, list_path="/mine")


def document(description: str = "") -> Document:
    return Document.of(
        {
            "openapi": "3.0.3",
            "info": {"title": "Posts", "version": "1"},
            "paths": {
                "/mine": {"get": _ANY},
                "/posts": {"get": _ANY, "post": {**_ANY, **_BODY}},
                "/posts/{post_id}": {
                    "parameters": [_ID],
                    "get": _ANY,
                    "patch": {**_ANY, **_BODY, "description": description},
                    "delete": _ANY,
                },
                "/posts/{post_id}/pin": {"parameters": [_ID], "post": _ANY},
            },
            "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        }
    )


@dataclass
class _Posts:
    defects: frozenset[str]
    makes: bool = True  # whether anybody may publish
    tokens: dict[str, str] = field(default_factory=dict)
    posts: dict[int, dict[str, Any]] = field(
        default_factory=lambda: {
            number: {"id": number, "by": user, "text": "old", "pinned": False}
            for number, user in enumerate(("zoe", "ann", "ben"))
        }
    )
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(3))

    def answer(self, asked: Asked) -> Given:
        body = asked.body if isinstance(asked.body, dict) else {}
        if asked.path == "/login":
            token = secrets.token_hex(8)
            self.tokens[token] = str(body.get("user"))
            return Given(200, {"token": token})
        user = self.tokens.get(asked.token)
        if user is None:
            return Given(200 if asked.path == "/health" else 401, {})
        if asked.path == "/mine":
            return Given(200, {"posts": [{"id": post["id"]} for post in self.posts.values() if post["by"] == user]})
        if asked.path == "/posts":
            return self._list(user, asked.method, body)
        number, _, word = asked.path.removeprefix("/posts/").partition("/")
        post = self.posts.get(int(number)) if number.isdigit() else None
        if post is None:
            return Given(404, {})
        return Given(200, post) if asked.method == "GET" else self._change(user, post, asked.method, word, body)

    def _list(self, user: str, method: str, body: dict[str, Any]) -> Given:
        if method == "GET":
            return Given(200, {"posts": [*self.posts.values()]})
        if not self.makes:
            return Given(409, {})
        number = next(self.ids)
        self.posts[number] = {"id": number, "by": user, "text": body.get("text"), "pinned": False}
        return Given(201, self.posts[number])

    def _change(self, user: str, post: dict[str, Any], method: str, word: str, body: dict[str, Any]) -> Given:
        way = f"{method} /posts/{{post_id}}{'/' + word if word else ''}"
        if post["by"] != user and way not in self.defects:
            return Given(403, {})
        if method == "DELETE":
            del self.posts[post["id"]]
            return Given(204)
        post.update({"pinned": True} if word else {"text": body.get("text")})
        return Given(200, post)


@dataclass(frozen=True)
class Platforms:
    """Gives a platform with the same defects on fresh data each time."""

    defects: frozenset[str]
    objects: tuple[ObjectKind, ...] = ()
    makes: bool = True
    isolated: bool = True

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        assert label
        login = Login("json", "/login", {"user": "{username}", "password": "{password}"}, token="$.token")
        roles = (Role("writer", login, tuple(User(name, name, PASSWORD) for name in ("ann", "ben")), rank=1),)
        target = Target(
            "posts", "Posts", Environment.LOCAL, Path(), ("127.0.0.1",), Allow(writes=True), roles, health_path="/health",
            objects=self.objects,
        )  # fmt: skip
        with served(target, _Posts(self.defects, self.makes).answer) as live:
            yield live


def examined(*defects: str, described: ObjectKind | None = None, description: str = "", makes: bool = True) -> Matrix:
    platforms = Platforms(frozenset(defects), (described,) if described else (), makes)
    return AuthorizationRun(platforms, document(description), seed=1).run()


def found(matrix: Matrix) -> set[tuple[str, str, Confidence]]:
    return {(f.rule, f.operation, f.confidence) for item in matrix.examined for f in item.findings}


def mentioned(matrix: Matrix) -> set[str]:
    rule = "authorization.everybody-writes"
    return {said.operation for item in matrix.examined for said in item.observations if said.rule == rule}


@pytest.mark.parametrize("described", [POSTS, MINE, None])
def test_who_asks_for_the_maker_gives_no_finding_and_no_gap(described: ObjectKind | None) -> None:
    matrix = examined(described=described)
    assert (found(matrix), mentioned(matrix)) == (set(), set())
    assert [gap for name in document().names for gap in matrix.gaps(name)] == []
    judged = {cell.operation for cell in matrix.cells if cell.whose is Whose.ANOTHER and cell.twin and not cell.allowed}
    assert judged == set(ALL)


@pytest.mark.parametrize("operation", [PATCH, DELETE])
def test_one_way_that_forgets_the_maker_stands_out_beside_those_that_ask(operation: str) -> None:
    assert found(examined(operation)) == {("authorization.write-of-another", operation, Confidence.MEDIUM)}


@pytest.mark.parametrize("described", [POSTS, MINE])
@pytest.mark.parametrize("operation", [PATCH, DELETE])
def test_of_a_kind_that_the_target_file_calls_published_it_is_certain(operation: str, described: ObjectKind) -> None:
    assert found(examined(operation, described=described)) == {("authorization.write-of-another", operation, Confidence.HIGH)}


@pytest.mark.parametrize("described", [POSTS, None])
def test_what_is_done_below_the_object_may_be_for_everybody(described: ObjectKind | None) -> None:
    matrix = examined(PIN, described=described)
    assert (found(matrix), mentioned(matrix)) == (set(), {PIN})


def test_where_everybody_may_write_what_everybody_reads_nothing_is_claimed() -> None:
    matrix = examined(*ALL)
    assert found(matrix) == set()
    assert mentioned(matrix) >= {PATCH, DELETE}
    assert all(cell.permitted for cell in matrix.cells if cell.whose is Whose.ANOTHER)


def test_unless_its_words_say_that_it_is_the_owners() -> None:
    matrix = examined(*ALL, description="Changes the text of your own post.")
    assert found(matrix) == {("authorization.write-of-another", PATCH, Confidence.MEDIUM)}


def test_where_nobody_makes_any_it_is_said_that_none_is_known() -> None:
    gaps = examined(described=POSTS, makes=False).gaps("GET /posts")
    assert any("no post is known to be anybody's" in gap for gap in gaps)

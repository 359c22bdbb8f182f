"""What stands for a user in a request is filled in where it is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.model.finding import Request
from harness.probes.http.exchange import World
from harness.probes.scene.flows import mark_of
from tests.probes.servers.board_server import target
from tests.probes.servers.small_http import Asked, Given, served


@pytest.mark.parametrize(
    ("member", "email", "sent"),
    [
        ("email", "ann@example.test", "ann@example.test"),
        ("username", "ann@example.test", "ann"),
        ("account_e_mail", "ann@example.test", "ann@example.test"),
        ("email", "", "ann"),
    ],
)
def test_an_account_is_named_by_its_address_where_one_is_wanted(member: str, email: str, sent: str) -> None:
    seen: list[Any] = []

    def answer(asked: Asked) -> Given:
        seen.append(asked.body)
        return Given(200, {"token": "t"})

    board = target()
    (member_role,) = board.roles
    users = tuple(replace(user, email=email) for user in member_role.users)
    with served(replace(board, roles=(replace(member_role, users=users),)), answer) as live, World(live) as world:
        body = '{"' + member + '": "' + mark_of(member) + '"}'
        world.send(Request("POST", "/reset", "member", "ann", {"Content-Type": "application/json"}, body))
    assert seen[-1] == {member: sent}

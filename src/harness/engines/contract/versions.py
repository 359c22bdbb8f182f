"""Versions that a write must carry: read from the object just before, found wherever in the answer they stand."""

from __future__ import annotations

import json
from typing import Any

from harness.engines.contract.exchange import Sent
from harness.engines.contract.job import Freshness
from harness.model.finding import Request
from harness.probes.http.exchange import World

_DEPTH_MAX = 3


def find_member(data: Any, name: str) -> Any:
    """The nearest member of that name: an object may stand at the top of its answer, or one or two levels down; else None."""
    level = [data]
    for _ in range(_DEPTH_MAX):
        mappings = [item for item in level if isinstance(item, dict)]
        found = next((item[name] for item in mappings if name in item), None)
        if found is not None:
            return found
        level = [value for item in mappings for value in item.values()]
    return None


class Versions:
    """Reads the versions of objects on one instance, and remembers the first of each: what untouched data has."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._first: dict[tuple[str, str], Any] = {}

    def current(self, sent: Sent, fresh: Freshness, role: str) -> tuple[Sent, Sent]:
        """The request with the version of now, and with the one of untouched data; the same twice where there is nothing to set.

        Only a version that is there, and of the right type, is replaced; it is read as the role, whoever sends the request.
        """
        path = "/".join(sent.path.partition("?")[0].split("/")[: len(fresh.reader.split("/"))])
        body = _object(sent.body)
        if body is None or not fresh.member or fresh.member not in body:
            return sent, sent
        user = self._world.target.role(role).users[0].name
        now = find_member(self._world.send(Request("GET", path, role, user)).json, fresh.member)
        if now is None or type(now) is not type(body[fresh.member]):
            return sent, sent
        first = self._first.setdefault((path, fresh.member), now)
        return _with(sent, {**body, fresh.member: now}), _with(sent, {**body, fresh.member: first})


def _object(text: str | None) -> dict[str, Any] | None:
    try:
        data = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _with(sent: Sent, body: dict[str, Any]) -> Sent:
    return Sent(sent.method, sent.path, sent.headers, json.dumps(body))

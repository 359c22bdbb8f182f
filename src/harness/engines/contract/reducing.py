"""Sends what showed a defect again, on fresh data, and takes away whatever the defect does not need.

A defect that shows itself a second time is certain, and the request that is left is the one that somebody reads.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from harness.engines.contract.deviations import Deviation
from harness.engines.contract.exchange import Answer, Exchange, Sent
from harness.engines.contract.feeding import Feed, password_marker
from harness.engines.contract.oracle import Oracle
from harness.engines.contract.versions import Versions
from harness.model.finding import Request
from harness.model.target import Target
from harness.probes.http.exchange import PASSWORD, World
from harness.probes.openapi.document import Document, Operation

TRIES_MAX = 3  # exchanges of one defect that are tried until one shows it again
_HUNG_UP = ("RemoteProtocolError", "ReadError", "WriteError")
STEPS_MAX = 40  # requests to make one smaller


@dataclass(frozen=True)
class Confirmed:
    """A defect that was seen again: the smallest exchange, and what in it the defect depends on ("" where on nothing)."""

    exchange: Exchange
    deviation: Deviation
    blamed: str = ""


class Replayer:
    """Replays exchanges on one fresh instance of the target. `deadline` is a time of `time.monotonic`."""

    def __init__(self, world: World, document: Document, oracle: Oracle, feed: Feed, deadline: float) -> None:
        self._world = world
        self._document = document
        self._oracle = oracle
        self._feed = feed
        self._deadline = deadline
        self._versions = Versions(world)
        self.requests = 0

    def confirm(self, deviation: Deviation, exchanges: list[Exchange]) -> Confirmed | None:
        """The smallest exchange that shows the deviation again; None where none of the first few does."""
        for exchange in exchanges[:TRIES_MAX]:
            again = self.again(exchange)
            if again is not None and self._oracle.still(deviation, again):
                return self._small(deviation, again)
        return None

    def again(self, exchange: Exchange) -> Exchange | None:
        """The exchange with the answer that its request gets now; None where it cannot be sent, or nothing answered.

        Raises:
            TargetError: the target died of it.
        """
        if time.monotonic() > self._deadline or not exchange.sent.is_text:
            return None
        self.requests += 1
        request = request_of(exchange, self._world.target)
        fresh = self._feed.fresh.get(exchange.operation)
        if fresh is not None:
            prefixed = replace(fresh, reader=self._document.base_path + fresh.reader)
            now, first = self._versions.current(exchange.sent, prefixed, exchange.role)
            request = request_of(replace(exchange, sent=now), self._world.target)
            exchange = replace(exchange, sent=first)
        got = self._world.send(request)
        if got.status == 0 and got.error.startswith(_HUNG_UP):  # a kept connection that the server closed after its last answer
            got = self._world.send(request)
        if got.status == 0:
            return None
        headers = {name.lower(): value for name, value in reversed(got.headers)}
        cut = "larger than the bound" if got.truncated else ""
        return replace(exchange, answer=Answer(got.status, headers, got.text, cut))

    def deleted_and_back(self, exchange: Exchange) -> tuple[Exchange, Sent] | None:
        """An object of the data is deleted and asked for again: that answer and the deletion, where it is still given; else None.

        Raises:
            TargetError: the target died of it.
        """
        operation = self._document.operation(exchange.operation)
        freed = next((sent for c in exchange.complaints for sent in c.before[::-1] if sent.method == "DELETE"), None)
        deletion = next(
            (op for op in self._document.operations if freed and op.method == "DELETE" and self._is_at(op, freed)), None
        )
        if freed is None or deletion is None:
            return None
        for _, wanted in self._with_good_ids(operation, exchange.sent):
            prefix = "/".join(wanted.path.partition("?")[0].split("/")[: freed.path.count("/") + 1])
            gone = self.again(replace(exchange, operation=deletion.name, sent=replace(freed, path=prefix), complaints=()))
            if gone is None or gone.answer is None or not 200 <= gone.answer.status < 300:
                continue
            back = self.again(replace(exchange, sent=wanted))
            is_back = back is not None and back.answer is not None and 200 <= back.answer.status < 300
            return (back, gone.sent) if back is not None and is_back else None
        return None

    def _is_at(self, operation: Operation, sent: Sent) -> bool:
        """Whether a request's path is one of the operation's."""
        template, parts = (self._document.base_path + operation.path).split("/"), sent.path.partition("?")[0].split("/")
        return len(template) == len(parts) and all(t.startswith("{") or t == p for t, p in zip(template, parts, strict=True))

    def fails_without(self, deviation: Deviation, exchange: Exchange, blamed: str) -> bool:
        """Whether an exchange still shows the deviation when the blamed part is taken out of it, or made good."""
        operation = self._document.operation(exchange.operation)
        good = [sent for name, sent in self._with_good_ids(operation, exchange.sent) if name == blamed][:1]
        without = good or [sent for name, sent in _parts(exchange.sent) if name == blamed]
        if not without:
            return False
        return self._shows(deviation, replace(exchange, sent=without[0])) is not None

    # -- making it small

    def _small(self, deviation: Deviation, exchange: Exchange) -> Confirmed:
        operation = self._document.operation(exchange.operation)
        steps = 0
        is_smaller = True
        while is_smaller and steps < STEPS_MAX:
            is_smaller = False
            for candidate in _smaller(operation, exchange.sent):
                steps += 1
                if (again := self._shows(deviation, replace(exchange, sent=candidate))) is not None:
                    exchange, is_smaller = again, True
                    break
                if steps >= STEPS_MAX:
                    break
        said = self._oracle.again(deviation, exchange) or deviation
        return Confirmed(exchange, said, self._blamed(deviation, operation, exchange))

    def _shows(self, deviation: Deviation, exchange: Exchange) -> Exchange | None:
        again = self.again(exchange)
        return again if again is not None and self._oracle.still(deviation, again) else None

    def _blamed(self, deviation: Deviation, operation: Operation, exchange: Exchange) -> str:
        """Which part of the smallest request the defect depends on: the one whose replacement makes it vanish."""
        query, members = _query(exchange.sent), _members(exchange.sent)
        for name, changed in self._with_good_ids(operation, exchange.sent):
            again = self.again(replace(exchange, sent=changed))
            if again is not None and not self._oracle.still(deviation, again):
                return name
        if len(query) == 1:
            return query[0][0]
        if not query and members and len(members) == 1:
            return next(iter(members))
        return ""

    def _with_good_ids(self, operation: Operation, sent: Sent) -> Iterator[tuple[str, Sent]]:
        template = (self._document.base_path + operation.path).split("/")
        path, mark, query = sent.path.partition("?")
        parts = path.split("/")
        if len(parts) != len(template):
            return
        for index, part in enumerate(template):
            name = part.strip("{}")
            for good in self._feed.values.get(operation.name, {}).get(name, ())[:2]:
                if part.startswith("{") and str(good) != parts[index]:
                    changed = [*parts[:index], quote(str(good), safe=""), *parts[index + 1 :]]
                    yield name, replace(sent, path="/".join(changed) + mark + query)


def request_of(exchange: Exchange, target: Target) -> Request:
    """The exchange's request as it is kept and sent again: markers of passwords become the placeholder that all replays know."""
    sent = exchange.sent
    role = exchange.role if exchange.credential else ""
    body = sent.body
    for other in target.role_names:
        if body and password_marker(other) in body:
            body, role = body.replace(password_marker(other), PASSWORD), other if exchange.credential else ""
    user = target.role(role).users[0].name if role else ""
    return Request(sent.method, sent.path, role, user, dict(sent.headers), body)


def _smaller(operation: Operation, sent: Sent) -> Iterator[Sent]:
    """Requests with one part less, the largest parts first."""
    yield from (smaller for _, smaller in sorted(_parts(sent), key=lambda part: part[1].size))
    for name in sent.headers:
        if name.lower() not in ("content-type", "authorization", "cookie"):
            yield replace(sent, headers={key: value for key, value in sent.headers.items() if key != name})
    if sent.body and not operation.bodies:
        yield replace(sent, body=None)


def _parts(sent: Sent) -> Iterator[tuple[str, Sent]]:
    """The parameters of the query and the members of the body, each with the request without it."""
    path = sent.path.partition("?")[0]
    pairs = _query(sent)
    for index, (name, _) in enumerate(pairs):
        left = "&".join(f"{key}={value}" for key, value in pairs[:index] + pairs[index + 1 :])
        yield name, replace(sent, path=f"{path}?{left}" if left else path)
    members = _members(sent) or {}
    for name in members:
        yield name, replace(sent, body=json.dumps({key: value for key, value in members.items() if key != name}))


def _query(sent: Sent) -> list[tuple[str, str]]:
    """The pairs of the query, still encoded."""
    query = sent.path.partition("?")[2]
    return [(name, value) for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)]


def _members(sent: Sent) -> dict[str, Any] | None:
    try:
        body = json.loads(sent.body or "")
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None

"""Two requests at the same moment.

The moment is made, not awaited: the harness holds a lock on the tables that the request writes to, sends both, and lets go when
both wait. What each read before it wrote, it read before the other wrote.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

import psycopg
from psycopg import sql

from harness.model.errors import HarnessError
from harness.model.finding import Request
from harness.probes.http.answers import Answer
from harness.probes.http.door import Credential
from harness.probes.http.drafts import Draft, File, body_schema
from harness.probes.http.exchange import World
from harness.probes.scene.borrowed import is_reference
from harness.probes.scene.calls import on_a_new_object, sender, valid_drafts
from harness.probes.scene.scene import Scene
from harness.witness.survey import Sight
from harness.witness.watcher import Watcher, pause

LOST, DOUBLE, LIMIT = "lost-update", "double-submission", "limit-exceeded"
KEY_HEADER = "Idempotency-Key"
RACES_ON_KNOWN_MAX = 12  # for objects that were there before: some in each state
_WAIT_S = 1.0  # until both wait for the lock
_LOCK_S = 2.0
_ANSWER_S = 25.0  # longer than any answer is waited for
_POLL_S = 0.005


@dataclass(frozen=True)
class Pair:
    """Two requests that were sent at the same moment, and their answers. `waited` is how many waited for the lock together."""

    requests: tuple[Request, Request]
    answers: tuple[Answer, Answer]
    waited: int

    @property
    def both(self) -> bool:
        """Whether both were told that it was done."""
        return all(answer.is_success for answer in self.answers)

    @property
    def proof(self) -> tuple[str, ...]:
        """Lines for a finding."""
        lines = [
            f"{request.method} {request.path} {request.body or ''} → {answer.status}"
            for request, answer in zip(self.requests, self.answers, strict=True)
        ]
        return (*lines, f"{self.waited} of the two waited for the table at the same moment")


class Pairs:
    """Sends pairs of requests to one target."""

    def __init__(self, scene: Scene, watcher: Watcher) -> None:
        self._scene, self._watcher = scene, watcher

    def drafts(self, sight: Sight) -> Iterator[Draft]:
        """Valid drafts, at last for new objects: the state of those that were there before may refuse every write by now."""
        asked = (self._scene, sight.operation, sight.asker)
        return chain(islice(valid_drafts(*asked), RACES_ON_KNOWN_MAX), on_a_new_object(*asked))

    def unlike(self, draft: Draft, number: int) -> Draft:
        """The same request with other values where the schema leaves a choice; the version it carries stays."""
        if not isinstance(draft.body, dict):
            return draft
        place = f"{draft.operation.name} race {number}"
        current = {
            name: value
            for name, value in draft.body.items()
            if not isinstance(value, dict | list | File) and not is_reference(name)
        }
        changed = self._scene.drafter.values.unlike(body_schema(draft.operation.body), place, draft.body, current)
        versions = {name: value for name, value in draft.body.items() if isinstance(value, int) and not isinstance(value, bool)}
        return draft.with_body({**changed, **versions} if isinstance(changed, dict) else changed)

    def sender(self, sight: Sight) -> tuple[str, str]:
        """Role and user of a request."""
        return sender(self._scene, sight.operation, sight.asker)

    def credential(self, sight: Sight) -> Credential:
        """What it is sent with."""
        return self._scene.world.credential(*self.sender(sight)) if sight.asker.role else self._scene.anonymous

    def send(self, sight: Sight, draft: Draft) -> Answer:
        """Sends one."""
        return self._scene.world.send_as(draft.request(*self.sender(sight)), self.credential(sight))

    def send_again(self, sight: Sight, request: Request) -> Answer:
        """Sends one that was sent before."""
        return self._scene.world.send_as(request, self.credential(sight))

    def race(self, sight: Sight, drafts: tuple[Draft, Draft], tables: tuple[str, ...]) -> Pair:
        """Sends both at the same moment.

        Raises:
            HarnessError: the tables could not be held.
        """
        requests = (drafts[0].request(*self.sender(sight)), drafts[1].request(*self.sender(sight)))
        credential = self.credential(sight)
        world: World = self._scene.world
        with ThreadPoolExecutor(2) as pool, self._held(tables) as release:
            futures = [pool.submit(world.send_as, request, credential) for request in requests]
            waited = self._await_both(futures)
            release()
            answers = [future.result(_ANSWER_S) for future in futures]
        return Pair(requests, (answers[0], answers[1]), waited)

    def _await_both(self, futures: list[Any]) -> int:
        """How many of the target's connections wait for a lock, when both do or time is over."""
        deadline, most = time.monotonic() + _WAIT_S, 0
        while time.monotonic() < deadline and not all(future.done() for future in futures):
            row = self._watcher.connection.execute(
                "SELECT count(DISTINCT l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
                " WHERE NOT l.granted AND a.datname = current_database()"
            ).fetchone()
            most = max(most, int(row[0]) if row else 0)
            if most >= 2:
                break
            pause(_POLL_S)
        return most

    @contextmanager
    def _held(self, tables: tuple[str, ...]) -> Iterator[Any]:
        """Holds the tables against writers, not against readers, until it is told to let go."""
        with self._watcher.record.connect() as connection:
            connection.execute(f"SET lock_timeout = {int(_LOCK_S * 1000)}")
            connection.execute("BEGIN")
            names = sql.SQL(", ").join(sql.Identifier(name) for name in tables)
            try:
                connection.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(names))
            except psycopg.Error as error:
                raise HarnessError(f"the tables could not be held: {str(error).strip().splitlines()[0]}") from error
            yield lambda: connection.execute("ROLLBACK")


def with_new_key(draft: Draft) -> Draft:
    """With a key that no request before had, where the operation takes one."""
    name = key_name(draft)
    return replace(draft, headers={**draft.headers, name: f"zq{secrets.token_hex(8)}"}) if name else draft


def key_name(draft: Draft) -> str:
    """The header in which an operation takes an `Idempotency-Key`; "" where it takes none."""
    names = [parameter.name for parameter in draft.operation.placed("header")]
    return next((name for name in names if name.lower() == KEY_HEADER.lower()), "")

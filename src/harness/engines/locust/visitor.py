"""A visitor of the platform: what a journey is written with."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Any, NoReturn
from urllib.parse import quote, urlencode

from harness.engines.locust.account import Account
from harness.engines.locust.recorder import Sample, Visit
from harness.engines.locust.sending import RawAnswer, Sender, SendError
from harness.evidence.redaction import REDACTED, redact
from harness.probes.openapi.jsonpath import find

_EXCERPT_LENGTH = 160
_LOOKED_AT_LENGTH = 8192  # a credential must not be cut in two before it is recognised
_PATH_SAFE = "/%:@!$&'()*+,;=-._~?"
_JSON = "application/json"


class VisitOver(Exception):
    """The visitor did not get what was asked for, and goes away. Already counted; a journey does not catch it."""


class Visitor:
    """Somebody who walks through a journey. Whatever is not answered as asked is counted as a failure and ends the visit.

    Attributes:
        number: 0 for the first arrival of the run, 1 for the second, and so on.
        seeded: whether the platform holds the harness's own data, so that an empty list is wrong.
        random: a generator of this visitor's own, the same in every run of the same seed.
    """

    def __init__(
        self,
        visit: Visit,
        sender: Sender,
        account: Account,
        *,
        host: str,
        seed: int,
        seeded: bool,
        now_s: Callable[[], float],
        pause: Callable[[float], None],
    ) -> None:
        self.number = visit.number
        self.seeded = seeded
        self._seed = seed
        self._visit = visit
        self._sender = sender
        self._account = account
        self._now_s = now_s
        self._pause = pause
        self._from_s = visit.due_s
        self._head = f"Host: {host}\r\nUser-Agent: power100-harness-load\r\nAccept: {_JSON}\r\nAccept-Encoding: gzip\r\n"
        self._credential = self._token = ""
        self._cookies: dict[str, str] = {}

    @cached_property
    def random(self) -> random.Random:
        """A generator of this visitor's own, the same in every run of the same seed."""
        return random.Random(f"visitor {self._seed} {self.number}")

    def sign_in(self) -> None:
        """Logs in as the target's file says for the role; the credential goes with every later request."""
        account = self._account
        if account.login_path:
            answer = self._send("POST", account.login_path, "", account.login_body, account.login_type, ())
            answer.is_secret = True
            self._cookies.update(answer.cookies)
            self._token = account.token(answer)
        self._credential = account.credential(self._token)

    def get(self, path: str, *, name: str = "", params: Mapping[str, Any] | None = None, expect: Collection[int] = ()) -> Answer:
        """Sends a GET.

        Args:
            path: below the target's address, such as `/api/partner-portal/leads`.
            name: what the endpoint is counted as where the path varies, such as `/api/partner-portal/leads/{id}`.
            params: query parameters.
            expect: the statuses that are right; any 2xx where none is named.
        """
        return self._send("GET", _with_query(path, params), name or path, b"", "", expect)

    def post(self, path: str, body: Any = None, *, name: str = "", expect: Collection[int] = ()) -> Answer:
        """Sends a POST with a JSON body; further arguments as `get`."""
        return self._json("POST", path, body, name, expect)

    def put(self, path: str, body: Any = None, *, name: str = "", expect: Collection[int] = ()) -> Answer:
        """Sends a PUT with a JSON body; further arguments as `get`."""
        return self._json("PUT", path, body, name, expect)

    def patch(self, path: str, body: Any = None, *, name: str = "", expect: Collection[int] = ()) -> Answer:
        """Sends a PATCH with a JSON body; further arguments as `get`."""
        return self._json("PATCH", path, body, name, expect)

    def delete(self, path: str, *, name: str = "", expect: Collection[int] = ()) -> Answer:
        """Sends a DELETE; further arguments as `get`."""
        return self._send("DELETE", path, name or path, b"", "", expect)

    def think(self, seconds: float) -> None:
        """Pauses as a person does who reads. The pause is no part of any latency, but of the journey's time."""
        self._pause(seconds)
        self._from_s = self._now_s()

    def _json(self, method: str, path: str, body: Any, name: str, expect: Collection[int]) -> Answer:
        data = b"" if body is None else json.dumps(body).encode()
        return self._send(method, path, name or path, data, _JSON if data else "", expect)

    def _send(self, method: str, path: str, name: str, body: bytes, media_type: str, expect: Collection[int]) -> Answer:
        head = self._head_of(method, path, body, media_type)
        sample = Sample(f"{method} {name or path}", self._from_s, self._now_s())
        self._visit.samples.append(sample)
        try:
            raw = self._sender.send(head, body, method)
        except SendError as error:
            self._ended(sample)
            sample.failure, sample.example = error.kind, redact(error.detail)
            raise VisitOver from None
        self._ended(sample)
        answer = Answer(raw, sample, self._known_secrets())
        if raw.status not in expect if expect else not 200 <= raw.status < 300:
            answer.fail(f"status {raw.status}")
        return answer

    def _ended(self, sample: Sample) -> None:
        sample.ended_s = self._from_s = self._now_s()

    def _head_of(self, method: str, path: str, body: bytes, media_type: str) -> bytes:
        if not path.startswith("/") or path.startswith("//"):
            raise ValueError(f'{path!r}: wanted a path below the target\'s address, such as "/api/health/live"')
        lines = [f"{method} {quote(path, safe=_PATH_SAFE)} HTTP/1.1\r\n", self._head, self._credential]
        if self._cookies:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self._cookies.items()) + "\r\n")
        if body or method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(body)}\r\n")
        if media_type:
            lines.append(f"Content-Type: {media_type}\r\n")
        return ("".join(lines) + "\r\n").encode("latin-1")

    def _known_secrets(self) -> tuple[str, ...]:
        return tuple(secret for secret in (self._account.password, self._token, *self._cookies.values()) if secret)


class Answer:
    """What the platform answered. What is asked of it and does not hold is counted as the request's failure."""

    def __init__(self, raw: RawAnswer, sample: Sample, secrets: tuple[str, ...]) -> None:
        self.status = raw.status
        self.headers = raw.headers  # by lower-case name
        self.body = raw.body
        self._raw = raw
        self._sample = sample
        self._secrets = secrets
        self.is_secret = False  # an answer that holds a credential is never quoted

    @cached_property
    def json(self) -> Any:
        """The body as JSON; a failure where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            self.fail("wrong answer: not JSON")

    @property
    def cookies(self) -> dict[str, str]:
        """Cookies that the answer sets, without their attributes."""
        pairs = (line.partition(";")[0].partition("=") for line in self._raw.cookies)
        return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}

    def value(self, path: str) -> Any:
        """The first value at a JSON path such as `$.token`; a failure where there is none."""
        found = find(self.json, path)
        if not found:
            self.fail(f"wrong answer: no {path}")
        return found[0]

    def rows(self, member: str, *, at_least: int = 0) -> list[Any]:
        """The list under that member of the answer; a failure where there is none, or fewer rows."""
        rows = self.json.get(member) if isinstance(self.json, dict) else None
        if not isinstance(rows, list):
            self.fail(f'wrong answer: no list "{member}"')
        if len(rows) < at_least:
            self.fail(f'wrong answer: "{member}" has fewer than {at_least} rows')
        return rows

    def require(self, holds: object, otherwise: str) -> None:
        """A failure, named by the words of `otherwise`, where `holds` is not true. Keep the words the same for all visitors."""
        if not holds:
            self.fail(f"wrong answer: {otherwise}")

    def fail(self, kind: str) -> NoReturn:
        """Counts the request as failed in that way and ends the visit."""
        self._sample.failure = kind
        self._sample.example = f"{self.status}: {self._excerpt()}"
        raise VisitOver

    def _excerpt(self) -> str:
        if self.is_secret:
            return f"{len(self.body)} bytes"
        text = self.body[:_LOOKED_AT_LENGTH].decode("utf-8", "replace")
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        return redact(text)[:_EXCERPT_LENGTH]


def _with_query(path: str, params: Mapping[str, Any] | None) -> str:
    return f"{path}?{urlencode(params, doseq=True)}" if params else path

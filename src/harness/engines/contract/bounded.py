"""An HTTP adapter for `requests` under which no answer is endless, no credential is written down, and one host is asked.

The engine reads an answer as a whole; a target that streams for ever or packs gigabytes into a kilobyte would take it along.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError

from harness.probes.http.addresses import fresh_address, is_every_address_ours
from harness.targets.moving import TOO_MANY_REQUESTS, USELESS_MOVES_MAX

CUT_HEADER = "X-Harness-Cut"  # set on an answer that was not read to its end
DEPTH_MAX = 100  # levels of JSON: no platform means more, and whoever reads them by recursion falls over
_CHUNK_BYTES = 16 * 1024
_BRACKET = re.compile(rb"[\[\]{}]")


@dataclass
class Limits:
    """`answer_bytes_max` counts decompressed bytes; `answer_seconds` runs from the first byte of the body to its last."""

    answer_bytes_max: int
    answer_seconds: float


@dataclass
class Disguise:
    """Markers that stand for secrets in everything that is recorded, and the secrets that go over the wire instead."""

    headers: dict[str, tuple[str, str]] = field(default_factory=dict)  # name → (marker, secret)
    texts: dict[str, str] = field(default_factory=dict, repr=False)  # marker → secret, in bodies


@dataclass
class Place:
    """The address of this machine that requests come from; "" is the one that the system chooses.

    `useless` counts the addresses in a row that were refused as well, when they were new; `is_fixed` says that a forwarder
    gives each client an address, so that nothing is moved here.
    """

    address: str = ""
    useless: int = 0
    is_fixed: bool = False


class OtherHost(requests.exceptions.InvalidURL):
    """A request that would have gone to a host that the target is not: it is not sent."""


class BoundedAdapter(HTTPAdapter):
    """Cuts every answer at the limits and says so in a header of the answer; puts secrets in place of their markers.

    It asks the host and port of `base_url` and no other: what a document or an answer names is no leave to go there.
    A request that was refused with 429 is sent once more from a new address of this machine, and all adapters go on from
    there: as `harness.targets.moving`.
    """

    limits = Limits(4 * 1024 * 1024, 10.0)
    disguise = Disguise()
    place = Place()
    base_url = ""
    _bound_to = ""

    def send(  # noqa: D102 - as its base
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        allowed = _host(self.base_url)
        if allowed is None or _host(request.url or "") != allowed:
            raise OtherHost(f"{request.url} is not at {self.base_url}: nothing is sent there", request=request)
        kept = request.headers.copy(), request.body
        self._undisguise(request)
        try:
            response = self._sent(request, *args, **kwargs)
        finally:
            request.headers, request.body = kept
        response.raw = _BoundedBody(response.raw, self.limits)
        return response

    def _sent(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self._bind(self.place.address)
        refused = super().send(request, *args, **kwargs)
        if not self._moves(request, refused):
            return refused
        self._bind(fresh_address())
        try:
            answer = super().send(request, *args, **kwargs)
        except requests.RequestException as error:
            if not _is_of_the_connecting(error):  # what the request came to where it was let in
                refused.close()
                raise
            self.place.useless = USELESS_MOVES_MAX  # no connection can be made from there: the 429 stands
            return refused
        self.place.address = self._bound_to
        self.place.useless = self.place.useless + 1 if answer.status_code == TOO_MANY_REQUESTS else 0
        refused.close()
        return answer

    def _moves(self, request: requests.PreparedRequest, answer: requests.Response) -> bool:
        if answer.status_code != TOO_MANY_REQUESTS:
            self.place.useless = 0
            return False
        host = urlsplit(request.url or "").hostname or ""
        is_repeatable = request.body is None or isinstance(request.body, str | bytes)
        return (
            not self.place.is_fixed and is_repeatable and self.place.useless < USELESS_MOVES_MAX and is_every_address_ours(host)
        )

    def _bind(self, address: str) -> None:
        if address != self._bound_to:
            self._bound_to = address
            self.init_poolmanager(self._pool_connections, self._pool_maxsize, self._pool_block, source_address=(address, 0))

    def _undisguise(self, request: requests.PreparedRequest) -> None:
        for name, (marker, secret) in self.disguise.headers.items():
            if request.headers.get(name) == marker:
                request.headers[name] = secret
        body = request.body.encode() if isinstance(request.body, str) else request.body
        if not isinstance(body, bytes):
            return
        changed = body
        for marker, secret in self.disguise.texts.items():
            written = json.dumps(secret)[1:-1] if "json" in str(request.headers.get("Content-Type")) else quote_plus(secret)
            changed = changed.replace(marker.encode(), written.encode())
        if changed != body:
            request.body = changed
            request.headers["Content-Length"] = str(len(changed))


def _host(url: str) -> tuple[str, int] | None:
    """Name and port; None for what has none."""
    try:
        parts = urlsplit(url)
        default = {"http": 80, "https": 443}[parts.scheme]
        return (parts.hostname or "", parts.port or default)
    except (ValueError, KeyError):
        return None


def _is_of_the_connecting(error: requests.RequestException) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError)


class _BoundedBody:
    """The body of an answer: the urllib3 response behind it, read no further than the limits."""

    def __init__(self, raw: Any, limits: Limits) -> None:
        self._raw = raw
        self._limits = limits
        self._bytes = 0
        self._depth = 0
        self._deadline = time.monotonic() + limits.answer_seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, amount: int = _CHUNK_BYTES, decode_content: bool | None = None) -> Iterator[bytes]:
        """Chunks of the decoded body, as they arrive (a slow drip too), until its end or the first limit."""
        while chunk := self.read1(min(amount, _CHUNK_BYTES), decode_content):
            yield chunk

    def read1(self, amount: int | None = None, decode_content: bool | None = None) -> bytes:
        """What has arrived; nothing at the end, or once a limit is reached."""
        if self._is_over():
            return b""
        chunk: bytes = self._raw.read1(amount, decode_content=decode_content)
        self._bytes += len(chunk)
        if self._goes_too_deep(chunk):
            self._cut(f"nested deeper than {DEPTH_MAX} levels")
            return b""
        return chunk

    def _goes_too_deep(self, chunk: bytes) -> bool:
        """Whether brackets stay open at so many levels; those inside of texts count as well, and rarely are so many."""
        for bracket in _BRACKET.findall(chunk):
            self._depth += 1 if bracket in b"[{" else -1
            if self._depth > DEPTH_MAX:
                return True
        return False

    def _is_over(self) -> bool:
        why = ""
        if self._bytes > self._limits.answer_bytes_max:
            why = f"larger than {self._limits.answer_bytes_max} bytes"
        elif time.monotonic() > self._deadline:
            why = f"not over after {self._limits.answer_seconds:g} s"
        if why:
            self._cut(why)
        return bool(why)

    def _cut(self, why: str) -> None:
        self._raw.headers[CUT_HEADER] = why
        self._raw.close()


def install(limits: Limits, disguise: Disguise, base_url: str, *, is_fixed: bool) -> None:
    """Makes every `requests` session of this process use the adapter: the engine makes some where nobody can pass one in."""
    BoundedAdapter.base_url = base_url
    BoundedAdapter.limits = limits
    BoundedAdapter.disguise = disguise
    BoundedAdapter.place = Place(is_fixed=is_fixed)
    requests.sessions.HTTPAdapter = BoundedAdapter  # type: ignore[attr-defined]

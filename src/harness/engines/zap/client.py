"""ZAP's client with a deadline on every call, and with errors that are errors."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from zapv2 import ZAPv2

from harness.model.errors import EngineError
from harness.targets.clients import tls_context

CALL_TIMEOUT_S = 30.0
ANSWER_BYTES_MAX = 64 * 1024 * 1024
_QUOTED_CHARACTERS = 200


@dataclass
class Waits:
    """How long ZAP was waited for, in seconds: what is counted within something counted is not counted twice."""

    seconds: float = 0.0
    _depth: int = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Counts the time of the block."""
        self._depth += 1
        begun = time.monotonic()
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                self.seconds += time.monotonic() - begun


class Zap(ZAPv2):  # type: ignore[misc]  # the library has no types
    """The library's client; every call ends within its deadline, and a refusal is an exception instead of a word.

    The library itself waits for ever for a daemon that was stopped, and hands out `"does_not_exist"` as if it were an answer.
    """

    def __init__(self, address: str, key: str, *, timeout_s: float = CALL_TIMEOUT_S, waits: Waits | None = None) -> None:
        """A client of the daemon at `address` (`http://127.0.0.1:8090`), which is also the proxy that its interface is behind."""
        super().__init__(proxies={"http": address, "https": address}, apikey=key)
        self._address, self._key, self._timeout_s = address, key, timeout_s
        self._end = math.inf
        self._waits = waits or Waits()

    @contextmanager
    def together_within(self, seconds: float) -> Iterator[None]:
        """All calls in the block together take no longer than this; those that come too late are errors at once."""
        self._end = time.monotonic() + seconds
        try:
            yield
        finally:
            self._end = math.inf

    @property
    def is_out_of_time(self) -> bool:
        """Whether the time for all calls together is over."""
        return time.monotonic() >= self._end

    def _request_api(
        self, url: str, query: Mapping[str, Any] | None = None, method: str = "GET", body: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        """One call; the library's own method of the same name has no deadline.

        Raises:
            EngineError: no answer in time, none at all, or a refusal; with the call's name and ZAP's own word.
        """
        if not url.startswith("http://zap/"):
            raise EngineError(f"{url} is no call of ZAP's interface: the key is not sent there")
        call = url.removeprefix("http://zap/").strip("/")
        timeout_s = min(self._timeout_s, self._end - time.monotonic())
        if timeout_s <= 0:
            raise EngineError(f"ZAP was not asked {call}: the time for all calls together is over", hint="it answers slowly")
        try:
            with self._waits.counted():
                answer = self._send(url, query, method, body, timeout_s)
        except httpx.TimeoutException as error:
            raise EngineError(f"ZAP did not answer {call} in {timeout_s:.3g} s", hint="it hangs, or was stopped") from error
        except httpx.HTTPError as error:
            hint = "it is gone, its port belongs to another program, or the key is wrong (ZAP then just hangs up)"
            raise EngineError(f"ZAP gave no answer to {call}: {type(error).__name__}", hint=hint) from error
        if answer.status_code != httpx.codes.OK:
            raise EngineError(f"ZAP refused {call}: {_word(answer)}")
        return answer

    def _request(
        self, url: str, get: Mapping[str, Any] | None = None, method: str = "GET", body: Mapping[str, Any] | None = None
    ) -> Any:
        answer = self._request_api(url, get, method, body)
        try:
            data = answer.json()
        except ValueError:
            data = None
        if not isinstance(data, dict) or not data:
            raise EngineError(f"what answers at {self._address} is no ZAP: {answer.text[:_QUOTED_CHARACTERS]!r}")
        return data

    def _send(
        self, url: str, query: Mapping[str, Any] | None, method: str, body: Mapping[str, Any] | None, timeout_s: float
    ) -> httpx.Response:
        deadline = time.monotonic() + timeout_s
        with (
            httpx.Client(proxy=self._address, timeout=timeout_s, trust_env=False, verify=tls_context()) as http,
            http.stream(method, url, params=query, data=body, headers={"X-ZAP-API-Key": self._key}) as answer,
        ):
            text = bytearray()
            for piece in answer.iter_bytes():
                text += piece
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the answer never ended")
                if len(text) > ANSWER_BYTES_MAX:
                    raise httpx.DecodingError(f"the answer is longer than {ANSWER_BYTES_MAX} bytes")
        return httpx.Response(answer.status_code, content=bytes(text))


def _word(answer: httpx.Response) -> str:
    """ZAP's own word for a refusal (`no_implementor`), else the beginning of what it said."""
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.text[:_QUOTED_CHARACTERS]!r}"

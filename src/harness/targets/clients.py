"""HTTP clients for a target: only its own hosts, bounded in time and in what they hold."""

from __future__ import annotations

import ssl
from functools import cache
from typing import Any

import httpx

from harness.model.errors import TargetError
from harness.model.target import Target
from harness.probes.http.door import Credential
from harness.targets.forwarding import is_forwarded
from harness.targets.moving import MovingTransport
from harness.targets.safety import check_address

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 30.0
BODY_BYTES_MAX = 10 * 1024 * 1024
# What the standard library unpacks: at most a thousandfold, so one piece of 64 KB that was received is 64 MB at worst.
ACCEPTED_ENCODINGS = "gzip, deflate"


class TargetClient(httpx.Client):
    """An `httpx.Client` that raises `TargetError` instead of reading a body without end or unpacking a bomb.

    An answer that is asked for as a stream is the caller's to bound.
    """

    def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        """Sends a request; the body that is read is at most `BODY_BYTES_MAX` after unpacking.

        Raises:
            TargetError: the body is longer, or packed in a way that was not asked for.
        """
        answer = super().send(request, stream=True, **options)
        return answer if stream else _whole(answer)


def client(target: Target, base_url: str, credential: Credential | None = None, *, source: str = "") -> TargetClient:
    """A client for this target: bounded, redirects off, no other host, no proxy of the environment's.

    Args:
        source: the one address of ours that all connections come from. With "" they begin where the system chooses, and, where
            no forwarder gives each client an address, move on when the target answers 429 (`harness.targets.moving`).
    """

    def guard(request: httpx.Request) -> None:
        check_address(target, str(request.url))

    return TargetClient(
        base_url=base_url,
        headers={"Accept-Encoding": ACCEPTED_ENCODINGS, **(credential.headers if credential else {})},
        cookies=dict(credential.cookies) if credential else {},
        timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
        follow_redirects=False,
        trust_env=False,
        transport=_transport(source) if source or is_forwarded(target) else MovingTransport(_transport),
        event_hooks={"request": [guard]},
    )


def _transport(source: str) -> httpx.HTTPTransport:
    return httpx.HTTPTransport(verify=tls_context(), trust_env=False, local_address=source or None)


@cache
def tls_context() -> ssl.SSLContext:
    """One for all clients: to read the certificates of all authorities takes longer than a request on the loopback."""
    return httpx.create_ssl_context(trust_env=False)


def _whole(answer: httpx.Response) -> httpx.Response:
    try:
        encoding = answer.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in (*ACCEPTED_ENCODINGS.split(", "), "identity", ""):
            raise _refusal(answer, f"is packed as {encoding}, which was not asked for")
        body = bytearray()
        for piece in answer.iter_bytes():
            body += piece
            if len(body) > BODY_BYTES_MAX:
                raise _refusal(answer, f"is longer than {BODY_BYTES_MAX} bytes")
    finally:
        answer.close()
    return _of_whole_body(answer, bytes(body))


def _of_whole_body(answer: httpx.Response, body: bytes) -> httpx.Response:
    """The same answer with its unpacked body; the header that said how it was packed is gone with the packing."""
    headers = [
        (name, value) for name, value in answer.headers.multi_items() if name not in ("content-encoding", "content-length")
    ]
    whole = httpx.Response(
        answer.status_code,
        headers=headers,
        content=body,
        request=answer.request,
        extensions=answer.extensions,
        history=answer.history,
    )
    whole.elapsed = answer.elapsed
    return whole


def _refusal(answer: httpx.Response, what: str) -> TargetError:
    request = answer.request
    return TargetError(f"the answer to {request.method} {request.url.path} {what}")

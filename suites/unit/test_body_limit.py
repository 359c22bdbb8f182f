"""A body that is too large or too slow is refused, and no other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from tpe.infra.errors import BodyLimit

SECONDS_MAX = 0.2


def pieces(*waits_s: float) -> Receive:
    """A client that sends a piece of its body after each of these waits, the last one after the last; then it stays silent."""
    left: Iterator[tuple[int, float]] = iter(enumerate(waits_s, start=1))

    async def receive() -> Message:
        number, wait_s = next(left, (0, 60.0))
        await asyncio.sleep(wait_s)
        return {"type": "http.request", "body": b"x", "more_body": number < len(waits_s)}

    return receive


def read(receive: Receive, silence_s: float = 0.0) -> int:
    """How many pieces an application gets that reads the whole body; it may wait for the end of the connection after that."""
    got = 0

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        nonlocal got
        while (await receive())["more_body"]:
            got += 1
        got += 1
        if silence_s:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(receive(), silence_s)

    async def send(_message: Message) -> None:
        raise AssertionError("nothing is answered here")

    scope = {"type": "http", "path": "/", "headers": [(b"content-length", b"2")]}
    asyncio.run(BodyLimit(app, 1_000, SECONDS_MAX)(scope, receive, send))
    return got


def test_a_body_in_time_is_read_whole() -> None:
    assert read(pieces(0.0, 0.01, 0.01)) == 3


@pytest.mark.parametrize("waits_s", [(60.0,), (0.0, 60.0), (0.09, 0.09, 0.09, 0.09)])
def test_a_body_that_takes_too_long_is_given_up_however_its_pieces_come(waits_s: tuple[float, ...]) -> None:
    with pytest.raises(HTTPException) as refusal:
        read(pieces(*waits_s))
    assert refusal.value.status_code == 408


def test_an_answer_may_take_longer_than_the_body() -> None:
    assert read(pieces(0.0), silence_s=2 * SECONDS_MAX) == 1

"""What the worker's two threads say on one socket."""

from __future__ import annotations

import os
import socket
import threading
from multiprocessing.connection import Connection

from harness.engines.contract.job import Secrets, SignInWanted, Trouble
from harness.engines.contract.line import Line

LONG = "x" * 40_000  # more than goes out in one piece
EACH = 200


def test_two_threads_that_speak_at_once_are_both_understood() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        line, reader = Line(Connection(os.dup(theirs.fileno()))), Connection(os.dup(ours.fileno()))

        def speak(name: str) -> None:
            for _ in range(EACH):
                line.say(Trouble(name, "", "engine", LONG))

        speakers = [threading.Thread(target=speak, args=(name,), daemon=True) for name in ("engine", "main")]
        for speaker in speakers:
            speaker.start()
        heard = [reader.recv() for _ in range(2 * EACH)]
        for speaker in speakers:
            speaker.join(timeout=10)
        reader.close()
    assert {said.text for said in heard} == {LONG}
    assert [sum(said.operation == name for said in heard) for name in ("engine", "main")] == [EACH, EACH]


def test_a_session_is_asked_for_and_comes() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        line, reader = Line(Connection(os.dup(theirs.fileno()))), Connection(os.dup(ours.fileno()))
        reader.send(Secrets({"Authorization": ("marker", "secret")}))
        assert line.ask(SignInWanted("new")) == Secrets({"Authorization": ("marker", "secret")})
        assert reader.recv() == SignInWanted("new")
        reader.close()

"""The worker's end of the socket to whoever started it."""

from __future__ import annotations

import threading
from multiprocessing.connection import Connection

from harness.engines.contract.job import Job, Said, Secrets, SignInWanted


class Line:
    """Shared by the engine's thread, whose hooks ask for sessions, and the main one, which says what has ended.

    A long message is written in pieces: unless each goes out whole, the two are read as one that is none.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._saying = threading.Lock()

    def job(self) -> Job:
        """The first message: what to do."""
        job: Job = self._connection.recv()
        return job

    def say(self, said: Said) -> None:
        """Sends one message.

        Raises:
            OSError: whoever started this process is gone.
        """
        with self._saying:
            self._connection.send(said)

    def ask(self, wanted: SignInWanted) -> Secrets | None:
        """Asks for a session and waits for it; from the engine's thread alone, as nothing else is ever answered."""
        self.say(wanted)
        answer: Secrets | None = self._connection.recv()
        return answer

"""Whoever asks too much, too slowly or too long is bounded, and the others are served meanwhile."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from fixtures.platforms import Platforms
from harness.targets.live import LiveTarget
from suites.readiness.t2_1_hardening.test_rate_limits import try_to_log_in

pytestmark = pytest.mark.slow

ATTEMPTS, AT_ONCE, SOURCES = 10_000, 20, 20
GROWTH_BYTES_MAX = 96 * 1024 * 1024
OTHERS_S_MAX = 3.0
"""The slowest answer that the others may get while it goes on; usually they take hundredths of a second."""
IDLE_CONNECTIONS = 200
SLOW_BODIES = 50
BODY_S_MAX = 30.0
"""A body that takes longer must have been given up by then."""


@dataclass
class Others:
    """What a well-behaved user saw."""

    statuses: Counter[int] = field(default_factory=Counter)
    slowest_s: float = 0.0


def resident_bytes(live: LiveTarget) -> int:
    root = psutil.Process(live.pid)
    return sum(process.memory_info().rss for process in (root, *root.children(recursive=True)))


@contextmanager
def others_served(live: LiveTarget) -> Iterator[None]:
    """Somebody else works all the time: every request is answered with 200, none slowly, and the memory stays bounded."""
    kind = live.target.objects[0]
    role = live.target.role(kind.role)
    seen, stop = Others(), threading.Event()
    before = resident_bytes(live)

    def work(http: httpx.Client) -> None:
        while not stop.wait(0.1):
            begun = time.monotonic()
            seen.statuses[http.get(kind.list_path).status_code] += 1
            seen.slowest_s = max(seen.slowest_s, time.monotonic() - begun)

    with live.client(live.sign_in(role, role.users[0])) as http:
        thread = threading.Thread(target=work, args=(http,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
    assert set(seen.statuses) == {200}
    assert seen.statuses[200] >= 10
    assert seen.slowest_s < OTHERS_S_MAX
    assert resident_bytes(live) - before < GROWTH_BYTES_MAX


def test_ten_thousand_log_in_attempts_of_twenty_clients_get_each_no_further_than_its_limit(platforms: Platforms) -> None:
    statuses: Counter[int] = Counter()
    lock = threading.Lock()
    with platforms.started() as live, others_served(live):

        def attack(number: int) -> None:
            own: Counter[int] = Counter()
            with live.seen_from(f"127.0.2.{1 + number % SOURCES}").client() as http:
                for _ in range(ATTEMPTS // AT_ONCE):
                    own[try_to_log_in(http, live).status_code] += 1
            with lock:
                statuses.update(own)

        threads = [threading.Thread(target=attack, args=(number,)) for number in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    allowed = SOURCES * platforms.target.limits.log_in_attempts
    assert sum(statuses.values()) == ATTEMPTS
    assert statuses == {401: allowed, 429: ATTEMPTS - allowed}


def connected(live: LiveTarget, stack: ExitStack) -> socket.socket:
    address = urlsplit(live.direct_url)
    return stack.enter_context(socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=5))


def test_two_hundred_idle_connections_keep_nobody_waiting(platforms: Platforms) -> None:
    with platforms.started() as live, ExitStack() as stack, others_served(live):
        for _ in range(IDLE_CONNECTIONS):
            connected(live, stack)
        time.sleep(5)


def test_a_body_that_never_ends_is_given_up_and_keeps_nobody_waiting(platforms: Platforms) -> None:
    with platforms.started() as live, ExitStack() as stack, others_served(live):
        path = next(role.login.path for role in live.target.roles if role.login.kind == "json")
        head = f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
        waiting = [connected(live, stack) for _ in range(SLOW_BODIES)]
        for connection in waiting:
            connection.sendall(head.encode())
        begun, answers = time.monotonic(), dict.fromkeys(waiting, b"")
        while waiting and time.monotonic() - begun < BODY_S_MAX:
            for connection in list(waiting):
                connection.settimeout(0.01)
                try:
                    connection.sendall(b" ")
                    answers[connection] += connection.recv(1_000)
                except TimeoutError:
                    continue
                except OSError:
                    waiting.remove(connection)
                    continue
                if answers[connection]:
                    waiting.remove(connection)
            time.sleep(0.2)
        assert not waiting, f"{len(waiting)} of {SLOW_BODIES} bodies are still waited for"
        assert {answer.split(b" ")[1] for answer in answers.values() if answer} == {b"408"}

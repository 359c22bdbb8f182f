"""Clients that send slowly, on purpose: a handful of half-sent requests must not keep the others waiting."""

from __future__ import annotations

import contextlib
import socket
import time
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from harness.model.finding import Severity, Symptom
from harness.model.weakness import Place, Weakness
from harness.probes.checks import Report, finding_of
from harness.probes.http.addresses import fresh_address
from harness.probes.http.clients import can_be_many
from harness.probes.http.door import Door

CONNECTIONS = 40
BESIDE = 5  # requests that are sent while they are held
SERVED_S_MAX = 2.0
LATE_MAX = 2
_CONNECT_TIMEOUT_S = 2.0

_WEAKNESS = Weakness(
    "robustness.slow-clients",
    Severity.MEDIUM,
    400,
    "API4:2023",
    f"While {CONNECTIONS} clients send their requests slowly, others are answered as usual.",
    "Somebody with one computer and no bandwidth takes the platform away from everybody (Slowloris).",
    "Read requests before a worker is given to them (an asynchronous server, or a proxy in front), and bound the time for one.",
    ("2.1.5.a",),
)


def examine_slow_clients(door: Door) -> Report:
    """Holds half-sent requests, heads and bodies, and sends plain ones beside them."""
    report = Report("slow clients")
    direct = door.seen_from(fresh_address()) if can_be_many(door) else door  # a proxy before it would bear them for it
    address = urlsplit(direct.base_url)
    if address.scheme != "http" or not address.hostname:
        report.note = "requests are only held over plain HTTP"
        return report
    host, port, path = address.hostname, address.port or 80, door.target.health_path
    with ExitStack() as held:
        before = max(_served_after_s(host, port, path) for _ in range(BESIDE))
        with contextlib.suppress(OSError):  # it takes no further connection: enough are held
            for number in range(CONNECTIONS):
                held.enter_context(_half_sent(host, port, path, body=number % 2 == 1))
                report.tried += 1
        took: list[float] = []
        while len(took) < BESIDE and sum(seconds >= SERVED_S_MAX for seconds in took) < LATE_MAX:
            took.append(_served_after_s(host, port, path))
    if sum(seconds >= SERVED_S_MAX for seconds in took) >= LATE_MAX:
        observed = (
            f"With {report.tried} half-sent requests open, others had no answer within {SERVED_S_MAX:g} s;"
            f" without them none took over {before:.2f} s."
        )
        title = "A handful of slow clients keeps everybody waiting"
        report.findings.append(finding_of(_WEAKNESS, Place(), title, observed, (), Symptom()))
    return report


def _served_after_s(host: str, port: int, path: str) -> float:
    """Seconds until a plain request on a connection of its own is answered; `SERVED_S_MAX` where it is not in that time."""
    begun = time.monotonic()
    connection = HTTPConnection(host, port, timeout=SERVED_S_MAX)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except (OSError, HTTPException):
        return SERVED_S_MAX
    finally:
        connection.close()
    return time.monotonic() - begun


def _half_sent(host: str, port: int, path: str, *, body: bool) -> socket.socket:
    """A connection on which the end of a head, or of a body, never comes."""
    connection = socket.create_connection((host, port), timeout=_CONNECT_TIMEOUT_S)
    head = f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\nHost: {host}:{port}\r\n"
    rest = "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{" if body else "X-Slow: "
    connection.sendall((head + rest).encode())
    return connection

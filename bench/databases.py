"""How fast a database is there: the server's start, and a clone of the reference platform's `small` data."""

from __future__ import annotations

import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from harness.config.targets import read_target
from harness.databases import DatabaseServer, open_server
from harness.databases.engine import Engine, find_engine
from harness.databases.place import SHM_VARIABLE
from harness.targets.template import Seeding, fill_database

Figure = tuple[str, float, str, str]

_TARGET = Path(__file__).resolve().parents[1] / "targets" / "reference.toml"
_TEMPLATE = "small"
_SEED = 20261124
_STARTS = 5
_CLONES = 40
_MS = 1000.0


def figures() -> list[Figure]:
    """Milliseconds for every provider that this machine has; embedded in memory and on the disk."""
    measured = _provider("embedded, memory", "embedded")
    with _environment(SHM_VARIABLE, "off"):
        measured += _provider("embedded, disk", "embedded")
    engine = find_engine()
    if isinstance(engine, Engine) and engine.held_image():
        measured += _provider("docker", "docker")
    return measured


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


def _provider(label: str, provider: str) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        open_server(provider, folder).stop()  # so that what is kept between runs is there
        starts = [_start(provider, folder) for _ in range(_STARTS)]
        first = _figure(f"{label}: start to first query", starts, "as a second run finds it")
        with open_server(provider, folder) as server:
            return [first, *_clones(label, server, folder)]


def _start(provider: str, folder: Path) -> float:
    began = time.perf_counter()
    with open_server(provider, folder) as server, server.connect() as connection:
        connection.execute("SELECT 1")
        return time.perf_counter() - began


def _clones(label: str, server: DatabaseServer, folder: Path) -> list[Figure]:
    took = _fill(server, folder)
    size_mb = _size_mb(server)
    clones, connects, drops = [], [], []
    for number in range(_CLONES):
        name = f"clone_{number}"
        clones.append(_timed(lambda name=name: server.clone(_TEMPLATE, name)))  # type: ignore[misc]
        connects.append(_timed(lambda name=name: _connect(server.dsn(name))))  # type: ignore[misc]
        drops.append(_timed(lambda name=name: server.drop(name)))  # type: ignore[misc]
    of = f"the small database, {size_mb:.0f} MB"
    return [
        (f"{label}: migrate and seed", sum(took.values()) * _MS, "ms", f"once, {of}"),
        _figure(f"{label}: clone", clones, of),
        _figure(f"{label}: first connection to a clone and a query", connects, of),
        _figure(f"{label}: drop a clone", drops, of),
    ]


def _fill(server: DatabaseServer, folder: Path) -> dict[str, float]:
    password = f"Aa1{secrets.token_urlsafe(18)}"
    seeding = Seeding(server.create(_TEMPLATE), "small", _SEED, password, folder)
    took = fill_database(read_target(_TARGET), seeding)
    server.freeze(_TEMPLATE)
    return took


def _size_mb(server: DatabaseServer) -> float:
    with server.connect() as connection:
        row = connection.execute("SELECT pg_database_size(%s)", [server.access.physical(_TEMPLATE)]).fetchone()
    return int(row[0]) / (1 << 20) if row else 0.0


def _connect(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT 1")


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _figure(name: str, seconds: list[float], how: str) -> Figure:
    p95 = sorted(seconds)[int(0.95 * (len(seconds) - 1))]
    return (
        name,
        statistics.median(seconds) * _MS,
        "ms",
        f"median of {len(seconds)} (best {min(seconds) * _MS:.0f}, p95 {p95 * _MS:.0f}); {how}",
    )

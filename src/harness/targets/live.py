"""A target that runs: started by us, or there already."""

from __future__ import annotations

import dataclasses
import os
import re
import secrets
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
from psycopg.conninfo import conninfo_to_dict

from harness.databases.recorded import Recorded
from harness.evidence.redaction import redact, remember_secret
from harness.model.errors import PreflightError, TargetError
from harness.model.target import Role, Target, User, filled
from harness.probes.http.door import Credential
from harness.processes import KeptProcess, ProcessError, keep
from harness.targets import signing
from harness.targets.clients import client, tls_context
from harness.targets.forwarding import TRUSTED_PROXY, forward, is_forwarded
from harness.targets.safety import check_address

HOST = "127.0.0.1"
_POLL_S = 0.05
_STOP_GRACE_S = 10.0
_LOG_LINES_QUOTED = 6
_SECRET_BYTES = 48
_PORT_TRIES = 3
_HEALTH_TIMEOUT_S = 2.0
_COVERAGE_VARIABLES = (
    "COVERAGE_PROCESS_START",
    "COVERAGE_PROCESS_CONFIG",
    "COV_CORE_SOURCE",
    "COV_CORE_CONFIG",
    "COV_CORE_DATAFILE",
)

_DATABASE_PARTS = {"db_host": "host", "db_port": "port", "db_name": "dbname", "db_user": "user", "db_password": "password"}

_run_secrets: dict[str, str] = {}


@dataclass(frozen=True)
class Launch:
    """How to start a target: its database, its port, whether it is measured."""

    folder: Path  # gets the log
    dsn: str = field(default="", repr=False)
    port: int | None = None
    instrumented: bool = False
    coverage_config: Path | None = None
    label: str = "target"
    extra: Mapping[str, str | None] = field(default_factory=dict, repr=False)  # `None` takes a variable away


@dataclass
class LiveTarget:
    """A running target. `target` is the file's with the passwords of this run filled in.

    `base_url` is the forwarder's address where the target has one before it, and `direct_url` always its own.
    """

    target: Target
    base_url: str
    dsn: str = field(default="", repr=False)
    log_path: Path | None = None
    process: KeptProcess | None = field(default=None, repr=False)
    launch: Launch | None = field(default=None, repr=False)
    record: Recorded | None = None  # its database, where the statements are recorded
    source: str = ""  # the address of ours that requests come from; "": the system chooses
    direct_url: str = ""
    forwarder: KeptProcess | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.direct_url = self.direct_url or self.base_url

    @property
    def pid(self) -> int:
        """Process id; 0 for a target that we did not start."""
        return self.process.pid if self.process else 0

    @property
    def secrets(self) -> tuple[str, ...]:
        """The keys that this run made for it (`{secret}` in its variables): they sign what must be refused for another reason."""
        return tuple(_run_secrets.values())

    def alive(self) -> bool:
        """Whether it runs and answers its health address below 500."""
        if self.process is not None and not self.process.alive():
            return False
        return _answers(self.base_url + self.target.health_path, timeout_s=5.0)

    def sign_in(self, role: Role, user: User) -> Credential:
        """Logs a user in; `TargetError` where the target refuses."""
        return signing.sign_in(self.target, self.base_url, role, user, source=self.source)

    def client(self, credential: Credential | None = None) -> httpx.Client:
        """A client for this target alone: bounded in time, no redirects."""
        return client(self.target, self.base_url, credential, source=self.source)

    def seen_from(self, source: str) -> LiveTarget:
        """The same target as another client has it: each connection comes from `source`, an address of this machine.

        Nothing stands between the two, and the target has no reason to trust what this client says of itself.
        """
        return dataclasses.replace(self, source=source, base_url=self.direct_url)

    def stop(self) -> int | None:
        """Ends it and its forwarder, if we started it; its exit code."""
        code = self.process.stop() if self.process else None
        if self.forwarder is not None:
            self.forwarder.stop()
        return code

    def restart(self) -> None:
        """Stops it and starts it again at the same address, on the same data.

        Raises:
            TargetError: it was not started by us, or does not become healthy again.
        """
        if self.launch is None:
            raise TargetError(f"{self.target.name} was not started by the harness, so it is not restarted")
        if self.process is not None:
            self.process.stop()
        self.process = _serve(self.target, self.launch, self.base_url, urlsplit(self.direct_url).port or 0)
        _await_health(self)

    def log_tail(self) -> str:
        """The last lines of its log, without secrets."""
        if self.log_path is None or not self.log_path.is_file():
            return ""
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return redact(" | ".join(line.strip() for line in lines[-_LOG_LINES_QUOTED:]))


@contextmanager
def started(target: Target, launch: Launch) -> Iterator[LiveTarget]:
    """The target, running and healthy; it is stopped at the end. One with an address of its own is only looked at.

    Raises:
        TargetError: it does not answer, ends early, or its port is taken; with the last lines of its log.
    """
    live = _attach(target) if target.base_url else start(target, launch)
    try:
        yield live
    finally:
        live.stop()


def _attach(target: Target) -> LiveTarget:
    check_address(target, target.base_url)
    live = LiveTarget(target, target.base_url.rstrip("/"))
    if not live.alive():
        raise PreflightError(f"{target.name} does not answer at {target.base_url}{target.health_path}", hint="is it running?")
    return live


def start(target: Target, launch: Launch) -> LiveTarget:
    """Starts the target and waits until it is healthy; the caller stops it.

    Raises:
        TargetError: it does not become healthy in `start_timeout_s`, or its port is in use.
    """
    tries = 1 if launch.port else _PORT_TRIES  # a free port can be taken by somebody else before the target binds it
    for attempt in range(1, tries + 1):
        port = launch.port or free_port()
        if launch.port and not _is_free(port):
            raise PreflightError(f"port {port} is in use", hint="choose another with --port, or leave it out for a free one")
        live = _launch(target, launch, port)
        try:
            _await_health(live)
        except TargetError as error:
            live.stop()
            if attempt == tries or "address already in use" not in f"{error} {live.log_tail()}".lower():
                raise
        else:
            return live
    raise AssertionError("unreachable: the last attempt returns or raises")


def _launch(target: Target, launch: Launch, port: int) -> LiveTarget:
    """Starts the target at `port`; one that knows a trusted proxy at a port of its own, and its forwarder at `port`."""
    base_url = f"http://{HOST}:{port}"
    check_address(target, base_url)
    launch.folder.mkdir(parents=True, exist_ok=True)
    own_port, forwarder = port, None
    if is_forwarded(target):
        own_port = free_port()
        forwarder = forward(target, HOST, port, own_port, launch.folder / f"{launch.label}-forwarder.log")
    try:
        process = _serve(target, launch, base_url, own_port)
    except TargetError:
        if forwarder is not None:
            forwarder.stop()
        raise
    return LiveTarget(
        target,
        base_url,
        launch.dsn,
        launch.folder / f"{launch.label}.log",
        process,
        launch,
        direct_url=f"http://{HOST}:{own_port}",
        forwarder=forwarder,
    )


def _serve(target: Target, launch: Launch, base_url: str, port: int) -> KeptProcess:
    commands = target.commands
    measured = launch.instrumented and commands.start_instrumented
    command = commands.start_instrumented if measured else commands.start
    if not command:
        raise TargetError(f"{target.name}: its file gives no start command", hint="give commands.start, or base_url")
    log = launch.folder / f"{launch.label}.log"
    values = {"host": HOST, "port": str(port), "coverage_config": str(launch.coverage_config or "")}
    return _run(target, fill(command, values), log, environment(target, base_url, launch.dsn, launch.extra))


def _run(target: Target, command: list[str], log: Path, environ: Mapping[str, str]) -> KeptProcess:
    try:
        return keep(command, folder=target.folder, log=log, environ=environ, grace_s=_STOP_GRACE_S)
    except ProcessError as error:
        raise TargetError(f"{target.name}: {error.message}", hint="check commands and folder in the target's file") from error


def fill(command: tuple[str, ...], values: Mapping[str, str]) -> list[str]:
    """A command with its placeholders replaced; `{python}` is the interpreter that runs the harness."""
    known = {"python": sys.executable, **values}
    return [re.sub(r"\{(\w+)\}", lambda match: known.get(match[1], match[0]), word) for word in command]


def environment(target: Target, base_url: str, dsn: str, extra: Mapping[str, str | None]) -> dict[str, str]:
    """What a command of the target sees: this process's environment, the target's variables, its database, and `extra`."""
    kept = {
        name: value for name, value in os.environ.items() if name not in _COVERAGE_VARIABLES and not name.startswith("HARNESS_")
    }
    variables = {name: _variable(name, value, base_url) for name, value in target.variables.items()}
    database = database_environment(target, dsn) if dsn else {}
    wanted: dict[str, str | None] = {**kept, **variables, **database, **extra}
    return {name: value for name, value in wanted.items() if value is not None}


def database_environment(target: Target, dsn: str) -> dict[str, str]:
    """The variables that carry the database's address, in the shapes that the target's file asks for."""
    parts = conninfo_to_dict(dsn)
    values = {name: str(parts.get(key) or "") for name, key in _DATABASE_PARTS.items()}
    values |= {"db_url": dsn}
    asked = {name: str(filled(template, values)) for name, template in target.database_variables.items()}
    return {**({target.database_variable: dsn} if target.database_variable else {}), **asked}


def _variable(name: str, value: str, base_url: str) -> str:
    if "{secret}" in value and name not in _run_secrets:
        _run_secrets[name] = secrets.token_hex(_SECRET_BYTES)
        remember_secret(_run_secrets[name])
    known = {"base_url": base_url, "secret": _run_secrets.get(name, ""), TRUSTED_PROXY: HOST}
    return re.sub(r"\{(\w+)\}", lambda match: known.get(match[1], match[0]), value)


def _await_health(live: LiveTarget) -> None:
    deadline = time.monotonic() + live.target.start_timeout_s
    address = live.direct_url + live.target.health_path
    while time.monotonic() < deadline:
        if live.process is not None and live.process.wait(_POLL_S):
            raise TargetError(
                f"{live.target.name} ended with {live.process.exit_code} before it answered: {live.log_tail()}",
                hint=f"its log is {live.log_path}",
            )
        if _answers(address, timeout_s=_HEALTH_TIMEOUT_S):
            _demand_own_answer(live)
            if _is_forwarded_to(live):
                return
    raise TargetError(
        f"{live.target.name} did not become healthy at {live.target.health_path} in {live.target.start_timeout_s:g} s: "
        f"{live.log_tail()}",
        hint=f"its log is {live.log_path}; start_timeout_s in its file gives it more time",
    )


def _demand_own_answer(live: LiveTarget) -> None:
    """Who answers must be the process that we started: another one that took the port would be judged in its place."""
    port = urlsplit(live.direct_url).port
    if live.process is None or _listens(live.process.pid, port):
        return
    raise TargetError(f"{live.target.name}: something else answers at {live.direct_url}: address already in use")


def _is_forwarded_to(live: LiveTarget) -> bool:
    """Whether its forwarder listens, where it has one; `TargetError` where that one has ended."""
    if live.forwarder is None:
        return True
    if not live.forwarder.alive():
        raise TargetError(f"{live.target.name}: the forwarder at {live.base_url} ended: address already in use")
    return _listens(live.forwarder.pid, urlsplit(live.base_url).port)


def _listens(pid: int, port: int | None) -> bool:
    """Whether the process or one that it started listens on the port; True where the system does not tell."""
    try:
        root = psutil.Process(pid)
        connections = [each for process in (root, *root.children(recursive=True)) for each in process.net_connections("tcp")]
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
    return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in connections)


def _answers(url: str, *, timeout_s: float) -> bool:
    try:
        with httpx.stream("GET", url, timeout=timeout_s, trust_env=False, verify=tls_context()) as answer:
            return answer.status_code < 500
    except httpx.HTTPError:
        return False


def free_port() -> int:
    """A port of the loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True

"""A ZAP that answers: the running one, or one started here with a fresh home, which is gone at the end with all that it held."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.engines.process import Stop
from harness.engines.zap.client import Waits, Zap
from harness.engines.zap.container import container
from harness.engines.zap.source import PROGRAM, SourceKind, ZapSource
from harness.evidence.redaction import redact, remember_secret
from harness.model.errors import EngineError
from harness.processes import KeptProcess, ProcessError, keep
from harness.targets.live import HOST, free_port

READY_TIMEOUT_S = 120.0
MEMORY_MB = 1024
_STOP_GRACE_S = 15.0  # it was seen to need six seconds
_PROBE_TIMEOUT_S = 5.0
_POLL_S = 0.25
_PORT_TRIES = 3
_LOG_CHARACTERS_QUOTED = 600
_LOG = "zap.log"
_OUT_OF_MEMORY = "java.lang.OutOfMemoryError"
_SETTINGS = {
    "api.reportpermerrors": "true",  # else a wrong key just closes the connection
    "api.filexfer": "true",  # plans and documents are handed over through the interface, never through a shared folder
    "insights.exitAuto": "false",  # else that add-on may end the daemon in mid-scan
}


@dataclass
class Daemon:
    """A ZAP that answers. `process` is set where it was started here as a program.

    `log` is None where it cannot be read from here; what is before `log_begins` (bytes) is of earlier scans. `fetch_log` brings
    it up to date where that does not happen by itself.
    """

    address: str
    source: ZapSource
    key: str = field(repr=False)
    log: Path | None = None
    process: KeptProcess | None = field(default=None, repr=False)
    log_begins: int = 0
    fetch_log: Callable[[], None] | None = field(default=None, repr=False)
    waits: Waits = field(default_factory=Waits, repr=False)

    def client(self, *, timeout_s: float = 30.0) -> Zap:
        """A client, each of whose calls ends in that time."""
        return Zap(self.address, self.key, timeout_s=timeout_s, waits=self.waits)

    def gone(self) -> str:
        """Why it is gone, with the end of its log; "" while its process lives (or is not ours to look at)."""
        if self.process is None or self.process.alive():
            return ""
        return f"ZAP ended by itself with {self.process.exit_code}: {self.said()}"

    def said(self) -> str:
        """The end of its log, without secrets."""
        text = redact("\n".join(self.logged()))
        lines = (line.strip() for line in text[-_LOG_CHARACTERS_QUOTED:].splitlines() if line.strip())
        return " | ".join(lines) or "it left no log"

    def out_of_memory(self) -> str:
        """That it ran out of memory, in the words of its log; "" where nothing says so.

        It goes on then without the thread that met it, and nothing that it answers shows what that thread had to do.
        """
        line = next((line for line in self.logged() if _OUT_OF_MEMORY in line), "")
        said = redact(line[line.find(_OUT_OF_MEMORY) :].strip()[:_LOG_CHARACTERS_QUOTED])
        return f"ZAP ran out of memory: {said} (options.memory_mb of the stage gives it more)" if said else ""

    def logged(self) -> list[str]:
        """The lines of its log so far, as they are; none where it cannot be read from here."""
        if self.fetch_log is not None:
            self.fetch_log()
        if self.log is None or not self.log.is_file():
            return []
        with self.log.open("rb") as log:
            if self.log.stat().st_size >= self.log_begins:  # else it was begun anew
                log.seek(self.log_begins)
            return log.read().decode(errors="replace").splitlines()


@contextmanager
def opened(source: ZapSource, folder: Path, *, memory_mb: int = MEMORY_MB, stop: Stop | None = None) -> Iterator[Daemon]:
    """A ZAP of that source, ready for calls.

    Args:
        folder: gets its log; its home is elsewhere and goes at the end, as plans with passwords are handed to it.
        memory_mb: what its heap may take.
        stop: gives up waiting when it is set.

    Raises:
        EngineError: it does not get ready, refuses the key, or what answers is something else.
    """
    if source.kind is SourceKind.RUNNING:
        daemon = Daemon(source.where, source, source.key)
        remember_secret(source.key)
        daemon.log, daemon.log_begins = _log_of(daemon.client())
        yield daemon
        return
    home = Path(tempfile.mkdtemp(prefix="harness-zap-"))
    start = _container if source.kind is SourceKind.DOCKER else _program
    try:
        with start(source, home, folder / _LOG, memory_mb, stop or Stop()) as daemon:
            yield daemon
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _log_of(client: Zap) -> tuple[Path | None, int]:
    """The log of a daemon that somebody else started, with its length in bytes; None where it is not there to be read."""
    log = Path(str(client.core.zap_home_path)) / _LOG
    try:
        with log.open("rb") as there:
            return log, there.seek(0, os.SEEK_END)
    except OSError:
        return None, 0


@contextmanager
def _program(source: ZapSource, home: Path, log: Path, memory_mb: int, stop: Stop) -> Iterator[Daemon]:
    daemon = _started(source, home, log, memory_mb, stop)
    try:
        yield daemon
    finally:
        if daemon.process is not None:
            daemon.process.stop()
        _redact_file(log)


def _started(source: ZapSource, home: Path, log: Path, memory_mb: int, stop: Stop) -> Daemon:
    """Started on a free port; somebody may take that before it does, and then it ends (with 0)."""
    for attempt in range(1, _PORT_TRIES + 1):
        port, key = free_port(), _new_key()
        command = [source.where, *arguments(home / "home", port, settings_file(home, key), memory_mb)]
        try:
            process = keep(command, folder=home, log=log, environ=dict(os.environ), grace_s=_STOP_GRACE_S, remove=(home,))
        except ProcessError as error:
            raise EngineError(f"{source.where} does not start: {error.message}", hint=error.hint) from error
        daemon = Daemon(f"http://{HOST}:{port}", source, key, log, process)
        try:
            _await_ready(daemon, stop)
        except EngineError:
            process.stop()
            if attempt == _PORT_TRIES or "in use" not in daemon.said():
                raise
            home.mkdir(exist_ok=True)
        else:
            return daemon
    raise AssertionError("unreachable: the last attempt returns or raises")


@contextmanager
def _container(source: ZapSource, home: Path, log: Path, memory_mb: int, stop: Stop) -> Iterator[Daemon]:
    """In a container on the host's network, so that it reaches a target on the loopback and is reached there alone."""
    port, key = free_port(), _new_key()
    inside = Path("/tmp/zap-settings")
    settings = settings_file(home, key)
    settings.chmod(0o644)  # the image's user reads it; only who may enter the folder can do so here
    command = [PROGRAM, *arguments(Path("/tmp/zap-home"), port, inside, memory_mb)]
    with container(source, command, {settings: inside}, log, memory_mb) as fetch_log:
        daemon = Daemon(f"http://{HOST}:{port}", source, key, log, fetch_log=fetch_log)
        _await_ready(daemon, stop)
        yield daemon
    _redact_file(log)


def arguments(home: Path, port: int, settings: Path, memory_mb: int) -> list[str]:
    """What a ZAP is started with; the key is in the file of settings, as everybody can read arguments."""
    return [
        f"-Xmx{memory_mb}m",
        "-daemon",
        "-silent",  # no call home, no update
        *("-dir", str(home), "-host", HOST, "-port", str(port), "-configfile", str(settings)),
    ]


def settings_file(folder: Path, key: str) -> Path:
    """The settings as a properties file that only its owner may read."""
    path = folder / "settings.properties"
    path.touch(mode=0o600)
    settings: Mapping[str, str] = {"api.key": key, **_SETTINGS}
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")
    return path


def _new_key() -> str:
    key = secrets.token_hex(24)
    remember_secret(key)
    return key


def _await_ready(daemon: Daemon, stop: Stop) -> None:
    with daemon.waits.counted():
        _await_answer(daemon, stop)


def _await_answer(daemon: Daemon, stop: Stop) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    client = daemon.client(timeout_s=_PROBE_TIMEOUT_S)
    while time.monotonic() < deadline and not stop.signal:
        if memory := daemon.out_of_memory():
            raise EngineError(memory)
        if ended := daemon.gone():
            raise EngineError(ended, hint="is its port in use, or a mandatory add-on missing? It ends with 0 then too")
        try:
            _ = client.core.version
        except EngineError:
            time.sleep(_POLL_S)
            continue
        return
    raise EngineError(f"ZAP did not get ready in {READY_TIMEOUT_S:g} s: {daemon.said()}", hint=f"its log is {daemon.log}")


def _redact_file(log: Path) -> None:
    if log.is_file():
        log.write_text(redact(log.read_text(encoding="utf-8", errors="replace")), encoding="utf-8")

"""A real ZAP daemon without rules, assembled from Maven Central where Java and Maven are there.

The core wants add-ons: `network` from Maven, and an empty one of the id `callhome`, which it insists on. Assembled once into
`.cache`, then without a network.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.engines.zap.client import Zap
from harness.model.errors import EngineError
from harness.processes import KeptProcess, keep
from harness.targets.live import free_port
from tests.runner.tiny import ROOT

VERSION = "2.17.0"
ADD_ONS = (("network", "0.25.0", "beta"),)
CACHE = ROOT / ".cache" / f"zap-{VERSION}-without-rules"
_LEFT_OUT = ("log4j",)  # the core has it; a second one does not start
_CALLHOME = """<?xml version="1.0" encoding="UTF-8"?>
<zapaddon><name>None</name><version>1.0.0</version><status>release</status><description>Calls nobody.</description>
<author>harness</author><url/><changes/><extensions/><not-before-version>2.17.0</not-before-version></zapaddon>"""
_ASSEMBLE_TIMEOUT_S = 300
_READY_TIMEOUT_S = 120
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>local</groupId><artifactId>zap</artifactId><version>1</version><packaging>pom</packaging>
<dependencies><dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version></dependency>
</dependencies></project>"""


def missing() -> str:
    """Why no daemon can be assembled here; "" where it can."""
    absent = [name for name in ("java", "mvn") if shutil.which(name) is None]
    return f"not here: {' and '.join(absent)}" if absent else ""


def assemble() -> Path:
    """The folder of an installed daemon; `EngineError` where Maven cannot give it."""
    if (CACHE / "complete").is_file():
        return CACHE
    draft = CACHE.with_name(f"{CACHE.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "plugin").mkdir(parents=True)
    try:
        _fetch(draft / "lib", "org.zaproxy", "zap", VERSION)
        for name, version, status in ADD_ONS:
            _fetch(draft / name, "org.zaproxy.addon", name, version)
            _pack(draft / name, f"{name}-{version}.jar", draft / "plugin" / f"{name}-{status}-{version}.zap")
            shutil.rmtree(draft / name)
        with zipfile.ZipFile(draft / "plugin" / "callhome-release-1.0.0.zap", "w") as empty:
            empty.writestr("ZapAddOn.xml", _CALLHOME)
        (draft / "complete").touch()
        shutil.rmtree(CACHE, ignore_errors=True)
        draft.replace(CACHE)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return CACHE


def _fetch(folder: Path, group: str, artifact: str, version: str) -> None:
    folder.mkdir(parents=True)
    pom = folder / "pom.xml"
    pom.write_text(_POM.format(group=group, artifact=artifact, version=version), encoding="utf-8")
    command = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
    done = subprocess.run(
        [*command, "-DincludeScope=runtime"], capture_output=True, text=True, timeout=_ASSEMBLE_TIMEOUT_S, check=False
    )
    if done.returncode:
        raise EngineError(f"Maven does not give {group}:{artifact}:{version}: {done.stdout[-300:]}")
    pom.unlink()


def _pack(folder: Path, jar: str, add_on: Path) -> None:
    """The add-on's jar with its libraries inside, each named in its manifest."""
    libraries = sorted(path for path in folder.glob("*.jar") if path.name != jar and not path.name.startswith(_LEFT_OUT))
    named = "".join(f"<lib>libs/{path.name}</lib>" for path in libraries)
    with zipfile.ZipFile(folder / jar) as source, zipfile.ZipFile(add_on, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in source.namelist():
            content = source.read(name)
            if name == "ZapAddOn.xml":
                content = re.sub(rb"<libs>.*</libs>", f"<libs>{named}</libs>".encode(), content, flags=re.DOTALL)
            packed.writestr(name, content)
        for path in libraries:
            packed.write(path, f"libs/{path.name}")


@dataclass(frozen=True)
class Daemon:
    """A running daemon."""

    address: str
    key: str = field(repr=False)
    process: KeptProcess = field(repr=False)
    log: Path

    def client(self, *, key: str = "", timeout_s: float = 30.0) -> Zap:
        return Zap(self.address, key or self.key, timeout_s=timeout_s)


@contextmanager
def running(home: Path) -> Iterator[Daemon]:
    """A daemon with a fresh home; it and what it started are gone at the end."""
    folder, port, key = assemble(), free_port(), secrets.token_hex(16)
    log = home / "daemon.log"
    settings = {"api.key": key, "api.reportpermerrors": "true", "insights.exitAuto": "false"}
    command = ["java", "-Xmx512m", "-cp", f"{folder / 'lib'}/*", "org.zaproxy.zap.ZAP", "-installdir", str(folder)]
    command += ["-dir", str(home / "zap"), "-host", "127.0.0.1", "-port", str(port), "-silent", "-daemon"]
    command += [part for name, value in settings.items() for part in ("-config", f"{name}={value}")]
    process = keep(command, folder=home, log=log, environ=dict(os.environ), grace_s=15)
    daemon = Daemon(f"http://127.0.0.1:{port}", key, process, log)
    try:
        _await_ready(daemon)
        yield daemon
    finally:
        process.stop()


def _await_ready(daemon: Daemon) -> None:
    deadline = time.monotonic() + _READY_TIMEOUT_S
    client = daemon.client(timeout_s=5)
    while time.monotonic() < deadline and not daemon.process.wait(0.5):
        try:
            _ = client.core.version
        except EngineError:
            continue
        return
    raise EngineError(f"the daemon did not get ready: {daemon.log.read_text(errors='replace')[-800:]}")

"""Where a ZAP comes from: a daemon that runs, an installed program, or the image that a Docker engine holds; in this order."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from harness.databases.engine import Engine, find_engine

ADDRESS_VARIABLE = "HARNESS_ZAP_ADDRESS"
KEY_VARIABLE = "HARNESS_ZAP_KEY"
PROGRAM_VARIABLE = "HARNESS_ZAP"
IMAGE_VARIABLE = "HARNESS_ZAP_IMAGE"
IMAGE = "ghcr.io/zaproxy/zaproxy@sha256:781a2bdaea47324e7bab583e2263f21d257b0aee61ed51521a5be45f5f5081ef"  # 2.17.0
GET_COMMAND = f"docker pull {IMAGE}"
PROGRAM = "zap.sh"
_ADD_ON = re.compile(r"(?P<id>.+?)-(?:release|beta|alpha)-(?P<version>.+)\.zap")
_CORE = re.compile(r"zap-(?P<version>[0-9][^/]*)\.jar")
_PINNED = re.compile(r"(.+@)?sha256:[0-9a-f]{64}")


class SourceKind(StrEnum):
    """How a ZAP is had."""

    RUNNING = "running"
    INSTALLED = "installed"
    DOCKER = "docker"


@dataclass(frozen=True)
class ZapSource:
    """A ZAP that can be used. `where` is its address, its program or its image; version and add-ons are those of its files.

    Of a daemon that runs and of an image no file is read: theirs are asked for when they are used.
    """

    kind: SourceKind
    where: str
    version: str = ""
    add_ons: tuple[str, ...] = ()  # "automation 0.60.0"
    key: str = field(default="", repr=False)
    engine: Engine | None = None

    @property
    def title(self) -> str:
        """`installed 2.17.0 at /opt/zap/zap.sh, 34 add-ons`."""
        version = f" {self.version}" if self.version else ""
        return f"{self.kind}{version} at {self.where}" + (f", {len(self.add_ons)} add-ons" if self.add_ons else "")


@dataclass(frozen=True)
class NoZap:
    """Why there is none, and the one command that gets it."""

    reason: str
    command: str = GET_COMMAND


def find_zap(environ: Mapping[str, str] | None = None) -> ZapSource | NoZap:
    """The first ZAP of: `HARNESS_ZAP_ADDRESS` with `HARNESS_ZAP_KEY`, `HARNESS_ZAP` or `zap.sh` on the path, the Docker image.

    What is named and not there is an answer, never passed over for the next. Nothing is started and no network is used but the
    engine's socket.
    """
    given = os.environ if environ is None else environ
    if address := given.get(ADDRESS_VARIABLE, ""):
        return ZapSource(SourceKind.RUNNING, address.rstrip("/"), key=given.get(KEY_VARIABLE, ""))
    if named := given.get(PROGRAM_VARIABLE, ""):
        return _named(Path(named))
    if found := shutil.which(PROGRAM, path=given.get("PATH")):
        return installed(Path(found))
    return _image(given.get(IMAGE_VARIABLE, ""))


def installed(program: Path) -> ZapSource:
    """An installed ZAP, with version and add-ons read from the names of its files."""
    folder = program.resolve().parent
    cores = [
        match for path in (*folder.glob("zap-*.jar"), *folder.glob("lib/zap-*.jar")) if (match := _CORE.fullmatch(path.name))
    ]
    packed = [match for path in sorted(folder.glob("plugin/*.zap")) if (match := _ADD_ON.fullmatch(path.name))]
    add_ons = tuple(f"{match['id']} {match['version']}" for match in packed)
    return ZapSource(SourceKind.INSTALLED, str(program), cores[0]["version"] if cores else "", add_ons)


def _named(path: Path) -> ZapSource | NoZap:
    program = path / PROGRAM if path.is_dir() else path
    if program.is_file() and os.access(program, os.X_OK):
        return installed(program)
    return NoZap(
        f"{PROGRAM_VARIABLE} names {path}, and no program {PROGRAM} is there", f"unset {PROGRAM_VARIABLE}, or name {PROGRAM}"
    )


def _image(chosen: str) -> ZapSource | NoZap:
    if chosen and not _PINNED.fullmatch(chosen):
        return NoZap(
            f"{IMAGE_VARIABLE} names {chosen}, which can become another image: it must end with a digest, or be an id",
            f"docker image inspect --format '{{{{.Id}}}}' {chosen}",
        )
    engine = find_engine()
    if isinstance(engine, str):
        return NoZap(f"no daemon is named, no {PROGRAM} is installed, and {engine}")
    image = chosen or IMAGE
    if not engine.holds(image):
        return NoZap(
            f"no daemon is named, no {PROGRAM} is installed, and the Docker engine does not hold {image}", f"docker pull {image}"
        )
    return ZapSource(SourceKind.DOCKER, image, engine=engine)

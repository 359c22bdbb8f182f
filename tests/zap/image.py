"""An image of the ZAP of the tests, made without a registry: this machine's Java, what it needs, a shell, the installation.

    python -m tests.zap.image

prints the image's id. One layer, packed here and imported, as `harness.databases.image` does it for PostgreSQL.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.databases.engine import Engine, find_engine
from harness.model.errors import HarnessError, PreflightError
from tests.zap.assembly import assemble, missing

TAG = "power100-harness/zap-of-tests:2.17.0"
_TOOLS = ("sh", "dirname")
_LEFT_OUT = re.compile(r"/(jmods|legal|man|demo|include)(/|$)|/src\.zip$|\.debuginfo$")
_ACCOUNTS = {"etc/passwd": "root:x:0:0::/tmp:/bin/sh\nzap:x:1000:1000::/tmp:/bin/sh\n", "etc/group": "root:x:0:\nzap:x:1000:\n"}
_LDD_TIMEOUT_S = 20


def build(engine: Engine) -> str:
    """Makes the image in the engine; its id."""
    if why := missing():
        raise PreflightError(why)
    installation, java = assemble(), Path(shutil.which("java") or "").resolve().parents[1]
    with tempfile.TemporaryDirectory(prefix="zap-image-") as folder:
        layer = Path(folder) / "layer.tar"
        with tarfile.open(layer, "w") as archive:
            _pack(archive, installation, java)
        path = f"/zap:{java}/bin:/bin"
        engine.import_image(layer, TAG, {"USER": "zap", "WORKDIR": "/zap", "ENV": f"PATH={path} HOME=/tmp LC_ALL=C.UTF-8"})
    return str(engine.get(f"/images/{TAG}/json")["Id"])


def _pack(archive: tarfile.TarFile, installation: Path, java: Path) -> None:
    for name, text in _ACCOUNTS.items():
        _add(archive, name, text.encode(), 0o644)
    folder = tarfile.TarInfo("tmp")
    folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
    archive.addfile(folder)
    for path in sorted(installation.rglob("*")):
        if path.is_file():
            _add_file(archive, path, f"zap/{path.relative_to(installation)}")
    programs = [java / "bin" / "java", *(java / "lib").rglob("*.so")]
    for path in sorted(path for path in java.rglob("*") if path.is_file() and not _LEFT_OUT.search(str(path))):
        _add_file(archive, path, str(path).lstrip("/"))
    tools = [Path(found) for name in _TOOLS if (found := shutil.which(name))]
    for tool in tools:
        _add_file(archive, tool, f"bin/{tool.name}")
    for library in _libraries([*programs, *tools], java):
        _add_file(archive, library, str(library).lstrip("/"))
    for path in _system_files(java):
        _add_file(archive, path, str(path).lstrip("/"))


def _libraries(programs: Iterable[Path], java: Path) -> list[Path]:
    """What the loader maps for the programs, without Java's own, at the paths where it looks."""
    found: set[Path] = set()
    for program in programs:
        said = subprocess.run(["ldd", program], capture_output=True, text=True, timeout=_LDD_TIMEOUT_S, check=False).stdout
        found.update(Path(path) for path in re.findall(r"(?:=>|^)\s*(/\S+)", said, re.MULTILINE))
    return sorted(path for path in found if not path.is_relative_to(java))


def _system_files(java: Path) -> Iterator[Path]:
    """The loader's index of libraries, and the settings that Debian's Java keeps elsewhere and links to."""
    index = Path("/etc/ld.so.cache")
    if index.is_file():
        yield index
    linked = {path.resolve() for path in java.rglob("*") if path.is_symlink()}
    yield from sorted(path for path in linked if path.is_file() and not path.is_relative_to(java))


def _add_file(archive: tarfile.TarFile, path: Path, name: str) -> None:
    _add(archive, name, path.read_bytes(), 0o755 if path.stat().st_mode & 0o111 else 0o644)


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def main() -> int:
    """Makes the image and prints its id; 4 with the reason where that cannot be done."""
    engine = find_engine()
    try:
        if not isinstance(engine, Engine):
            raise PreflightError(engine, hint="as root: deploy/docker/start-engine.sh")
        sys.stdout.write(f"{build(engine)}\n")
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())

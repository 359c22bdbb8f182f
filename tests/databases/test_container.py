"""PostgreSQL in a container. What takes an engine is skipped, with the reason, where none answers or holds an image."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psycopg
import pytest

from harness.databases import image, open_server
from harness.databases.container import LABEL, open_container
from harness.databases.engine import Engine, find_engine, local_image, wanted_images
from harness.model.errors import PreflightError
from tests.databases.lives import within

ENGINE = find_engine()
IMAGE = ENGINE.held_image() if isinstance(ENGINE, Engine) else None
REASON = ENGINE if isinstance(ENGINE, str) else f"the engine holds none of {', '.join(wanted_images())}"
needs_image = pytest.mark.skipif(IMAGE is None, reason=REASON)
needs_engine = pytest.mark.skipif(not isinstance(ENGINE, Engine), reason=REASON)


def engine() -> Engine:
    assert isinstance(ENGINE, Engine)
    return ENGINE


def ours() -> set[str]:
    return {container["Id"] for container in engine().get("/containers/json?all=1") if LABEL in container["Labels"]}


@needs_image
def test_a_container_gives_the_same_as_every_provider(folder: Path) -> None:
    with open_server("docker", folder) as server:
        assert server.provider == "docker"
        assert server.location.endswith(f"of {IMAGE}")
        with psycopg.connect(server.create("leads")) as connection:
            connection.execute("CREATE TABLE leads (id integer); INSERT INTO leads VALUES (1)")
        server.freeze("leads")
        with psycopg.connect(server.clone("leads", "clone", recorded=True)) as connection:
            row = connection.execute("SELECT count(*), current_user FROM leads WHERE id = %s", [1]).fetchone()
            rights = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        assert (row, rights) == ((1, server.access.role), (False,))
        with server.connect() as admin:
            assert admin.execute("SELECT count(*) > 0 FROM pg_stat_statements").fetchone() == (True,)
            assert admin.execute("SELECT current_setting('fsync'), current_setting('max_connections')").fetchone() == (
                "off",
                "200",
            )
        log = server.log_path
        assert log is not None
        assert within(5, lambda: "Parameters: $1 = '1'" in log.read_text())
    assert not log.exists()


@needs_image
def test_it_is_published_on_the_loopback_only_with_its_data_in_memory() -> None:
    with open_container(engine()) as server:
        seen = engine().get(f"/containers/{server.container_id}/json")
        (published,) = seen["NetworkSettings"]["Ports"]["5432/tcp"]
        assert (published["HostIp"], published["HostPort"]) == ("127.0.0.1", str(server.access.port))
        assert list(seen["HostConfig"]["Tmpfs"]) == ["/pgdata"]
        with server.connect() as admin:
            assert admin.execute("SHOW data_directory").fetchone() == ("/pgdata/data",)
        identity = server.container_id
    assert identity not in ours()


@needs_image
def test_a_paused_container_answers_nothing_until_it_is_resumed() -> None:
    with open_container(engine()) as server:
        dsn = server.create("one")
        server.pause()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(dsn, connect_timeout=2)
        server.resume()
        psycopg.connect(dsn, connect_timeout=10).close()


@needs_image
def test_no_container_outlives_the_harness(folder: Path) -> None:
    code = textwrap.dedent(f"""
        import time
        from pathlib import Path
        from harness.databases import open_server
        server = open_server("docker", Path({str(folder)!r}))
        print(server.container_id, server.log_path, flush=True)
        time.sleep(60)
    """)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as harness:
        assert harness.stdout is not None
        identity, log = harness.stdout.readline().split()
        assert identity in ours()
        harness.send_signal(signal.SIGKILL)
    assert within(15, lambda: identity not in ours())
    assert within(5, lambda: not Path(log).parent.exists())


@needs_image
def test_a_container_whose_harness_vanished_is_swept(folder: Path) -> None:
    label = f"{LABEL}={os.uname().nodename}:/nowhere/run-0.lock"
    made = subprocess.run(
        ["docker", "create", "--label", label, str(IMAGE)], capture_output=True, text=True, timeout=30, check=True
    )
    foreign = f"{LABEL}=another-machine:/nowhere/run-0.lock"
    kept = subprocess.run(
        ["docker", "create", "--label", foreign, str(IMAGE)], capture_output=True, text=True, timeout=30, check=True
    )
    try:
        with open_server("docker", folder):
            assert made.stdout.strip() not in ours()
            assert kept.stdout.strip() in ours()
    finally:
        subprocess.run(["docker", "rm", "-f", kept.stdout.strip()], capture_output=True, timeout=30, check=True)


@needs_engine
def test_an_image_that_is_no_postgres_is_refused_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("HARNESS_POSTGRES_IMAGE", "localhost:1/harness/none:18")
    before = ours()
    with pytest.raises(PreflightError, match="does not hold localhost:1/harness/none:18 and cannot pull it"):
        open_server("docker", folder)
    assert ours() == before


@needs_engine
def test_the_local_image_is_made_from_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    held = engine().holds(local_image())
    assert image.main([]) == 0
    assert capsys.readouterr().out == f"{local_image()}\n"
    assert engine().holds(local_image())
    assert image.main(["--if-missing"]) == 0
    if not held:  # it would change what `auto` means for others on this machine
        subprocess.run(["docker", "rmi", local_image()], capture_output=True, timeout=30, check=True)


def test_without_an_engine_docker_is_refused_and_auto_is_embedded(
    monkeypatch: pytest.MonkeyPatch, folder: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert isinstance(find_engine(), str)
    with pytest.raises(PreflightError, match="no Docker engine answers") as caught:
        open_server("docker", folder)
    assert "use --database embedded" in str(caught.value)
    monkeypatch.delenv("HARNESS_POSTGRES_IMAGE", raising=False)
    with open_server("auto", folder) as server:
        assert (server.provider, server.notes) == ("embedded", ())
    monkeypatch.setenv("HARNESS_POSTGRES_IMAGE", "mine:18")
    with open_server("auto", folder) as server:
        assert server.provider == "embedded"
        assert server.notes[0].startswith("HARNESS_POSTGRES_IMAGE is set, but no Docker engine answers")


def test_without_an_engine_no_image_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert image.main([]) == 4
    said = capsys.readouterr()
    assert said.out == ""
    assert "deploy/docker/start-engine.sh" in said.err


def test_the_chosen_image_is_the_only_one_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_POSTGRES_IMAGE", "mine:17")
    assert wanted_images() == ("mine:17",)
    monkeypatch.delenv("HARNESS_POSTGRES_IMAGE")
    assert all(":" in name and not name.endswith(":latest") for name in wanted_images())

"""The command line: what it does without a database, and how it refuses."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import yaml

from tpe.cli import main
from tpe.migrations import runner
from tpe.server import bind
from tpe.settings import JWT_SECRET_LENGTH_MIN

COMMITTED = Path(__file__).parents[2] / "targets" / "reference.openapi.yaml"
START_SECONDS_MAX = 30


def test_the_history_lists_every_revision_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", "history"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("r0001  Create partners")
    listed = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert listed == [item.revision for item in runner.history()]


def test_every_revision_is_described_in_full() -> None:
    described = runner.history()
    assert all(len(item.description) > 80 for item in described)
    assert described[-1].revision == runner.head()


def test_the_document_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "document.yaml"
    assert main(["openapi"]) == 0
    printed = capsys.readouterr().out
    assert main(["openapi", "--write", str(target)]) == 0
    assert target.read_text(encoding="utf-8") == printed == COMMITTED.read_text(encoding="utf-8")
    assert yaml.safe_load(printed)["openapi"].startswith("3.1")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["migrate"],
        ["migrate", "sideways"],
        ["seed", "--size", "huge"],
        ["serve", "--port", "65536"],
        ["serve", "--port", "x"],
    ],
)
def test_a_wrong_command_line_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: tpe" in capsys.readouterr().err


def test_serving_without_a_key_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--port", "0"]) == 2
    assert "JWT_SECRET" in capsys.readouterr().err


def test_seeding_without_a_password_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TPE_SEED_PASSWORD", raising=False)
    assert main(["seed", "--size", "tiny"]) == 2
    assert "TPE_SEED_PASSWORD" in capsys.readouterr().err


def test_a_negative_seed_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TPE_SEED_PASSWORD", secrets.token_hex(8))
    assert main(["seed", "--size", "tiny", "--seed", "-1"]) == 1
    assert "negative" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["seed", "--size", "tiny"], ["migrate", "up"], ["migrate", "down"], ["migrate", "check"]])
def test_a_database_that_is_away_is_said_in_a_line(
    arguments: list[str], closed_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TPE_SEED_PASSWORD", secrets.token_hex(8))
    monkeypatch.setenv("DATABASE_URL", f"postgresql://nobody@127.0.0.1:{closed_port}/none")
    assert main(arguments) == 1
    told = capsys.readouterr().err
    assert told.startswith("tpe: the database ")
    assert "Traceback" not in told


def test_a_port_in_use_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("JWT_SECRET", secrets.token_hex(JWT_SECRET_LENGTH_MIN))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err


def test_a_listener_sends_at_once() -> None:
    with bind("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP
        assert listener.getsockname()[1] > 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_server_says_where_it_is_and_ends_cleanly_when_told(number: signal.Signals, closed_port: int) -> None:
    environment = {
        **os.environ,
        "JWT_SECRET": secrets.token_hex(JWT_SECRET_LENGTH_MIN),
        "DATABASE_URL": f"postgresql://nobody@127.0.0.1:{closed_port}/none",
        "LOG_LEVEL": "critical",
    }
    command = [sys.executable, "-m", "tpe", "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as server:
        try:
            address = _address(server)
            assert httpx.get(f"{address}/api/health/live", timeout=10).status_code == 200
            server.send_signal(number)
            assert server.wait(timeout=20) == 0
        finally:
            server.kill()


def _address(server: subprocess.Popen[str]) -> str:
    assert server.stderr is not None
    deadline = time.monotonic() + START_SECONDS_MAX
    for line in server.stderr:
        if line.startswith("tpe: listening on "):
            return line.split()[-1]
        assert time.monotonic() < deadline, "the server did not say where it listens"
    raise AssertionError("the server ended before it listened")

"""Which ZAP is used, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.engines.zap.source import IMAGE, NoZap, SourceKind, ZapSource, find_zap
from tests.zap import shop_project


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The files of an installed ZAP, by their names alone."""
    for name in ("zap-2.17.0.jar", "plugin/ascanrules-release-78.zap", "plugin/openapi-beta-48.0.0.zap", "zap.sh"):
        path = tmp_path / "zap" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "zap/zap.sh").chmod(0o755)
    return tmp_path / "zap/zap.sh"


def nowhere(tmp_path: Path) -> dict[str, str]:
    return {"PATH": str(tmp_path / "empty")}


def test_a_running_daemon_goes_before_an_installed_one_and_its_key_is_not_shown(program: Path) -> None:
    found = find_zap({"HARNESS_ZAP_ADDRESS": "http://127.0.0.1:8090/", "HARNESS_ZAP_KEY": "k3y", "HARNESS_ZAP": str(program)})
    assert isinstance(found, ZapSource)
    assert (found.kind, found.where, found.key) == (SourceKind.RUNNING, "http://127.0.0.1:8090", "k3y")
    assert "k3y" not in repr(found)


@pytest.mark.parametrize("named", ["program", "folder", "path"])
def test_an_installed_one_says_version_and_add_ons_from_its_files(program: Path, named: str) -> None:
    environ = {
        "program": {"HARNESS_ZAP": str(program)},
        "folder": {"HARNESS_ZAP": str(program.parent)},
        "path": {"PATH": str(program.parent)},
    }[named]
    found = find_zap(environ)
    assert isinstance(found, ZapSource)
    assert (found.kind, found.version) == (SourceKind.INSTALLED, "2.17.0")
    assert found.add_ons == ("ascanrules 78", "openapi 48.0.0")


def test_one_that_is_named_and_not_there_is_not_passed_over(tmp_path: Path) -> None:
    found = find_zap({"HARNESS_ZAP": str(tmp_path / "gone")})
    assert isinstance(found, NoZap)
    assert f"names {tmp_path / 'gone'}" in found.reason


def test_without_any_the_one_command_that_gets_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    found = find_zap(nowhere(tmp_path))
    assert isinstance(found, NoZap)
    assert "no Docker engine answers" in found.reason
    assert found.command == f"docker pull {IMAGE}"


def test_an_image_is_named_by_what_cannot_change(tmp_path: Path) -> None:
    found = find_zap({**nowhere(tmp_path), "HARNESS_ZAP_IMAGE": "ghcr.io/zaproxy/zaproxy:stable"})
    assert isinstance(found, NoZap)
    assert "can become another image" in found.reason
    assert "@sha256:" in IMAGE


def test_doctor_says_which_it_found_with_its_version_and_add_ons(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_SECRET", "a long password")
    monkeypatch.setenv("HARNESS_ZAP", str(program))
    project = shop_project.make(tmp_path / "project")
    lines = [" ".join(line.split()) for line in project.run("doctor").stdout.splitlines()]
    assert f"zap installed 2.17.0 at {program}, 2 add-ons" in lines
    assert "zap add-ons ascanrules 78, openapi 48.0.0" in lines

    monkeypatch.setenv("HARNESS_ZAP", str(tmp_path / "gone"))
    (line,) = [line for line in project.run("doctor").stdout.splitlines() if line.split()[:1] == ["zap"]]
    assert f"none: HARNESS_ZAP names {tmp_path / 'gone'}" in line
    assert "; get one: " in line

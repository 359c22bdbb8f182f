"""The browser is found in the stated order, and what cannot run is said."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from harness.engines import browser
from harness.engines.browser import BROWSER_VARIABLE, INSTALL_COMMAND, BrowserFound, driver_fault, find_browser
from harness.model.errors import PreflightError


def _executable(path: Path, text: str = "#!/bin/sh\necho 'Chromium 1.2.3'\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def _cached(home: Path, folder: str, executable: str, *, complete: bool = True) -> Path:
    place = home / "cache" / folder
    path = _executable(place / executable)
    if complete:
        (place / "INSTALLATION_COMPLETE").touch()
    return path


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "bin").mkdir()
    return {"PATH": str(tmp_path / "bin"), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path / "cache"), "HOME": str(tmp_path)}


def test_without_any_browser_there_is_none(environ: dict[str, str]) -> None:
    assert find_browser(environ) is None


def test_the_headless_shell_wins_over_other_browsers_on_the_path(environ: dict[str, str], tmp_path: Path) -> None:
    for name in reversed(browser.PATH_NAMES):
        newest = _executable(tmp_path / "bin" / name)
        assert find_browser(environ) == BrowserFound(newest, "system")


def test_the_cache_of_playwright_wins_over_the_path(environ: dict[str, str], tmp_path: Path) -> None:
    _executable(tmp_path / "bin" / "chromium-headless-shell")
    full = _cached(tmp_path, "chromium-1255", "chrome-linux64/chrome")
    assert find_browser(environ) == BrowserFound(full, "playwright")
    shell = _cached(tmp_path, "chromium_headless_shell-1200", "chrome-headless-shell-linux64/chrome-headless-shell")
    assert find_browser(environ) == BrowserFound(shell, "playwright")


def test_the_newest_complete_download_is_taken(environ: dict[str, str], tmp_path: Path) -> None:
    executable = "chrome-headless-shell-linux64/chrome-headless-shell"
    _cached(tmp_path, "chromium_headless_shell-999", executable)
    newest = _cached(tmp_path, "chromium_headless_shell-1001", executable)
    _cached(tmp_path, "chromium_headless_shell-1002", executable, complete=False)
    assert find_browser(environ) == BrowserFound(newest, "playwright")


def test_a_file_that_cannot_be_executed_is_no_browser(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "bin" / "chromium").write_text("text")
    assert find_browser(environ) is None


def test_our_variable_wins_over_everything_as_path_or_as_command(environ: dict[str, str], tmp_path: Path) -> None:
    _cached(tmp_path, "chromium-1255", "chrome-linux64/chrome")
    mine = _executable(tmp_path / "bin" / "mine")
    assert find_browser({**environ, BROWSER_VARIABLE: str(mine)}) == BrowserFound(mine, "variable")
    assert find_browser({**environ, BROWSER_VARIABLE: "mine"}) == BrowserFound(mine, "variable")


def test_a_variable_that_names_nothing_is_an_error_with_the_install_command(environ: dict[str, str], tmp_path: Path) -> None:
    _executable(tmp_path / "bin" / "chromium")
    with pytest.raises(PreflightError, match='HARNESS_BROWSER: got "nothing-here"') as caught:
        find_browser({**environ, BROWSER_VARIABLE: "nothing-here"})
    assert INSTALL_COMMAND in caught.value.hint


@pytest.mark.skipif(sys.platform != "linux", reason="the default cache of Linux")
def test_the_default_cache_is_the_one_of_the_home_folder(environ: dict[str, str], tmp_path: Path) -> None:
    del environ["PLAYWRIGHT_BROWSERS_PATH"]
    (tmp_path / ".cache").mkdir()
    shell = _cached(tmp_path, "chromium-1", "chrome-linux/chrome")
    (tmp_path / "cache").rename(tmp_path / ".cache" / "ms-playwright")
    found = find_browser(environ)
    assert found is not None
    assert found.path.relative_to(tmp_path / ".cache" / "ms-playwright") == shell.relative_to(tmp_path / "cache")


def test_the_version_is_what_the_browser_says(tmp_path: Path) -> None:
    assert BrowserFound(_executable(tmp_path / "chromium"), "system").version == "Chromium 1.2.3"


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("#!/bin/sh\necho cannot open display >&2; exit 3\n", "exit code 3: cannot open display"),
        ("#!/bin/sh\n", "printed nothing"),
    ],
)
def test_a_browser_that_does_not_run_is_an_error(tmp_path: Path, script: str, says: str) -> None:
    with pytest.raises(PreflightError, match=says):
        _ = BrowserFound(_executable(tmp_path / "chromium", script), "system").version


def test_a_browser_of_another_machine_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="does not run"):
        _ = BrowserFound(_executable(tmp_path / "chromium", "\x7fELF garbage"), "system").version


def test_the_sandbox_is_left_out_only_for_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "--no-sandbox" in browser.launch_arguments()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "--no-sandbox" not in browser.launch_arguments()


def test_what_drives_the_browser_runs_here() -> None:
    assert driver_fault({}) == ""


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("#!/bin/sh\necho 'libatomic.so.1: cannot open shared object file' >&2; exit 127\n", "libatomic.so.1"),
        ("", "does not run"),
    ],
)
def test_a_driver_that_lacks_a_library_is_said_with_its_own_words(tmp_path: Path, script: str, says: str) -> None:
    node = _executable(tmp_path / "node", script) if script else tmp_path / "none"
    fault = driver_fault({"PLAYWRIGHT_NODEJS_PATH": str(node)})
    assert says in fault
    assert fault.startswith("Playwright's driver does not run")

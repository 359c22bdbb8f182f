"""Finds a Chromium to drive: ours by name, Playwright's own, or the system's.

Playwright cannot be asked: the path that it names is the full browser, not the shell that headless runs use, and it looks
for system browsers in fixed places only. So the places are looked at here, cheapest and best first.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from harness.model.errors import PreflightError

BROWSER_VARIABLE = "HARNESS_BROWSER"
"""Names the browser's executable, as a path or as a command; it wins over everything that is found."""
INSTALL_COMMAND = "apt-get install --no-install-recommends chromium-headless-shell libatomic1"
INSTALL_HINT = f"as root: apt-get update && {INSTALL_COMMAND}"
"""The one command that root runs on Debian where there is no browser: the smallest package and the fastest start (97 ms).

The library is one that Playwright's own Node needs and a small Debian lacks.
"""

PATH_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
"""What is looked for on the path, best first."""
QUIET_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Start without traffic and work of the browser's own."""
VERSION_TIMEOUT_S = 10.0

# Playwright's folders and the executables in them, the shell first; a folder counts once its download is complete.
_CACHED = (
    ("chromium_headless_shell-*", ("chrome-headless-shell-*/chrome-headless-shell", "chrome-linux/headless_shell")),
    ("chromium-*", ("chrome-linux*/chrome", "chrome-mac*/*.app/Contents/MacOS/*")),
)
_COMPLETE = "INSTALLATION_COMPLETE"

Kind = Literal["variable", "playwright", "system"]


@dataclass(frozen=True)
class BrowserFound:
    """An executable browser and where it was found: by our variable, in Playwright's cache, or on the path."""

    path: Path
    kind: Kind

    @cached_property
    def version(self) -> str:
        """What the browser calls itself, such as `Chromium 156.0.8078.79`; it is run for that, once.

        Raises:
            PreflightError: when it does not run.
        """
        command = [str(self.path), "--version"]
        hint = f"set {BROWSER_VARIABLE} to another, or {INSTALL_HINT}"
        try:
            answer = subprocess.run(command, capture_output=True, text=True, timeout=VERSION_TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PreflightError(f"{self.path}: the browser does not run: {error}", hint=hint) from None
        if answer.returncode != 0 or not answer.stdout.strip():
            said = answer.stderr.strip().splitlines()
            detail = said[-1] if said else "it printed nothing"
            raise PreflightError(f"{self.path} --version: exit code {answer.returncode}: {detail}", hint=hint)
        return answer.stdout.strip().splitlines()[0]


def find_browser(environ: Mapping[str, str] | None = None) -> BrowserFound | None:
    """The browser to use, or `None` where there is none. Looks only at files; nothing is started.

    Args:
        environ: where the variables are looked up (default: the process's environment).

    Raises:
        PreflightError: when our variable names something that cannot be run: a wish is not silently replaced.
    """
    environ = os.environ if environ is None else environ
    if wish := environ.get(BROWSER_VARIABLE, ""):
        return BrowserFound(_wished(wish, environ), "variable")
    for path in _cached(environ):
        return BrowserFound(path, "playwright")
    for name in PATH_NAMES:
        if found := shutil.which(name, path=environ.get("PATH", os.defpath)):
            return BrowserFound(Path(found), "system")
    return None


def driver_fault(environ: Mapping[str, str] | None = None) -> str:
    """Why Playwright cannot drive any browser here, "" where it can: its driver is a Node of its own, which is run for that."""
    environ = os.environ if environ is None else environ
    package = find_spec("playwright")
    if package is None:
        return "the package playwright is not installed"
    node = environ.get("PLAYWRIGHT_NODEJS_PATH", "") or str(
        Path(package.origin or "").parent / "driver" / "node" if package else ""
    )
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"Playwright's driver does not run: {error}"
    said = done.stderr.strip().splitlines()
    return f"Playwright's driver does not run: {said[-1] if said else f'exit code {done.returncode}'}" if done.returncode else ""


def launch_arguments() -> list[str]:
    """How a browser is started: quiet; without its sandbox only as root, where Chromium refuses to run with one."""
    flags = list(QUIET_FLAGS)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--no-sandbox")
    return flags


def _wished(wish: str, environ: Mapping[str, str]) -> Path:
    found = shutil.which(wish, path=environ.get("PATH", os.defpath))
    if found is None:
        raise PreflightError(
            f'{BROWSER_VARIABLE}: got "{wish}", wanted an executable browser',
            hint=f"unset {BROWSER_VARIABLE} to look for one, or {INSTALL_HINT}",
        )
    return Path(found)


def _cached(environ: Mapping[str, str]) -> Iterator[Path]:
    folder = _cache_folder(environ)
    for pattern, executables in _CACHED:
        complete = [place for place in folder.glob(pattern) if (place / _COMPLETE).exists()]
        for place in sorted(complete, key=_revision, reverse=True):
            for executable in executables:
                yield from (path for path in sorted(place.glob(executable)) if os.access(path, os.X_OK))


def _cache_folder(environ: Mapping[str, str]) -> Path:
    """Where Playwright keeps browsers; as in its own registry (`PLAYWRIGHT_BROWSERS_PATH`, `0` for inside the package)."""
    wish = environ.get("PLAYWRIGHT_BROWSERS_PATH", "")
    if wish == "0":
        import playwright

        return Path(playwright.__file__).parent / "driver" / "package" / ".local-browsers"
    if wish:
        return Path(wish)
    home = Path(environ.get("HOME", "") or Path.home())
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "ms-playwright"
    return Path(environ.get("XDG_CACHE_HOME", "") or home / ".cache") / "ms-playwright"


def _revision(place: Path) -> int:
    number = re.search(r"-(\d+)$", place.name)
    return int(number[1]) if number else 0

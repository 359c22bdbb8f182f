"""`python -m harness.engines.browser_install`: makes sure that there is a browser, or says the one command that root must run."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys

from harness.engines.browser import INSTALL_COMMAND, INSTALL_HINT, driver_fault, find_browser

_INSTALL_TIMEOUT_S = 600
_PREFLIGHT_EXIT = 4  # as `harness verify` would end without a browser


def main() -> int:
    """0 when a browser and what drives it are there at the end, else 4."""
    lacking = _lacking()
    if lacking and os.geteuid() == 0 and shutil.which("apt-get"):
        sys.stderr.write(f"{lacking}; installing: {INSTALL_COMMAND}\n")
        for command in ("apt-get update -qq", f"{INSTALL_COMMAND} -y -qq"):
            subprocess.run(shlex.split(command), check=False, timeout=_INSTALL_TIMEOUT_S, stdout=subprocess.DEVNULL)
        lacking = _lacking()
    if lacking:
        sys.stderr.write(f"{lacking}, and the browser flows need it\nhint: {INSTALL_HINT}\n")
        return _PREFLIGHT_EXIT
    return 0


def _lacking() -> str:
    return driver_fault() if find_browser() else "no browser was found"


if __name__ == "__main__":
    sys.exit(main())

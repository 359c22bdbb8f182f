"""`python -m harness.engines.browser_install`: makes sure that there is a browser, or says the one command that root must run."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys

from harness.engines.browser import INSTALL_COMMAND, INSTALL_HINT, find_browser

_INSTALL_TIMEOUT_S = 600
_PREFLIGHT_EXIT = 4  # as `harness verify` would end without a browser


def main() -> int:
    """0 when a browser is there at the end, else 4."""
    if find_browser() is not None:
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        sys.stderr.write(f"no browser was found; installing one: {INSTALL_COMMAND}\n")
        for command in ("apt-get update -qq", f"{INSTALL_COMMAND} -y -qq"):
            subprocess.run(shlex.split(command), check=False, timeout=_INSTALL_TIMEOUT_S, stdout=subprocess.DEVNULL)
        if find_browser() is not None:
            return 0
    sys.stderr.write(f"no browser was found, and the browser flows need one\nhint: {INSTALL_HINT}\n")
    return _PREFLIGHT_EXIT


if __name__ == "__main__":
    sys.exit(main())

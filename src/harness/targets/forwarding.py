"""Starts the forwarder (`harness.targets.forwarder`) in front of a target that names its trusted proxy."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from harness.model.target import Target
from harness.processes import KeptProcess, keep

TRUSTED_PROXY = "trusted_proxy"
"""Placeholder of a target's variables: the address that the forwarder's connections come from."""
_PROGRAM = Path(__file__).with_name("forwarder.py")
_GRACE_S = 2.0


def is_forwarded(target: Target) -> bool:
    """Whether a target knows a trusted proxy: one of its variables says its address."""
    return any("{" + TRUSTED_PROXY + "}" in value for value in target.variables.values())


def forward(target: Target, host: str, port: int, target_port: int, log: Path) -> KeptProcess:
    """Passes on what comes to `host:port` to the target at `host:target_port`, until the process is stopped.

    Raises:
        ProcessError: it cannot be started. That its port is taken is said in its log, and it ends.
    """
    order = {"host": host, "port": port, "target_port": target_port, "log_in_paths": log_in_paths(target)}
    environ: Mapping[str, str] = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    command = [sys.executable, "-I", "-S", str(_PROGRAM), json.dumps(order)]
    return keep(command, folder=log.parent, log=log, environ=environ, grace_s=_GRACE_S)


def log_in_paths(target: Target) -> list[str]:
    """The paths that somebody logs in at by POST."""
    return sorted({path for role in target.roles for path in (role.login.path, role.page_login) if path})

"""How long a platform of a hundred operations takes to be verified, stage by stage."""

from __future__ import annotations

import json
import secrets
import tempfile
from pathlib import Path

from bench.hundred.document import document
from tests.targets.project import ROOT, make, verify

Figure = tuple[str, float, str, str]

STAGES = ("contract", "authorization", "sessions", "security")
_STAGE_S_MAX = 600
_HOW = "in one run, two users of one role, no database, on this machine"
_TARGET = """
title = "A hundred operations"
environment = "local"
folder = "{root}"
hosts = ["127.0.0.1"]
health_path = "/health"
document = "hundred.json"

[allow]
writes = true
active_scan = true

[commands]
start = ["{{python}}", "-m", "bench.hundred.server", "{{host}}", "{{port}}"]

[variables]
HUNDRED_PASSWORD = "${{HUNDRED_PASSWORD}}"

[roles.member.login]
kind = "json"
path = "/login"
body = {{ email = "{{username}}", password = "{{password}}" }}
token = "$.token"
"""
_USER = """
[[roles.member.users]]
name = "{0}"
username = "{0}@example.test"
password = "${{HUNDRED_PASSWORD}}"
"""


def figures() -> list[Figure]:
    """Seconds of each stage and of the whole, the memory, and what was found (it has no defects that were planted)."""
    with tempfile.TemporaryDirectory(prefix="hundred-") as name:
        folder = Path(name)
        make(folder, "hundred", seconds=_STAGE_S_MAX, total_s=4 * _STAGE_S_MAX)
        (folder / "targets" / "hundred.json").write_text(json.dumps(document()))
        users = "".join(_USER.format(user) for user in ("one", "two"))
        (folder / "targets" / "hundred.toml").write_text(_TARGET.format(root=ROOT) + users)
        environ = {"HUNDRED_PASSWORD": "Aa1" + secrets.token_hex(8)}
        done = verify(folder, *STAGES, environ=environ, target_script="bench.hundred.server", within_s=2000)
        if done.run is None:
            raise SystemExit(done.output)
        made: list[Figure] = [
            (f"100 operations: {stage.name} ({stage.state})", stage.duration_s, "s", _HOW) for stage in done.run.manifest.stages
        ]
        made.append(("100 operations: all stages", done.seconds, "s", _HOW))
        made.append(("100 operations: peak memory", done.peak_mb, "MB", "of the harness and its processes, without the target"))
        made.append(("100 operations: findings", len(done.run.findings), "", f"verdict {done.run.verdict.verdict}"))
    return made

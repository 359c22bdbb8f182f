"""A whole project in a few files, with a real target in a process of its own: what the tests of the runner verify.

The target is one page of the standard library's HTTP server. `/crash` ends it, which is how a target dies in mid-stage.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

from harness.evidence.stored import StoredRun

ROOT = Path(__file__).resolve().parents[2]

SERVER = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/crash":
            os._exit(3)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *args):
        pass

HTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
"""

TARGET = """
title = "Tiny"
environment = "local"
hosts = ["127.0.0.1"]
folder = ".."
health_path = "/"

[allow]
writes = true

[commands]
start = ["{python}", "server.py", "{port}"]
"""

PROJECT = """
[defaults]
target = "tiny"
plan = "quick"
seed = 7
runs = "reports/runs"
ledger = "ledger.toml"

[plans.quick]
asks = "Does it work?"
stages = ["unit", "security"]
gates = ["tests", "findings"]
duration_s_max = 60

[stages.unit]
engine = "pytest"
suite = "suites/unit"
tests_min = 1
duration_s_max = 30

[stages.security]
engine = "probes"
suite = "suites/security"
tests_min = 1
duration_s_max = 30

[gates]
tests = ["unit", "security"]
findings = ["security"]
"""

UNIT = """
def test_two_is_two():
    assert 1 + 1 == 2
"""

SECURITY = """
from harness.model.evidence import Reach

def test_the_page_is_served(live_target, record):
    with live_target.client() as http:
        assert http.get("/").text == "hello"
    record.reach(Reach("probes", 1, 1, True, requests=1))
"""

CONFTEST = 'pytest_plugins = ("harness.engines.pytest_plugin", "fixtures.targets", "fixtures.platforms")\n'


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class TinyProject:
    """A project on disk."""

    folder: Path

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "NO_COLOR": "1"}
        command = [sys.executable, "-m", "harness", *arguments]
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run(self, *arguments: str, timeout_s: float = 120) -> Outcome:
        process = self.start(*arguments)
        stdout, stderr = process.communicate(timeout=timeout_s)
        return Outcome(process.returncode, stdout, stderr)

    def runs(self) -> list[StoredRun]:
        return [StoredRun(path.parent) for path in sorted(self.folder.glob("reports/runs/*/manifest.json"))]


def make(folder: Path) -> TinyProject:
    """Writes the project into an empty folder."""
    project = TinyProject(folder)
    for name, text in (
        ("server.py", SERVER),
        ("targets/tiny.toml", TARGET),
        ("harness.toml", PROJECT),
        ("conftest.py", CONFTEST),
        ("pyproject.toml", '[tool.pytest.ini_options]\naddopts = ["-p", "no:schemathesis", "--import-mode=importlib"]\n'),
        ("suites/unit/test_unit.py", UNIT),
        ("suites/security/test_security.py", SECURITY),
        ("ledger.toml", (ROOT / "ledger" / "phase4.toml").read_text(encoding="utf-8")),
    ):
        project.write(name, text)
    return project

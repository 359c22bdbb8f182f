"""What a browser flow leaves behind: pictures and a trace, also and above all of a flow that failed."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from fixtures.pages import Complaints, Evidence, Visits, slug
from harness.config.targets import read_target
from harness.engines.browser import find_browser
from harness.engines.pytest_plugin import ARTEFACT
from harness.targets.live import LiveTarget

pytestmark = pytest.mark.skipif(find_browser() is None, reason="no browser on this machine")

PAGE = b"""<!doctype html><title>Page</title><link rel=icon href="data:,"><h1>Page</h1>
<style>h1 { color: red }</style><script>missing()</script>"""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        policy = "default-src 'none'; img-src data:; script-src 'unsafe-inline'" if self.path == "/strict" else "img-src data:"
        self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def visits(browser: Browser, address: str, tmp_path: Path, request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> Visits:
    live = LiveTarget(read_target(pytestconfig.rootpath / "targets" / "reference.toml"), address)
    (tmp_path / "manifest.json").write_text("{}")  # as in a run folder
    return Visits(browser, live, Evidence(tmp_path / "stages" / "6-e2e" / "artefacts" / "a-flow", request.node), Complaints())


def kept(visits: Visits) -> list[str]:
    return [str(value) for key, value in visits.evidence.node.user_properties if key == ARTEFACT]


def test_a_flow_that_failed_leaves_the_picture_of_its_end_and_a_trace(visits: Visits, tmp_path: Path) -> None:
    page = visits.open().new_page()
    page.goto("/")
    visits.evidence.picture(page, "A step")
    visits.close(failed=True)
    folder = "stages/6-e2e/artefacts/a-flow"
    assert kept(visits) == [f"{folder}/01-a-step.png", f"{folder}/02-failed.png", f"{folder}/trace.zip"]
    assert (tmp_path / folder / "02-failed.png").read_bytes().startswith(b"\x89PNG")
    with zipfile.ZipFile(tmp_path / folder / "trace.zip") as trace:
        assert "trace.trace" in trace.namelist()
        assert b"goto" in trace.read("trace.trace")


def test_a_flow_that_passed_leaves_a_trace_of_each_of_its_browsers(visits: Visits) -> None:
    for _ in range(2):
        visits.open().new_page().goto("/")
    visits.close(failed=False)
    assert [Path(name).name for name in kept(visits)] == ["trace.zip", "trace-2.zip"]
    assert visits.browser.contexts == []


def test_the_browsers_complaints_are_heard(visits: Visits) -> None:
    page = visits.open().new_page()
    page.goto("/")
    assert [line.partition(":")[0] for line in visits.complaints.lines] == ["script error"]
    page.goto("/strict")
    page.wait_for_function("document.readyState === 'complete'")
    assert any("policy violation: style-src" in line for line in visits.complaints.lines)
    visits.close(failed=False)


def test_names_become_names_of_files() -> None:
    assert slug("Partner moves a lead [x/../y]") == "partner-moves-a-lead-x-y"
    assert len(slug("a" * 200)) == 80

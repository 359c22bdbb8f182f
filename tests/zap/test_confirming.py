"""Alerts of high risk against real servers: what shows again and differs is confirmed, an echo or a plain error is not."""

from __future__ import annotations

import html
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from harness.config.targets import read_target
from harness.engines.zap.confirming import Confirmer
from harness.engines.zap.model import Alert
from harness.probes.http.exchange import World
from harness.probes.scene.scene import NOBODY
from harness.targets.live import LiveTarget, free_port

TARGET = 'title = "P"\nenvironment = "local"\nhosts = ["127.0.0.1"]\nfolder = "."\n[allow]\n'
Answer = Callable[[str], tuple[int, str]]


@contextmanager
def confirmer(folder: Path, answer: Answer) -> Iterator[Confirmer]:
    """A server that answers to what `q` holds."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = answer(parse_qs(urlsplit(self.path).query).get("q", [""])[0])
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    file = folder / "page.toml"
    file.write_text(f"base_url = '{address}'\n{TARGET}", encoding="utf-8")
    try:
        with World(LiveTarget(read_target(file), address)) as world:
            yield Confirmer(world, NOBODY)
    finally:
        server.shutdown()
        server.server_close()


def alert(attack: str, evidence: str, *, active: bool = True) -> Alert:
    url = f"http://elsewhere/search?{urlencode({'q': attack})}"
    return Alert("1", "n", 3, 2, "GET", url, "q", attack, evidence, active=active)


MARKUP = "<script>alert(1)</script>"


def query(text: str) -> tuple[int, str]:
    """A statement with the text in it, as a careless program would write it."""
    with sqlite3.connect(":memory:") as database:
        try:
            return 200, json.dumps(database.execute(f"SELECT '{text}'").fetchall())
        except sqlite3.Error:
            return 500, "Internal Server Error"


@pytest.mark.parametrize(
    ("what", "answer", "attack", "evidence", "shows"),
    [
        ("markup comes back", lambda q: (200, f"<p>{q}</p>"), MARKUP, MARKUP, True),
        ("markup comes back escaped", lambda q: (200, html.escape(q)), MARKUP, MARKUP, False),
        ("the page always holds it", lambda _q: (200, MARKUP), MARKUP, MARKUP, False),
        ("a file comes back", lambda q: (200, "root:x:0:0" if "passwd" in q else ""), "../../etc/passwd", "root:x:0:0", True),
        ("a page that speaks of such a file", lambda _q: (200, "root:x:0:0"), "../../etc/passwd", "root:x:0:0", False),
        ("a quote breaks the statement", query, "x'", "HTTP/1.1 500 Internal Server Error", True),
        ("any odd character is an error", lambda q: (500 if "'" in q else 200, ""), "x'", "HTTP/1.1 500", False),
        ("everything is an error", lambda _q: (500, ""), "x'", "HTTP/1.1 500", False),
        ("no evidence", lambda q: (200, q), MARKUP, "", False),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value and "<" not in value and "HTTP" not in value else "",
)
def test_an_alert_is_confirmed_by_a_second_different_request_only(
    tmp_path: Path, what: str, answer: Answer, attack: str, evidence: str, shows: bool
) -> None:
    with confirmer(tmp_path, answer) as confirm:
        assert confirm(alert(attack, evidence)) is shows, what


def test_what_was_found_by_looking_is_confirmed_by_looking_again(tmp_path: Path) -> None:
    with confirmer(tmp_path, lambda _q: (200, "secret-key-17")) as confirm:
        assert confirm(alert("", "secret-key-17", active=False))
        assert not confirm(alert("", "secret-key-18", active=False))


def test_a_target_that_is_gone_confirms_nothing(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    (tmp_path / "page.toml").write_text(f"base_url = '{address}'\n{TARGET}", encoding="utf-8")
    with World(LiveTarget(read_target(tmp_path / "page.toml"), address)) as world:
        assert not Confirmer(world, NOBODY)(alert(MARKUP, MARKUP))

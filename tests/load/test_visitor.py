"""A visitor and the client below it, against real servers: what is sent, and what counts as answered."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from harness.engines.locust.account import make_account
from harness.engines.locust.client import Connections, resolve
from harness.engines.locust.recorder import Visit
from harness.engines.locust.sending import SendError
from harness.engines.locust.visitor import Visitor, VisitOver
from harness.model.errors import ConfigError, EngineError
from harness.model.target import Login, User

TOKEN = base64.urlsafe_b64encode(b"not a secret, but long enough").decode()
Seen = dict[str, Any]


class Handler(BaseHTTPRequestHandler):
    """Answers by path, and remembers what came."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[Seen]] = []

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append({"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body})
        status, content, headers = ANSWERS.get(self.path.partition("?")[0], (404, {"message": "no"}, {}))
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


ANSWERS: dict[str, tuple[int, Any, dict[str, str]]] = {
    "/login": (200, {"deep": {"token": TOKEN}}, {}),
    "/login-cookie": (200, {}, {"Set-Cookie": "sid=abc123; Path=/; HttpOnly"}),
    "/login-empty": (200, {}, {}),
    "/login-number": (200, {"deep": {"token": 5}}, {}),
    "/login-split": (200, {"deep": {"token": "a\r\nX-Evil: 1"}}, {}),
    "/leads": (200, {"leads": [1, 2]}, {}),
    "/created": (201, {}, {}),
    "/moved": (302, {}, {"Location": "http://127.0.0.1:1/elsewhere"}),
    "/text": (200, b"hello", {}),
    "/packed": (200, gzip.compress(b'{"leads": [1]}'), {"Content-Encoding": "gzip"}),
    "/broken-packed": (200, b"no gzip", {"Content-Encoding": "gzip"}),
    "/leak": (500, {"echo": TOKEN, "password": "hunter-and-gatherer"}, {}),
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join(10)


@pytest.fixture
def seen() -> list[Seen]:
    Handler.seen.clear()
    return Handler.seen


JSON_LOGIN = Login("json", "/login", {"email": "{username}", "password": "{password}"}, "$.deep.token")
USER = User("one", "one@example.test", "hunter-and-gatherer")


class Walk:
    """A visitor with its visit, to look at afterwards."""

    def __init__(self, base_url: str, login: Login = JSON_LOGIN, user: User = USER, number: int = 3) -> None:
        address = resolve(base_url)
        self.visit = Visit(number, 0, due_s=-1.0)
        self.connections = Connections(address, time.perf_counter)
        self.paused: list[float] = []
        self.visitor = Visitor(
            self.visit,
            self.connections,
            make_account(login, user),
            host=address.host,
            seed=7,
            seeded=True,
            now_s=time.perf_counter,
            pause=self.paused.append,
        )

    def failure(self, step: Callable[[Visitor], Any]) -> str:
        """How the last request failed in a step that ends the visit."""
        with closing(self.connections), pytest.raises(VisitOver):
            step(self.visitor)
        return self.visit.samples[-1].failure


@pytest.fixture
def walk(server: str) -> Iterator[Walk]:
    made = Walk(server)
    with closing(made.connections):
        yield made


def test_logging_in_with_json_sends_the_token_from_then_on(walk: Walk, seen: list[Seen]) -> None:
    walk.visitor.sign_in()
    leads = walk.visitor.get("/leads", params={"page": 2})
    assert leads.rows("leads", at_least=2) == [1, 2]
    log_in, listing = seen
    assert json.loads(log_in["body"]) == {"email": USER.username, "password": USER.password}
    assert log_in["headers"]["Content-Type"] == "application/json"
    assert listing["headers"]["Authorization"] == f"Bearer {TOKEN}"
    assert listing["path"] == "/leads?page=2"
    assert [sample.endpoint for sample in walk.visit.samples] == ["POST /login", "GET /leads"]
    assert all(sample.failure == "" for sample in walk.visit.samples)


def test_logging_in_with_a_form_and_a_cookie(server: str, seen: list[Seen]) -> None:
    walk = Walk(server, Login("form", "/login-cookie", {"user": "{username}", "pass": "{password}"}, cookie="sid"))
    with closing(walk.connections):
        walk.visitor.sign_in()
        walk.visitor.get("/leads")
    assert seen[0]["body"] == b"user=one%40example.test&pass=hunter-and-gatherer"
    assert seen[0]["headers"]["Content-Type"] == "application/x-www-form-urlencoded"
    assert seen[1]["headers"]["Cookie"] == "sid=abc123"
    assert "Authorization" not in seen[1]["headers"]


def test_a_credential_of_ones_own_asks_nobody(server: str, seen: list[Seen]) -> None:
    walk = Walk(server, Login("api_key", header="X-Api-Key", value="{username}/{password}"))
    with closing(walk.connections):
        walk.visitor.sign_in()
        walk.visitor.get("/leads")
    assert len(seen) == 1
    assert seen[0]["headers"]["X-Api-Key"] == "one@example.test/hunter-and-gatherer"


def test_nobody_needs_no_credential(server: str, seen: list[Seen]) -> None:
    walk = Walk(server, Login("none"))
    with closing(walk.connections):
        walk.visitor.sign_in()
        walk.visitor.get("/leads")
    assert [request["path"] for request in seen] == ["/leads"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/login-empty", "wrong answer: no $.deep.token"),
        ("/login-number", "wrong answer: nothing that can be sent back at $.deep.token"),
        ("/login-split", "wrong answer: nothing that can be sent back at $.deep.token"),
        ("/text", "wrong answer: not JSON"),
        ("/nowhere", "status 404"),
    ],
)
def test_a_log_in_that_gives_no_token_is_a_failure(server: str, path: str, kind: str) -> None:
    assert Walk(server, Login("json", path, {}, "$.deep.token")).failure(lambda visitor: visitor.sign_in()) == kind


def test_a_log_in_that_sets_no_cookie_is_a_failure(server: str) -> None:
    walk = Walk(server, Login("json", "/login", {}, cookie="sid"))
    assert walk.failure(lambda visitor: visitor.sign_in()) == 'wrong answer: no cookie "sid"'


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (lambda v: v.get("/nowhere"), "status 404"),
        (lambda v: v.get("/moved"), "status 302"),
        (lambda v: v.get("/leads", expect=[201]), "status 200"),
        (lambda v: v.get("/leads").rows("lead"), 'wrong answer: no list "lead"'),
        (lambda v: v.get("/leads").rows("leads", at_least=3), 'wrong answer: "leads" has fewer than 3 rows'),
        (lambda v: v.get("/text").json, "wrong answer: not JSON"),
        (lambda v: v.get("/leads").value("$.nothing"), "wrong answer: no $.nothing"),
        (lambda v: v.get("/leads").require(False, "colder"), "wrong answer: colder"),
        (lambda v: v.get("/broken-packed"), "not HTTP"),
    ],
)
def test_an_answer_that_is_not_what_was_asked_is_a_failure_and_ends_the_visit(
    server: str, step: Callable[[Visitor], Any], kind: str
) -> None:
    assert Walk(server).failure(step) == kind


def test_expected_statuses_and_every_method(walk: Walk, seen: list[Seen]) -> None:
    visitor = walk.visitor
    visitor.post("/created", {"a": "ä"}, expect=[201])
    visitor.put("/leads", [1])
    visitor.patch("/leads", {})
    visitor.delete("/leads")
    visitor.post("/created")
    visitor.get("/nowhere", expect=[404])
    assert [request["method"] for request in seen] == ["POST", "PUT", "PATCH", "DELETE", "POST", "GET"]
    assert json.loads(seen[0]["body"]) == {"a": "ä"}
    assert seen[4]["headers"]["Content-Length"] == "0"


def test_a_varying_path_is_counted_under_its_name(walk: Walk) -> None:
    walk.visitor.get("/leads?page=7", name="/leads")
    walk.visitor.get("/nowhere/7", name="/nowhere/{id}", expect=[404])
    assert [sample.endpoint for sample in walk.visit.samples] == ["GET /leads", "GET /nowhere/{id}"]


def test_packed_answers_are_unpacked(walk: Walk) -> None:
    assert walk.visitor.get("/packed").rows("leads") == [1]


def test_latency_of_the_first_request_counts_from_the_due_time_and_of_the_next_from_the_answer_before(walk: Walk) -> None:
    walk.visitor.get("/leads")
    walk.visitor.get("/leads")
    walk.visitor.think(1.5)
    walk.visitor.get("/leads")
    first, second, third = walk.visit.samples
    assert first.intended_s == -1.0
    assert second.intended_s == first.ended_s
    assert third.intended_s > second.ended_s
    assert walk.paused == [1.5]


def test_the_example_of_a_failure_holds_no_credential(walk: Walk) -> None:
    walk.visitor.sign_in()
    with pytest.raises(VisitOver):
        walk.visitor.get("/leak")
    example = walk.visit.samples[-1].example
    assert example.startswith('500: {"echo"')
    assert TOKEN not in example
    assert USER.password not in example


def test_an_answer_that_may_hold_an_unknown_credential_is_not_quoted(server: str) -> None:
    walk = Walk(server, Login("json", "/login", {}, "$.token"))  # the token is elsewhere in it
    assert walk.failure(lambda visitor: visitor.sign_in()) == "wrong answer: no $.token"
    assert TOKEN not in walk.visit.samples[-1].example


def test_visitors_differ_and_are_the_same_again_with_the_same_seed(server: str) -> None:
    drawn = [Walk(server, number=number).visitor.random.random() for number in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("path", ["http://127.0.0.1/elsewhere", "//elsewhere/x", "leads", ""])
def test_a_journey_cannot_leave_the_target(walk: Walk, path: str, seen: list[Seen]) -> None:
    with pytest.raises(ValueError, match="below the target's address"):
        walk.visitor.get(path)
    assert seen == []


def test_blanks_and_line_breaks_in_a_path_are_escaped(walk: Walk, seen: list[Seen]) -> None:
    walk.visitor.get("/leads?search=a b\r\nX-Evil: 1")
    assert seen[0]["path"] == "/leads?search=a%20b%0D%0AX-Evil:%201"
    assert "X-Evil" not in seen[0]["headers"]


@pytest.mark.parametrize("login", [Login("header", header="Bad Name", value="x"), Login("header", header="X", value="a\nb")])
def test_a_recipe_whose_header_cannot_be_sent_is_refused(login: Login) -> None:
    with pytest.raises(ConfigError, match="cannot be sent"):
        make_account(login, USER)


# ------------------------------------------------------------------------------------------------------------- the client


@pytest.fixture
def answering() -> Iterator[Callable[..., str]]:
    """Starts a server that sends these bytes to each connection's first request and then closes it."""
    servers: list[socket.socket] = []

    def serve(listener: socket.socket, answer: bytes) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

    def start(answer: bytes) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        servers.append(listener)
        threading.Thread(target=serve, args=(listener, answer), daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in servers:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def get(base_url: str) -> bytes:
    with closing(Connections(resolve(base_url), time.perf_counter)) as connections:
        return connections.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"", "GET").body


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", "connection closed"),
        (b"HTTP/1.1 200 O", "connection closed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", "connection closed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "connection closed"),
        (b"SSH-2.0-something\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx", "not HTTP"),
    ],
)
def test_half_an_answer_is_none(answering: Callable[..., str], answer: bytes, kind: str) -> None:
    with pytest.raises(SendError) as raised:
        get(answering(answer))
    assert raised.value.kind == kind


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
def test_every_way_to_say_where_an_answer_ends_is_understood(answering: Callable[..., str], answer: bytes) -> None:
    assert get(answering(answer)) == b"abc"


def test_a_body_that_unpacks_to_more_than_memory_is_refused(answering: Callable[..., str]) -> None:
    bomb = gzip.compress(b"\0" * (40 * 1024 * 1024))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    with pytest.raises(SendError) as raised:
        get(answering(head + bomb))
    assert raised.value.kind == "answer too large"


def test_a_kept_connection_that_the_server_closed_is_not_used_again(answering: Callable[..., str]) -> None:
    address = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")  # and closes, without having said so
    with closing(Connections(resolve(address), time.perf_counter)) as connections:
        for _ in range(3):
            assert connections.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", b"", "POST").body == b"abc"
            time.sleep(0.05)  # the end of the connection is under way


def test_a_port_where_nobody_listens_is_refused_and_an_unknown_name_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(SendError) as raised:
        get(f"http://127.0.0.1:{port}")
    assert raised.value.kind == "connection refused"
    with pytest.raises(EngineError, match="cannot be resolved"):
        resolve("http://name.invalid")


@pytest.mark.skipif(not shutil.which("openssl"), reason="makes a certificate with openssl")
def test_a_certificate_is_checked_and_one_that_is_trusted_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "certificate")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        address = f"https://127.0.0.1:{httpd.server_port}"
        assert Walk(address).failure(lambda visitor: visitor.get("/leads")) == "TLS"
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate"))
        walk = Walk(address)
        with closing(walk.connections):
            assert walk.visitor.get("/leads").rows("leads") == [1, 2]
            assert walk.visitor.get("/leads").rows("leads") == [1, 2]
        httpd.shutdown()
        thread.join(10)

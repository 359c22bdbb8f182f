"""`harness target init` writes what it sees, overwrites nothing, and the doctor leads on from there."""

from __future__ import annotations

import dataclasses
import json
import re
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from harness.cli.main import main
from harness.config.targets import read_target
from harness.model.target import Limits
from harness.probes.openapi.document import Document
from harness.targets.drafting import Seen, draft, name_of
from tests.probes.servers.small_http import Asked, Given, served
from tests.probes.servers.stock_server import TARGET as STOCK
from tests.targets.desk import FOLDER
from tests.targets.project import make

DOCUMENT = FOLDER / "openapi.yaml"
PASSWORDS = tuple(f"DESK_{role}_{user}_PASSWORD" for role in ("CUSTOMER", "STAFF") for user in ("ONE", "TWO"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make(tmp_path, "desk")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_document_gives_log_in_sign_up_and_kinds_of_objects(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["target", "init", "--document", str(DOCUMENT), "--target", "desk"]) == 0
    text = (project / "targets" / "desk.toml").read_text()
    read = tomllib.loads(text)
    assert list(read["roles"]) == ["customer", "staff"], "as the document lists them"
    assert read["roles"]["customer"]["login"] == {
        "kind": "json",
        "path": "/v1/login",
        "body": {"email": "{username}", "password": "{password}"},
        "token": "$.session.token",
    }
    users = [user for role in read["roles"].values() for user in role["users"]]
    assert [user["password"] for user in users] == [f"${{{name}}}" for name in PASSWORDS]
    assert (project / "targets" / read["document"]).resolve() == DOCUMENT
    assert '# path = "/v1/accounts"' in text
    assert '# list_path = "/orders"\n# id_path = "$.items[*].id"' in text
    assert read["allow"] == {"writes": False, "load": False, "active_scan": False, "faults": False}
    assert "harness doctor --target desk" in capsys.readouterr().out


@pytest.mark.parametrize("absolute", [False, True])
def test_the_file_may_be_elsewhere(project: Path, capsys: pytest.CaptureFixture[str], *, absolute: bool) -> None:
    path = project / "mine" / "desk.toml"
    given = str(path) if absolute else "mine/desk.toml"
    assert main(["target", "init", "--document", str(DOCUMENT), "--target", given]) == 0
    read = tomllib.loads(path.read_text())
    assert (path.parent / read["document"]).resolve() == DOCUMENT
    assert read["roles"]["staff"]["users"][0]["password"] == "${DESK_STAFF_ONE_PASSWORD}"
    said = capsys.readouterr().out
    assert "wrote mine/desk.toml" in said
    assert f"harness doctor --target {path}" in said
    assert f"harness doctor --target {path}" in path.read_text()
    assert not list((project / "targets").glob("*desk.toml*"))


def test_a_file_that_is_there_is_not_overwritten(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "targets" / "desk.toml").write_text("mine")
    assert main(["target", "init", "--document", str(DOCUMENT), "--target", "desk"]) == 2
    assert (project / "targets" / "desk.toml").read_text() == "mine"
    assert "desk.toml is there already" in capsys.readouterr().err


def test_the_doctor_names_one_missing_thing_after_the_other(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["target", "init", "--document", str(DOCUMENT), "--target", "desk"])
    file = project / "targets" / "desk.toml"
    said = []

    def ask() -> None:
        main(["doctor", "--target", "desk"])
        captured = capsys.readouterr()
        said.append(captured.out + captured.err)

    ask()
    for name in PASSWORDS:
        monkeypatch.setenv(name, "made up for this test")
    ask()
    file.write_text(file.read_text().replace("start = []", 'start = ["env", "PORT={port}", "{python}", "server.py"]'))
    ask()
    file.write_text(file.read_text().replace("writes = false", "writes = true"))
    ask()
    file.write_text(file.read_text().replace("health_path", 'database_variable = "DATABASE_URL"\nhealth_path'))
    ask()
    wanted = [
        "the environment has no DESK_CUSTOMER_ONE_PASSWORD",
        "neither base_url nor commands.start: nothing to reach",
        "set allow.writes where it may be written to",
        "give commands.start and database_variables to the witness",
        "harness verify --target desk",
    ]
    assert [want in text for want, text in zip(wanted, said, strict=True)] == [True] * len(wanted), said


class Served(BaseHTTPRequestHandler):
    """Serves a document at an address that is often used, and health; every other path is not there."""

    methods: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.methods.append(self.command)
        document = json.dumps(tiny()).encode()
        body = {"/v3/api-docs": document, "/openapi.json": b"<html>a page, not a document</html>", "/healthz": b"ok"}.get(
            self.path
        )
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, *args: object) -> None:
        pass


def tiny(**security: dict[str, Any]) -> dict[str, Any]:
    """A document with a secured operation and these schemes."""
    return {
        "openapi": "3.0.3",
        "info": {"title": "Tiny Shop API", "version": "1"},
        "components": {"securitySchemes": security or {"key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}}},
        "security": [{name: []} for name in security] or [{"key": []}],
        "paths": {"/things": {"get": {"responses": {"200": {"description": "Done."}}}}},
    }


@pytest.fixture
def address() -> Iterator[str]:
    Served.methods.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def test_an_address_gives_the_document_that_it_serves_and_its_health_by_reads_alone(project: Path, address: str) -> None:
    assert main(["target", "init", "--base-url", address]) == 0
    file = project / "targets" / "tiny-shop.toml"
    environ = {"TINY_SHOP_USER_ONE_PASSWORD": "one", "TINY_SHOP_USER_TWO_PASSWORD": "two"}
    target = read_target(file, environ=environ)
    assert (target.base_url, target.document_path, target.health_path) == (address, "/v3/api-docs", "/healthz")
    assert (target.roles[0].login.kind, target.roles[0].login.header) == ("api_key", "X-Api-Key")
    assert set(Served.methods) == {"GET"}


PAGE = '<form action="" method="post">%s<input name="name"><input type="password" name="word"></form>'
GUARD = '<input type="hidden" name="csrfmiddlewaretoken" value="abc">'


@pytest.mark.parametrize(("page", "guarded"), [(PAGE % GUARD, {"csrfmiddlewaretoken": "{page_token}"}), (PAGE % "", {})])
def test_the_form_where_an_address_leads_a_browser_is_the_draft_of_a_log_in(
    project: Path, monkeypatch: pytest.MonkeyPatch, page: str, guarded: dict[str, str]
) -> None:
    def answer(asked: Asked) -> Given:
        if asked.path == "/":
            return Given(302, headers={"Location": "/accounts/in/?next=/"})
        if asked.path == "/login":
            return Given(302, headers={"Location": "http://[x"})
        shown = {"Content-Type": "text/html", "Set-Cookie": "csrftoken=abc; Path=/"}
        return Given(200, page, shown) if asked.path == "/accounts/in/" and asked.method == "GET" else Given(404)

    for user in ("ONE", "TWO"):
        monkeypatch.setenv(f"PAGED_USER_{user}_PASSWORD", "made up for this test")
    with served(STOCK, answer) as live:
        assert main(["target", "init", "--base-url", live.base_url, "--target", "paged"]) == 0
        (role,) = read_target(project / "targets" / "paged.toml").roles
    assert (role.page_login, role.login.kind, role.login.path) == ("/accounts/in/", "form", "/accounts/in/")
    assert (role.login.page, role.login.page_token) == (("/accounts/in/", "csrfmiddlewaretoken") if guarded else ("", ""))
    assert role.login.body == {"name": "{username}", "word": "{password}", **guarded}


def test_an_address_where_nothing_answers_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["target", "init", "--base-url", "http://127.0.0.1:9"]) == 4
    assert "nothing answers at http://127.0.0.1:9" in capsys.readouterr().err
    assert not list((project / "targets").iterdir())


@pytest.mark.parametrize(
    "arguments", [[], ["--base-url", "127.0.0.1"], ["--base-url", "http://h/api"], ["--document", "none.json"]]
)
def test_what_gives_nothing_to_look_at_is_refused(project: Path, arguments: list[str]) -> None:
    assert main(["target", "init", *arguments]) in (2, 4)
    assert not list((project / "targets").iterdir())


@pytest.mark.parametrize(
    ("scheme", "lines"),
    [
        ({"type": "http", "scheme": "basic"}, 'value = "Basic {basic}"'),
        ({"type": "http", "scheme": "bearer"}, 'value = "Bearer {password}"'),
        ({"type": "apiKey", "in": "cookie", "name": "sid"}, 'header = "Cookie"\nvalue = "sid={password}"'),
    ],
)
def test_a_scheme_without_a_log_in_gives_a_role_that_holds_its_credential(scheme: dict[str, Any], lines: str) -> None:
    text = draft(Seen("shop", "http://127.0.0.1:1", Document.of(tiny(scheme=scheme))))
    assert lines in text
    assert tomllib.loads(text)["roles"]["user"]["login"]["kind"] == "header"


def test_one_log_in_stands_for_every_role_that_the_document_lists() -> None:
    roles = {"type": "object", "properties": {"role": {"type": "string", "enum": ["guest", "keeper"]}}}
    fields = {name: {"type": "string"} for name in ("email", "password")}
    whole = tiny(token={"type": "http", "scheme": "bearer"})
    answer = {"200": {"description": "Done.", "content": {"application/json": {"schema": roles}}}}
    body = {"content": {"application/json": {"schema": {"type": "object", "properties": fields}}}}
    whole["paths"]["/sessions"] = {"post": {"security": [], "requestBody": body, "responses": answer}}
    drafted = tomllib.loads(draft(Seen("shop", "http://127.0.0.1:1", Document.of(whole))))["roles"]
    assert {name: role["login"]["path"] for name, role in drafted.items()} == {"guest": "/sessions", "keeper": "/sessions"}
    roles["properties"]["role"].pop("enum")
    assert list(tomllib.loads(draft(Seen("shop", "http://127.0.0.1:1", Document.of(whole))))["roles"]) == ["user"]


def test_without_anything_the_draft_is_still_a_target(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(draft(Seen("shop", "https://shop.example.test")))
    target = read_target(tmp_path / "shop.toml", environ={})
    assert (target.environment.value, target.hosts, target.roles) == ("staging", ("shop.example.test",), ())


@pytest.mark.parametrize(
    ("title", "name"),
    [("Order desk", "order-desk"), ("", "127"), ("Tiny Shop API v2", "tiny-shop"), ('A "quoted" title', "a-quoted")],
)
def test_the_name_is_made_of_the_title(title: str, name: str) -> None:
    assert name_of(title, "http://127.0.0.1:1").startswith(name)


@pytest.fixture
def passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PASSWORDS:
        monkeypatch.setenv(name, "made up for this test")


@pytest.mark.usefixtures("passwords")
def test_the_doctor_names_what_the_document_lacks(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["target", "init", "--document", str(DOCUMENT), "--target", "desk"])
    file = project / "targets" / "desk.toml"
    text = file.read_text().replace("start = []", 'start = ["env", "PORT={port}", "{python}", "server.py"]')
    file.write_text(f'{text}\n[[operations]]\noperation = "GET /v1/no-such-path"\nroles = []\n')
    assert main(["doctor", "--target", "desk"]) == 4
    assert 'there is no "GET /v1/no-such-path"' in capsys.readouterr().err


@pytest.mark.usefixtures("passwords")
def test_a_target_file_elsewhere_is_named_by_its_path(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["target", "init", "--document", str(DOCUMENT), "--target", "desk"])
    elsewhere = (project / "targets" / "desk.toml").rename(project / "desk.toml")
    text = elsewhere.read_text().replace("start = []", 'start = ["env", "PORT={port}", "{python}", "server.py"]')
    elsewhere.write_text(text.replace("writes = false", "writes = true"))
    text = elsewhere.read_text().replace("health_path", 'database_variable = "DATABASE_URL"\nhealth_path')
    elsewhere.write_text(re.sub(r"(?m)^document = .*$", f'document = "{DOCUMENT}"', text))  # it was named from the other folder
    capsys.readouterr()
    main(["doctor", "--target", str(elsewhere)])
    assert f"harness verify --target {elsewhere}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("paths", "health"),
    [
        ({"/things": {"get": {"security": []}}}, "/"),
        ({"/healthz": {"get": {"security": []}}}, "/v1/healthz"),
        ({"/health": {"get": {}}, "/health/ready": {"get": {"security": []}}}, "/v1/health/ready"),
    ],
)
def test_the_health_is_asked_for_where_the_document_says_for_everybody(paths: dict[str, Any], health: str) -> None:
    schemes = {"token": {"type": "http", "scheme": "bearer"}}
    whole = {"openapi": "3.1.0", "servers": [{"url": "/v1"}], "security": [{"token": []}], "paths": paths}
    document = Document.of({**whole, "components": {"securitySchemes": schemes}})
    assert f'health_path = "{health}"' in draft(Seen("desk", document=document))


def test_a_cookie_a_guard_against_forged_writes_and_the_key_of_a_machine_are_drafted() -> None:
    credentials = {"type": "object", "properties": {"email": {"type": "string"}, "password": {"type": "string"}}}
    log_in = {"security": [], "requestBody": {"content": {"application/json": {"schema": credentials}}}}
    schemes = {
        "session": {"type": "apiKey", "in": "cookie", "name": "sid"},
        "guard": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
        "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    }
    whole = {"openapi": "3.1.0", "security": [{"session": []}], "paths": {"/login": {"post": log_in}}}
    text = draft(Seen("desk", document=Document.of({**whole, "components": {"securitySchemes": schemes}})))
    assert 'cookie = "sid"\n# send = { X-CSRF-Token = "{cookie:…}" }' in text
    assert '# [roles.machine.login]\n# kind = "api_key"\n# header = "X-Api-Key"' in text
    assert list(tomllib.loads(text)["roles"]) == ["user"], "what nobody has said is a comment"


def test_flows_with_a_code_and_limits_are_drafted_as_comments_that_can_be_taken_in() -> None:
    def taking(*members: str) -> dict[str, Any]:
        schema = {"type": "object", "properties": {name: {"type": "string"} for name in members}}
        return {"post": {"security": [], "requestBody": {"content": {"application/json": {"schema": schema}}}}}

    paths = {"/password-reset": taking("email"), "/password-reset/confirm": taking("email", "code", "new_password")}
    text = draft(Seen("desk", document=Document.of({"openapi": "3.1.0", "info": {}, "paths": paths})))
    assert not {"codes", "limits"} & tomllib.loads(text).keys()
    taken_in = tomllib.loads(re.sub(r"(?m)^# ", "", text[text.index("# [codes.") :]))
    code = taken_in["codes"]["password-reset"]
    assert (code["start"], code["confirm"], code["member"]) == ("POST /password-reset", "POST /password-reset/confirm", "code")
    assert re.compile(code["log_pattern"]).groups == 1
    assert taken_in["limits"].keys() <= {field.name for field in dataclasses.fields(Limits)}


def test_paths_that_end_with_a_slash_and_a_token_with_a_prefix_are_drafted_as_a_router_writes_them() -> None:
    named = {"type": "object", "properties": {"username": {"type": "string"}, "password": {"type": "string"}}}
    token = {"type": "object", "properties": {"token": {"type": "string"}}}
    listed = {
        "type": "object",
        "properties": {"results": {"type": "array", "items": {"properties": {"id": {"type": "integer"}}}}},
    }

    def answered(schema: dict[str, Any]) -> dict[str, Any]:
        return {"responses": {"200": {"description": "Done.", "content": {"application/json": {"schema": schema}}}}}

    body = {"requestBody": {"content": {"application/json": {"schema": named}}}}
    log_in = {"operationId": "auth_token_create", "security": [{}], **body, **answered(token)}
    one = {"parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}]}
    paths = {
        "/auth/token/": {"post": log_in},
        "/addresses/": {"get": answered(listed)},
        "/addresses/{id}/": {**one, "get": answered({})},
        "/addresses/{id}/use/": {**one, "post": answered({})},
    }
    scheme = {"type": "apiKey", "in": "header", "name": "Authorization", "description": 'with required prefix "Token"'}
    whole = {
        "openapi": "3.0.3",
        "security": [{"token": []}],
        "paths": paths,
        "components": {"securitySchemes": {"token": scheme}},
    }
    text = draft(Seen("desk", document=Document.of(whole)))
    login = tomllib.loads(text)["roles"]["user"]["login"]
    assert (login["path"], login["token"], login["value"]) == ("/auth/token/", "$.token", "Token {token}")
    assert '# name = "address"' in text
    assert '# parameters = ["/addresses/{id}/:id", "/addresses/{id}/use/:id"]' in text
    assert "machine" not in text, "the header is that of the token"

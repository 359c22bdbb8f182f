"""The first draft of a target file: what can be seen in a document or at an address, and what a person must still say."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.config.targets import is_loopback
from harness.probes.openapi.document import Document, Operation
from harness.targets.draft_codes import codes, limits
from harness.targets.draft_objects import objects, quoted
from harness.targets.draft_pages import LogInPage
from harness.targets.draft_schemas import members, resolved

_LOG_IN = re.compile(r"(log|sign)[-_]?in\b|\bauthenticate|\b(session|token)s?$", re.I)
_SIGN_UP = re.compile(r"register|registration|sign[-_]?up|\b(accounts|users|members|customers)$", re.I)
_PASSWORD = re.compile(r"passw|^pwd$|^secret$", re.I)
_USERNAME = re.compile(r"e-?mail|user[-_]?name|^login$|^user$|^account$|phone", re.I)
_TOKEN = re.compile(r"^(access[-_]?token|id[-_]?token|auth[-_]?token|token|jwt|bearer)$", re.I)
_ROLE_NAME = re.compile(r"[a-z][a-z0-9_-]*", re.I)
_ROLE_WORD = re.compile(r"[a-z]+", re.I)
_NO_ROLE = re.compile(r"api|auth|v|log|in|sign|log-?in|sign-?in|sessions?|tokens?|oauth|users?", re.I)
_AGAINST_FORGERY = re.compile(r"csrf|xsrf", re.I)
_NO_KEY = re.compile(r"csrf|xsrf|^authorization$", re.I)  # the second is how a token is sent that a log-in gives
_PREFIX = re.compile(r"prefix \W?(\w+)")
_ROLES_MAX = 8
_ROLE_MEMBER = re.compile(r"^(user_?|account_?)?role$", re.I)
_HEALTH = re.compile(r"/(health\w*|live(z|ness)?|ready(z)?|readiness|ping|status)$", re.I)


@dataclass(frozen=True)
class Seen:
    """What a draft is made from: `document_file` is the path that the file will name, `document_path` where one is served."""

    name: str
    base_url: str = ""
    document: Document | None = None
    document_file: str = ""
    document_path: str = ""
    health_path: str = ""
    option: str = ""  # what names it on a command line (` --target shop`)
    page: LogInPage | None = None


@dataclass(frozen=True)
class _LogIn:
    """An operation that seems to log in, as a recipe."""

    role: str
    path: str
    kind: str
    body: Mapping[str, str]
    token: str


def name_of(title: str, base_url: str) -> str:
    """A name for the file: the first words of the document's title, else of the host."""
    words = re.findall(r"[a-z0-9]+", (title or urlsplit(base_url).hostname or "target").lower())
    return "-".join(words[:2]) or "target"


def draft(seen: Seen) -> str:
    """The text of the file; what a person must fill in or judge is a comment that says so."""
    parts = [*_head(seen), *_allow(), *_commands(seen)]
    for section in _roles(seen):
        parts += section
    parts += [*objects(seen.document), *codes(seen.document)] if seen.document else []
    parts += limits()
    return "\n".join(parts).rstrip() + "\n"


def _head(seen: Seen) -> list[str]:
    local = not seen.base_url or is_loopback(urlsplit(seen.base_url).hostname or "")
    title = seen.document.title if seen.document and seen.document.title else seen.name
    lines = [
        "# Every key is explained in docs/reference/target.md. What was guessed says so: look at it, then try",
        f"#   harness doctor{seen.option}",
        "",
        f"title = {quoted(title)}",
        f'environment = "{"local" if local else "staging"}"  # local, staging, or production (which refuses all that could harm)',
        'folder = ".."  # where commands run',
        f'hosts = ["{urlsplit(seen.base_url).hostname if seen.base_url else "127.0.0.1"}"]  # nothing else is ever sent to',
    ]
    if seen.base_url:
        lines += [f'base_url = "{seen.base_url.rstrip("/")}"  # it runs already; leave it out to have it started by [commands]']
    if seen.document_file:
        lines += [f'document = "{seen.document_file}"']
    lines += [f'document_path = "{seen.document_path}"'] if seen.document_path else []
    if not seen.document:
        lines += ['# document = "openapi.yaml"  # without one, only what a browser would find can be tested']
    health = seen.health_path or _documented_health(seen.document) or "/"
    lines += [f'health_path = "{health}"  # an answer below 500 there means that it runs']
    return lines


def _documented_health(document: Document | None) -> str:
    """The path of the first read for everybody whose name says that it tells the health, "" where none does."""
    for operation in document.operations if document else ():
        open_to_all = operation.method == "GET" and not operation.is_secured and "{" not in operation.path
        if open_to_all and document and _HEALTH.search(operation.path):
            return document.base_path + operation.path
    return ""


def _allow() -> list[str]:
    return [
        "",
        "# What may be done to it. Without writes, nothing that changes data is tried.",
        "[allow]",
        "writes = false",
        "load = false",
        "active_scan = false",
        "faults = false",
    ]


def _commands(seen: Seen) -> list[str]:
    if seen.base_url:
        return []
    return [
        "",
        "# How it is started: on a port of ours, on a clone of a database that these fill once.",
        "[commands]",
        'start = []  # such as ["node", "server.js", "--port", "{port}"]',
        '# migrate = ["npm", "run", "migrate"]  # or schema_files = ["schema.sql"] above',
        '# seed = ["npm", "run", "seed"]  # or seed_files = ["seed.sql"] above',
        "",
        '# [database_variables]  # a PostgreSQL of its own; or, above, database_variable = "DATABASE_URL" for one address',
        '# PGHOST = "{db_host}"',
        '# PGPORT = "{db_port}"',
        '# PGDATABASE = "{db_name}"',
        '# PGUSER = "{db_user}"',
        '# PGPASSWORD = "{db_password}"',
    ]


def _roles(seen: Seen) -> Iterator[list[str]]:
    document = seen.document
    log_ins = _log_ins(document) if document else []
    if seen.page and not log_ins:
        yield [*seen.page.lines, *_users(seen.name, "user")]
        if document is not None and document.schemes:
            yield ["", "# Or, beside it:", *(f"# {line}" if line else "#" for line in _keyed_role(seen, document)[1:])]
        return
    if document is None or not (log_ins or document.schemes):
        yield [
            "",
            "# Roles: how each logs in, and two users of each, so that it can be judged who may reach what.",
            "# [roles.user.login]",
            '# kind = "json"',
            '# path = "/login"',
            '# body = { email = "{username}", password = "{password}" }',
            '# token = "$.token"  # or cookie = "sid"',
            *(f"# {line}" if line else "#" for line in _users(seen.name, "user")),
        ]
        return
    if seen.page:
        yield [
            "",
            f"# GET {seen.page.path} asks for a password: its role has [roles.<name>] page_login = {quoted(seen.page.path)}",
        ]
    for log_in in _by_role(document, log_ins):
        yield _log_in_role(seen, document, log_in)
    yield _machine_role(seen, document) if log_ins else _keyed_role(seen, document)


def _by_role(document: Document, log_ins: list[_LogIn]) -> list[_LogIn]:
    """One log-in that tells no role, for each of the roles that the document's own member `role` lists."""
    if [log_in.role for log_in in log_ins] != ["user"]:
        return log_ins
    return [replace(log_ins[0], role=name) for name in _listed_roles(document)] or log_ins


def _listed_roles(document: Document) -> list[str]:
    for operation in document.operations:
        schemas = [*(body.schema for body in operation.bodies), *(response.schema for response in operation.responses)]
        for schema in schemas:
            for _, name, member in members(document, schema, "$", 0):
                listed = [value for value in member.get("enum") or () if isinstance(value, str) and _ROLE_NAME.fullmatch(value)]
                if _ROLE_MEMBER.match(name) and 1 < len(listed) <= _ROLES_MAX:
                    return listed
    return []


def _log_in_role(seen: Seen, document: Document, log_in: _LogIn) -> list[str]:
    lines = [
        "",
        f"# Guessed from POST {log_in.path}.",
        f"[roles.{log_in.role}.login]",
        f'kind = "{log_in.kind}"',
        f'path = "{log_in.path}"',
        f"body = {{ {', '.join(f'{_key(name)} = {quoted(value)}' for name, value in log_in.body.items())} }}",
    ]
    cookie = next((scheme.parameter for scheme in document.schemes.values() if scheme.where == "cookie"), "")
    if log_in.token:
        lines.append(f'token = "{log_in.token}"')
        lines += [f'value = "{prefix} {{token}}"' for prefix in _prefixes(document)]
    elif cookie:
        lines.append(f'cookie = "{cookie}"')
        lines += _guard(document)
    else:
        lines.append('token = "$.token"  # where the answer holds the token, or cookie = "the session\'s cookie"')
    return [*lines, *_sign_up(document, log_in.role), *_users(seen.name, log_in.role)]


def _prefixes(document: Document) -> list[str]:
    """What stands before a token that goes into `Authorization` as a key (`Token 3f1c…`), where the document says so."""
    keys = [scheme for scheme in document.schemes.values() if scheme.parameter.lower() == "authorization"]
    return [found[1] for scheme in keys if (found := _PREFIX.search(scheme.description))][:1]


def _guard(document: Document) -> list[str]:
    """The header against forged writes that the document wants beside the cookie."""
    headers = (scheme for scheme in document.schemes.values() if scheme.where == "header")
    guard = next((scheme for scheme in headers if _AGAINST_FORGERY.search(scheme.parameter)), None)
    return (
        [f'# send = {{ {guard.parameter} = "{{cookie:…}}" }}  # with writes: the cookie whose value it repeats'] if guard else []
    )


def _machine_role(seen: Seen, document: Document) -> list[str]:
    """A role for who comes with a key in a header, beside those who log in."""
    keys = (each for each in document.schemes.values() if each.kind == "apiKey" and each.where == "header")
    key = next((each for each in keys if not _NO_KEY.search(each.parameter)), None)
    if key is None:
        return []
    lines = ["[roles.machine.login]", 'kind = "api_key"', f'header = "{key.parameter}"', 'value = "{password}"']
    lines += _users(seen.name, "machine")
    return ["", f"# The security scheme {key.name} is a key of a machine:", *(f"# {line}" if line else "#" for line in lines)]


def _keyed_role(seen: Seen, document: Document) -> list[str]:
    """A role whose credential nobody has to be asked for: a key, HTTP Basic, or a token that is known beforehand."""
    scheme = next(iter(document.schemes.values()))
    lines = ["", f"# Guessed from the security scheme {scheme.name}; the document shows no log-in.", "[roles.user.login]"]
    if scheme.kind == "apiKey" and scheme.where == "header":
        lines += ['kind = "api_key"', f'header = "{scheme.parameter}"', 'value = "{password}"']
    elif scheme.kind == "apiKey":
        lines += ['kind = "header"', 'header = "Cookie"', f'value = "{scheme.parameter}={{password}}"']
    elif scheme.scheme == "basic":
        lines += ['kind = "header"', 'value = "Basic {basic}"']
    else:
        lines += ['kind = "header"', 'value = "Bearer {password}"  # or a log-in: kind = "json" with path, body and token']
    return [*lines, *_users(seen.name, "user")]


def _users(target: str, role: str) -> list[str]:
    lines = []
    for user in ("one", "two"):
        variable = re.sub(r"[^A-Z0-9]", "_", f"{target}_{role}_{user}_password".upper())
        lines += [
            "",
            f"[[roles.{role}.users]]",
            f'name = "{user}"',
            f'username = "{role}.{user}@example.test"  # an account that is there',
            f'password = "${{{variable}}}"',
        ]
    return lines


def _sign_up(document: Document, role: str) -> list[str]:
    for operation in document.operations:
        fields = _fields(document, operation)
        is_open = operation.method == "POST" and not operation.is_secured
        if not is_open or not _is_called(operation, _SIGN_UP) or _LOG_IN.search(operation.path):
            continue
        if not any(_PASSWORD.search(name) for name in fields):
            continue
        body = {**{name: "{unique}" for name in fields}, **_credentials(fields)}
        return [
            "",
            f"# POST {operation.path} seems to make accounts: with this (and allow.writes) the harness makes its own,",
            '# and the users need no password; write their names as "one.{run}@example.test".',
            f"# [roles.{role}.sign_up]",
            f'# path = "{document.base_path}{operation.path}"',
            f"# body = {{ {', '.join(f'{_key(name)} = {quoted(value)}' for name, value in body.items())} }}",
        ]
    return []


def _log_ins(document: Document) -> list[_LogIn]:
    found: dict[str, _LogIn] = {}
    for operation in document.operations:
        fields = _fields(document, operation)
        sent = _credentials(fields)
        if operation.method != "POST" or len(sent) < 2 or not _is_called(operation, _LOG_IN):
            continue
        role = _role_of(operation)
        json = operation.body is None or "json" in operation.body.media_type
        token = _token_path(document, operation)
        found.setdefault(role, _LogIn(role, document.base_path + operation.path, "json" if json else "form", sent, token))
    return list(found.values())


def _is_called(operation: Operation, pattern: re.Pattern[str]) -> bool:
    return bool(pattern.search(operation.path.rstrip("/")) or pattern.search(operation.operation_id))


def _role_of(operation: Operation) -> str:
    """The word of the path that names who logs in (`/partner-auth/login`), else `user`."""
    for word in _ROLE_WORD.findall(operation.path):
        if not _NO_ROLE.fullmatch(word):
            return str(word.lower())
    return "user"


def _credentials(fields: Mapping[str, Any]) -> dict[str, str]:
    password = next((name for name in fields if _PASSWORD.search(name)), "")
    username = next((name for name in fields if _USERNAME.search(name) and name != password), "")
    return {name: value for name, value in ((username, "{username}"), (password, "{password}")) if name}


def _fields(document: Document, operation: Operation) -> Mapping[str, Any]:
    """The members of the body that are demanded, or all where none is."""
    if operation.body is None:
        return {}
    schema = resolved(document, operation.body.schema)
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return {}
    required = [name for name in schema.get("required") or () if name in properties]
    return {name: properties[name] for name in required or properties}


def _token_path(document: Document, operation: Operation) -> str:
    for response in operation.responses:
        if response.status.startswith("2"):
            for path, name, _ in members(document, response.schema, "$", 0):
                if _TOKEN.match(name):
                    return path
    return ""


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name)


def document_name(path: Path, folder: Path) -> str:
    """How the target file names its document: relative to its own folder."""
    return os.path.relpath(path.resolve(), folder.resolve())

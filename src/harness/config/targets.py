"""Target files (`targets/<name>.toml`) to `Target`: types by the decoder, sense by the checks here."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.config.decode import decode, nearest
from harness.model.errors import ConfigError
from harness.model.target import Environment, Limits, Login, ObjectKind, Role, Target

COMMAND_PLACEHOLDERS = ("python", "host", "port", "size", "seed", "coverage_config")
VARIABLE_PLACEHOLDERS = ("base_url", "password", "secret", "trusted_proxy")
DATABASE_PLACEHOLDERS = ("db_url", "db_host", "db_port", "db_name", "db_user", "db_password")
BODY_PLACEHOLDERS = ("username", "password", "page_token")
VALUE_PLACEHOLDERS = ("token", "username", "password", "basic")
SIGN_UP_PLACEHOLDERS = ("username", "password", "name", "run", "unique")
SQL_PLACEHOLDERS = (*SIGN_UP_PLACEHOLDERS, "password_bcrypt", "password_argon2", "password_sha256")

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")
_OPERATION = re.compile(r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE) /\S*")
_LOOPBACK_NAMES = ("localhost", "ip6-localhost")


def read_target(path: Path, *, environ: Mapping[str, str] | None = None) -> Target:
    """The target that the file describes; its name is the file's, its relative paths start at the file's folder.

    Args:
        path: `targets/<name>.toml`.
        environ: where `${NAME}` of a secret is looked up (default: the process's environment).

    Raises:
        ConfigError: for a file that cannot be read, an unknown key, a wrong type, or values that contradict each other.
    """
    where = _shown(path)
    data = {"name": path.stem, **read_toml(path)}
    if data["name"] != path.stem:
        raise ConfigError(f'{where}: name: got "{data["name"]}", wanted the file\'s own', hint="leave the key out")
    target = decode(Target, data, where, base=path.parent, environ=environ)
    problems = list(_problems(target))
    if problems:
        lines = [f"{where}: {what}" for what, _ in problems]
        hints = dict.fromkeys(hint for _, hint in problems if hint)
        raise ConfigError("\n".join(lines), hint="; ".join(hints))
    return target


def read_toml(path: Path) -> dict[str, Any]:
    """The parsed TOML file; a `ConfigError` with its place where it is missing or is no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{_shown(path)}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{_shown(path)}: is not TOML: {error}") from None


def is_loopback(host: str) -> bool:
    """Whether a host name or address (without port) can only be this machine."""
    if host in _LOOPBACK_NAMES:
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _shown(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


Problem = tuple[str, str]  # what, hint


def _problems(target: Target) -> Iterator[Problem]:
    yield from _address_problems(target)
    yield from _start_problems(target)
    yield from _placeholder_problems(target)
    yield from _file_problems(target)
    yield from _role_problems(target)
    yield from _reference_problems(target)
    yield from _limit_problems(target.limits)
    yield from _code_problems(target)


def _address_problems(target: Target) -> Iterator[Problem]:
    if not target.hosts:
        yield "hosts: is empty; wanted every host that may be sent to", 'such as hosts = ["127.0.0.1"]'
    for host in target.hosts:
        if "*" in host or "/" in host:
            yield f'hosts: got "{host}", wanted a host name or address, with or without a port', "write each host in full"
        elif target.environment is Environment.LOCAL and not is_loopback(urlsplit(f"//{host}").hostname or ""):
            yield f'hosts: got "{host}", but environment = "local" means this machine', 'set environment = "staging"'
    if target.base_url:
        address = urlsplit(target.base_url)
        if address.scheme not in ("http", "https") or not address.hostname or address.path.rstrip("/") or address.query:
            yield f'base_url: got "{target.base_url}", wanted scheme, host and port only', "such as https://staging.example.test"
        elif address.hostname not in target.hosts and address.netloc not in target.hosts:
            yield f'base_url: its host "{address.hostname}" is not in hosts', f'add "{address.hostname}" to hosts'
    for key, value in (("health_path", target.health_path), ("document_path", target.document_path)):
        if value and not value.startswith("/"):
            yield f'{key}: got "{value}", wanted a path that starts with "/"', ""


def _start_problems(target: Target) -> Iterator[Problem]:
    start = target.commands.start
    if not start and not target.base_url:
        yield "neither base_url nor commands.start: nothing to reach", "give one of the two"
    if start and target.base_url:
        yield "both base_url and commands.start: is it running or to be started?", "give one of the two"
    if start and target.environment is not Environment.LOCAL:
        yield 'commands.start: only a target with environment = "local" is started here', "give base_url instead"
    for key in ("start", "start_instrumented"):
        command = getattr(target.commands, key)
        if command and not any("{port}" in argument for argument in command):
            yield f"commands.{key}: has no {{port}}; the harness picks a free one", 'such as "--port", "{port}"'
    yield from _database_problems(target)
    if target.start_timeout_s <= 0:
        yield f"start_timeout_s: got {target.start_timeout_s}, wanted more than 0", ""


def _database_problems(target: Target) -> Iterator[Problem]:
    hint = 'such as database_variable = "DATABASE_URL", or database_variables = { PGHOST = "{db_host}", PGPORT = "{db_port}" }'
    if target.takes_database:
        if target.base_url:
            yield "database_variable: only a target that is started here gets a database", "leave it out, or give commands.start"
        return
    if target.commands.migrate or target.commands.seed:
        yield "commands.migrate and commands.seed need database_variable, the variable with the database's address", hint
    for key in ("schema_files", "seed_files"):
        if getattr(target, key):
            yield f"{key}: needs database_variable, so that there is a database to run it on", hint
    for role in target.roles:
        if role.seed_sql:
            yield f"roles.{role.name}.seed_sql: needs database_variable, so that there is a database to run it on", hint


def _file_problems(target: Target) -> Iterator[Problem]:
    for key in ("schema_files", "seed_files"):
        for path in getattr(target, key):
            if not path.is_file():
                yield f"{key}: there is no file {_shown(path)}", "paths start at the target file's own folder"


def _placeholder_problems(target: Target) -> Iterator[Problem]:
    commands = target.commands
    for key in ("start", "start_instrumented", "migrate", "seed", "reset"):
        for argument in getattr(commands, key):
            yield from _unknown_placeholders(f"commands.{key}", argument, COMMAND_PLACEHOLDERS)
    for name, value in target.variables.items():
        yield from _unknown_placeholders(f"variables.{name}", value, VARIABLE_PLACEHOLDERS)
    for name, value in target.database_variables.items():
        yield from _unknown_placeholders(f"database_variables.{name}", value, DATABASE_PLACEHOLDERS)
    for role in target.roles:
        where = f"roles.{role.name}"
        yield from _unknown_placeholders(f"{where}.login.body", role.login.body, BODY_PLACEHOLDERS)
        yield from _unknown_placeholders(f"{where}.login.headers", role.login.headers, ("page_token",))
        yield from _unknown_placeholders(f"{where}.login.send", role.login.send, ("page_token",))
        yield from _unknown_placeholders(f"{where}.login.value", role.login.value, VALUE_PLACEHOLDERS)
        yield from _unknown_placeholders(f"{where}.seed_sql", role.seed_sql, SQL_PLACEHOLDERS)
        if role.sign_up:
            yield from _unknown_placeholders(f"{where}.sign_up.body", role.sign_up.body, SIGN_UP_PLACEHOLDERS)


def _unknown_placeholders(where: str, text: object, valid: tuple[str, ...]) -> Iterator[Problem]:
    if isinstance(text, Mapping):
        for key, member in text.items():
            yield from _unknown_placeholders(f"{where}.{key}", member, valid)
        return
    if isinstance(text, list):
        for number, member in enumerate(text):
            yield from _unknown_placeholders(f"{where}[{number}]", member, valid)
        return
    for name in _PLACEHOLDER.findall(text if isinstance(text, str) else ""):
        if name not in valid:
            yield f"{where}: unknown placeholder {{{name}}}", nearest(name, valid)


def _role_problems(target: Target) -> Iterator[Problem]:
    for role in target.roles:
        where = f"roles.{role.name}"
        yield from ((f"{where}.login.{what}", hint) for what, hint in _login_problems(role.login))
        if not role.users and role.login.kind != "none":
            yield f"{where}.users: is empty; wanted at least one", "two users of a role allow ownership to be judged"
        yield from ((f"{where}.users: {name} is there twice", "") for name in _twice(user.name for user in role.users))
        yield from _password_problems(target, role)
        yield from _sign_up_problems(target, role)


def _password_problems(target: Target, role: Role) -> Iterator[Problem]:
    if role.login.kind not in ("json", "form") or target.password_variable or role.sign_up or role.seed_sql:
        return
    for user in role.users:
        if not user.password:
            hint = (
                'password = "${NAME}" takes it from the environment; password_variable lets the harness make it for the seed; '
                "sign_up or seed_sql lets it make the account"
            )
            yield f"roles.{role.name}.users: {user.name} has no password and password_variable is not set", hint


def _sign_up_problems(target: Target, role: Role) -> Iterator[Problem]:
    where = f"roles.{role.name}.sign_up"
    for user in role.users:
        marked = [name for name in _PLACEHOLDER.findall(user.username) if name != "run"]
        if marked:
            yield f"roles.{role.name}.users: {user.name}: unknown placeholder {{{marked[0]}}}", "only {run} is known there"
        elif "{run}" in user.username and not (role.sign_up or role.seed_sql):
            yield f"roles.{role.name}.users: {user.name}: {{run}} is for accounts that sign_up or seed_sql makes", ""
    if role.sign_up is None:
        return
    if role.seed_sql:
        yield f"{where}: seed_sql makes the accounts already", "give one of the two"
    if not role.sign_up.path.startswith("/"):
        yield f'{where}.path: got "{role.sign_up.path}", wanted the path that makes an account', ""
    if not target.allow.writes:
        yield f"{where}: makes accounts, and allow.writes is not set", "allow.writes = true, or give the users' passwords"


def _login_problems(login: Login) -> Iterator[Problem]:
    if login.kind in ("json", "form"):
        if not login.path.startswith("/"):
            yield f'path: got "{login.path}", wanted the path that logs in', ""
        if not login.body:
            yield (
                "body: is empty; wanted the fields that are sent",
                'such as body = { email = "{username}", password = "{password}" }',
            )
        if not login.token and not login.cookie:
            yield "token or cookie is needed: where the credential stands in the answer", 'such as token = "$.token"'
    if login.page and not login.page.startswith("/"):
        yield f'page: got "{login.page}", wanted a path that starts with "/"', ""
    if login.page_token and not login.page:
        yield "page_token: needs page, the path where it stands", 'such as page = "/login"'
    if login.kind in ("header", "api_key") and "{token}" in login.value:
        yield (
            f"value: is needed for the kind {login.kind}, without {{token}}",
            'such as value = "{password}" with users of their own key',
        )


def _reference_problems(target: Target) -> Iterator[Problem]:
    for kind in target.objects:
        if kind.role not in target.role_names:
            yield f'objects.{kind.name}.role: unknown role "{kind.role}"', nearest(kind.role, target.role_names)
            continue
        yield from ((f"objects.{kind.name}.{what}", hint) for what, hint in _object_problems(kind, target))
    for name in _twice(name for kind in target.objects for name in kind.parameters):
        kinds = ", ".join(kind.name for kind in target.objects if name in kind.parameters)
        yield (
            f'objects: "{name}" is a parameter of several: {kinds}',
            "one object for each; what other roles are shown of it is found out, and where one name stands for different things "
            f'write the path before it: "/v1/visits/{{{name}}}:{name}"',
        )
    for hint in target.operations:
        if not _OPERATION.fullmatch(hint.operation):
            yield f'operations: got "{hint.operation}", wanted a method and a path', 'such as "PUT /api/leads/{lead_id}"'
        for role in hint.roles or ():
            if role not in target.role_names:
                yield f'operations: {hint.operation}: unknown role "{role}"', nearest(role, target.role_names)
    for operation in _twice(hint.operation for hint in target.operations):
        yield f"operations: {operation} is there twice", ""


def _object_problems(kind: ObjectKind, target: Target) -> Iterator[Problem]:
    if not kind.parameters:
        yield "parameters: is empty; wanted the parameters that carry its id", 'such as parameters = ["lead_id"]'
    if bool(kind.list_path) != bool(kind.id_path):
        yield "list_path and id_path: one without the other", 'such as list_path = "/leads" and id_path = "$.items[*].id"'
    if "{" in kind.list_path:
        yield (
            f'list_path: got "{kind.list_path}", wanted a path without a parameter',
            "objects below others are found through those, or give examples",
        )
    if kind.owned and not (kind.list_path or kind.examples):
        yield "list_path: missing, and no examples either: no object is known", "such as examples = { one = [17], two = [18] }"
    if kind.published and not (kind.list_path and kind.owned):
        yield "published: without a list_path, or with owned = false", "it has an owner, and a list: everybody's, or one's own"
    known = [user.name for user in target.role(kind.role).users]
    for name in kind.examples:
        if name not in known:
            yield f'examples: unknown user "{name}" of {kind.role}', nearest(name, known)


def _limit_problems(limits: Limits) -> Iterator[Problem]:
    promised = False
    for key in ("requests", "log_in_attempts", "failed_per_account"):
        value = getattr(limits, key)
        promised = promised or value > 0
        if value < 0:
            yield f"limits.{key}: got {value}, wanted at least 1", "leave the key out where the target promises no such limit"
    if limits.window_s < 0 or (promised and limits.window_s == 0):
        yield f"limits.window_s: got {limits.window_s:g}, wanted more than 0", "the time in which so many are allowed, in seconds"
    for path in limits.exempt:
        if not path.startswith("/"):
            hint = 'such as "/health", or "/static/" for all under it'
            yield f'limits.exempt: got "{path}", wanted a path that starts with "/"', hint


def _code_problems(target: Target) -> Iterator[Problem]:
    for flow in target.codes:
        for key in ("start", "confirm"):
            if not _OPERATION.fullmatch(getattr(flow, key)):
                yield f'codes.{flow.name}.{key}: got "{getattr(flow, key)}", wanted a method and a path', 'such as "POST /verify"'
        try:
            groups = re.compile(flow.log_pattern).groups if flow.log_pattern else 1
        except re.error as error:
            yield f"codes.{flow.name}.log_pattern: is no regular expression: {error}", ""
        else:
            if groups != 1:
                hint = "such as 'code=(\\d{6})'"
                yield f"codes.{flow.name}.log_pattern: has {groups} groups, wanted one, around the code", hint


def _twice(names: Iterator[str]) -> list[str]:
    seen: set[str] = set()
    again: list[str] = []
    for name in names:
        if name in seen:
            again.append(name)
        seen.add(name)
    return again

"""What is put under test, and what may be done to it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from harness.model.secret import MAY_HOLD_SECRET, SECRET


class Environment(StrEnum):
    """Where a target stands; it decides what may be done to it."""

    LOCAL = "local"
    STAGING = "staging"
    PRODUCTION = "production"


def filled(template: Any, values: Mapping[str, str]) -> Any:
    """A text, or plain data with texts in it, with each `{name}` of `values` in its place; other braces stay."""
    if isinstance(template, str):
        for name, value in values.items():
            template = template.replace("{" + name + "}", value)
        return template
    if isinstance(template, Mapping):
        return {key: filled(member, values) for key, member in template.items()}
    if isinstance(template, list):
        return [filled(member, values) for member in template]
    return template


@dataclass(frozen=True)
class Login:
    """How a role gets its credential.

    `kind` says how the credentials are sent: `json` and `form` post `body` to `path` (values may hold `{username}` and
    `{password}`), `header` and `api_key` send `header: value` (which may hold the same two, and `{basic}`) and ask nobody,
    `none` sends nothing. `token` is the JSON path of the bearer token in the answer (`$.token`); `cookie` the name of a session
    cookie instead. `header` and `value` are how the credential is sent afterwards (default `Authorization: Bearer {token}`).

    A log-in that wants a token of its page (CSRF): `page` is read first, and `page_token` is found in it: a JSON path, or the
    name of a form field, of a `meta` element or of a cookie. It stands for `{page_token}` in `body` and `headers` (of the log-in
    request) and in `send` (of every request afterwards), where `{cookie:NAME}` stands for a cookie of the session.
    """

    kind: Literal["json", "form", "header", "api_key", "none"]
    path: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    token: str = ""
    cookie: str = ""
    header: str = "Authorization"
    value: str = field(default="Bearer {token}", repr=False, metadata=MAY_HOLD_SECRET)
    page: str = ""
    page_token: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    send: dict[str, str] = field(default_factory=dict)

    def body_for(self, username: str, password: str, page_token: str = "") -> dict[str, Any]:
        """What is posted for a user."""
        values = {"username": username, "password": password, "page_token": page_token}
        return {name: filled(value, values) for name, value in self.body.items()}

    def value_for(self, username: str, password: str) -> str:
        """The header's value for a user; `{token}` stays in it."""
        basic = b64encode(f"{username}:{password}".encode()).decode()
        return str(filled(self.value, {"username": username, "password": password, "basic": basic}))


@dataclass(frozen=True)
class SignUp:
    """How an account of the role is made: `body` is posted to `path` once per user, before the first stage.

    Values may hold `{username}`, `{password}`, `{run}` and `{unique}` (ten digits of each run and user).
    """

    path: str
    body: dict[str, Any]
    kind: Literal["json", "form"] = "json"


@dataclass(frozen=True)
class User:
    """One account of a role. `password` is resolved from the environment or made for the run; it is never printed.

    `username` may hold `{run}`, ten letters and digits of the run's own, for accounts that the harness makes. `email` is where
    codes are sent to, where the account is not known by its address.
    """

    name: str
    username: str
    password: str = field(repr=False, default="", metadata=SECRET)
    email: str = ""

    @property
    def address(self) -> str:
        """What is written where an e-mail address is wanted."""
        return self.email or self.username


@dataclass(frozen=True)
class Role:
    """A role of the platform with its log-in and its users (two of them allow ownership to be judged)."""

    name: str
    login: Login
    users: tuple[User, ...] = ()
    rank: int = 0  # a higher rank may do more; equal ranks are peers
    page_login: str = ""  # address of the log-in page for browser flows, where there is one
    security: tuple[str, ...] = ()  # the document's security schemes that this role's credential satisfies; empty: inferred
    sign_up: SignUp | None = None  # makes the accounts, where no seed does
    seed_sql: str = ""  # makes one account: run per user on the template (see `harness.targets.accounts` for its placeholders)


@dataclass(frozen=True)
class ObjectKind:
    """An object that users own, and how to find one of one's own.

    `name` is the path parameter's owner (`lead`), `list_path` the operation that lists one's own (`/api/partner-portal/leads`),
    `id_path` the JSON path of the ids in it (`$.leads[*].id`), `parameters` the parameters that carry such an id
    (`["/api/partner-portal/leads/{lead_id}:lead_id"]`; a bare name holds everywhere). Where no operation lists them, `examples`
    gives the ids that each user owns, by user name. `owned` is false for what everybody may see on purpose: nothing is inferred
    or judged about whose it is. `published` is true for what everybody may see and its owner alone may change: users make some
    where no `examples` tell whose it is.
    """

    name: str
    role: str
    parameters: tuple[str, ...]
    list_path: str = ""
    id_path: str = ""
    examples: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    owned: bool = True
    published: bool = False
    table: str = ""
    id_column: str = "id"


@dataclass(frozen=True)
class Commands:
    """The commands that run a target. Placeholders: `{python} {host} {port} {size} {seed} {coverage_config}`.

    Each is an argument list, run in the target's `folder`; an empty one is a thing that the target does not give.
    """

    start: tuple[str, ...] = ()
    start_instrumented: tuple[str, ...] = ()
    migrate: tuple[str, ...] = ()
    seed: tuple[str, ...] = ()
    reset: tuple[str, ...] = ()


@dataclass(frozen=True)
class OperationHint:
    """What the document cannot say about one operation (`operation` is `"PUT /api/x/{id}"`)."""

    operation: str
    expected_statuses: tuple[int, ...] = ()  # correct answers that a schema cannot predict (a stale version: 409)
    # Destroys credentials or data: run in a phase of its own. None: inferred from its method and name.
    destructive: bool | None = None
    roles: tuple[str, ...] | None = None  # who may call it, where the document's security does not tell
    reason: str = ""


@dataclass(frozen=True)
class Limits:
    """How often somebody may ask before the target refuses with a 429; 0 is a limit that it does not promise.

    A client is an address: nothing that it writes into a header makes it another one. `requests` bounds all requests of a client,
    `log_in_attempts` its log-ins, `failed_per_account` the wrong passwords for one account from all clients together; each of
    them within `window_s`.
    """

    requests: int = 0
    log_in_attempts: int = 0
    failed_per_account: int = 0
    window_s: float = 0.0
    exempt: tuple[str, ...] = ()  # paths that are not limited; one that ends with "/" stands for everything under it

    def exempts(self, path: str) -> bool:
        """Whether a path (without query) is not limited."""
        return any(path == exempt or (exempt.endswith("/") and path.startswith(exempt)) for exempt in self.exempt)


@dataclass(frozen=True)
class CodeFlow:
    """Two operations that prove something by a one-time code: `start` has it sent, `confirm` takes it.

    `member` is the member of the confirmation that carries the code; inferred where empty. `log_pattern` is a regular expression
    with one group: how a code reads in the target's own log, where a build for tests writes it there instead of sending it.
    """

    name: str
    start: str
    confirm: str
    member: str = ""
    log_pattern: str = ""


@dataclass(frozen=True)
class Allow:
    """What may be done to a target. `production` refuses all four whatever is set here."""

    writes: bool = False
    load: bool = False
    active_scan: bool = False
    faults: bool = False


@dataclass(frozen=True)
class Target:
    """A platform under test, as its file `targets/<name>.toml` describes it.

    `base_url` is set for a target that runs already; otherwise `commands.start` starts one on a free port.
    """

    name: str
    title: str
    environment: Environment
    folder: Path  # where commands run: the project's root
    hosts: tuple[str, ...]
    allow: Allow
    roles: tuple[Role, ...] = ()
    base_url: str = ""
    document: Path | None = None  # the committed OpenAPI document
    document_path: str = ""  # where the running target serves its own
    health_path: str = "/"
    commands: Commands = Commands()
    # Set for every command; values may hold {base_url}, {secret} (random, one per variable and run) and {trusted_proxy}.
    variables: dict[str, str] = field(default_factory=dict, repr=False, metadata=MAY_HOLD_SECRET)
    database_variable: str = ""  # carries the database's address
    # The same in other shapes: {db_url} {db_host} {db_port} {db_name} {db_user} {db_password}. Neither: no database is provided.
    database_variables: dict[str, str] = field(default_factory=dict)
    schema_files: tuple[Path, ...] = ()  # SQL, run on the empty database before `migrate`
    seed_files: tuple[Path, ...] = ()  # SQL, run after `migrate` and before `seed`
    password_variable: str = ""  # carries the password of the seeded accounts, made anew for each run
    origins: tuple[str, ...] = ()  # web origins that browsers may call it from; every other must get no CORS permission
    start_timeout_s: float = 30.0
    source: tuple[Path, ...] = ()
    objects: tuple[ObjectKind, ...] = ()
    operations: tuple[OperationHint, ...] = ()
    bookkeeping_tables: tuple[str, ...] = ()
    secret_columns: tuple[str, ...] = ()  # `table.column`: no answer carries them, though their names do not say so
    limits: Limits = Limits()
    codes: tuple[CodeFlow, ...] = ()

    @property
    def bookkeeping(self) -> frozenset[str]:
        """The bookkeeping tables by their bare names, as the record of statements has them."""
        return frozenset(name.rpartition(".")[2] for name in self.bookkeeping_tables)

    def role(self, name: str) -> Role:
        """The role of that name; `KeyError` where there is none."""
        return {role.name: role for role in self.roles}[name]

    @property
    def takes_database(self) -> bool:
        """Whether the harness can give it a database."""
        return bool(self.database_variable or self.database_variables)

    @property
    def role_names(self) -> tuple[str, ...]:
        """Names of the roles, in the file's order."""
        return tuple(role.name for role in self.roles)

    def hint(self, operation: str) -> OperationHint:
        """What the file says of an operation (`"GET /x"`), else an empty hint."""
        return next((hint for hint in self.operations if hint.operation == operation), OperationHint(operation))

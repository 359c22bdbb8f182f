"""A server that the user names: databases and a role of ours are made in it, under a name of this run, and dropped at the end."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from harness.databases.access import Access
from harness.databases.server import DatabaseServer, new_password, server_version, set_password
from harness.evidence.redaction import remember_secret
from harness.model.errors import DatabaseError, PreflightError

DSN_VARIABLE = "HARNESS_POSTGRES_DSN"
_CONNECT_TIMEOUT_S = 10
_VERSION_MIN = 150000
_KEPT_PARAMETERS = ("sslmode", "sslrootcert")


class ExternalServer(DatabaseServer):
    """Somebody else's server. What was there before is never touched."""

    provider = "external"

    def __init__(self, access: Access, *, version: str, notes: tuple[str, ...], own_role: bool) -> None:
        location = f"{access.host}:{access.port}"
        super().__init__(access, version=version, location=location, notes=notes, log_path=None)
        self._own_role = own_role
        self._stopped = False

    def stop(self) -> None:
        """Drops every database and the role of this run; the server goes on."""
        if self._stopped:
            return
        for name in self.names():
            self.drop(name.removeprefix(self.access.prefix))
        if self._own_role:
            with self.connect() as connection:
                connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(self.access.role)))
        self._stopped = True
        self.close()

    def pause(self) -> None:
        """Raises `DatabaseError`: a server that is not ours is not paused."""
        raise DatabaseError("an external server is not ours to pause", hint="use the embedded or docker provider")

    def resume(self) -> None:
        """Raises `DatabaseError`: it cannot have been paused."""
        raise DatabaseError("an external server is not ours to resume", hint="use the embedded or docker provider")


def open_external(dsn: str) -> ExternalServer:
    """Uses the server at `dsn`, whose user must be allowed to make databases.

    Where the user may make roles too, the target gets one of its own; else it connects as that user, which a note says.

    Raises:
        PreflightError: no address, no answer, a server before 15, or a user who may not make databases.
    """
    parts = _parts(dsn)
    prefix = f"harness_{secrets.token_hex(4)}_"
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S) as connection:
            rights = _rights(connection)
            own_role = rights.makes_roles
            access = _access(connection.info, parts, prefix, own_role)
            if own_role:
                _make_role(connection, access)
            return ExternalServer(access, version=server_version(connection), notes=rights.notes(), own_role=own_role)
    except psycopg.Error as error:
        first = str(error).strip().splitlines()[0]
        raise PreflightError(f"the external PostgreSQL refuses: {first}", hint=f"check {DSN_VARIABLE}") from error


def _parts(dsn: str) -> Mapping[str, str]:
    if not dsn:
        raise PreflightError("no address of an external PostgreSQL was given", hint=f"export {DSN_VARIABLE}=postgresql://…")
    try:
        parts = {key: str(value) for key, value in conninfo_to_dict(dsn).items()}
    except psycopg.ProgrammingError as error:
        raise PreflightError("the address of the external PostgreSQL is none", hint=f"{DSN_VARIABLE}=postgresql://…") from error
    remember_secret(parts.get("password", ""))
    return parts


@dataclass(frozen=True)
class _Rights:
    superuser: bool
    makes_roles: bool

    def notes(self) -> tuple[str, ...]:
        record = "the server's log cannot be read from here: there is no statement record"
        return (
            (record,) if self.makes_roles else (record, "the target connects as the user of the address: it may not make roles")
        )


def _rights(connection: psycopg.Connection) -> _Rights:
    if connection.info.server_version < _VERSION_MIN:
        version = server_version(connection)
        raise PreflightError(f"the external PostgreSQL is {version}, wanted 15 or newer", hint="use the embedded provider")
    row = connection.execute("SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user").fetchone()
    superuser, makes_databases, makes_roles = row or (False, False, False)
    if not (superuser or makes_databases):
        user = connection.info.user
        raise PreflightError(f"the external PostgreSQL's user {user} may not make databases", hint=f"ALTER ROLE {user} CREATEDB")
    return _Rights(superuser, superuser or makes_roles)


def _access(info: psycopg.ConnectionInfo, parts: Mapping[str, str], prefix: str, own_role: bool) -> Access:
    if not info.host or info.host.startswith("/"):
        raise PreflightError(
            "the address of the external PostgreSQL names no host", hint="such as postgresql://user@127.0.0.1:5432/postgres"
        )
    kept = {key: parts[key] for key in _KEPT_PARAMETERS if key in parts}
    return Access(
        info.host,
        info.port,
        admin=info.user,
        admin_password=info.password,
        role=f"{prefix}target" if own_role else info.user,
        role_password=new_password() if own_role else info.password,
        maintenance=info.dbname,
        prefix=prefix,
        parameters=f"?{urlencode(kept)}" if kept else "",
    )


def _make_role(connection: psycopg.Connection, access: Access) -> None:
    set_password(connection, access.role, access.role_password)
    statement = sql.SQL("GRANT {} TO {}")  # who is no superuser must be a member to give databases to it
    connection.execute(statement.format(sql.Identifier(access.role), sql.Identifier(access.admin)))

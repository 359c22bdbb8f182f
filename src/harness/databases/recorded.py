"""A database whose statements are recorded, and the means to read the record."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from harness.databases.operations import CONNECT_TIMEOUT_S
from harness.model.errors import DatabaseError

# What the harness does there itself is logged as well (that is how it knows how far the record has come), but not planned.
# The target may set its search path for itself; here a table's bare name is looked for in every schema, its own ones first.
# Schemas that have a table's name in common stay away: which of them the target means is not known.
_SEE_EVERY_SCHEMA = """
WITH further AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND nspname <> ALL (current_schemas(false))
), shared AS (
    SELECT unnest(array_agg(f.oid)) AS oid
    FROM further f JOIN pg_class c ON c.relnamespace = f.oid AND c.relkind IN ('r', 'p', 'v', 'm')
    GROUP BY c.relname HAVING count(*) > 1
)
SELECT set_config(
    'search_path', concat_ws(', ', nullif(current_setting('search_path'), ''), string_agg(quote_ident(nspname), ', ')), false
)
FROM (SELECT nspname FROM further WHERE oid NOT IN (SELECT oid FROM shared) ORDER BY nspname) AS seen
"""
_OPTIONS = "-c log_min_duration_statement=0 -c auto_explain.log_min_duration=-1 -c statement_timeout=60000"


@dataclass(frozen=True)
class Recorded:
    """A recorded clone: its name on the server, its administrator's address, and the server's JSON log."""

    name: str
    admin: str
    role: str  # what the target connects as
    dsn: str = field(repr=False)  # the administrator's
    log: Path

    def connect(self) -> psycopg.Connection:
        """The administrator's own connection, in autocommit; its statements are recorded under the administrator's name.

        Raises:
            DatabaseError: the server refuses.
        """
        try:
            connection = psycopg.connect(
                self.dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, application_name="harness", options=_OPTIONS
            )
            try:
                connection.execute(_SEE_EVERY_SCHEMA)
            except psycopg.Error:
                connection.close()
                raise
        except psycopg.Error as error:
            raise DatabaseError(f"the recorded database refused the harness: {str(error).strip().splitlines()[0]}") from error
        return connection

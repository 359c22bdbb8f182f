"""Changes that live traffic does not notice: indexes built and dropped beside it, rows rewritten a few at a time.

Each runs outside the revision's transaction and may be run again: what a failed attempt left is taken away first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from alembic import op

LOCK_TIMEOUT: Final = "300ms"
"""A revision that does not get its lock gives up at once, before all traffic queues behind it; the runner tries again."""
STATEMENT_TIMEOUT: Final = "60s"
"""Longer than anything that runs under a lock may take."""
ROWS_PER_BATCH: Final = 1_000
"""A batch holds its rows for a tenth of a second."""
LIMITS: Final = (f"SET lock_timeout = '{LOCK_TIMEOUT}'", f"SET statement_timeout = '{STATEMENT_TIMEOUT}'")


@contextmanager
def _beside_traffic() -> Iterator[None]:
    """Run outside a transaction, waiting as long as it takes: the locks taken here hold up no reader and no writer."""
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = '30min'")
        op.execute("SET lock_timeout = 0")
        try:
            yield
        finally:
            for statement in LIMITS:
                op.execute(statement)


def create_index(name: str, definition: str) -> None:
    """Build an index, ``definition`` being what stands behind its name: ``ON table (columns)``."""
    with _beside_traffic():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE INDEX CONCURRENTLY {name} {definition}")


def drop_index(name: str) -> None:
    """Drop an index."""
    with _beside_traffic():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def rewrite_rows(table: str, statement: str) -> None:
    """Run an UPDATE over ``table`` in batches; it bounds itself by ``{first}`` and ``{last}``, ids of the table."""
    with _beside_traffic():
        if op.get_context().as_sql:
            op.execute(statement.format(first=1, last=ROWS_PER_BATCH))
            return
        last = op.get_bind().exec_driver_sql(f"SELECT coalesce(max(id), 0) FROM {table}").scalar_one()
        for first in range(1, last + 1, ROWS_PER_BATCH):
            op.execute(statement.format(first=first, last=first + ROWS_PER_BATCH - 1))

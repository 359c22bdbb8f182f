"""Alembic's entry: runs the revisions on the connection that ``tpe.migrations.runner`` hands over."""

from alembic import context
from sqlalchemy import Connection

LOCK_TIMEOUT = "5s"
"""A revision that cannot get its lock gives up instead of queueing all traffic behind itself."""


def _run() -> None:
    connection: Connection = context.config.attributes["connection"]
    connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    connection.commit()
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


_run()

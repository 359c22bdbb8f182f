"""Alembic's entry: runs the revisions on the connection that ``tpe.migrations.runner`` hands over, or writes them as SQL."""

from alembic import context
from sqlalchemy import Connection

from tpe.migrations.online import LIMITS


def _run() -> None:
    connection: Connection = context.config.attributes["connection"]
    for statement in LIMITS:
        connection.exec_driver_sql(statement)
    connection.commit()
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


def _write() -> None:
    context.configure(dialect_name="postgresql", literal_binds=True, transaction_per_migration=True)
    for statement in LIMITS:
        context.execute(statement)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    _write()
else:
    _run()

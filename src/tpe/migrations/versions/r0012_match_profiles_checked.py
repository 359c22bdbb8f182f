"""Prove the checks of the match profiles for the rows that were there before.

A check that is proved in a transaction of its own keeps neither readers nor writers out. On the way down the checks are
made anew for new rows only, as the revision before left them.
"""

from alembic import op

from tpe.migrations.versions.r0011_match_profiles import CHECKS, unproved

revision = "r0012"
down_revision = "r0011"


def upgrade() -> None:
    for table, checks in CHECKS.items():
        op.execute(f"ALTER TABLE {table} {', '.join(f'VALIDATE CONSTRAINT {name}' for name in checks)}")


def downgrade() -> None:
    for table, checks in CHECKS.items():
        op.execute(f"ALTER TABLE {table} {', '.join(f'DROP CONSTRAINT {name}' for name in checks)}, {unproved(table)}")

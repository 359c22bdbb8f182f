"""Give contractors accounts: password, activity, credential version, page sessions.

A contractor without a password hash is recorded (somebody else entered it) and has not registered: nobody can log in as
it. Constant defaults keep the change free of a table rewrite. On the way down the contractors' sessions end.
"""

from alembic import op

revision = "r0005"
down_revision = "r0004"

UP = """
ALTER TABLE contractors
    ADD COLUMN password_hash text,
    ADD COLUMN is_active boolean NOT NULL DEFAULT true,
    ADD COLUMN credential_version integer NOT NULL DEFAULT 1;
ALTER TABLE sessions
    -- A wider one takes its place.
    -- squawk-ignore ban-drop-constraint
    DROP CONSTRAINT sessions_role,
    ADD CONSTRAINT sessions_role CHECK (role IN ('partner', 'contractor', 'admin')) NOT VALID;
-- These are the sessions that are open now, a few thousand rows.
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE sessions VALIDATE CONSTRAINT sessions_role;
"""

DOWN = """
DELETE FROM sessions WHERE role = 'contractor';
ALTER TABLE sessions
    DROP CONSTRAINT sessions_role,
    ADD CONSTRAINT sessions_role CHECK (role IN ('partner', 'admin'));
ALTER TABLE contractors DROP COLUMN credential_version, DROP COLUMN is_active, DROP COLUMN password_hash;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

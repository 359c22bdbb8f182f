"""Add what ends credentials: credential versions, revoked tokens, page sessions.

A password change raises the account's credential_version, which ends every token and session made before it. A log-out
stores the token's id until the token would have expired. Page sessions are kept by the hash of their secret, so that a
copy of the table opens nobody's session.
"""

from alembic import op

revision = "r0004"
down_revision = "r0003"

UP = """
ALTER TABLE partners ADD COLUMN credential_version integer NOT NULL DEFAULT 1;
ALTER TABLE admin_users ADD COLUMN credential_version integer NOT NULL DEFAULT 1;
CREATE TABLE revoked_tokens (
    jti uuid PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX revoked_tokens_expiry ON revoked_tokens (expires_at);
CREATE TABLE sessions (
    id_hash bytea PRIMARY KEY CONSTRAINT sessions_hash_length CHECK (octet_length(id_hash) = 32),
    role text NOT NULL CONSTRAINT sessions_role CHECK (role IN ('partner', 'admin')),
    account_id bigint NOT NULL,
    credential_version integer NOT NULL,
    csrf_token text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_account ON sessions (role, account_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);
"""

DOWN = """
DROP TABLE sessions;
DROP TABLE revoked_tokens;
ALTER TABLE admin_users DROP COLUMN credential_version;
ALTER TABLE partners DROP COLUMN credential_version;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

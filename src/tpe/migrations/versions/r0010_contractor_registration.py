"""Add registrations that wait for the code sent to a phone.

Codes are kept as Argon2id hashes. A row counts its tries, is used once, and is dropped a day after it was made; until
then it is what limits how many codes an e-mail address and a phone number are sent. Phones are compared by their digits.
"""

from alembic import op

revision = "r0010"
down_revision = "r0009"

UP = """
CREATE TABLE contractor_registrations (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    name text NOT NULL,
    company_name text NOT NULL,
    email text NOT NULL CONSTRAINT registrations_email_lower CHECK (email = lower(email)),
    phone text NOT NULL,
    phone_digits text NOT NULL GENERATED ALWAYS AS (regexp_replace(phone, '[^0-9]', '', 'g')) STORED,
    code_hash text NOT NULL,
    tries smallint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX registrations_email ON contractor_registrations (email, created_at);
CREATE INDEX registrations_phone ON contractor_registrations (phone_digits, created_at);
CREATE INDEX registrations_expiry ON contractor_registrations (expires_at);
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP TABLE contractor_registrations")

"""Statements on contractors."""

from typing import Final

_COLUMNS: Final = """
    c.id, c.name, c.company_name, c.email, c.phone, c.city, c.state, c.trades, c.needs, c.revenue, c.team_size, c.is_active,
    c.version
"""

CONTRACTOR_BY_ID: Final = f"""
SELECT {_COLUMNS} FROM contractors c WHERE c.id = %(contractor_id)s
"""

CHANGE_PROFILE: Final = f"""
UPDATE contractors c
SET name = %(name)s, company_name = %(company_name)s, phone = %(phone)s, city = %(city)s, state = %(state)s,
    trades = %(trades)s, needs = %(needs)s, revenue = %(revenue)s, team_size = %(team_size)s, version = c.version + 1
WHERE c.id = %(contractor_id)s AND c.version = %(version)s
RETURNING {_COLUMNS}
"""

CONTRACTOR_BY_EMAIL: Final = """
SELECT c.phone, c.password_hash IS NOT NULL AS has_account FROM contractors c WHERE c.email = %(email)s
"""

DROP_OLD_REGISTRATIONS: Final = """
DELETE FROM contractor_registrations WHERE id IN (
    SELECT id FROM contractor_registrations WHERE expires_at < now() - interval '1 day' ORDER BY expires_at LIMIT %(rows_max)s
    FOR UPDATE SKIP LOCKED
)
"""

LOCK_APPLICANT: Final = """
SELECT pg_advisory_xact_lock(hashtextextended(%(email)s, 0)),
       pg_advisory_xact_lock(hashtextextended(regexp_replace(%(phone)s, '[^0-9]', '', 'g'), 1))
"""

CODES_SENT: Final = """
SELECT count(*) FILTER (WHERE r.email = %(email)s) AS to_email,
       count(*) FILTER (WHERE r.phone_digits = regexp_replace(%(phone)s, '[^0-9]', '', 'g')) AS to_phone,
       extract(epoch FROM now() - max(r.created_at) FILTER (WHERE r.email = %(email)s))::float8 AS seconds_since
FROM contractor_registrations r
WHERE r.created_at > now() - interval '1 day'
  AND (r.email = %(email)s OR r.phone_digits = regexp_replace(%(phone)s, '[^0-9]', '', 'g'))
"""

ADD_REGISTRATION: Final = """
INSERT INTO contractor_registrations (name, company_name, email, phone, code_hash, expires_at)
VALUES (%(name)s, %(company_name)s, %(email)s, %(phone)s, %(code_hash)s, now() + %(lifetime)s)
RETURNING id
"""

TRY_REGISTRATION: Final = """
UPDATE contractor_registrations SET tries = tries + 1
WHERE id = %(registration)s AND used_at IS NULL AND expires_at > now() AND tries < %(tries_max)s
RETURNING code_hash
"""

USE_REGISTRATION: Final = """
UPDATE contractor_registrations SET used_at = now() WHERE id = %(registration)s AND used_at IS NULL
"""

REGISTER_CONTRACTOR: Final = """
INSERT INTO contractors (name, company_name, email, phone, city, state, password_hash)
SELECT r.name, r.company_name, r.email, r.phone, '', '', %(password_hash)s
FROM contractor_registrations r WHERE r.id = %(registration)s
ON CONFLICT (email) DO UPDATE SET password_hash = excluded.password_hash
    WHERE contractors.password_hash IS NULL AND contractors.is_active
RETURNING id AS account_id, email, name, credential_version
"""

CONTRACTOR_EXISTS: Final = """
SELECT EXISTS (SELECT 1 FROM contractors c WHERE c.id = %(contractor_id)s)
"""

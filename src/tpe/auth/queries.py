"""Statements on accounts, revoked tokens and page sessions."""

from typing import Final

PARTNER_BY_EMAIL: Final = """
SELECT p.id AS account_id, p.email, p.company_name AS name, p.is_active, p.password_hash, p.credential_version
FROM partners p WHERE p.email = %(email)s
"""

CONTRACTOR_BY_EMAIL: Final = """
SELECT c.id AS account_id, c.email, c.name, c.is_active, c.password_hash, c.credential_version
FROM contractors c WHERE c.email = %(email)s
"""

ADMIN_BY_EMAIL: Final = """
SELECT a.id AS account_id, a.email, a.full_name AS name, a.is_active, a.password_hash, a.credential_version
FROM admin_users a WHERE a.email = %(email)s
"""

PARTNER_OF_TOKEN: Final = """
SELECT p.id AS account_id, p.email, p.company_name AS name, p.credential_version
FROM partners p
WHERE p.id = %(account_id)s AND p.is_active AND p.credential_version = %(credential_version)s
  AND NOT EXISTS (SELECT 1 FROM revoked_tokens r WHERE r.jti = %(token_id)s)
"""

CONTRACTOR_OF_TOKEN: Final = """
SELECT c.id AS account_id, c.email, c.name, c.credential_version
FROM contractors c
WHERE c.id = %(account_id)s AND c.is_active AND c.credential_version = %(credential_version)s
  AND NOT EXISTS (SELECT 1 FROM revoked_tokens r WHERE r.jti = %(token_id)s)
"""

ADMIN_OF_TOKEN: Final = """
SELECT a.id AS account_id, a.email, a.full_name AS name, a.credential_version
FROM admin_users a
WHERE a.id = %(account_id)s AND a.is_active AND a.credential_version = %(credential_version)s
  AND NOT EXISTS (SELECT 1 FROM revoked_tokens r WHERE r.jti = %(token_id)s)
"""

REVOKE_TOKEN: Final = """
INSERT INTO revoked_tokens (jti, expires_at) VALUES (%(token_id)s, %(expires_at)s) ON CONFLICT (jti) DO NOTHING
"""

DROP_EXPIRED_REVOCATIONS: Final = """
DELETE FROM revoked_tokens WHERE jti IN
    (SELECT jti FROM revoked_tokens WHERE expires_at < now() ORDER BY expires_at LIMIT %(rows_max)s
     FOR UPDATE SKIP LOCKED)
"""

PARTNER_PASSWORD_HASH: Final = """
SELECT p.password_hash FROM partners p WHERE p.id = %(account_id)s
"""

CONTRACTOR_PASSWORD_HASH: Final = """
SELECT c.password_hash FROM contractors c WHERE c.id = %(account_id)s
"""

CHANGE_PARTNER_PASSWORD: Final = """
UPDATE partners SET password_hash = %(new_hash)s, credential_version = credential_version + 1
WHERE id = %(account_id)s AND credential_version = %(credential_version)s
"""

CHANGE_CONTRACTOR_PASSWORD: Final = """
UPDATE contractors SET password_hash = %(new_hash)s, credential_version = credential_version + 1
WHERE id = %(account_id)s AND credential_version = %(credential_version)s
"""

CREATE_SESSION: Final = """
INSERT INTO sessions (id_hash, role, account_id, credential_version, csrf_token, expires_at)
VALUES (%(id_hash)s, %(role)s, %(account_id)s, %(credential_version)s, %(csrf_token)s, now() + %(lifetime)s)
RETURNING expires_at
"""

FIND_SESSION: Final = """
SELECT s.role, s.account_id, coalesce(p.email, c.email, a.email) AS email,
       coalesce(p.company_name, c.name, a.full_name) AS name, s.credential_version, s.csrf_token, s.expires_at
FROM sessions s
LEFT JOIN partners p ON s.role = 'partner' AND p.id = s.account_id AND p.is_active
    AND p.credential_version = s.credential_version
LEFT JOIN contractors c ON s.role = 'contractor' AND c.id = s.account_id AND c.is_active
    AND c.credential_version = s.credential_version
LEFT JOIN admin_users a ON s.role = 'admin' AND a.id = s.account_id AND a.is_active
    AND a.credential_version = s.credential_version
WHERE s.id_hash = %(id_hash)s AND s.expires_at > now() AND coalesce(p.id, c.id, a.id) IS NOT NULL
"""

END_SESSION: Final = """
DELETE FROM sessions WHERE id_hash = %(id_hash)s
"""

END_SESSIONS_OF_ACCOUNT: Final = """
DELETE FROM sessions WHERE role = %(role)s AND account_id = %(account_id)s
"""

DROP_EXPIRED_SESSIONS: Final = """
DELETE FROM sessions WHERE id_hash IN
    (SELECT id_hash FROM sessions WHERE expires_at < now() ORDER BY expires_at LIMIT %(rows_max)s
     FOR UPDATE SKIP LOCKED)
"""

"""Statements on accounts as administrators list them; every list is bounded and begins behind ``%(before)s``."""

from typing import Final, LiteralString

_PARTNER_COLUMNS: Final = """
    p.id, p.company_name, p.contact_name, p.email, p.phone, p.is_active, p.version, p.created_at,
    coalesce((SELECT sum(c.leads) FROM lead_counts c WHERE c.partner_id = p.id), 0)::bigint AS leads
"""

PARTNER_ACCOUNT: Final = f"""
SELECT {_PARTNER_COLUMNS} FROM partners p WHERE p.id = %(partner_id)s
"""

# A suspension ends every token for good: one from before must not come back to life with the next approval.
APPROVE_PARTNER: Final = """
UPDATE partners p
SET is_active = %(active)s, version = p.version + 1, credential_version = p.credential_version + (NOT %(active)s)::int
WHERE p.id = %(partner_id)s AND p.version = %(version)s
"""


def partner_conditions(search: str | None, active: bool | None) -> LiteralString:
    """Give the fixed texts of what filters partners; the values are bound, never written here."""
    conditions: LiteralString = ""
    if search:
        conditions += " AND (p.company_name ILIKE %(pattern)s OR p.contact_name ILIKE %(pattern)s OR p.email ILIKE %(pattern)s)"
    if active is not None:
        conditions += " AND p.is_active = %(active)s"
    return conditions


def contractor_conditions(search: str | None) -> LiteralString:
    """Give the fixed text of what filters contractors: by e-mail where an @ says that it is one, else by words."""
    if not search:
        return ""
    if "@" in search:
        return " AND c.email = lower(%(search)s)"
    return " AND lead_search_words(0, c.name, c.company_name) @@ lower(%(words)s)::tsquery"


def partners(conditions: LiteralString) -> LiteralString:
    """Give the statement for partners, the newest first."""
    return f"""
SELECT {_PARTNER_COLUMNS}
FROM partners p WHERE p.id < %(before)s{conditions}
ORDER BY p.id DESC LIMIT %(limit)s OFFSET %(offset)s
"""


def partners_total(conditions: LiteralString) -> LiteralString:
    """Give the statement that counts partners up to ``%(total_max)s``."""
    return f"""
SELECT count(*) FROM (SELECT 1 FROM partners p WHERE p.id < %(before)s{conditions} LIMIT %(total_max)s) AS counted
"""


def contractors(conditions: LiteralString) -> LiteralString:
    """Give the statement for contractors, the newest first."""
    return f"""
SELECT c.id, c.name, c.company_name, c.email, c.phone, c.city, c.state, c.password_hash IS NOT NULL AS has_account,
       c.is_active, c.created_at
FROM contractors c WHERE c.id < %(before)s{conditions}
ORDER BY c.id DESC LIMIT %(limit)s OFFSET %(offset)s
"""


def contractors_total(conditions: LiteralString) -> LiteralString:
    """Give the statement that counts contractors up to ``%(total_max)s``."""
    return f"""
SELECT count(*) FROM (SELECT 1 FROM contractors c WHERE c.id < %(before)s{conditions} LIMIT %(total_max)s) AS counted
"""

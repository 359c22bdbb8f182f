"""Statements on partners."""

from typing import Final

_COLUMNS: Final = """
    p.id, p.company_name, p.contact_name, p.email, p.phone, p.website, p.states, p.trades, p.needs, p.revenues, p.is_active,
    p.version
"""

PARTNER_BY_ID: Final = f"""
SELECT {_COLUMNS} FROM partners p WHERE p.id = %(partner_id)s
"""

CHANGE_PROFILE: Final = f"""
UPDATE partners p
SET company_name = %(company_name)s, contact_name = %(contact_name)s, phone = %(phone)s, website = %(website)s,
    states = %(states)s, trades = %(trades)s, needs = %(needs)s, revenues = %(revenues)s, version = p.version + 1
WHERE p.id = %(partner_id)s AND p.version = %(version)s
RETURNING {_COLUMNS}
"""

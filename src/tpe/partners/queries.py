"""Statements on partners."""

from typing import Final

PARTNER_BY_ID: Final = """
SELECT p.id, p.company_name, p.contact_name, p.email, p.phone, p.website, p.is_active
FROM partners p WHERE p.id = %(partner_id)s
"""

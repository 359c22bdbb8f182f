"""Statements on contractors."""

from typing import Final

CONTRACTOR_BY_ID: Final = """
SELECT c.id, c.name, c.company_name, c.email, c.phone, c.city, c.state, c.is_active
FROM contractors c WHERE c.id = %(contractor_id)s
"""

"""Statements on matches."""

from typing import Final

OFFERS: Final = """
SELECT p.id AS partner_id, p.states, p.trades, p.needs, p.revenues
FROM partners p
WHERE p.is_active AND p.needs && %(needs)s::text[]
  AND NOT EXISTS (
      SELECT 1 FROM contractor_partner_matches m WHERE m.contractor_id = %(contractor_id)s AND m.partner_id = p.id
  )
ORDER BY p.id LIMIT %(rows_max)s
"""

MATCHES_MADE: Final = """
SELECT count(*) FROM contractor_partner_matches m WHERE m.contractor_id = %(contractor_id)s
"""

ADD_MATCHES: Final = """
INSERT INTO contractor_partner_matches (contractor_id, partner_id, match_score, match_reasons, is_primary_match)
SELECT %(contractor_id)s, fit.partner_id, fit.score, fit.reasons,
       fit.is_best AND NOT EXISTS (
           SELECT 1 FROM contractor_partner_matches m WHERE m.contractor_id = %(contractor_id)s AND m.is_primary_match
       )
FROM jsonb_to_recordset(%(fits)s::jsonb) AS fit (partner_id bigint, score int, reasons text[], is_best boolean)
"""

MATCHES_OF_CONTRACTOR: Final = """
SELECT m.id, m.partner_id, p.company_name, p.contact_name, p.email, p.phone, p.website,
       m.match_score, m.match_reasons, m.is_primary_match, m.created_at
FROM contractor_partner_matches m JOIN partners p ON p.id = m.partner_id
WHERE m.contractor_id = %(contractor_id)s
ORDER BY m.is_primary_match DESC, m.match_score DESC, m.id LIMIT %(rows_max)s
"""

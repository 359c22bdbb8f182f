"""Statements of the admin dashboard."""

from typing import Final

TOTALS: Final = """
SELECT (SELECT count(*) FROM partners) AS partners,
       (SELECT count(*) FROM partners p WHERE p.is_active) AS active_partners,
       (SELECT count(*) FROM contractors) AS contractors
"""

LEADS_BY_STAGE: Final = """
SELECT m.engagement_stage, count(*) AS leads, sum(m.match_score) AS score_sum
FROM contractor_partner_matches m GROUP BY m.engagement_stage
"""

TOP_PARTNERS: Final = """
SELECT p.id, p.company_name, ranked.leads, ranked.won
FROM (
    SELECT m.partner_id, count(*) AS leads, count(*) FILTER (WHERE m.engagement_stage = 'won') AS won
    FROM contractor_partner_matches m GROUP BY m.partner_id
    ORDER BY count(*) DESC, m.partner_id LIMIT %(rows_max)s
) AS ranked JOIN partners p ON p.id = ranked.partner_id
ORDER BY ranked.leads DESC, p.id
"""

RECENT_ACTIVITY: Final = """
SELECT h.match_id AS lead_id, p.company_name AS partner_name, c.name AS contractor_name, h.field, h.old_value, h.new_value,
       h.author_name, h.created_at
FROM (SELECT * FROM lead_history ORDER BY id DESC LIMIT %(rows_max)s) AS h
JOIN contractor_partner_matches m ON m.id = h.match_id
JOIN partners p ON p.id = m.partner_id
JOIN contractors c ON c.id = m.contractor_id
ORDER BY h.id DESC
"""

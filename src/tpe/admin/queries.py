"""Statements of the admin dashboard."""

from typing import Final

TOTALS: Final = """
SELECT (SELECT count(*) FROM partners) AS partners,
       (SELECT count(*) FROM partners p WHERE p.is_active) AS active_partners,
       (SELECT count(*) FROM contractors) AS contractors
"""

LEADS_BY_STAGE: Final = """
SELECT c.engagement_stage, sum(c.leads)::bigint AS leads, sum(c.score_sum)::bigint AS score_sum
FROM lead_counts c GROUP BY c.engagement_stage HAVING sum(c.leads) > 0
"""

TOP_PARTNERS: Final = """
SELECT p.id, p.company_name, ranked.leads, ranked.won
FROM (
    SELECT c.partner_id, sum(c.leads)::bigint AS leads,
           coalesce(sum(c.leads) FILTER (WHERE c.engagement_stage = 'won'), 0)::bigint AS won
    FROM lead_counts c GROUP BY c.partner_id HAVING sum(c.leads) > 0
    ORDER BY sum(c.leads) DESC, c.partner_id LIMIT %(rows_max)s
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

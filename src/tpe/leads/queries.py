"""Statements on leads. Every one that serves a partner carries the owner predicate; every list is bounded."""

from dataclasses import replace
from typing import Final, LiteralString

from tpe.leads.model import LeadFilter

_LEAD_COLUMNS: Final = """
    m.id, m.partner_id, m.contractor_id, c.name AS contractor_name, c.company_name, c.email, c.phone, c.city, c.state,
    m.match_score, m.match_reasons, m.is_primary_match, m.engagement_stage, m.status, m.last_contact_at, m.next_follow_up,
    m.version, m.created_at, m.updated_at
"""

LEAD_BY_ID: Final = f"""
SELECT {_LEAD_COLUMNS}
FROM contractor_partner_matches m JOIN contractors c ON c.id = m.contractor_id
WHERE m.id = %(lead_id)s AND m.partner_id = %(partner_id)s
"""

NOTES_OF_LEAD: Final = """
SELECT n.id, n.body, n.author_role, n.author_name, n.created_at
FROM lead_notes n WHERE n.match_id = %(lead_id)s
ORDER BY n.id DESC LIMIT %(rows_max)s
"""

HISTORY_OF_LEAD: Final = """
SELECT h.id, h.field, h.old_value, h.new_value, h.version, h.author_role, h.author_name, h.created_at
FROM lead_history h WHERE h.match_id = %(lead_id)s
ORDER BY h.id DESC LIMIT %(rows_max)s
"""

CHANGE_LEAD: Final = """
UPDATE contractor_partner_matches m
SET engagement_stage = %(engagement_stage)s, status = %(status)s, last_contact_at = %(last_contact)s,
    next_follow_up = %(next_follow_up)s, version = m.version + 1, updated_at = now()
WHERE m.id = %(lead_id)s AND m.version = %(version)s
RETURNING m.version, m.updated_at
"""

LEADS_TO_CHANGE: Final = f"""
SELECT {_LEAD_COLUMNS}
FROM contractor_partner_matches m JOIN contractors c ON c.id = m.contractor_id
WHERE m.partner_id = %(partner_id)s AND m.id = ANY(%(lead_ids)s::bigint[])
ORDER BY m.id FOR UPDATE OF m
"""

CHANGE_LEADS: Final = """
UPDATE contractor_partner_matches m
SET engagement_stage = changed.engagement_stage, status = changed.status, last_contact_at = changed.last_contact,
    next_follow_up = changed.next_follow_up, version = m.version + 1, updated_at = now()
FROM unnest(%(lead_ids)s::bigint[], %(engagement_stages)s::text[], %(statuses)s::text[], %(last_contacts)s::timestamptz[],
            %(next_follow_ups)s::date[]) AS changed (id, engagement_stage, status, last_contact, next_follow_up)
WHERE m.id = changed.id AND m.partner_id = %(partner_id)s
"""

ADD_HISTORY_OF_LEADS: Final = """
INSERT INTO lead_history (match_id, field, old_value, new_value, version, author_role, author_id, author_name)
SELECT changed.lead_id, changed.field, changed.old_value, changed.new_value, changed.version,
       %(author_role)s, %(author_id)s, %(author_name)s
FROM unnest(%(lead_ids)s::bigint[], %(fields)s::text[], %(old_values)s::text[], %(new_values)s::text[], %(versions)s::int[])
    AS changed (lead_id, field, old_value, new_value, version)
"""

TOUCH_LEAD: Final = """
UPDATE contractor_partner_matches m SET version = m.version + 1, updated_at = now()
WHERE m.id = %(lead_id)s AND m.version = %(version)s
RETURNING m.version, m.updated_at
"""

ADD_HISTORY: Final = """
INSERT INTO lead_history (match_id, field, old_value, new_value, version, author_role, author_id, author_name)
SELECT %(lead_id)s, changed.field, changed.old_value, changed.new_value, %(version)s,
       %(author_role)s, %(author_id)s, %(author_name)s
FROM unnest(%(fields)s::text[], %(old_values)s::text[], %(new_values)s::text[]) AS changed (field, old_value, new_value)
"""

ADD_NOTE: Final = """
INSERT INTO lead_notes (match_id, body, author_role, author_id, author_name)
VALUES (%(lead_id)s, %(body)s, %(author_role)s, %(author_id)s, %(author_name)s)
RETURNING id, body, author_role, author_name, created_at
"""

STATS_OF_PARTNER: Final = """
SELECT c.engagement_stage, c.status, c.leads, c.primary_leads, c.score_sum
FROM lead_counts c WHERE c.partner_id = %(partner_id)s AND c.leads > 0
"""

FOLLOW_UPS_DUE: Final = """
SELECT count(*) FROM (
    SELECT 1 FROM contractor_partner_matches m
    WHERE m.partner_id = %(partner_id)s AND m.next_follow_up <= (now() AT TIME ZONE 'UTC')::date
      AND m.status = 'active' AND m.engagement_stage NOT IN ('won', 'lost')
    LIMIT %(total_max)s
) AS counted
"""

NEW_LEADS: Final = f"""
SELECT {_LEAD_COLUMNS}
FROM contractor_partner_matches m JOIN contractors c ON c.id = m.contractor_id
WHERE m.partner_id = %(partner_id)s AND m.engagement_stage = 'new' AND m.status = 'active'
ORDER BY m.match_score DESC, m.id DESC LIMIT %(rows_max)s
"""

FOLLOW_UPS: Final = f"""
SELECT {_LEAD_COLUMNS}
FROM contractor_partner_matches m JOIN contractors c ON c.id = m.contractor_id
WHERE m.partner_id = %(partner_id)s AND m.next_follow_up IS NOT NULL AND m.status = 'active'
  AND m.engagement_stage NOT IN ('won', 'lost')
ORDER BY m.next_follow_up, m.id LIMIT %(rows_max)s
"""

PARTNER_EXISTS: Final = """
SELECT EXISTS (SELECT 1 FROM partners p WHERE p.id = %(partner_id)s)
"""

_CONDITIONS: Final[dict[str, LiteralString]] = {
    "engagement_stage": " AND m.engagement_stage = %(engagement_stage)s",
    "status": " AND m.status = %(status)s",
    "min_score": " AND m.match_score >= %(min_score)s",
    "max_score": " AND m.match_score <= %(max_score)s",
    "primary_only": " AND m.is_primary_match",
    "words": " AND m.search_words @@ lower(%(words)s)::tsquery",
    "email": " AND m.contractor_id = (SELECT c.id FROM contractors c WHERE c.email = lower(%(email)s))",
}
_FOUND_BY_WORDS: Final = """(
        SELECT * FROM contractor_partner_matches f WHERE f.search_words @@ lower(%(words)s)::tsquery OFFSET 0
    ) AS m"""
"""The words hold the partner already; what is fenced off by OFFSET is not joined with all of the partner's leads."""
_COUNTED: Final = ("engagement_stage", "status")
"""What lead_counts is kept by, with the primary leads in a column of their own."""


def leads_page(chosen: LeadFilter) -> LiteralString:
    """Give the statement for one page: best score first, ``%(limit)s`` rows from ``%(offset)s``, found by index alone."""
    return f"""
SELECT {_LEAD_COLUMNS}
FROM (
    SELECT m.id FROM contractor_partner_matches m
    WHERE m.partner_id = %(partner_id)s{_conditions(chosen, tuple(_CONDITIONS))}
    ORDER BY m.match_score DESC, m.id DESC LIMIT %(limit)s OFFSET %(offset)s
) AS page
JOIN contractor_partner_matches m ON m.id = page.id JOIN contractors c ON c.id = m.contractor_id
ORDER BY m.match_score DESC, m.id DESC
"""


def leads_behind(chosen: LeadFilter, *, first: bool) -> LiteralString:
    """Give the statement for the next ``%(limit)s`` leads in the order of the list, behind ``%(score)s`` and ``%(lead_id)s``."""
    behind: LiteralString = "" if first else " AND (m.match_score, m.id) < (%(score)s, %(lead_id)s)"
    return f"""
SELECT {_LEAD_COLUMNS}
FROM contractor_partner_matches m JOIN contractors c ON c.id = m.contractor_id
WHERE m.partner_id = %(partner_id)s{_conditions(chosen, tuple(_CONDITIONS))}{behind}
ORDER BY m.match_score DESC, m.id DESC
LIMIT %(limit)s
"""


def leads_total(chosen: LeadFilter) -> LiteralString:
    """Give the statement that says how many the filter admits, up to ``%(total_max)s``: from the counts kept, where they tell."""
    if chosen.min_score is None and chosen.max_score is None and not chosen.search:
        leads: LiteralString = "m.primary_leads" if chosen.primary_only else "m.leads"
        return f"""
SELECT least(coalesce(sum({leads}), 0), %(total_max)s)::bigint FROM lead_counts m
WHERE m.partner_id = %(partner_id)s{_conditions(chosen, _COUNTED)}
"""
    by_words_alone = chosen.words and replace(chosen, search=None, primary_only=False) == LeadFilter()
    return f"""
SELECT count(*) FROM (
    SELECT 1 FROM {_FOUND_BY_WORDS if by_words_alone else "contractor_partner_matches m"}
    WHERE m.partner_id = %(partner_id)s{_conditions(chosen, tuple(_CONDITIONS))}
    {"" if chosen.search else "ORDER BY m.match_score DESC"} LIMIT %(total_max)s
) AS counted
"""


def _conditions(chosen: LeadFilter, members: tuple[str, ...]) -> LiteralString:
    """Join the fixed texts of those of ``members`` that filter; the values are bound, never written here."""
    conditions: LiteralString = ""
    for member in members:
        value = getattr(chosen, member)
        if value is not None and value is not False and value != "":  # a score of 0 does filter
            conditions += _CONDITIONS[member]
    return conditions

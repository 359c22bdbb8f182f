"""Answers carry what the portal shows, and little else."""

from __future__ import annotations

import json

import pytest

from fixtures.platforms import Platforms

LEADS = "/api/partner-portal/leads"
BYTES_PER_LEAD_MAX = 900
SHOWN = {
    "id", "partner_id", "contractor", "match_score", "match_reasons", "is_primary_match", "engagement_stage", "status",
    "last_contact", "next_follow_up", "version", "created_at", "updated_at",
}  # fmt: skip
SHOWN_OF_CONTRACTOR = {"id", "name", "company_name", "email", "phone", "city", "state"}


@pytest.mark.proves("4.1.6.a", "4.1.6.b")
@pytest.mark.usefixtures("reference_source")
def test_a_lead_in_a_list_has_what_is_shown_within_its_budget_of_bytes(platforms: Platforms) -> None:
    with platforms.started() as live:
        role = live.target.role("partner")
        with live.client(live.sign_in(role, role.users[0])) as http:
            answer = http.get(LEADS, params={"limit": "100"})
    leads = answer.json()["leads"]
    assert len(leads) == 100
    assert len(answer.content) / len(leads) <= BYTES_PER_LEAD_MAX
    assert {name for lead in leads for name in lead} == SHOWN
    assert {name for lead in leads for name in lead["contractor"]} == SHOWN_OF_CONTRACTOR
    assert "search_words" not in json.dumps(leads)

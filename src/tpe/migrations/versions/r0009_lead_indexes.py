"""Give every filter of the list of leads an index in the list's own order.

A page, and a count that stops at 10,000, then read about as many entries as they give, however many leads the partner has.
One more serves the follow-ups. All are built beside the traffic.
"""

from tpe.migrations.online import create_index, drop_index

revision = "r0009"
down_revision = "r0008"

ORDER = "match_score DESC, id DESC"
LEADS = "ON contractor_partner_matches"
INDEXES = {
    "matches_partner_stage": f"{LEADS} (partner_id, engagement_stage, {ORDER})",
    "matches_partner_status": f"{LEADS} (partner_id, status, {ORDER})",
    "matches_partner_stage_status": f"{LEADS} (partner_id, engagement_stage, status, {ORDER})",
    "matches_partner_primary": f"{LEADS} (partner_id, {ORDER}) WHERE is_primary_match",
    "matches_partner_words": f"{LEADS} USING gin (search_words) WITH (fastupdate = off)",
    "matches_partner_due": f"{LEADS} (partner_id, next_follow_up, id)"
    " WHERE next_follow_up IS NOT NULL AND status = 'active' AND engagement_stage NOT IN ('won', 'lost')",
}


def upgrade() -> None:
    for name, definition in INDEXES.items():
        create_index(name, definition)


def downgrade() -> None:
    for name in reversed(INDEXES):
        drop_index(name)

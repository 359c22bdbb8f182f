"""Count the leads of each partner, stage and status as they are written.

Counting a partner's leads read all of them. Triggers keep the counts in the transaction of each write, once per statement
and in one order, so that writers at the same moment neither lose a count nor wait for each other in a circle. The leads
that are there already are counted under a lock that holds up writers, not readers.
"""

from alembic import op

revision = "r0006"
down_revision = "r0005"

TABLE = """
CREATE TABLE lead_counts (
    partner_id bigint NOT NULL,
    engagement_stage text NOT NULL,
    status text NOT NULL,
    leads bigint NOT NULL,
    primary_leads bigint NOT NULL,
    score_sum bigint NOT NULL,
    PRIMARY KEY (partner_id, engagement_stage, status)
)
"""
FUNCTION = """
CREATE FUNCTION count_leads_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lead_counts AS c (partner_id, engagement_stage, status, leads, primary_leads, score_sum)
    SELECT w.partner_id, w.engagement_stage, w.status, sum(w.sign),
           coalesce(sum(w.sign) FILTER (WHERE w.is_primary_match), 0), sum(w.sign * w.match_score)
    FROM ({written}) AS w
    GROUP BY w.partner_id, w.engagement_stage, w.status
    HAVING sum(w.sign) <> 0 OR coalesce(sum(w.sign) FILTER (WHERE w.is_primary_match), 0) <> 0
        OR sum(w.sign * w.match_score) <> 0
    ORDER BY w.partner_id, w.engagement_stage, w.status
    ON CONFLICT (partner_id, engagement_stage, status) DO UPDATE
    SET leads = c.leads + excluded.leads, primary_leads = c.primary_leads + excluded.primary_leads,
        score_sum = c.score_sum + excluded.score_sum;
    RETURN NULL;
END $$
"""
ADDED = "SELECT n.*, 1 AS sign FROM new_rows AS n"
TAKEN = "SELECT o.*, -1 AS sign FROM old_rows AS o"
TRIGGERS = {
    "insert": ("NEW TABLE AS new_rows", ADDED),
    "update": ("OLD TABLE AS old_rows NEW TABLE AS new_rows", f"{ADDED} UNION ALL {TAKEN}"),
    "delete": ("OLD TABLE AS old_rows", TAKEN),
}
COUNT_WHAT_IS_THERE = """
INSERT INTO lead_counts (partner_id, engagement_stage, status, leads, primary_leads, score_sum)
SELECT m.partner_id, m.engagement_stage, m.status, count(*), count(*) FILTER (WHERE m.is_primary_match), sum(m.match_score)
FROM contractor_partner_matches m GROUP BY m.partner_id, m.engagement_stage, m.status
"""


def upgrade() -> None:
    op.execute(TABLE)
    for event, (rows, written) in TRIGGERS.items():
        op.execute(FUNCTION.format(event=event, written=written))
        op.execute(
            f"CREATE TRIGGER matches_counted_{event} AFTER {event.upper()} ON contractor_partner_matches"
            f" REFERENCING {rows} FOR EACH STATEMENT EXECUTE FUNCTION count_leads_{event}()"
        )
    op.execute(COUNT_WHAT_IS_THERE)


def downgrade() -> None:
    for event in TRIGGERS:
        op.execute(f"DROP TRIGGER matches_counted_{event} ON contractor_partner_matches")
        op.execute(f"DROP FUNCTION count_leads_{event}")
    op.execute("DROP TABLE lead_counts")

"""Add engagement_stage and status to the matches.

The Phase 4 document's migration: a partner works its matches as leads, so each match says how far the partner has come
(engagement_stage, 'new' at first) and whether it is worked at all (status, 'active' at first). Constant defaults keep
the change free of a table rewrite.
"""

from alembic import op

revision = "r0002"
down_revision = "r0001"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE contractor_partner_matches
            ADD COLUMN engagement_stage text NOT NULL DEFAULT 'new',
            ADD COLUMN status text NOT NULL DEFAULT 'active',
            -- The columns are new: checking a constant takes 0.1 s for a million rows.
            -- squawk-ignore constraint-missing-not-valid
            ADD CONSTRAINT matches_engagement_stage CHECK (engagement_stage IN
                ('new', 'contacted', 'meeting_scheduled', 'proposal_sent', 'negotiating', 'won', 'lost', 'nurturing')),
            -- squawk-ignore constraint-missing-not-valid
            ADD CONSTRAINT matches_status CHECK (status IN ('active', 'paused', 'archived'))
    """)


def downgrade() -> None:
    op.execute("ALTER TABLE contractor_partner_matches DROP COLUMN status, DROP COLUMN engagement_stage")

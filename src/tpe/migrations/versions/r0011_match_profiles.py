"""Add what matches are made from: trades, needs, revenues, states.

Contractors say what they do and look for, partners what they know and offer, both with a version against lost updates.
The checks hold for every new row at once; the next revision proves the old rows, in a transaction of its own and
without keeping anybody from the tables.
"""

from alembic import op

revision = "r0011"
down_revision = "r0010"

TRADES = """'roofing', 'remodeling', 'plumbing', 'electric', 'windows', 'siding', 'kitchens', 'baths', 'flooring', 'painting',
    'landscaping', 'solar', 'decks', 'insulation', 'heating_air', 'foundations'"""
NEEDS = "'supplies', 'financing', 'software', 'marketing', 'insurance', 'tools', 'training', 'logistics'"
REVENUES = "'under_500k', '500k_to_2m', '2m_to_10m', 'over_10m'"

CHECKS = {
    "contractors": {
        "contractors_trades": f"trades <@ ARRAY[{TRADES}]",
        "contractors_needs": f"needs <@ ARRAY[{NEEDS}]",
        "contractors_revenue": f"revenue IN ({REVENUES})",
        "contractors_team_size": "team_size BETWEEN 1 AND 100000",
    },
    "partners": {
        "partners_trades": f"trades <@ ARRAY[{TRADES}]",
        "partners_needs": f"needs <@ ARRAY[{NEEDS}]",
        "partners_revenues": f"revenues <@ ARRAY[{REVENUES}]",
    },
}

UP = """
ALTER TABLE contractors
    ADD COLUMN trades text[] NOT NULL DEFAULT '{}',
    ADD COLUMN needs text[] NOT NULL DEFAULT '{}',
    ADD COLUMN revenue text,
    ADD COLUMN team_size integer,
    ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE partners
    ADD COLUMN states text[] NOT NULL DEFAULT '{}',
    ADD COLUMN trades text[] NOT NULL DEFAULT '{}',
    ADD COLUMN needs text[] NOT NULL DEFAULT '{}',
    ADD COLUMN revenues text[] NOT NULL DEFAULT '{}',
    ADD COLUMN version integer NOT NULL DEFAULT 1;
"""

DOWN = """
ALTER TABLE partners DROP COLUMN version, DROP COLUMN revenues, DROP COLUMN needs, DROP COLUMN trades, DROP COLUMN states;
ALTER TABLE contractors
    DROP COLUMN version, DROP COLUMN team_size, DROP COLUMN revenue, DROP COLUMN needs, DROP COLUMN trades;
"""


def unproved(table: str) -> str:
    """Give the clauses that add a table's checks for new rows only."""
    return ", ".join(f"ADD CONSTRAINT {name} CHECK ({rule}) NOT VALID" for name, rule in CHECKS[table].items())


def upgrade() -> None:
    op.execute(UP)
    for table in CHECKS:
        op.execute(f"ALTER TABLE {table} {unproved(table)}")


def downgrade() -> None:
    op.execute(DOWN)

"""Fill in the words of the leads that were there before.

A few rows at a time, each batch a transaction of its own, so that nobody waits for it; one that is stopped goes on where
it was. On the way down nothing is to do: the words go with their column.
"""

from tpe.migrations.online import rewrite_rows

revision = "r0008"
down_revision = "r0007"

WORD_LEADS = """
UPDATE contractor_partner_matches m SET search_words = lead_search_words(m.partner_id, c.name, c.company_name)
FROM contractors c WHERE c.id = m.contractor_id AND m.id BETWEEN {first} AND {last} AND m.search_words = ''
"""


def upgrade() -> None:
    rewrite_rows("contractor_partner_matches", WORD_LEADS)


def downgrade() -> None:
    """The column that was filled goes with the revision that added it."""

"""Find contractors by the words that their leads are found by.

Administrators search all contractors; the index holds the same words as the leads do, made by the same function, behind
the id 0 instead of a partner's. It is built beside the traffic.
"""

from tpe.migrations.online import create_index, drop_index

revision = "r0013"
down_revision = "r0012"


def upgrade() -> None:
    create_index(
        "contractors_words",
        "ON contractors USING gin (lead_search_words(0, name, company_name)) WITH (fastupdate = off)",
    )


def downgrade() -> None:
    drop_index("contractors_words")

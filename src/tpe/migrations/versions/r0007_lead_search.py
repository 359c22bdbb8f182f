"""Keep the words that a lead is found by with the lead.

A search read every lead of the partner and its contractor. Each lead now carries the words of its contractor's name and
company, in lower case and each behind the partner's id, so that an index by word finds the leads of one partner alone. A
lead gets them when it is made, and again when its contractor changes. The column is added without rewriting the table;
the next revision fills it.
"""

from alembic import op

revision = "r0007"
down_revision = "r0006"

UP = """
CREATE FUNCTION lead_search_words(partner_id bigint, name text, company_name text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_to_tsvector(coalesce(array_agg(partner_id || '/' || word), '{}'))
    FROM regexp_split_to_table(lower(concat_ws(' ', name, company_name)), '\\s+') AS word WHERE word <> ''
$$;
ALTER TABLE contractor_partner_matches ADD COLUMN search_words tsvector NOT NULL DEFAULT '';
CREATE FUNCTION word_lead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT lead_search_words(NEW.partner_id, c.name, c.company_name) INTO NEW.search_words
    FROM contractors c WHERE c.id = NEW.contractor_id FOR SHARE;
    NEW.search_words := coalesce(NEW.search_words, '');
    RETURN NEW;
END $$;
CREATE FUNCTION word_leads_of_contractor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE contractor_partner_matches m SET search_words = lead_search_words(m.partner_id, NEW.name, NEW.company_name)
    WHERE m.contractor_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER matches_worded BEFORE INSERT OR UPDATE OF partner_id, contractor_id ON contractor_partner_matches FOR EACH ROW
    EXECUTE FUNCTION word_lead();
CREATE TRIGGER contractors_worded AFTER UPDATE OF name, company_name ON contractors FOR EACH ROW
    WHEN ((OLD.name, OLD.company_name) IS DISTINCT FROM (NEW.name, NEW.company_name))
    EXECUTE FUNCTION word_leads_of_contractor();
"""

DOWN = """
DROP TRIGGER contractors_worded ON contractors;
DROP TRIGGER matches_worded ON contractor_partner_matches;
DROP FUNCTION word_leads_of_contractor;
DROP FUNCTION word_lead;
ALTER TABLE contractor_partner_matches DROP COLUMN search_words;
DROP FUNCTION lead_search_words;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

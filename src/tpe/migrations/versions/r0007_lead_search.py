"""Keep the words that a lead is found by with the lead.

A search read every lead of the partner and its contractor. Each lead now carries the words of its contractor's name and
company, its e-mail and the domain of that, in lower case; a lead gets them when it is made, and again when its contractor
changes. The column is added without rewriting the table; the next revision fills it.
"""

from alembic import op

revision = "r0007"
down_revision = "r0006"

UP = """
CREATE FUNCTION lead_search_words(name text, company_name text, email text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array_to_tsvector(array_remove(regexp_split_to_array(
        lower(name || ' ' || company_name || ' ' || email || ' ' || split_part(email, '@', 2)), '\\s+'), ''))
$$;
ALTER TABLE contractor_partner_matches ADD COLUMN search_words tsvector NOT NULL DEFAULT '';
CREATE FUNCTION word_lead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT lead_search_words(c.name, c.company_name, c.email) INTO NEW.search_words
    FROM contractors c WHERE c.id = NEW.contractor_id FOR SHARE;
    NEW.search_words := coalesce(NEW.search_words, '');
    RETURN NEW;
END $$;
CREATE FUNCTION word_leads_of_contractor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE contractor_partner_matches m SET search_words = lead_search_words(NEW.name, NEW.company_name, NEW.email)
    WHERE m.contractor_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER matches_worded BEFORE INSERT ON contractor_partner_matches FOR EACH ROW EXECUTE FUNCTION word_lead();
CREATE TRIGGER contractors_worded AFTER UPDATE OF name, company_name, email ON contractors FOR EACH ROW
    WHEN ((OLD.name, OLD.company_name, OLD.email) IS DISTINCT FROM (NEW.name, NEW.company_name, NEW.email))
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

"""A partner logs in and looks at the leads: the critical flow of the Phase 4 document's load test.

A journey is a function with the name of its file. It says what one visitor does; how many come, and when, is said in
`load/profiles/`. Who the visitor is, and how one logs in, is in the target's file, so the journey knows no password and runs
against every target that has these pages.
"""

from harness.engines.locust import Visitor


def log_in_and_view_leads(visitor: Visitor) -> None:
    """Logs in, then reads the first page of leads, which is not empty where the harness made the data."""
    visitor.sign_in()
    leads = visitor.get("/api/partner-portal/leads")
    leads.rows("leads", at_least=1 if visitor.seeded else 0)

"""Statements on messages."""

from typing import Final

POST_MESSAGE: Final = """
INSERT INTO messages (contractor_id, body)
SELECT c.id, %(body)s FROM contractors c WHERE c.id = %(contractor_id)s
RETURNING id, contractor_id, body, created_at
"""

MESSAGES_OF_CONTRACTOR: Final = """
SELECT m.id, m.contractor_id, m.body, m.created_at
FROM messages m WHERE m.contractor_id = %(contractor_id)s
ORDER BY m.id DESC LIMIT %(rows_max)s
"""

"""Examples of the portal's bodies for the contract; every one is invented and fits its schema."""

from __future__ import annotations

from typing import Any, Final

CONTRACTOR: Final[dict[str, Any]] = {
    "id": 136,
    "name": "Norman Cochran",
    "company_name": "Cochran Remodeling",
    "email": "cochran136@example.test",
    "phone": "+1 607 555 0117",
    "city": "South Eric",
    "state": "WA",
}
LEAD: Final[dict[str, Any]] = {
    "id": 1,
    "partner_id": 1,
    "contractor": CONTRACTOR,
    "match_score": 87,
    "match_reasons": ["Works in your service area", "Ready to start this quarter"],
    "is_primary_match": True,
    "engagement_stage": "contacted",
    "status": "active",
    "last_contact": "2026-03-02T09:30:00Z",
    "next_follow_up": "2026-03-09",
    "version": 2,
    "created_at": "2026-02-27T16:05:12Z",
    "updated_at": "2026-03-02T09:30:00Z",
}
NOTE: Final[dict[str, Any]] = {
    "id": 1,
    "body": "Called; wants a quote by Friday.",
    "author_role": "partner",
    "author_name": "Choi Supply",
    "created_at": "2026-03-02T09:30:00Z",
}
CHANGE: Final[dict[str, Any]] = {
    "id": 1,
    "field": "engagement_stage",
    "old_value": "new",
    "new_value": "contacted",
    "version": 2,
    "author_role": "partner",
    "author_name": "Choi Supply",
    "created_at": "2026-03-02T09:30:00Z",
}
PAGINATION: Final[dict[str, Any]] = {"page": 1, "limit": 20, "total": 100, "totalPages": 5}
CHANGE_REQUEST: Final[dict[str, Any]] = {
    "engagement_stage": "meeting_scheduled",
    "status": "active",
    "next_follow_up": "2026-03-09",
    "version": 1,
}

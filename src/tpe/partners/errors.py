"""What can go wrong with a partner."""

from __future__ import annotations

from tpe.infra.problems import NotFoundError


class PartnerNotFoundError(NotFoundError):
    """No such partner (404)."""

    slug = "partner-not-found"
    default_message = "There is no such partner."

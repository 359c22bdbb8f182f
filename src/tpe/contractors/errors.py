"""What can go wrong with a contractor."""

from __future__ import annotations

from tpe.infra.problems import NotFoundError


class ContractorNotFoundError(NotFoundError):
    """No such contractor, or not for this caller (404)."""

    slug = "contractor-not-found"
    default_message = "There is no such contractor."

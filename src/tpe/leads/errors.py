"""What can go wrong with a lead."""

from __future__ import annotations

from tpe.infra.problems import ConflictError, NotFoundError, PreconditionFailedError


class LeadNotFoundError(NotFoundError):
    """No such lead for this partner; another partner's lead looks the same (404)."""

    slug = "lead-not-found"
    default_message = "There is no such lead."


class StageRefusedError(ConflictError):
    """The lead's life cycle does not allow this stage now (409)."""

    slug, title = "stage-refused", "Stage refused"


class StaleVersionError(PreconditionFailedError):
    """The lead was changed since the version that the write names (412)."""

    default_message = "This lead was changed since you read it. Read it again, then repeat your change."

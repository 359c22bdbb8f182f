"""What can go wrong with a contractor."""

from __future__ import annotations

from tpe.infra.problems import NotFoundError, TooManyRequestsError, UnprocessableError


class ContractorNotFoundError(NotFoundError):
    """No such contractor, or not for this caller (404)."""

    slug = "contractor-not-found"
    default_message = "There is no such contractor."


class CodeRefusedError(UnprocessableError):
    """The code is wrong, used, too old or was tried too often, or there is no such registration; all look alike (422)."""

    slug, title = "code-refused", "Code refused"
    default_message = "The code is wrong or no longer valid. Check it, or start again to get a new one."


class TooManyCodesError(TooManyRequestsError):
    """An e-mail address or a phone number was sent too many codes, whether it has an account or not (429)."""

    slug = "too-many-codes"

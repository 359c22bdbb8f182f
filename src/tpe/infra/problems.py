"""Errors that a caller is told about, as RFC 9457 problem details with the platform's own members.

Services raise a subclass of ProblemError; the API answers with its JSON form, the pages with a page of their own
(``app.state.problem_page``). Nothing here ever carries an internal text: messages are written for the caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

PROBLEM_MEDIA_TYPE = "application/problem+json"
PROBLEM_TYPE_PREFIX = "urn:tpe:problem:"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One refused value: where it came from (query, path, header, body), its name, and what was wrong."""

    location: str
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem as it is told: status and texts, and the headers that belong to them."""

    status: int
    slug: str
    title: str
    message: str
    errors: tuple[FieldError, ...] = ()

    def body(self) -> dict[str, object]:
        """Give the members of the JSON form, the real platform's ``success`` and ``message`` included."""
        members: dict[str, object] = {
            "type": PROBLEM_TYPE_PREFIX + self.slug,
            "title": self.title,
            "status": self.status,
            "detail": self.message,
            "success": False,
            "message": self.message,
        }
        if self.errors:
            members["errors"] = [{"in": e.location, "field": e.field, "message": e.message} for e in self.errors]
        return members


class ProblemError(Exception):
    """Base of every error that a caller is told about. ``str(error)`` is the text for the caller."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"
    default_message: ClassVar[str] = "The request could not be completed."

    def __init__(
        self, message: str | None = None, *, errors: Sequence[FieldError] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message or self.default_message)
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    @property
    def problem(self) -> Problem:
        """Give the problem that this error tells."""
        return Problem(self.status, self.slug, self.title, str(self), self.errors)


class BadRequestError(ProblemError):
    """The request line, its headers or the syntax of its body cannot be understood (400)."""

    status, slug, title = 400, "bad-request", "Bad request"
    default_message = "The request is not valid."


class UnauthenticatedError(ProblemError):
    """No valid credentials came with the request (401)."""

    status, slug, title = 401, "unauthenticated", "Not authenticated"
    default_message = "A valid bearer token is needed."

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message, headers={"WWW-Authenticate": 'Bearer realm="tpe"'})


class ForbiddenError(ProblemError):
    """The caller is known but may not do this (403)."""

    status, slug, title = 403, "forbidden", "Forbidden"
    default_message = "Your role does not permit this."


class NotFoundError(ProblemError):
    """The thing does not exist, or not for this caller (404)."""

    status, slug, title = 404, "not-found", "Not found"
    default_message = "There is nothing at this address."


class MethodNotAllowedError(ProblemError):
    """The address does not know this method (405); the Allow header names those that it does."""

    status, slug, title = 405, "method-not-allowed", "Method not allowed"
    default_message = "This address does not allow this method."


class RequestTimeoutError(ProblemError):
    """The body did not come in time (408); the connection ends with this answer."""

    status, slug, title = 408, "request-timeout", "Request timeout"
    default_message = "The body of the request did not come in time."

    def __init__(
        self, message: str | None = None, *, errors: Sequence[FieldError] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, errors=errors, headers={**(headers or {}), "Connection": "close"})


class ConflictError(ProblemError):
    """The state of the thing does not allow the change (409)."""

    status, slug, title = 409, "conflict", "Conflict"
    default_message = "The current state does not allow this."


class PreconditionFailedError(ProblemError):
    """The version named in If-Match is no longer the current one (412)."""

    status, slug, title = 412, "stale-version", "Stale version"
    default_message = "This was changed by someone else since you read it. Read it again, then repeat your change."


class PayloadTooLargeError(ProblemError):
    """The body is larger than BODY_BYTES_MAX (413)."""

    status, slug, title = 413, "payload-too-large", "Payload too large"
    default_message = "The body of the request is too large."


class UnsupportedMediaTypeError(ProblemError):
    """The body is not declared as JSON (415)."""

    status, slug, title = 415, "unsupported-media-type", "Unsupported media type"
    default_message = "Send the body as application/json."


class UnprocessableError(ProblemError):
    """The body is well-formed but its content is refused (422)."""

    status, slug, title = 422, "invalid-content", "Invalid content"
    default_message = "The content of the request is not valid."


class PreconditionRequiredError(ProblemError):
    """A write without the version that it read (428)."""

    status, slug, title = 428, "version-required", "Version required"
    default_message = "Send the version that you read, as If-Match or as the member version."


class TooManyRequestsError(ProblemError):
    """This client, or somebody with this account, asked too often (429); Retry-After says when it may again."""

    status, slug, title = 429, "too-many-requests", "Too many requests"
    default_message = "You have asked too often. Please wait before you try again."

    def __init__(self, message: str | None = None, *, wait_s: int = 1) -> None:
        super().__init__(message, headers={"Retry-After": str(wait_s)})
        self.wait_s = wait_s


class UnavailableError(ProblemError):
    """Something that the platform needs does not answer now (503)."""

    status, slug, title = 503, "unavailable", "Temporarily unavailable"
    default_message = "The service is temporarily unavailable. Please try again shortly."

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message, headers={"Retry-After": "2"})

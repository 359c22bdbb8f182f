"""What can go wrong with credentials."""

from __future__ import annotations

from tpe.infra.problems import ForbiddenError, UnauthenticatedError, UnprocessableError


class BadCredentialsError(UnauthenticatedError):
    """E-mail and password do not belong together; unknown, inactive and wrong look alike (401)."""

    slug, title = "bad-credentials", "Log-in refused"
    default_message = "E-mail or password is wrong."


class WrongPasswordError(ForbiddenError):
    """The current password given with a change is wrong (403, so that a client does not take it for an ended token)."""

    slug, title = "wrong-password", "Wrong password"
    default_message = "The current password is wrong."


class PasswordRefusedError(UnprocessableError):
    """The new password breaks the password rules (422); the message names them."""

    slug, title = "password-refused", "Password refused"

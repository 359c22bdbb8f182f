"""The form with which partners and contractors change their own password."""

from __future__ import annotations

from tpe.auth.errors import PasswordRefusedError, WrongPasswordError
from tpe.auth.passwords import PASSWORD_LENGTH_MAX
from tpe.context import Platform
from tpe.web.forms import Errors
from tpe.web.guards import Submission


async def change_own_password(platform: Platform, submission: Submission) -> Errors:
    """Change the password of whoever sent the form and end its sessions; give a message for each field that is refused."""
    current, new = submission.form.secret("current_password"), submission.form.secret("new_password")
    if new != submission.form.secret("new_password_again"):
        return {"new_password_again": "The two new passwords differ."}
    if not current or len(current) > PASSWORD_LENGTH_MAX:
        return {"current_password": WrongPasswordError.default_message}
    try:
        await platform.attempts.change_password(submission.session.identity, current, new)
    except WrongPasswordError as error:
        return {"current_password": str(error)}
    except PasswordRefusedError as error:
        return {"new_password": str(error)}
    return {}

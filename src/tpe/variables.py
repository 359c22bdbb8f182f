"""The table of all variables, as the documentation has it: made from the settings themselves."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from tpe.profiles import OPTIONAL_SECRETS, REQUIRED, SECRETS, STAGING_DIFFERENCES
from tpe.settings import Settings

OTHERS: Final = {
    "TPE_SEED_PASSWORD": "The password of the demo accounts that `tpe seed` makes.",
    "TPE_PG_BIN": "The folder with `pg_dump`, where `tpe migrate` does not find the one of the server's version.",
}
"""What a command reads besides."""

_HEAD: Final = """# Variables of the reference platform

Made by `tpe variables`; a check holds it to the settings. Every value comes from the environment, or from the file of a
profile (`tpe serve --profile deploy/profiles/production.env`), which the environment outranks. A variable that is set to
nothing is as good as not set. A wrong value stops the start and is named; its content is not shown.

"Required" is meant for staging and production. A secret there must be long enough, no placeholder, not the same
as another one, and not made of few characters.

| variable | default | required | meaning |
|---|---|---|---|
"""
_STAGING: Final = """
## Staging

The staging profile differs from the production profile in these values only:

| variable | why |
|---|---|
"""


def documented_variables() -> str:
    """Give the page as Markdown."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    rows += [f"| `{name}` |  |  | {meaning} |" for name, meaning in OTHERS.items()]
    differences = [f"| `{name}` | {why} |" for name, why in STAGING_DIFFERENCES.items()]
    return _HEAD + "\n".join(rows) + "\n" + _STAGING + "\n".join(differences) + "\n"


def _row(name: str, field: FieldInfo) -> str:
    required = "yes"
    if name in SECRETS and name not in OPTIONAL_SECRETS:
        required = f"yes, {SECRETS[name]} characters or more"
    elif name == "DB_SSL":
        required = "`true`"
    elif name not in REQUIRED:
        required = ""
    meaning = re.sub(r"\s+", " ", field.description or "").strip()
    return f"| `{name}` | {_default(field.default)} | {required} | {meaning} |"


def _default(value: Any) -> str:
    if value is None or value is PydanticUndefined or value == ():
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, timedelta):
        return f"`{int(value.total_seconds()) // 3600}h`"
    return f"`{os.fspath(value) if isinstance(value, os.PathLike) else value}`"

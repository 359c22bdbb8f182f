"""The accounts of a target's roles: named and given passwords for one run, made by sign-up or SQL where no seed makes them."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping

import bcrypt
from argon2 import PasswordHasher

from harness.evidence.redaction import remember_secret
from harness.model.errors import PreflightError, TargetError
from harness.model.target import Role, Target, User, filled
from harness.targets.live import LiveTarget
from harness.targets.signing import post, quoted

SQL_PLACEHOLDERS: dict[str, Callable[[str], str]] = {
    "password": lambda password: password,
    "password_bcrypt": lambda password: bcrypt.hashpw(password.encode(), bcrypt.gensalt(10)).decode(),
    "password_argon2": lambda password: PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1).hash(password),
    "password_sha256": lambda password: hashlib.sha256(password.encode()).hexdigest(),
}
_RUN_LETTERS = 10


def run_mark(password: str) -> str:
    """Ten letters and digits of one run: every process that knows the run's password gets the same, and none tells it."""
    return hashlib.sha256(f"run of {password}".encode()).hexdigest()[:_RUN_LETTERS]


def unique_digits(password: str, user: str) -> str:
    """Ten digits of one run and user, such as a telephone number wants."""
    return str(int(hashlib.sha256(f"{user} of {password}".encode()).hexdigest(), 16))[-_RUN_LETTERS:]


def with_accounts(target: Target, password: str) -> Target:
    """The target as it is in one run: `{run}` filled in, and the run's password for every user whose file gives none.

    `{password}` in a variable stands for that password too: it is how a target gets the key that a role sends.
    """
    if not password:
        return target
    variables = {name: value.replace("{password}", password) for name, value in target.variables.items()}
    roles = tuple(_of_run(role, target, password) for role in target.roles)
    return dataclasses.replace(target, roles=roles, variables=variables)


def _of_run(role: Role, target: Target, password: str) -> Role:
    makes = bool(target.password_variable or role.sign_up or role.seed_sql)
    users = tuple(
        dataclasses.replace(
            user,
            username=user.username.replace("{run}", run_mark(password)),
            password=user.password or (_credential(role, user, password) if makes else ""),
        )
        for user in role.users
    )
    return dataclasses.replace(role, users=users)


def _credential(role: Role, user: User, password: str) -> str:
    """The run's password, but for keys that are made one by one: no two callers have the same."""
    if not (role.seed_sql and role.login.kind in ("api_key", "header")):
        return password
    key = hashlib.sha256(f"key of {role.name} {user.name} with {password}".encode()).hexdigest()
    remember_secret(key)
    return key


def account_sql(target: Target, password: str) -> list[tuple[str, str]]:
    """What to call them and the statements that make the accounts of the roles with `seed_sql`, one per user.

    Args:
        password: the run's, from which `{unique}` is made.
    """
    made = []
    for role in target.roles:
        for user in role.users if role.seed_sql else ():
            values = {
                name: hash_of(user.password) for name, hash_of in SQL_PLACEHOLDERS.items() if f"{{{name}}}" in role.seed_sql
            }
            for value in values.values():
                remember_secret(value)
            values |= _words(user, password)
            escaped = {name: value.replace("'", "''") for name, value in values.items()}
            made.append((f"roles.{role.name}.seed_sql for {user.name}", str(filled(role.seed_sql, escaped))))
    return made


def signs_up(target: Target) -> bool:
    """Whether any of its accounts is made by sign-up."""
    return any(role.sign_up and role.users for role in target.roles)


def sign_up(live: LiveTarget, password: str) -> int:
    """Makes the accounts of the roles that sign up; how many. One that is there already, and logs in, is left as it is.

    Raises:
        PreflightError: the target refused an account and does not let it log in either; what came back is quoted.
    """
    made = 0
    for role in live.target.roles:
        for user in role.users if role.sign_up else ():
            made += _signed_up(live, role, user, password)
    return made


def _signed_up(live: LiveTarget, role: Role, user: User, password: str) -> bool:
    assert role.sign_up is not None
    if live.launch is None and _logs_in(live, role, user):  # a target with an address of its own may know it from before
        return False
    body = filled(role.sign_up.body, {**_words(user, password), "password": user.password})
    with live.client() as http:
        answer = post(http, role.sign_up.path, role.sign_up.kind, body, {}, f"sign-up of {role.name} {user.name}")
    if answer.status_code < 400:
        return True
    if _logs_in(live, role, user):
        return False
    raise PreflightError(
        f"{live.target.name}: sign-up of {role.name} {user.name} refused: POST {role.sign_up.path} with {', '.join(body)} "
        f"answered {answer.status_code}: {quoted(answer, user.password)}",
        hint=f"check roles.{role.name}.sign_up in the target's file",
    )


def _logs_in(live: LiveTarget, role: Role, user: User) -> bool:
    try:
        live.sign_in(role, user)
    except TargetError:
        return False
    return True


def _words(user: User, password: str) -> Mapping[str, str]:
    unique = unique_digits(password, user.username)
    return {"username": user.username, "name": user.name, "run": run_mark(password), "unique": unique}

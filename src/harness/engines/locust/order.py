"""What the harness tells the generator: a file without secrets, and a variable with the log-in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from harness.evidence.codec import from_json, to_json
from harness.model.errors import EngineError
from harness.model.load import LoadProfile
from harness.model.target import Login, User

ORDER_VARIABLE = "HARNESS_LOAD_ORDER"
SIGN_IN_VARIABLE = "HARNESS_LOAD_SIGN_IN"


@dataclass(frozen=True)
class Order:
    """One run of the generator. `result` and `seconds` are the files that it writes, `journeys` the folder of the journeys."""

    profile: LoadProfile
    seed: int
    base_url: str
    journeys: str
    journey: str
    role: str
    seeded: bool
    processes: int
    result: str
    seconds: str


@dataclass(frozen=True)
class SignIn:
    """How the visitors log in. Holds secrets: it goes through the environment, never through arguments or files."""

    login: Login
    users: tuple[User, ...]


def order_text(order: Order) -> str:
    """The order's file."""
    return to_json(order)


def sign_in_text(sign_in: SignIn) -> str:
    """The value of `HARNESS_LOAD_SIGN_IN`."""
    return to_json(sign_in)


def read_order() -> Order:
    """The order of this process.

    Raises:
        EngineError: the environment names none, or it cannot be read.
    """
    path = Path(_variable(ORDER_VARIABLE))
    try:
        return from_json(Order, path.read_text(encoding="utf-8"), where=ORDER_VARIABLE)
    except OSError as error:
        raise EngineError(f"{ORDER_VARIABLE}: {path}: {error.strerror}") from None


def read_sign_in() -> SignIn:
    """The log-in of this process's visitors.

    Raises:
        EngineError: the environment has none.
    """
    return from_json(SignIn, _variable(SIGN_IN_VARIABLE), where=SIGN_IN_VARIABLE)


def _variable(name: str) -> str:
    if name not in os.environ:
        raise EngineError(f"{name} is not set", hint="the generator is started by `harness load` or `harness verify`")
    return os.environ[name]

"""Targets for the tests: the small platform of `shop.py`, started as the harness starts any other."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.model.target import Allow, Commands, Environment, Login, Role, Target, User
from harness.targets.accounts import with_accounts
from harness.targets.live import Launch

SHOP = Path(__file__).with_name("shop.py")
PASSWORD = "Aa1" + secrets.token_hex(8)


def shop(mode: str = "good", login: Login | None = None, **changes: Any) -> Target:
    """The target whose platform behaves as `mode` says."""
    login = login or Login("json", "/login", {"email": "{username}", "password": "{password}"}, token="$.data.token")
    target = Target(
        name="shop",
        title="Shop",
        environment=Environment.LOCAL,
        folder=SHOP.parent,
        hosts=("127.0.0.1",),
        allow=Allow(writes=True),
        roles=(Role("buyer", login, (User("one", "one@example.test"), User("two", "two@example.test"))),),
        health_path="/health",
        commands=Commands(start=("{python}", str(SHOP), mode, "{host}", "{port}")),
        variables={"SHOP_KEY": "{secret}", "OTHER_KEY": "{secret}", "SHOP_URL": "{base_url}", "SHOP_PASSWORD": PASSWORD},
        password_variable="SHOP_PASSWORD",
        start_timeout_s=10.0,
    )
    return with_accounts(dataclasses.replace(target, **changes), PASSWORD)


@pytest.fixture
def launch(tmp_path: Path) -> Callable[..., Launch]:
    return lambda **changes: Launch(folder=tmp_path / "logs", **changes)

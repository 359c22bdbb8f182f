"""What may be done to a target, and where traffic may go."""

from __future__ import annotations

from typing import get_args

import pytest

from harness.model.errors import TargetError
from harness.model.target import Allow, Environment
from harness.targets.safety import Action, check_address, refusal
from tests.targets_runtime.conftest import shop

ACTIONS: tuple[Action, ...] = get_args(Action)
EVERYTHING = Allow(writes=True, load=True, active_scan=True, faults=True)


@pytest.mark.parametrize("action", ACTIONS)
def test_production_refuses_everything_whatever_is_allowed(action: Action) -> None:
    refused = refusal(shop(environment=Environment.PRODUCTION, allow=EVERYTHING), action)
    assert refused is not None
    assert refused.reason == f"shop is production: {action} is never done there"


@pytest.mark.parametrize("environment", [Environment.LOCAL, Environment.STAGING])
@pytest.mark.parametrize("action", ACTIONS)
def test_elsewhere_each_action_is_done_where_the_file_allows_it_and_only_there(action: Action, environment: Environment) -> None:
    assert refusal(shop(environment=environment, allow=EVERYTHING), action) is None
    refused = refusal(shop(environment=environment, allow=Allow(**{other: other != action for other in ACTIONS})), action)
    assert refused is not None
    assert f"allow.{action}" in refused.reason


def test_hosts_are_listed_with_or_without_a_port() -> None:
    target = shop(environment=Environment.STAGING, hosts=("staging.example.test", "other.example.test:8443"))
    check_address(target, "https://staging.example.test:9000/x")
    check_address(target, "https://other.example.test:8443/x")
    for url in (
        "https://other.example.test/x",
        "https://other.example.test:8444/x",
        "https://staging.example.test.evil.test/",
        "//x",
    ):
        with pytest.raises(TargetError, match="no traffic to"):
            check_address(target, url)


def test_a_user_name_in_an_address_does_not_pass_for_a_host() -> None:
    target = shop(environment=Environment.STAGING, hosts=("staging.example.test",))
    with pytest.raises(TargetError, match=r"no traffic to evil\.test"):
        check_address(target, "https://staging.example.test@evil.test/")


def test_a_local_target_is_this_machine_whatever_its_hosts_say() -> None:
    with pytest.raises(TargetError, match=r"shop is local, and 10\.0\.0\.1 is not this machine"):
        check_address(shop(hosts=("10.0.0.1",)), "http://10.0.0.1/")

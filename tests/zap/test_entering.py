"""What a scan leaves behind in a daemon that somebody else started: nothing of ours, and everything of theirs."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from harness.engines.zap.entering import OUR_RULES, withdraw_rules
from harness.model.errors import EngineError
from tests.zap.api_server import interface

THEIRS = "strip the referrer"


def test_our_rules_go_with_what_a_killed_run_left_and_theirs_stay() -> None:
    rules = [f"{OUR_RULES}partner-1 Cookie", THEIRS, f"{OUR_RULES}admin-2 Authorization"]

    def remove(asked: Mapping[str, str]) -> dict[str, str]:
        rules.remove(asked["description"])
        return {"Result": "OK"}

    def listed(_: Mapping[str, str]) -> dict[str, object]:
        return {"rules": [{"description": name, "enabled": "true"} for name in rules]}

    with interface(replacer_view_rules=listed, replacer_action_removeRule=remove) as client:
        withdraw_rules(client, {"replacer"})
    assert rules == [THEIRS]


def test_a_daemon_without_the_add_on_is_not_asked_and_a_refusal_is_no_silence() -> None:
    with interface() as client:
        withdraw_rules(client, {"automation"})
        with pytest.raises(EngineError, match="no_implementor"):
            withdraw_rules(client, {"replacer"})

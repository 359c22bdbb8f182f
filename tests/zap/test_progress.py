"""What is said while a scan runs: how many rules are done by their own states, never ZAP's percentage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.engines.zap import scanning
from tests.zap import recorded
from tests.zap.replaying import DONE, replayed, scan_answers


def test_the_line_has_rules_done_the_one_at_work_and_the_requests_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "_POLL_S", 0.02)
    attacked = scan_answers(recorded.calls("traps"), "ascan stopped by API")
    looks = 0

    def plan(_: Mapping[str, str]) -> dict[str, Any]:
        nonlocal looks
        looks += 1
        return {"finished": "now", "info": DONE} if looks > 2 else {"started": "now"}

    def scans(_: Mapping[str, str]) -> Any:
        return {"scans": []} if looks < 2 else attacked["ascan_view_scans"]

    said: list[str] = []
    replayed(
        tmp_path,
        role="buyer",
        say=said.append,
        **{
            **attacked,
            "automation_view_planProgress": plan,
            "ascan_view_scans": scans,
            "core_view_numberOfMessages": {"numberOfMessages": "45"},
        },
    )
    assert said == ["buyer: finding addresses, 45 requests", "buyer: 0/72 rules Path Traversal 30 requests"]

"""What a daemon says after a scan: messages that no passive rule has looked at, and another version, are gaps."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.engines.zap import gathering
from harness.engines.zap.aims import Aims
from harness.engines.zap.gathering import Gathered, gather
from harness.probes.scene.scene import NOBODY
from tests.zap.api_server import interface


def gathered(folder: Path, *waiting: int, version: str = "2.17.0") -> Gathered:
    left = chain(waiting, repeat(waiting[-1]))
    rules = [{"id": "10020", "enabled": "true"}, {"id": "10021", "enabled": "false"}]

    def scanners(_: Mapping[str, str]) -> dict[str, object]:
        return {"scanners": rules}

    def records(_: Mapping[str, str]) -> dict[str, str]:
        return {"recordsToScan": str(next(left))}

    def spoken(_: Mapping[str, str]) -> dict[str, str]:
        return {"version": version}

    scanned = SimpleNamespace(folder=folder, live=SimpleNamespace(base_url="http://127.0.0.1:81"), aims=Aims(NOBODY, ()))
    calls = {"pscan_view_scanners": scanners, "pscan_view_recordsToScan": records, "core_view_version": spoken}
    with interface(**calls) as client:
        return gather(client, scanned, "plan")


@pytest.mark.parametrize(("waiting", "faults"), [((0,), []), ((62, 2, 0), []), ((62, 7), ["7 messages were not looked at"])])
def test_they_are_waited_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waiting: tuple[int, ...], faults: list[str]
) -> None:
    monkeypatch.setattr(gathering, "PASSIVE_AWAITED_S", 1.0)
    done = gathered(tmp_path, *waiting)
    assert done.passive_rules == ("10020",)
    said = [fault for fault in done.faults if "looked at" in fault]
    assert [fault.partition(" by")[0] for fault in said] == faults


@pytest.mark.parametrize("version", ["2.16.1", "2.18.0", "2.170.0", "3.0.0", "D-2026-11-23", ""])
def test_a_zap_of_another_version_is_a_fault_that_names_both(tmp_path: Path, version: str) -> None:
    done = gathered(tmp_path, 0, version=version)
    assert f"this is ZAP {version}, and what it says is understood of 2.17.x alone" in done.faults


@pytest.mark.parametrize("version", ["2.17.0", "2.17.3"])
def test_the_supported_version_is_none(tmp_path: Path, version: str) -> None:
    done = gathered(tmp_path, 0, version=version)
    assert done.version == version
    assert [fault for fault in done.faults if "understood" in fault] == []

"""Scans that a real daemon ends without complaint and that tested nothing, or not all: each leaves a named gap."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.engines.zap import rounds, scanning
from harness.engines.zap.client import Zap
from harness.engines.zap.daemon import Daemon
from harness.engines.zap.plan import MadePlan
from harness.engines.zap.profiles import ACTIVE
from harness.model.run import StageState
from tests.runner.tiny import TinyProject
from tests.zap import shop_project
from tests.zap.scans import payload, stage
from tests.zap.shop_project import BUYER


def gaps_of(project: TinyProject, say: object = None) -> str:
    """Why the scan is not whole; nothing is called fixed by such a one unless its rules came to their end."""
    outcome = stage(project, say=say)
    assert outcome.state is StageState.PARTIAL, "never whole"
    (scan,) = payload(project, outcome).scans
    assert scan.gaps
    return "; ".join(scan.gaps)


def shop(folder: Path, **variables: str) -> TinyProject:
    return shop_project.make(folder / "project", roles=BUYER, only_our_rule=True, **variables)


def change_profile(project: TinyProject, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes each job of the project's scan profile."""
    path = project.folder / "security/zap/ci.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    for job in data["jobs"]:
        change(job)
    path.write_text(yaml.safe_dump(data), encoding="utf-8")


def one_at_a_time(job: dict[str, Any]) -> None:
    """Makes the attack last for seconds, with a slow target."""
    if job["type"] == ACTIVE:
        job["parameters"]["threadPerHost"] = 1


@pytest.mark.usefixtures("shared")
def test_all_rules_off(tmp_path: Path) -> None:
    def off(job: dict[str, Any]) -> None:
        if job["type"] == ACTIVE:
            job["policyDefinition"] = {"defaultThreshold": "off", "rules": [{"id": 999001, "threshold": "off"}]}

    project = shop(tmp_path)
    change_profile(project, off)
    assert "no active rule ran" in gaps_of(project)


@pytest.mark.usefixtures("shared")
def test_401_everywhere(tmp_path: Path) -> None:
    gaps = gaps_of(shop(tmp_path, SHOP_DENIES="1"))
    assert "were 401, 403 or 429: only the door was tested" in gaps
    assert "no log-in was proved" in gaps


@pytest.mark.usefixtures("shared")
def test_a_target_that_is_dead_before_the_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = scanning.scan

    def too_late(order: scanning.ScanOrder) -> scanning.ScanDone:
        order.live.stop()
        return real(order)

    monkeypatch.setattr(rounds, "scan", too_late)
    gaps = gaps_of(shop(tmp_path))
    assert "the target was not seen alive before the scan" in gaps
    assert "7 of 7 operations were not reached" in gaps


@pytest.mark.parametrize(
    ("meddle", "gap"),
    [
        (lambda client: client.ascan.stop_all_scans(), "1 of 1 rules did not come to their end: Markup is echoed"),
        (lambda client: client.ascan.remove_all_scans(), "there is no count of the scan's requests or of its progress"),
        (lambda client: client.core.new_session("", True), "there is no count of the scan's requests or of its progress"),
    ],
    ids=["stopped", "removed", "new session"],
)
def test_a_scan_that_somebody_ends_through_the_interface(
    shared: Daemon, tmp_path: Path, meddle: Callable[[Zap], object], gap: str
) -> None:
    done: list[str] = []

    def say(text: str) -> None:
        if " 0/1 rules " in text and not done:
            done.append(text)
            meddle(shared.client())

    project = shop(tmp_path, SHOP_SLOW_S="0.4")
    change_profile(project, one_at_a_time)
    gaps = gaps_of(project, say)
    assert done, "in mid-scan"
    assert gap in gaps


@pytest.mark.usefixtures("shared")
def test_a_plan_with_a_parameter_that_is_none(tmp_path: Path) -> None:
    def change(job: dict[str, Any]) -> None:
        if job["type"] == "spider":
            job["parameters"] = {"maxDuration": "banana", "nosuch": 1}

    project = shop(tmp_path)
    change_profile(project, change)
    gaps = gaps_of(project)
    assert "banana should be an integer" in gaps
    assert "Unrecognised parameter for job spider : nosuch" in gaps


@pytest.mark.usefixtures("shared")
def test_a_plan_with_a_job_that_zap_does_not_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = scanning.automation_plan

    def with_a_job_more(*given: Any) -> MadePlan:
        made = real(*given)
        made.plan["jobs"].insert(0, {"type": "notAJob"})
        return dataclasses.replace(made, jobs=("notAJob", *made.jobs))

    monkeypatch.setattr(scanning, "automation_plan", with_a_job_more)
    gaps = gaps_of(shop(tmp_path))
    assert "Unrecognised job type: notAJob" in gaps
    assert "the plan's job notAJob did not come to its end" in gaps


@pytest.mark.usefixtures("shared")
def test_a_plan_that_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = scanning._upload

    def cut(client: Zap, name: str, text: str) -> str:
        return real(client, name, "env: [\n contexts: {\n" if name.endswith(".yaml") else text)

    monkeypatch.setattr(scanning, "_upload", cut)
    assert "ZAP refused JSON/automation/action/runPlan: internal_error" in gaps_of(shop(tmp_path))

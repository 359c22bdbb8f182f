"""The recordings: calls of a real daemon, and the facts that they hold of each scan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.engines.zap.model import Alert
from harness.engines.zap.reading import plain_text

FOLDER = Path(__file__).parent / "recordings"


@dataclass(frozen=True)
class Call:
    """One recorded call."""

    n: int
    label: str
    path: str
    params: dict[str, Any]
    status: int | None
    body: Any


def calls(name: str) -> tuple[Call, ...]:
    lines = (FOLDER / "api" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    return tuple(Call(e["n"], e["label"] or "", e.get("path") or "", e["params"] or {}, e["status"], e["body"]) for e in entries)


def progress(plan: str) -> dict[str, list[str]]:
    """What a plan printed, sorted as the daemon's `planProgress` gives the same lines."""
    said: dict[str, list[str]] = {"error": [], "warn": [], "info": []}
    kind = "info"
    for line in (FOLDER / "af" / f"{plan}.stdout.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("Automation plan"):
            kind = {"failures:": "error", "warnings:": "warn"}.get(line.split()[-1], "info")
        elif line.strip():
            said[kind].append(line.strip())
    return said


def report(name: str) -> bytes:
    return (FOLDER / "reports" / f"{name}.json").read_bytes()


def report_alerts(report: Mapping[str, Any]) -> tuple[Alert, ...]:
    """Every alert of a recorded report, one for each instance, as the daemon's API would give it."""
    return tuple(
        _instance(alert, instance)
        for site in report["site"]
        for alert in site.get("alerts", ())
        for instance in alert.get("instances", ())
    )


def _instance(alert: Mapping[str, Any], instance: Mapping[str, Any]) -> Alert:
    return Alert(
        plugin=str(alert["pluginid"]),
        name=plain_text(alert["name"]),
        risk=int(alert["riskcode"]),
        confidence=int(alert["confidence"]),
        method=str(instance["method"]),
        url=str(instance["uri"]),
        parameter=plain_text(instance.get("param", "")),
        attack=str(instance.get("attack", "")),
        evidence=str(instance.get("evidence", "")),
        description=plain_text(alert.get("desc", "")),
        solution=plain_text(alert.get("solution", "")),
        other=plain_text(instance.get("otherinfo", "")),
        cwe=max(int(alert.get("cweid") or 0), 0),
        tags=tuple(str(tag["tag"]) for tag in alert.get("tags", ())),
        body=str(instance.get("request-body", "")),
    )

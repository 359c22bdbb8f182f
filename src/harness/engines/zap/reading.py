"""Reads ZAP's answers and reports. What is not of the shape that 2.17 gives is an error, never an empty result."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness.engines.zap.model import Alert, RuleState
from harness.model.errors import EngineError

SUPPORTED = "2.17"
"""The version, but for its last number, whose words these are."""
_RISKS = {"Informational": 0, "Low": 1, "Medium": 2, "High": 3}
_CONFIDENCES = {"False Positive": 0, "Low": 1, "Medium": 2, "High": 3, "Confirmed": 4}
_ACTIVE_SOURCE = "1"
_NOT_UNDERSTOOD = re.compile(r"(Unrecognised job type|Unrecognised parameter for job|Invalid value for job) ?.*")
_ANOTHER_STATUS = "Difference in response code values"  # only proofs expect one; ZAP takes it for a mere warning
_TAGS = re.compile(r"</?[a-zA-Z][^>]*>")
_TEXT_CHARACTERS_MAX = 2_000


def version_fault(version: str) -> str:
    """Why the answers of that version cannot be trusted to mean what is read from them; "" for a supported one."""
    if version == SUPPORTED or version.startswith(f"{SUPPORTED}."):
        return ""
    return f"this is ZAP {version}, and what it says is understood of {SUPPORTED}.x alone"


def report_of(text: str | bytes) -> Mapping[str, Any]:
    """A `traditional-json` or `traditional-json-plus` report.

    Raises:
        EngineError: it is cut, or of another program or shape.
    """
    try:
        report = json.loads(text)
    except ValueError as error:
        raise EngineError(f"ZAP's report is not JSON: {error}", hint="it was cut off; scan again") from error
    if not isinstance(report, dict) or "@version" not in report or not isinstance(report.get("site"), list):
        raise EngineError(
            "this is no report of ZAP: it has no @version and no list of sites", hint="template traditional-json-plus"
        )
    return report


def api_alerts(entries: object) -> tuple[Alert, ...]:
    """The alerts of `alert/view/alerts`.

    Raises:
        EngineError: ZAP answered with a word (`does_not_exist`) or with something else than alerts.
    """
    if not isinstance(entries, list):
        raise EngineError(
            f"ZAP gave no list of alerts but {str(entries)[:80]!r}", hint="errors come back as words, not as exceptions"
        )
    try:
        return tuple(_api_alert(entry) for entry in entries)
    except (KeyError, TypeError, ValueError) as error:
        raise EngineError(f"ZAP gave an alert that cannot be read: {type(error).__name__}: {error}") from error


def _api_alert(entry: Mapping[str, Any]) -> Alert:
    tags = entry.get("tags", {})
    return Alert(
        plugin=str(entry["pluginId"]),
        name=plain_text(entry["name"]),
        risk=_RISKS[entry["risk"]],
        confidence=_CONFIDENCES[entry["confidence"]],
        method=str(entry["method"]),
        url=str(entry["url"]),
        parameter=plain_text(entry.get("param", "")),
        attack=str(entry.get("attack", "")),
        evidence=str(entry.get("evidence", "")),
        description=plain_text(entry.get("description", "")),
        solution=plain_text(entry.get("solution", "")),
        other=plain_text(entry.get("other", "")),
        cwe=max(int(entry.get("cweid") or 0), 0),
        tags=tuple(tags) if isinstance(tags, dict) else (),
        message=str(entry.get("messageId", "")),
        active=str(entry.get("sourceid", "")) == _ACTIVE_SOURCE,
    )


def rule_states(progress: object) -> tuple[RuleState, ...]:
    """The rules of `ascan/view/scanProgress`: hosts, each with its `HostProcess`, a list of plug-ins.

    A plug-in is `[name, id, maturity, state, milliseconds, requests, alerts]`.

    Raises:
        EngineError: ZAP answered with something else.
    """
    if not isinstance(progress, list):
        raise EngineError(f"ZAP gave no progress but {str(progress)[:80]!r}")
    try:
        return tuple(_rules(progress))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise EngineError(f"ZAP's progress cannot be read: {type(error).__name__}: {error}") from error


def _rules(progress: Iterable[Any]) -> Iterator[RuleState]:
    for host in progress:
        for entry in host["HostProcess"] if isinstance(host, dict) else ():
            name, rule, _, state, milliseconds, requests, alerts = entry["Plugin"]
            took_s = int(milliseconds) / 1000 if str(milliseconds).isdigit() else 0.0
            yield RuleState(str(rule), str(name), str(state), int(requests), int(alerts), took_s)


def scan_counts(scans: object, scan: str) -> tuple[int, int]:
    """Requests and progress (percent) of one scan of `ascan/view/scans`; `scanProgress` and `status` say 100 where this does not.

    Raises:
        EngineError: the scan is not there.
    """
    entries = scans if isinstance(scans, list) else []
    for entry in entries:
        if isinstance(entry, dict) and entry.get("id") == scan:
            try:
                return int(entry["reqCount"]), int(entry["progress"])
            except (KeyError, ValueError) as error:
                raise EngineError(f"ZAP's list of scans cannot be read: {entry}") from error
    raise EngineError(f"ZAP does not know the scan {scan} any more", hint="its session was replaced, or the scan was removed")


def site_statistics(answer: object, site: str) -> dict[str, int]:
    """One site's counters of `stats/view/allSitesStats`; empty where ZAP says nothing of the site."""
    found: dict[str, int] = {}
    for entry in answer if isinstance(answer, list) else ():
        for name, groups in entry.items() if isinstance(entry, dict) else ():
            if name == site:
                found.update({key: int(value) for group in groups for key, value in group.items()})
    return found


def status_codes(statistics: Mapping[str, int]) -> dict[int, int]:
    """Answers by status code of some counters (`stats.code.404`)."""
    codes = {key.removeprefix("stats.code."): count for key, count in statistics.items() if key.startswith("stats.code.")}
    return {int(code): count for code, count in codes.items() if code.isdigit()}


def plan_faults(progress: Mapping[str, Any], jobs: Sequence[str]) -> tuple[str, ...]:
    """What `automation/view/planProgress` says went wrong with a plan; nothing of it proves that anything was tested.

    Args:
        jobs: those that must have come to their end: one that ZAP does not know is left out by it without a word.
    """
    said = {kind: [str(line).strip() for line in progress.get(kind) or ()] for kind in ("error", "warn", "info")}
    found = [line for line in said["error"] if "alert has been raised" not in line]
    found.extend(f"the plan's own proof failed: {line}" for line in said["warn"] if line.startswith(_ANOTHER_STATUS))
    added = [match for line in said["info"] if (match := re.fullmatch(r"Job openapi added (\d+) URLs", line))]
    if added and not any(int(match[1]) for match in added):
        found.append("the OpenAPI import added no address")
    for job in dict.fromkeys(jobs):
        if sum(line.startswith(f"Job {job} finished") for line in said["info"]) < jobs.count(job):
            found.append(f"the plan's job {job} did not come to its end")
    return tuple(dict.fromkeys(found))


def not_understood(log: Iterable[str]) -> tuple[str, ...]:
    """What ZAP did not understand of a plan: it goes on with what it does by itself.

    Its log alone says so: what `planProgress` gives begins anew when the plan was read.

    Args:
        log: its lines since the plan was handed over.
    """
    return tuple(dict.fromkeys(match[0] for line in log if (match := _NOT_UNDERSTOOD.search(line))))


def insight_faults(report: Mapping[str, Any]) -> tuple[str, ...]:
    """What the report's own insights say of network and log-in; the plan's errors too."""
    found = [f"{entry['description']}: {entry['statistic']}" for entry in report.get("insights", ()) if _is_bad(entry)]
    errors = [str(error) for error in report.get("afPlanErrors", ()) if "alert has been raised" not in str(error)]
    return (*found, *errors)


_INSIGHT_LIMITS = {"insight.network.failure": 2, "insight.auth.failure": 0}  # percent


def _is_bad(entry: Mapping[str, Any]) -> bool:
    limit = _INSIGHT_LIMITS.get(str(entry.get("key")))
    return limit is not None and int(entry.get("statistic") or 0) > limit


def plain_text(text: object) -> str:
    """ZAP's HTML as text, bounded: what it holds of the target is escaped where it is shown, not here."""
    return html.unescape(_TAGS.sub(" ", str(text))).strip()[:_TEXT_CHARACTERS_MAX]

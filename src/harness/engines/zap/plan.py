"""The automation plan of one role's scan, made from the scan profile's template. Pure."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.engines.zap.aims import NO_WRITES, Aim, Aims, address_of
from harness.engines.zap.entering import OUR_RULES, Entry
from harness.engines.zap.paging import Pages
from harness.engines.zap.profiles import ACTIVE, ScanProfile

ADD_ON_OF = {
    "openapi": "openapi",
    "requestor": "automation",
    "activeScan": "automation",
    "spider": "spider",
    "spiderAjax": "spiderAjax",
    "spiderClient": "client",
    "passiveScan-config": "pscan",
    "passiveScan-wait": "pscan",
    "report": "reports",
    "replacer": "replacer",
}
"""Job → the add-on that brings it. A job that ZAP does not know is left out by it without a word."""
_BROWSER_JOBS = ("spiderClient", "spiderAjax")
_SENDERS = ("openapi", "requestor", "spider", *_BROWSER_JOBS, ACTIVE)
_WRITING_RULES = (20018, 40033, 40045, 40048, 90028)
"""Active rules that send POST, PUT or DELETE to an address that was only read: CVE-2012-1823, NoSQL in JSON, Spring4Shell,
React2Shell, and the one that tries methods. The others attack the requests that are there."""
_ACTIVE_SHARE = 0.7  # of a role's time; the rest is for finding the addresses, and for waiting


@dataclass(frozen=True)
class Ground:
    """What a plan is for. `name` is new each time, as ZAP remembers users and contexts by it."""

    name: str
    base_url: str
    aims: Aims
    entry: Entry
    add_ons: Collection[str]  # ids
    folder: str  # where the daemon may write, and where the document lies, as the daemon sees it
    document: str  # its file name there
    pages: Pages = field(default_factory=Pages)
    browser: str = ""  # as ZAP names it: firefox-headless; "" where there is none
    minutes: float = 5.0
    writes: bool = True  # whether the target allows them

    @property
    def carried(self) -> dict[str, str]:
        """Headers that every request to the target carries: the credential, and the session of the pages."""
        return {**self.entry.headers, **self.pages.headers}


@dataclass(frozen=True)
class MadePlan:
    """A plan; the jobs that must end, in order; and the jobs of the template that are not in it, with the reason."""

    plan: dict[str, Any]
    jobs: tuple[str, ...]
    left_out: dict[str, str]


def automation_plan(profile: ScanProfile, ground: Ground) -> MadePlan:
    """The plan of one role."""
    jobs: list[dict[str, Any]] = []
    left_out: dict[str, str] = {}
    if ground.carried and _has(ground, "replacer"):
        jobs.append(_replacer(ground))
    for template in profile.jobs:
        kind = _kind(template["type"], ground)
        if why := _why_not(kind, ground):
            left_out[template["type"]] = why
            continue
        job = {**copy.deepcopy(template), "type": kind}
        job["parameters"] = {**job.get("parameters", {}), **_FILLED[kind](ground, job)}
        if kind == "requestor":
            job["requests"] = _requests(ground)
        if tests := _tests(kind, ground):
            job["tests"] = tests
        if kind == ACTIVE and not ground.writes:
            left_out.update(_without_writing_rules(job))
        jobs.append(job)
    jobs = _proved(jobs, ground)
    plan = {"env": {"contexts": [_context(ground)], "parameters": _BEHAVIOUR}, "jobs": jobs}
    return MadePlan(plan, tuple(job["type"] for job in jobs), left_out)


_BEHAVIOUR = {"failOnError": False, "failOnWarning": False, "continueOnFailure": True, "progressToStdout": True}


def _has(ground: Ground, job: str) -> bool:
    return ADD_ON_OF[job] in ground.add_ons


def _kind(wanted: str, ground: Ground) -> str:
    """The job that does it: `requestor` where documents cannot be imported, or only without the credential."""
    if wanted == "openapi" and (not _has(ground, "openapi") or (ground.carried and not _has(ground, "replacer"))):
        return "requestor"
    if wanted == "spiderClient" and not _has(ground, wanted):
        return "spiderAjax"
    return wanted


def _why_not(kind: str, ground: Ground) -> str:
    add_on = ADD_ON_OF.get(kind)
    if add_on is None:
        return "the harness does not know this job"
    if add_on not in ground.add_ons:
        return f"this ZAP has no add-on {add_on}"
    if kind in _BROWSER_JOBS and not ground.writes:
        return NO_WRITES  # and a browser clicks whatever it finds
    if kind in _BROWSER_JOBS and not ground.browser:
        return "there is no browser for it"
    return "" if ground.aims.aims or kind not in ("openapi", "requestor") else "there is nothing to aim at"


def _without_writing_rules(job: dict[str, Any]) -> dict[str, str]:
    """Turns the writing rules of an active scan off, whatever the template says of them; each with the reason."""
    policy = job.setdefault("policyDefinition", {})
    others = [rule for rule in policy.get("rules", ()) if rule["id"] not in _WRITING_RULES]
    policy["rules"] = [*others, *({"id": rule, "threshold": "off"} for rule in _WRITING_RULES)]
    return {f"rule {rule}": NO_WRITES for rule in _WRITING_RULES}


def _context(ground: Ground) -> dict[str, Any]:
    base = re.escape(ground.base_url.rstrip("/"))
    aimed = {aim.operation.partition(" ")[2] for aim in ground.aims.aims}
    avoided = dict.fromkeys(name.partition(" ")[2] for name in ground.aims.left_out)
    return {
        "name": ground.name,
        "urls": [ground.base_url.rstrip("/") + "/"],
        "includePaths": [f"{base}.*"],  # `…/.*` would leave out the address without a slash
        "excludePaths": [
            *(f"{base}[^?]*{_pattern(path)}(\\?.*)?" for path in avoided if path not in aimed),
            *(f"{base}{_page_pattern(name.partition(' ')[2])}" for name in ground.pages.left_out),
        ],
        **ground.entry.context,
    }


def _page_pattern(address: str) -> str:
    """An address of a page as it stands; one without a query with any."""
    return re.escape(address) + (".*" if "?" in address else r"(\?.*)?")


def _pattern(template: str) -> str:
    return "".join("[^/?]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^{}]*\})", template))


def _scoped(ground: Ground, _job: Mapping[str, Any]) -> dict[str, Any]:
    user = {"user": ground.name} if ground.entry.is_zaps else {}
    return {"context": ground.name, **user}


def _imported(ground: Ground, job: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiFile": f"{ground.folder}/{ground.document}", "targetUrl": ground.base_url, **_scoped(ground, job)}


def _asked(ground: Ground, _job: Mapping[str, Any]) -> dict[str, Any]:
    return {"user": ground.name} if ground.entry.is_zaps else {}


def _crawled(ground: Ground, job: Mapping[str, Any]) -> dict[str, Any]:
    return {**_scoped(ground, job), "url": ground.base_url.rstrip("/") + "/", "postForm": ground.writes}


def _browsed(ground: Ground, job: Mapping[str, Any]) -> dict[str, Any]:
    return {**_scoped(ground, job), "url": ground.base_url.rstrip("/") + "/", "browserId": ground.browser}


def _attacked(ground: Ground, job: Mapping[str, Any]) -> dict[str, Any]:
    minutes = max(1, int(ground.minutes * _ACTIVE_SHARE))
    rule = min(int(job.get("parameters", {}).get("maxRuleDurationInMins", minutes)), minutes)
    return {**_scoped(ground, job), "maxScanDurationInMins": minutes, "maxRuleDurationInMins": rule}


def _reported(ground: Ground, job: Mapping[str, Any]) -> dict[str, Any]:
    template = str(job["parameters"]["template"])
    return {"template": template, "reportDir": ground.folder, "reportFile": ground.name, "reportTitle": ground.name}


def _unchanged(_ground: Ground, _job: Mapping[str, Any]) -> dict[str, Any]:
    return {}


_FILLED: dict[str, Callable[[Ground, Mapping[str, Any]], dict[str, Any]]] = {
    "openapi": _imported,
    "requestor": _asked,
    "spider": _crawled,
    "spiderAjax": _browsed,
    "spiderClient": _browsed,
    ACTIVE: _attacked,
    "report": _reported,
    "passiveScan-config": _unchanged,
    "passiveScan-wait": _unchanged,
}


def _requests(ground: Ground) -> list[dict[str, Any]]:
    return [
        {
            "name": aim.operation,
            "url": address_of(ground.base_url, aim.request),
            "method": aim.request.method,
            "headers": [f"{name}:{value}" for name, value in _sent(aim, ground).items()],
            **({"data": aim.request.body} if aim.request.body is not None else {}),
        }
        for aim in ground.aims.aims
    ]


def _proved(jobs: list[dict[str, Any]], ground: Ground) -> list[dict[str, Any]]:
    """The jobs with the plan's own proof of being logged in, where the session is ours: before all that is sent, and after it.

    ZAP says of it only where the status is another. Where it logs in by itself, the tests of its jobs are the proof.
    """
    proof = ground.aims.proof
    senders = [number for number, job in enumerate(jobs) if job["type"] in _SENDERS]
    if proof is None or not ground.entry.headers or not senders or not _has(ground, "requestor"):
        return jobs
    job = {
        "type": "requestor",
        "name": "logged in as the role",
        "parameters": {},
        "requests": [
            {
                "name": "proof",
                "url": address_of(ground.base_url, proof),
                "method": proof.method,
                "headers": [f"{name}:{value}" for name, value in {**proof.headers, **ground.entry.headers}.items()],
                "responseCode": ground.aims.proof_status,
            }
        ],
    }
    first, last = senders[0], senders[-1] + 1
    return [*jobs[:first], job, *jobs[first:last], copy.deepcopy(job), *jobs[last:]]


def _sent(aim: Aim, ground: Ground) -> Mapping[str, str]:
    if aim.is_page:
        return {**aim.request.headers, **ground.carried}
    return {**aim.request.headers, **ground.entry.headers} if aim.secured else aim.request.headers


def _replacer(ground: Ground) -> dict[str, Any]:
    """Puts the credential into every request to the target, and into none elsewhere; the daemon's other rules stay."""
    rules = [
        {
            "description": f"{OUR_RULES}{ground.name} {name}",
            "url": f"{re.escape(ground.base_url.rstrip('/'))}.*",
            "matchType": "req_header",
            "matchString": name,
            "matchRegex": False,
            "replacementString": value,
        }
        for name, value in ground.carried.items()
    ]
    return {"type": "replacer", "parameters": {"deleteAllRules": False}, "rules": rules}


def _tests(kind: str, ground: Ground) -> list[dict[str, Any]]:
    """The plan's own proofs: that addresses were added, and that log-ins succeeded and none failed."""
    site = ground.base_url.rstrip("/")
    found = []
    if kind == "openapi":
        addresses = {aim.request.path for aim in ground.aims.aims}
        found.append(_test("every address was imported", "openapi.urls.added", ">=", len(addresses)))
    if ground.entry.is_zaps and kind in ("openapi", "requestor", ACTIVE):
        found.append({**_test("somebody logged in", "stats.auth.success", ">=", 1), "site": site})
        found.append({**_test("no log-in failed", "stats.auth.failure", "==", 0), "site": site})
    return found


def _test(name: str, statistic: str, operator: str, value: int) -> dict[str, Any]:
    return {"name": name, "type": "stats", "statistic": statistic, "operator": operator, "value": value, "onFail": "error"}

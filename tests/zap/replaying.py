"""A whole scan through the real adapter, of a daemon that answers with recordings: good ones, but for those that are put in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from harness.engines.process import Stop
from harness.engines.zap.aims import Aim, Aims
from harness.engines.zap.daemon import Daemon
from harness.engines.zap.paging import Pages
from harness.engines.zap.profiles import ScanProfile
from harness.engines.zap.reading import site_statistics
from harness.engines.zap.scanning import ScanDone, ScanOrder, scan
from harness.engines.zap.source import SourceKind, ZapSource
from harness.model.finding import Request
from harness.model.target import Login, Role, User
from harness.probes.http.door import Credential
from harness.probes.scene.scene import NOBODY, Asker
from tests.zap import recorded
from tests.zap.api_server import Call, Reply, serving

GOOD = {call.label: call.body for call in recorded.calls("flow-vuln")}
NAMES = {"6": "Path Traversal", "20019": "External Redirect", "40003": "CRLF Injection", "40012": "XSS", "40018": "SQL Injection"}
BUYER = Role("buyer", Login("json", "/login", {"u": "{username}"}, cookie="sid"), (User("one", "ann", "a long password"),))
REFUSED = Reply(400, {"code": "does_not_exist", "message": "Does Not Exist"})
ACTIVE = ("openapi", "activeScan")
LOG = "zap.log"
PASSIVE = ("openapi",)
DONE = [
    "Job openapi added 13 URLs",
    *("Job openapi finished, time taken: 00:00:01", "Job activeScan finished, time taken: 00:00:40"),
]


def replayed(
    folder: Path,
    *,
    site: str = "http://127.0.0.1:18301",
    jobs: tuple[str, ...] = ACTIVE,
    role: str = "",
    alive: tuple[bool, bool] = (True, True),
    plan: Mapping[str, Any] | None = None,
    log: Iterable[str] = (),
    say: Callable[[str], None] = lambda _: None,
    **answers: Any,
) -> ScanDone:
    """What the adapter makes of a daemon that gives those answers (`ascan_view_scans`), and good ones else.

    Args:
        site: the target's address in them.
        jobs: of the scan profile.
        role: that is scanned as; ZAP logs in by itself then.
        alive: how the target is found before and after.
        plan: what `planProgress` says.
        log: lines that the plan leaves in the daemon's log.
        say: gets the lines of progress.
        answers: each a body, a `Reply`, or what gives either.
    """
    said = {"finished": "now", "error": [], "warn": [], "info": DONE} if plan is None else {"finished": "now", **plan}
    calls = {**_good(site), "automation_view_planProgress": said, "automation_action_runPlan": running(folder, log), **answers}
    with serving(**{name: _constant(answer) for name, answer in calls.items()}) as address:
        return scan(replace(_order(folder, address, site, jobs, role, alive), say=say))


def running(folder: Path, log: Iterable[str]) -> Call:
    """Takes a plan, and writes what it says while it reads it."""

    def run(_: Mapping[str, str]) -> dict[str, str]:
        (folder / LOG).write_text("".join(f"{line}\n" for line in ("started", *log)), encoding="utf-8")
        return {"planId": "0"}

    (folder / LOG).write_text("started\n", encoding="utf-8")
    return run


def _constant(answer: Any) -> Call:
    return answer if callable(answer) else lambda _: answer


def _good(site: str) -> dict[str, Any]:
    """The answers of the good run; of messages and statistics those that any site has."""
    message = {"requestHeader": f"GET {site}/about HTTP/1.1", "responseHeader": "HTTP/1.1 200 OK"}
    return {
        "core_action_newSession": {"Result": "OK"},
        "stats_action_clearStats": {"Result": "OK"},
        "autoupdate_view_localAddons": {"localAddons": [{"id": "automation"}, {"id": "openapi"}]},
        "core_other_fileUpload": {"Uploaded": "/t/file"},
        "core_other_fileDownload": REFUSED,
        "core_view_zapHomePath": {"zapHomePath": "/nowhere"},
        "core_view_version": GOOD["version"],
        "core_view_messages": {"messages": [message]},
        "ascan_view_scanners": {"scanners": []},
        "ascan_view_scans": GOOD["scans list (reqCount)"],
        "ascan_view_scanProgress": GOOD["scan progress (final)"],
        "stats_view_allSitesStats": {"allSitesStats": [{site: [{"stats.code.200": 1224, "stats.auth.success": 2}]}]},
        "stats_view_stats": {"stats.network.send.failure": "1", "stats.network.send.success": "3574"},
        "alert_view_alerts": GOOD["alerts past the end"],
        "pscan_view_scanners": {"scanners": []},
        "pscan_view_recordsToScan": {"recordsToScan": "0"},
    }


def _order(folder: Path, address: str, site: str, jobs: tuple[str, ...], role: str, alive: tuple[bool, bool]) -> ScanOrder:
    looks = iter(alive)
    target = SimpleNamespace(allow=SimpleNamespace(writes=True), role=lambda _: BUYER)
    live: Any = SimpleNamespace(base_url=site, alive=lambda: next(looks), target=target, sign_in=lambda *_: Credential())
    asker = Asker(role, "one") if role else NOBODY
    about = Aim("GET /about", Request("GET", "/about", asker.role, asker.user), bool(role), 200)
    return ScanOrder(
        profile=ScanProfile("replay", "of a recording", 10, (), tuple(_job(kind) for kind in jobs)),
        daemon=Daemon(address, ZapSource(SourceKind.RUNNING, address), "k", folder / LOG),
        live=live,
        base_path="",
        aims=Aims(asker, (about,), proof=Request("GET", "/about", role, "one") if role else None, proof_status=200),
        pages=Pages(),
        browser="",
        deadline=time.monotonic() + 60,
        folder=folder,
        stop=Stop(),
        say=lambda _: None,
    )


def _job(kind: str) -> dict[str, Any]:
    rules = [{"id": int(rule), "name": name, "threshold": "medium"} for rule, name in NAMES.items()]
    return {"type": kind, "policyDefinition": {"rules": rules}} if kind == "activeScan" else {"type": kind}


def scan_answers(calls: tuple[recorded.Call, ...], label: str) -> dict[str, Any]:
    """The answers about the scan whose calls are labelled `<label>: scans`, `: scanProgress` and `: stats`, and its site.

    That daemon did several in one session, and counted on: what was before is taken away.
    """
    by_label = {call.label: call for call in calls}
    after = by_label[f"{label}: stats"]
    site = next(iter(after.body["allSitesStats"][0]))
    earlier = [call for call in calls if call.label.endswith(": stats") and call.n < after.n]
    before = site_statistics(earlier[-1].body["allSitesStats"], site) if earlier else {}
    counted = site_statistics(after.body["allSitesStats"], site)
    return {
        "site": site,
        "ascan_view_scans": latest(by_label[f"{label}: scans"].body),
        "ascan_view_scanProgress": by_label[f"{label}: scanProgress"].body,
        "stats_view_allSitesStats": {
            "allSitesStats": [{site: [{name: count - before.get(name, 0) for name, count in counted.items()}]}]
        },
    }


def latest(scans: Mapping[str, Any]) -> dict[str, Any]:
    """The last of the scans: there is one in a session of ours."""
    return {"scans": scans["scans"][-1:]}

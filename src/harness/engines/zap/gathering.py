"""What a daemon knows of the scan that just ended: its own counters, its messages, its alerts. All of it is bounded."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from harness.engines.zap.aims import Aims, is_behind_the_door
from harness.engines.zap.client import Zap
from harness.engines.zap.model import Alert, RuleState
from harness.engines.zap.reading import (
    api_alerts,
    insight_faults,
    report_of,
    rule_states,
    scan_counts,
    site_statistics,
    status_codes,
    version_fault,
)
from harness.evidence.redaction import redact
from harness.model.errors import EngineError

ALERTS_MAX = 20_000
MESSAGES_MAX = 3_000  # read for their status codes where nobody counted these
ATTACKS_READ_MAX = 300  # of alerts whose request is looked up
PASSIVE_AWAITED_S = 5.0
_POLL_S = 0.2
_PAGE_ALERTS, _PAGE_MESSAGES = 500, 100
_OPENING_PER_AIM, _OPENING_MORE = 4, 200  # messages from before the attacks: import, log-ins, what the spider found


class Scanned(Protocol):
    """What was scanned."""

    @property
    def live(self) -> Any:
        """The target; its `base_url` is what ZAP calls the site."""

    @property
    def aims(self) -> Aims:
        """What was aimed at."""

    @property
    def folder(self) -> Path:
        """Gets ZAP's own reports."""


@dataclass
class Gathered:
    """What was found out; `faults` are the things that could not be."""

    requests: int | None = None
    progress: int | None = None
    rules: tuple[RuleState, ...] = ()
    statuses: dict[int, int] = field(default_factory=dict)
    reached: tuple[str, ...] = ()
    log_ins: int = 0
    log_in_failures: int = 0
    network_failures: int = 0
    passive_rules: tuple[str, ...] | None = None
    active_rules: int | None = None
    version: str = ""
    alerts: tuple[Alert, ...] = ()
    faults: list[str] = field(default_factory=list)


def gather(client: Zap, scanned: Scanned, name: str) -> Gathered:
    """Asks the daemon everything; one answer that fails is a fault, and the others are still asked for.

    Args:
        name: of the plan, by which ZAP's reports are found.
    """
    gathered = Gathered()
    site = scanned.live.base_url.rstrip("/")
    steps: tuple[Callable[[], None], ...] = (
        lambda: _itself(client, gathered),
        lambda: _scan(client, gathered),
        lambda: _statistics(client, gathered, site),
        lambda: _alerts(client, gathered, site),
        lambda: _messages(client, gathered, site, scanned.aims),
        lambda: _passive(client, gathered),
        lambda: _reports(client, gathered, scanned.folder, name),
    )
    for step in steps:
        try:
            step()
        except EngineError as error:
            gathered.faults.append(error.message)
    return gathered


def _itself(client: Zap, gathered: Gathered) -> None:
    gathered.version = str(client.core.version)
    if fault := version_fault(gathered.version):
        gathered.faults.append(fault)
    gathered.active_rules = len(client.ascan.scanners())


def _scan(client: Zap, gathered: Gathered) -> None:
    scans = client.ascan.scans
    if not scans:
        return  # nothing was attacked: no count says otherwise
    if len(scans) > 1:  # the session is new in each round, and a plan attacks once
        gathered.faults.append(f"{len(scans)} scans ran in the place of one: somebody else used this ZAP meanwhile")
    latest = str(scans[-1]["id"])
    gathered.requests, gathered.progress = scan_counts(scans, latest)
    gathered.rules = rule_states(client.ascan.scan_progress(latest))


def _statistics(client: Zap, gathered: Gathered, site: str) -> None:
    counted = site_statistics(client.stats.all_sites_stats("stats."), site)
    gathered.statuses = status_codes(counted)
    gathered.log_ins = counted.get("stats.auth.success", 0)
    gathered.log_in_failures = counted.get("stats.auth.failure", 0)
    everywhere = client.stats.stats("stats.network.")
    gathered.network_failures = int(everywhere.get("stats.network.send.failure", 0)) if isinstance(everywhere, Mapping) else 0


def _messages(client: Zap, gathered: Gathered, site: str, aims: Aims) -> None:
    """Which operations were reached, from the messages before the attacks; the status codes too where nobody counted them."""
    counted = bool(gathered.statuses)
    bound = min(MESSAGES_MAX, len(aims.aims) * _OPENING_PER_AIM + _OPENING_MORE) if counted else MESSAGES_MAX
    statuses: Counter[int] = Counter()
    reached: dict[str, None] = {}
    for method, path, status in _exchanges(client, site, bound):
        statuses[status] += 1
        for aim in aims.aims:
            sent = (aim.request.method, urlsplit(aim.request.path).path)
            if sent == (method, path) and is_behind_the_door(aim, status):
                reached[aim.operation] = None
    gathered.reached = tuple(reached)
    if not counted:
        gathered.statuses = {code: count for code, count in statuses.items() if code}


def _exchanges(client: Zap, site: str, bound: int) -> Iterator[tuple[str, str, int]]:
    """Method, path and status of the first messages; what ZAP only noted and never sent is left out (`HTTP/1.0 0`)."""
    for start in range(0, bound, _PAGE_MESSAGES):
        page = client.core.messages(site, start, _PAGE_MESSAGES)
        for message in page:
            method, _, rest = str(message.get("requestHeader", "")).partition(" ")
            status = str(message.get("responseHeader", "")).split(" ")[1:2]
            if status and status[0].strip().isdigit() and int(status[0]):
                yield method, urlsplit(rest.split(" ")[0]).path or "/", int(status[0])
        if len(page) < _PAGE_MESSAGES:
            return


def _passive(client: Zap, gathered: Gathered) -> None:
    try:
        rules = client.pscan.scanners
    except EngineError as error:
        if "no_implementor" in error.message:
            gathered.passive_rules = ()  # named rule by rule, as what is missing
            return
        raise
    gathered.passive_rules = tuple(str(rule["id"]) for rule in rules if str(rule.get("enabled", "")) == "true")
    if waiting := _not_looked_at(client):
        gathered.faults.append(f"{waiting} messages were not looked at by the passive rules: the plan did not wait for them")


def _not_looked_at(client: Zap) -> int:
    """How many messages still wait for the passive rules, after some seconds for the last ones."""
    deadline = time.monotonic() + PASSIVE_AWAITED_S
    while (waiting := int(client.pscan.records_to_scan)) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return waiting


def _alerts(client: Zap, gathered: Gathered, site: str) -> None:
    for start in range(0, ALERTS_MAX, _PAGE_ALERTS):
        page = api_alerts(client.alert.alerts(site, start, _PAGE_ALERTS))
        gathered.alerts += page
        if len(page) < _PAGE_ALERTS:
            break
    else:
        gathered.faults.append(f"there are more than {ALERTS_MAX:,} alerts: the rest was not read")
    looked_up = iter(range(ATTACKS_READ_MAX))
    found, gathered.alerts = gathered.alerts, ()
    for number, alert in enumerate(found):
        if client.is_out_of_time:
            gathered.alerts += found[number:]
            raise EngineError("the requests of some alerts were not read: the time for all calls together is over")
        wanted = _is_attack(alert) and next(looked_up, None) is not None
        gathered.alerts += (_with_body(client, alert) if wanted else alert,)


def _is_attack(alert: Alert) -> bool:
    return alert.active and bool(alert.message) and alert.risk >= 2 and alert.method not in ("GET", "HEAD")


def _with_body(client: Zap, alert: Alert) -> Alert:
    """The alert with the body that was sent: an alert of a POST cannot be seen again without."""
    try:
        message = client.core.message(alert.message)
    except EngineError:
        return alert
    header = str(message.get("requestHeader", ""))
    types = [line.partition(":")[2].strip() for line in header.splitlines() if line.lower().startswith("content-type:")]
    return replace(alert, body=str(message.get("requestBody", "")), content_type=types[0] if types else "")


def _reports(client: Zap, gathered: Gathered, folder: Path, name: str) -> None:
    """ZAP's own reports, kept beside ours without credentials; what its report says of itself is read."""
    for ending in ("html", "json"):
        text = _download(client, f"{name}.{ending}")
        if text is None:
            continue
        (folder / f"zap.{ending}").write_text(redact(text), encoding="utf-8")
        if ending == "json":
            gathered.faults.extend(insight_faults(report_of(text)))


def _download(client: Zap, name: str) -> str | None:
    """A file of the daemon's; None where it wrote none."""
    try:
        text = str(client.core.file_download(name))
    except EngineError:
        if client.is_out_of_time:
            raise
        return None
    return None if _is_refusal(text) else text


def _is_refusal(text: str) -> bool:
    if len(text) > 1_000:
        return False
    try:
        said = json.loads(text)
    except ValueError:
        return False
    return isinstance(said, Mapping) and "code" in said

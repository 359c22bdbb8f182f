"""Runs one role's plan in a daemon and asks afterwards what really happened."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import yaml

from harness.engines.process import Stop
from harness.engines.zap.aims import NO_WRITES, Aims
from harness.engines.zap.client import Zap
from harness.engines.zap.daemon import Daemon
from harness.engines.zap.document import import_document
from harness.engines.zap.entering import Entry, entry_of, withdraw_rules
from harness.engines.zap.gathering import Gathered, gather
from harness.engines.zap.honesty import gaps, whole_rules
from harness.engines.zap.model import Alert, ScanFacts
from harness.engines.zap.paging import Pages
from harness.engines.zap.plan import Ground, MadePlan, automation_plan
from harness.engines.zap.profiles import ACTIVE, ScanProfile
from harness.engines.zap.reading import not_understood, plan_faults, rule_states
from harness.evidence.files import write_atomic
from harness.evidence.redaction import redact, remember_secret
from harness.model.errors import EngineError, TargetError
from harness.model.evidence import RuleRecord, ScanRecord
from harness.probes.http.door import Credential
from harness.probes.http.exchange import World
from harness.targets.live import LiveTarget

ENGINE = "zap"
PLAN_FILE = "plan.yaml"
_WELCOME = ("spiderClient", "spiderAjax", "report")
_POLL_S = 0.5
CALL_TIMEOUT_S = 30.0
READING_S_MAX = 25.0  # of all that a scan left: ten thousand alerts take some seconds
_UNANSWERED_MAX = 2  # calls in a row; each has its own time
_GRACE_S = 20.0  # between the order to stop and the end of the plan


@dataclass(frozen=True)
class ScanOrder:
    """One role's scan. `deadline` is monotonic; `folder` in the run gets the plan and ZAP's own reports, without secrets."""

    profile: ScanProfile
    daemon: Daemon
    live: LiveTarget
    base_path: str
    aims: Aims  # those of the pages among them
    pages: Pages
    browser: str
    deadline: float
    folder: Path
    stop: Stop
    say: Callable[[str], None]

    @property
    def who(self) -> str:
        """The role, or "nobody"."""
        return self.aims.asker.who


@dataclass(frozen=True)
class ScanDone:
    """One role's scan as it ended."""

    record: ScanRecord
    logged_in: bool = False
    reached: tuple[str, ...] = ()
    alerts: tuple[Alert, ...] = ()
    whole_rules: tuple[str, ...] = ()  # active ones that came to their end, by id
    passive_rules: tuple[str, ...] = ()  # that are on, by id
    plan_s: float = 0.0  # how long ZAP's own plan ran


@dataclass
class _Course:
    """What is known of a scan even where it breaks off."""

    faults: list[str]
    plan_s: float = 0.0


def scan(order: ScanOrder) -> ScanDone:
    """Scans as one role. What goes wrong is a gap of the record, never an exception."""
    before = order.live.alive()
    course = _Course([order.pages.gap] if order.pages.gap else [])
    gathered, entry, made = Gathered(), Entry(), MadePlan({}, (), {})
    try:
        entry, made, gathered = _run(order, course)
    except (EngineError, TargetError) as error:
        course.faults.append(f"{order.who}: {error.message}")
    if ended := order.daemon.gone():
        course.faults.append(ended)
    if memory := order.daemon.out_of_memory():
        course.faults.insert(0, memory)  # the cause of whatever else is missing
    over = [*_session_over(order, entry), *_pages_over(order)]
    done = _done(order, gathered, made, [*course.faults, *over], before, entry, lost=bool(over))
    return replace(done, plan_s=course.plan_s)


def _run(order: ScanOrder, course: _Course) -> tuple[Entry, MadePlan, Gathered]:
    client = order.daemon.client(timeout_s=CALL_TIMEOUT_S)
    client.core.new_session("", True)
    client.stats.clear_stats("stats.")
    add_ons = frozenset(str(entry["id"]) for entry in client.autoupdate.local_addons)
    withdraw_rules(client, add_ons)
    name = f"{order.who}-{secrets.token_hex(3)}"
    entry = _entry(order, add_ons, name)
    for value in entry.headers.values():
        remember_secret(value)
    document = import_document(order.live.base_url, order.base_path, order.aims.aims)
    folder, file = _upload(client, f"{name}-document.json", document).rsplit("/", 1)
    minutes = max(1.0, (order.deadline - time.monotonic()) / 60)
    ground = Ground(
        name=name,
        base_url=order.live.base_url,
        aims=order.aims,
        entry=entry,
        add_ons=add_ons,
        folder=folder,
        document=file,
        pages=order.pages,
        browser=order.browser,
        minutes=minutes,
        writes=order.live.target.allow.writes,
    )
    made = automation_plan(order.profile, ground)
    text = yaml.safe_dump(made.plan, sort_keys=False, allow_unicode=True, width=130)
    write_atomic(order.folder / PLAN_FILE, redact(text))
    try:
        before = len(order.daemon.logged())
        file, begun = _upload(client, f"{name}.yaml", text), time.monotonic()
        try:
            with order.daemon.waits.counted():
                plan = str(client.automation.run_plan(file))
                course.faults.extend(_followed(order, client, plan, made))
        finally:
            course.plan_s = time.monotonic() - begun
            course.faults.extend(not_understood(order.daemon.logged()[before:]))
        with client.together_within(READING_S_MAX):
            return entry, made, gather(client, order, name)
    finally:
        _forget(client, name, add_ons)


def _forget(client: Zap, name: str, add_ons: frozenset[str]) -> None:
    """A daemon that somebody else started goes on: neither the plan nor its users and rules stay there with a credential."""
    with suppress(EngineError):
        withdraw_rules(client, add_ons)
    with suppress(EngineError):
        client.core.file_upload(f"{name}.yaml", "# done\n")
        client.core.new_session("", True)


def _entry(order: ScanOrder, add_ons: frozenset[str], name: str) -> Entry:
    asker = order.aims.asker
    if not asker.role:
        return Entry()
    role = order.live.target.role(asker.role)
    user = next(user for user in role.users if user.name == asker.user)
    return entry_of(order.live, role, user, order.aims.proof, add_ons, name)


def _upload(client: Zap, name: str, text: str) -> str:
    """Hands a file to the daemon; its path as the daemon sees it."""
    try:
        return str(json.loads(client.core.file_upload(name, text))["Uploaded"])
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError("ZAP takes no files", hint="start it with -config api.filexfer=true") from error


# -- while it runs


def _followed(order: ScanOrder, client: Zap, plan: str, made: MadePlan) -> list[str]:
    """Waits for the plan's end; what is wrong with it."""
    unanswered, why = 0, ""
    while not why:
        try:
            progress = client.automation.plan_progress(plan)
            unanswered = 0
            if progress.get("finished"):
                return list(plan_faults(progress, made.jobs))
            order.say(_line(order, client))
        except EngineError as error:
            unanswered += 1
            if unanswered >= _UNANSWERED_MAX or order.daemon.gone():
                return [f"{order.who}: {error.message}"]
        why = _why_stop(order)
        time.sleep(_POLL_S)
    return [f"{order.who}: {why}", *_halted(client, plan)]


def _why_stop(order: ScanOrder) -> str:
    if order.stop.signal:
        return f"stopped by {order.stop.signal}"
    if time.monotonic() > order.deadline:
        return f"the scan was cut off after the time of its scan profile {order.profile.name}"
    return ""


def _halted(client: Zap, plan: str) -> list[str]:
    try:
        client.automation.stop_plan(plan)
        client.ascan.stop_all_scans()
        deadline = time.monotonic() + _GRACE_S
        while time.monotonic() < deadline and not client.automation.plan_progress(plan).get("finished"):
            time.sleep(_POLL_S)
    except EngineError as error:
        return [error.message]
    return []


def _line(order: ScanOrder, client: Zap) -> str:
    """Progress by the rules' own states: ZAP's percentage counts skipped rules as done."""
    scans = client.ascan.scans
    if not scans:
        return f"{order.who}: finding addresses, {client.core.number_of_messages()} requests"
    latest = scans[-1]
    rules = rule_states(client.ascan.scan_progress(latest["id"]))
    doing = next((rule.name for rule in rules if rule.state.endswith("%")), "")
    done = sum(rule.complete for rule in rules)
    return f"{order.who}: {done}/{len(rules)} rules {doing}  {latest['reqCount']} requests".replace("  ", " ")


# -- afterwards


def _session_over(order: ScanOrder, entry: Entry) -> list[str]:
    """Whether the role can still be what it was: a scan that logged itself out went on as nobody."""
    asker, proof = order.aims.asker, order.aims.proof
    if not asker.role:
        return []
    if proof is None:
        return [f"no request proves that somebody is logged in as {asker.role}"]
    try:
        if entry.headers:
            with order.live.client() as http:
                status = http.request(proof.method, proof.path, headers=dict(entry.headers)).status_code
            return [] if status < 400 else [f"the session of {asker.role} was over at the end: {proof.path} answers {status}"]
        role = order.live.target.role(asker.role)
        order.live.sign_in(role, next(user for user in role.users if user.name == asker.user))
    except (TargetError, httpx.HTTPError) as error:
        return [f"after the scan nobody logs in as {asker.role}: {str(error).splitlines()[0]}"]
    return []


def _pages_over(order: ScanOrder) -> list[str]:
    """Whether the session of the pages still opens them, where it is one of its own."""
    if not order.pages.headers or not order.pages.aims:
        return []
    request = replace(order.pages.aims[0].request, role="", user="", headers=dict(order.pages.headers))
    try:
        with World(order.live) as world:
            why = order.pages.over(world.send_as(request, Credential()))
    except TargetError as error:
        why = error.message
    return [f"{order.who}: {why}"] if why else []


def _done(
    order: ScanOrder, gathered: Gathered, made: MadePlan, faults: list[str], before: bool, entry: Entry, *, lost: bool
) -> ScanDone:
    profile, aims = order.profile, order.aims
    active: dict[str, Any] = next((job for job in made.plan.get("jobs", ()) if job["type"] == ACTIVE), {})
    proofs = gathered.log_ins if entry.is_zaps else len([name for name in gathered.reached if _is_secured(aims, name)])
    facts = ScanFacts(
        requests=gathered.requests,
        progress=gathered.progress,
        rules=gathered.rules,
        rules_wanted=tuple(profile.rules),
        names=profile.rules,
        rule_s_max=60.0 * float(active.get("parameters", {}).get("maxRuleDurationInMins", 0)),
        statuses=gathered.statuses,
        operations=len(aims.operations) + len(aims.pages),
        reached=len(gathered.reached),
        log_ins_wanted=bool(aims.asker.role),
        log_ins=proofs,
        log_in_failures=gathered.log_in_failures,
        network_failures=gathered.network_failures,
        alive_before=before,
        alive_after=order.live.alive(),
        faults=(*faults, *gathered.faults),
    )
    return ScanDone(
        record=_record(order, gathered, facts, entry, made),
        logged_in=not aims.asker.role or (bool(facts.log_ins) and not facts.log_in_failures and not lost),
        reached=gathered.reached,
        alerts=gathered.alerts,
        whole_rules=whole_rules(facts),
        passive_rules=gathered.passive_rules or (),
    )


def _is_secured(aims: Aims, operation: str) -> bool:
    return any(aim.operation == operation and aim.secured and not aim.is_page for aim in aims.aims)


def _left_out(made: MadePlan, *, welcome: bool) -> list[str]:
    """Jobs that this ZAP cannot or must not do, by the reason. A browser and reports are welcome, and not demanded."""
    why: dict[str, list[str]] = {}
    for job, reason in made.left_out.items():
        if (job in _WELCOME or reason == NO_WRITES) is welcome:
            why.setdefault(reason, []).append(job)
    return [f"{reason}: no {', no '.join(jobs)}" for reason, jobs in why.items()]


def _missing_passive(profile: ScanProfile, gathered: Gathered) -> list[str]:
    return [rule for rule in profile.passive_rules if rule not in (gathered.passive_rules or ())]


def _passive_gaps(profile: ScanProfile, gathered: Gathered) -> list[str]:
    missing = _missing_passive(profile, gathered)
    return [f"{len(missing)} wanted passive rules are missing or off: {', '.join(missing)}"] if missing else []


def _record(order: ScanOrder, gathered: Gathered, facts: ScanFacts, entry: Entry, made: MadePlan) -> ScanRecord:
    there = {rule.rule for rule in facts.rules}
    missing = [f"{rule} {name}" for rule, name in order.profile.rules.items() if rule not in there]
    missing += [f"passive {rule}" for rule in _missing_passive(order.profile, gathered)]
    return ScanRecord(
        engine=ENGINE,
        profile=order.profile.name,
        role=order.aims.asker.role,
        requests=facts.requests or 0,
        statuses={str(code): count for code, count in sorted(facts.statuses.items())},
        version=gathered.version,
        active_rules=gathered.active_rules,
        passive_rules=None if gathered.passive_rules is None else len(gathered.passive_rules),
        rules=tuple(RuleRecord(r.rule, r.name, r.state, r.requests, r.alerts, round(r.duration_s, 3)) for r in facts.rules),
        rules_missing=tuple(missing),
        parameters=sum(len(aim.parameters) for aim in order.aims.aims if aim.operation in gathered.reached),
        log_in=_log_in(order, facts, entry),
        left_out={
            **order.aims.as_far_as_left_out,
            **order.pages.left_out,
            **{f"{name} (could not be aimed at)": why for name, why in order.aims.lost.items()},
        },
        notes=(*_of_pages(order.aims, gathered), *_left_out(made, welcome=True), *_unread(order.daemon)),
        alive_before=facts.alive_before,
        alive_after=facts.alive_after,
        gaps=tuple(
            redact(gap) for gap in (*gaps(facts), *_passive_gaps(order.profile, gathered), *_left_out(made, welcome=False))
        ),
    )


def _unread(daemon: Daemon) -> list[str]:
    return ["the daemon's log cannot be read from here: it may not have understood all of the plan"] if daemon.log is None else []


def _of_pages(aims: Aims, gathered: Gathered) -> list[str]:
    reached = set(gathered.reached) & set(aims.pages)
    return [f"{len(reached)} of {len(aims.pages)} pages behind the log-in form were reached"] if aims.pages else []


def _log_in(order: ScanOrder, facts: ScanFacts, entry: Entry) -> str:
    if not order.aims.asker.role:
        return "as nobody"
    if entry.is_zaps:
        return f"ZAP logged in {facts.log_ins} times, {facts.log_in_failures} failed"
    return f"with a session of ours: {facts.log_ins} operations answered that ask for one"

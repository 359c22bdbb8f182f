"""One stage: aim on one target, then one round for each role on a target of its own, then the evidence."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event
from urllib.parse import urlsplit

from harness.engines.browser import find_browser
from harness.engines.engine import StageJob
from harness.engines.zap.ahead import Ahead
from harness.engines.zap.aims import Aim, Aims, aims_of
from harness.engines.zap.alerts import ENGINE, HIGH, Read, read_alerts
from harness.engines.zap.confirming import Confirmer
from harness.engines.zap.daemon import Daemon
from harness.engines.zap.paging import Pages, enter_pages
from harness.engines.zap.profiles import ScanProfile
from harness.engines.zap.scanning import READING_S_MAX, ScanDone, ScanOrder, scan
from harness.engines.zap.source import SourceKind, ZapSource
from harness.evidence.folder import EvidenceDraft
from harness.findings.merge import merged
from harness.model.errors import EngineError, HarnessError
from harness.model.evidence import Counts, Evidence, FindingsPayload, Kind, Outcome, Reach, State, TestResult, TestsPayload
from harness.model.finding import Observation, Request
from harness.model.target import Target
from harness.model.waiver import Examined
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document, DocumentError
from harness.probes.scene.scene import NOBODY, Asker, Scene
from harness.targets.arena import Arena
from harness.targets.documents import opened
from harness.targets.live import LiveTarget

LEDGER_PARTS = ("7.3.1.a",)  # "OWASP ZAP scans the API and the pages as each role"
_MARGIN_S = READING_S_MAX + 5.0  # of the stage's time, for reading results and ending the daemon
_ROUND_S_MIN = 45.0
_GAPS_IN_REASON = 6


@dataclass(frozen=True)
class Round:
    """One role's scan and what its alerts came to."""

    aims: Aims
    done: ScanDone
    read: Read


@dataclass(frozen=True)
class Plot:
    """What is to be scanned: the aims of each role, and of the document the path templates and what it says is public."""

    aims: tuple[Aims, ...]
    base_path: str
    templates: tuple[str, ...]
    public: frozenset[str]


def plotted(job: StageJob, given_up: Event) -> Plot:
    """Finds out what each role's requests are, on a target of its own; no further role's where it is given up."""
    with Arena(job.arena).fresh("zap-aims") as live, World(live) as world:
        scene = Scene(world, _document(world, job.target), job.seed)
        base_path, operations = scene.drafter.base_path, scene.document.operations
        askers = [Asker.first_of(role) for role in scene.roles] or [NOBODY]
        found = []
        for number, asker in enumerate(askers):
            if job.stop.signal or given_up.is_set():
                break
            job.progress(f"finding requests to begin with, as {asker.who}")
            found.append(aims_of(scene, asker, public=number == 0))
    return Plot(
        aims=tuple(found),
        base_path=base_path,
        templates=tuple(base_path + operation.path for operation in operations),
        public=frozenset(f"{op.method} {base_path}{op.path}" for op in operations if not op.is_secured),
    )


@dataclass
class Rounds:
    """The rounds of one stage. `gaps` are known before it starts."""

    job: StageJob
    daemon: Daemon
    profile: ScanProfile
    plot: Plot
    clock: float
    gaps: list[str]
    rounds: list[Round] = field(default_factory=list)

    def run(self) -> None:
        """Every role after the other, each within its share of the time that is left."""
        arena, every = Arena(self.job.arena), self.plot.aims
        with Ahead(arena, [_label(aims) for aims in every]) as targets:
            self._run(arena, targets, every)

    def _run(self, arena: Arena, targets: Ahead, every: tuple[Aims, ...]) -> None:
        end = self.clock + min(self.profile.minutes_max * 60, self.job.timeout_s) - _MARGIN_S
        for number, aims in enumerate(every):
            left_s = end - time.monotonic()
            if self.job.stop.signal or left_s < _ROUND_S_MIN:
                why = f"stopped by {self.job.stop.signal}" if self.job.stop.signal else "no time was left"
                self.gaps.append(f"{aims.asker.who}: not scanned: {why}")
                continue
            try:
                self.rounds.append(self._round(arena, targets, aims, time.monotonic() + left_s / (len(every) - number)))
            except HarnessError as error:  # what the other roles' scans found stands
                self.gaps.append(f"{aims.asker.who}: not scanned: {error.message}")

    def _round(self, arena: Arena, targets: Ahead, aims: Aims, deadline: float) -> Round:
        who = aims.asker.who
        folder = self.job.folder / "raw" / who
        folder.mkdir(parents=True, exist_ok=True)
        with targets.fresh(_label(aims)) as live:
            pages = _pages(live, aims.asker)
            aims = replace(aims, aims=(*aims.aims, *_beyond(aims, pages)))
            order = ScanOrder(
                profile=self.profile,
                daemon=self.daemon,
                live=live,
                base_path=self.plot.base_path,
                aims=aims,
                pages=pages,
                browser=_browser(self.daemon.source),
                deadline=deadline,
                folder=folder,
                stop=self.job.stop,
                say=self.job.progress,
            )
            done = scan(order)
        return Round(aims, done, self._read(arena, aims, done))

    def _read(self, arena: Arena, aims: Aims, done: ScanDone) -> Read:
        """The alerts as findings; those of high risk are tried again on fresh data."""
        read = partial(
            read_alerts,
            done.alerts,
            self.plot.templates,
            stage=self.job.stage.name,
            base_path=self.plot.base_path,
            role=aims.asker.role,
            user=aims.asker.user,
            public=self.plot.public,
            has_pages=bool(aims.pages),
        )
        if not any(alert.risk == HIGH for alert in done.alerts):
            return read()
        self.job.progress("trying alerts of high risk again")
        with arena.fresh("zap-again") as live, World(live) as world:
            return read(confirm=Confirmer(world, aims.asker, _pages(live, aims.asker).headers))

    # -- evidence

    def evidence(self, started: str) -> tuple[Evidence, ...]:
        """The stage's evidence, whole only where no round has a gap: findings, and for the ledger one check for each role."""
        gaps = [*self.gaps, *(gap for done in self._done() for gap in done.record.gaps)]
        gaps = list(dict.fromkeys(gaps)) or ([] if self.rounds else ["no role was scanned"])
        payload = FindingsPayload(
            findings=merged(finding for each in self.rounds for finding in each.read.findings),
            reach=tuple(self._reach(each) for each in self.rounds),
            observations=(self._introduction(), *(note for each in self.rounds for note in each.read.observations)),
            examined=tuple(entry for each in self.rounds for entry in self._examined(each)),
            scans=tuple(done.record for done in self._done()),
        )
        sent = sum(scan.requests for scan in payload.scans)
        lost = sum(len(each.aims.lost) for each in self.rounds)
        draft = EvidenceDraft(
            self.job.stage.name,
            Kind.FINDINGS,
            State.PARTIAL if gaps else State.RAN,
            started,
            ENGINE,
            self._version(),
            Counts(sent, sent, len(payload.findings), lost),
            _reason(gaps),
        )
        checks = tuple(check(f"scan as {who or 'nobody'}", why) for who, why in self._by_role(gaps))
        return self.job.run.add_payload(draft, payload), add_checks(self.job, draft, checks)

    def _by_role(self, gaps: list[str]) -> list[tuple[str, str]]:
        """Each role with why its scan is not whole; what is wrong with the whole stage is wrong with each."""
        ours = "; ".join(self.gaps)
        return [(done.record.role, "; ".join(filter(None, (ours, *done.record.gaps)))) for done in self._done()] or [
            ("", _reason(gaps))
        ]

    @property
    def plans_s(self) -> float:
        """How long ZAP itself was at work."""
        return sum(done.plan_s for done in self._done())

    def _done(self) -> list[ScanDone]:
        return [each.done for each in self.rounds]

    def _version(self) -> str:
        return next((done.record.version for done in self._done() if done.record.version), self.daemon.source.version)

    def _introduction(self) -> Observation:
        """Which ZAP it was, and how many rules the running daemon says that it has."""
        rules = next((done.record.armed_with for done in self._done() if done.record.version), "nobody counted its rules")
        took = f"its plans ran {self.plans_s:.0f} s, and it was waited for {self.daemon.waits.seconds:.0f} s"
        took += f" of the stage's {time.monotonic() - self.clock:.0f} s"
        text = f"ZAP {self._version()} ({self.daemon.source.title}): {rules}; scan profile {self.profile.name}; {took}"
        return Observation("zap.scanner", text, self.job.stage.name)

    def _reach(self, each: Round) -> Reach:
        record = each.done.record
        who = each.aims.asker.role
        proved = each.done.logged_in
        return Reach(
            engine=ENGINE,
            operations=len(each.aims.operations),
            reached=len(set(each.done.reached) & set(each.aims.operations)),
            logged_in=proved,
            roles=(who,) if who and proved else (),
            requests=record.requests,
            note="; ".join(record.gaps[:2]),
            parameters=record.parameters,
        )

    def _examined(self, each: Round) -> list[Examined]:
        """Rules that came to their end on the operations that were reached, logged in: only these can be called fixed."""
        done = each.done
        whole = [f"zap.{rule}" for rule in (*done.whole_rules, *done.passive_rules)]
        if done.record.alive_after is not True or not done.logged_in or not whole:
            return []
        reached = [aim for aim in each.aims.aims if aim.operation in done.reached]
        operations = tuple(f"GET {aim.operation.partition(' ')[2]}" if aim.is_page else aim.operation for aim in reached)
        return [Examined(ENGINE, tuple(whole), ("", *operations), (each.aims.asker.role, ""))]


def _label(aims: Aims) -> str:
    return f"zap-{aims.asker.who}"


def _beyond(aims: Aims, pages: Pages) -> list[Aim]:
    """The pages that are no operation of the document: those are aimed at already."""
    known = {urlsplit(aim.request.path).path for aim in aims.aims if aim.request.method == "GET"}
    return [aim for aim in pages.aims if urlsplit(aim.request.path).path not in known]


def _pages(live: LiveTarget, asker: Asker) -> Pages:
    if not asker.role:
        return Pages()
    with World(live) as world:
        return enter_pages(world, *world.user(asker.role, asker.user))


def check(name: str, why: str) -> TestResult:
    """The ledger's check of one scan: passed where the scan is whole, else an error: it could not be made."""
    outcome = Outcome.ERROR if why else Outcome.PASSED
    return TestResult(f"{ENGINE}: {name}", outcome, message=why, parts=LEDGER_PARTS)


def add_checks(job: StageJob, draft: EvidenceDraft, checks: tuple[TestResult, ...]) -> Evidence:
    """Writes the checks down as evidence of kind `tests`, in the state of the findings' own."""
    failed = sum(result.outcome is Outcome.ERROR for result in checks)
    counted = replace(draft, kind=Kind.TESTS, counts=Counts(len(checks), len(checks) - failed, failed))
    return job.run.add_payload(counted, TestsPayload(ENGINE, len(checks), 1, checks))


def _reason(gaps: list[str]) -> str:
    more = f"; and {len(gaps) - _GAPS_IN_REASON} more" if len(gaps) > _GAPS_IN_REASON else ""
    return "; ".join(gaps[:_GAPS_IN_REASON]) + more


def _browser(source: ZapSource) -> str:
    """A browser that the daemon can start, by ZAP's name for it; the image without one has no add-on for it either."""
    if source.kind is SourceKind.DOCKER or shutil.which("firefox"):
        return "firefox-headless"
    return "chrome-headless" if source.kind is SourceKind.INSTALLED and find_browser() and shutil.which("chromedriver") else ""


def _document(world: World, target: Target) -> Document:
    if target.document is not None:
        return opened(Document.load(target.document), target)
    answer = world.send(Request("GET", target.document_path))
    try:
        return opened(Document.load(answer.content, target.document_path), target)
    except DocumentError as error:
        raise EngineError(f"GET {target.document_path} answers {answer.status}: {error.message}", hint=error.hint) from error

"""One-time codes: not told to the caller, not foreseeable, good once, for their owner only, and not to be guessed.

What needs a right code is tried where one can be seen: in the answer (which is a defect), or in the target's log where a build
for tests writes it. Without one, only what a wrong code shows can be said, with less confidence. Each code is for somebody new,
and each step comes from a client of its own, so that the limits of one do not hide the defects of another.
"""

from __future__ import annotations

import math
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Finding, Observation, Request, Severity, Symptom
from harness.model.weakness import Place, Weakness
from harness.probes.addresses import fresh_address
from harness.probes.ageing import YEARS, outlives, says_its_end
from harness.probes.calls import Call
from harness.probes.checks import STAGE, Report, finding_of
from harness.probes.clients import can_be_many
from harness.probes.code_flows import Codes, Log, Started
from harness.probes.document import Document
from harness.probes.exchange import Answer, Credential, Door, World
from harness.probes.flows import Flow, flows_of, names_code, sets_password
from harness.probes.guessing import is_refused
from harness.probes.operations import Operation
from harness.probes.oracle import leaves
from harness.probes.scene import Asker, Scene, Untestable

GUESSES = 40
GUESSED_BY_NOBODY_BITS = 64  # a reset link's token: no number of tries finds it (OWASP asks as much of a session id)
LONGEST_TYPED = 10  # characters of a code that people type; a longer one is a link's
SAMPLE = 5  # codes that are compared
LOG_AWAITED_S = 2.0  # a code may be sent after the answer
_POLL_S = 0.02
DIGITS_MIN = 6  # NIST SP 800-63B, 5.1.3.2: at least 20 bits
COMMON = ("000000", "123456", "111111", "0000", "1234", "1111", "999999", "654321")
_CODE = re.compile(r"^\d{4,8}$")
_SESSION = re.compile(r"(^|[._])(token|access_?token|jwt|session|session_?id)$", re.I)

_OWASP = "API2:2023"
_RETURNED = Weakness(
    "codes.returned",
    Severity.HIGH,
    201,
    _OWASP,
    "A one-time code reaches its owner by mail or telephone, and nobody else.",
    "Whoever starts the flow has the code without having the mailbox or telephone: it proves nothing.",
    "Leave the code out of the answer; where tests need it, let them read it where it is sent.",
)
_UNCHECKED = Weakness(
    "codes.not-checked",
    Severity.CRITICAL,
    287,
    _OWASP,
    "Only the code that was sent is accepted.",
    "Anybody passes for the owner of any mailbox or telephone.",
    "Compare the whole code with the one that was sent, in constant time, and refuse everything else.",
)
_FORESEEN = Weakness(
    "codes.foreseeable",
    Severity.HIGH,
    330,
    _OWASP,
    "Each code is drawn at random.",
    "Whoever has seen one code knows the next.",
    "Draw codes from the system's random source (secrets, SecureRandom), never from a counter, a clock or a constant.",
)
_REUSED = Weakness(
    "codes.reusable",
    Severity.MEDIUM,
    294,
    _OWASP,
    "A code is good once.",
    "Whoever finds a used code, in a mail or a log, passes for its owner.",
    "Delete the code in the statement that accepts it.",
)
_NEVER_ENDS = Weakness(
    "codes.never-ends",
    Severity.MEDIUM,
    613,
    _OWASP,
    "A code is good for some minutes, a reset link for some hours.",
    "Whoever finds an old code, in a mail or a backup, passes for its owner.",
    "Store until when a code is good, and ask for it in the statement that accepts it (… and expires_at > now()).",
)
_UNBOUND = Weakness(
    "codes.not-bound",
    Severity.CRITICAL,
    639,
    _OWASP,
    "A code is good for the account that it was sent for.",
    "With a code for one's own account one takes over any other.",
    "Look the code up together with the account or challenge that it was made for.",
)
_GUESSED = Weakness(
    "codes.not-limited",
    Severity.HIGH,
    307,
    _OWASP,
    "After a few wrong codes the code is void, or the caller is refused.",
    "A code of six digits is guessed within minutes.",
    "Count wrong codes with the code itself, and void it after about five; limit clients besides.",
)


def examine_codes(door: Door, document: Document, seed: int) -> Report:
    """Every flow with a code that the target has."""
    report = Report("codes")
    if not door.target.allow.writes:
        report.note = "the target file does not allow writes"
        return report
    flows = sorted(flows_of(document, door.target.codes), key=lambda flow: sets_password(document, flow))  # nobody logs in after
    with World(door) as world:
        for flow in flows:
            examination = _Examination(door, Codes(Scene(world, document, seed), flow), report)
            try:
                examination.run()
            except (Untestable, HarnessError) as error:
                if not door.alive():
                    raise
                report.note = f"{flow.confirm.name}: {error}"
                report.observations.append(Observation("codes.not-tried", str(error), STAGE, flow.confirm.name))
    for hint in door.target.codes:
        if hint.confirm not in {flow.confirm.name for flow in flows}:
            text = f"codes.{hint.name}: the document lacks one of its operations, or nothing of {hint.confirm} carries a code"
            report.observations.append(Observation("codes.not-tried", text, STAGE, hint.confirm))
    if not flows:
        report.note = "no operation starts or confirms a one-time code"
    return report


def confirmed(scene: Scene, operation: Operation) -> Call | None:
    """A confirmation with the right code, which no generated request holds; None for other operations, or where none is seen.

    Raises:
        Untestable: the flow could not be started.
    """
    flow = next(
        (flow for flow in flows_of(scene.document, scene.world.target.codes) if flow.confirm.name == operation.name), None
    )
    if flow is None or not scene.world.target.allow.writes:
        return None
    return _Examination(scene.world.door, Codes(scene, flow), Report("codes")).success()


@dataclass
class _Examination:
    door: Door
    codes: Codes
    report: Report
    log: Log = field(init=False)
    sighted: bool = False

    def __post_init__(self) -> None:
        self.log = Log(self.door.log_path)

    @property
    def flow(self) -> Flow:
        return self.codes.flow

    def run(self) -> None:
        """What needs no right code first, then what does."""
        self.log.read()
        first = self._start()
        self.report.tried += 1
        if self._accepts_anything(first):
            return
        right = self._known_code(self._start())
        self.sighted = right is not None
        if right is not None:
            self._reuse()  # before the many starts that a limit on mails may end
        self._common()
        if not self._is_long(right):
            self._guess()
        if right is None:
            text = "no right code is known: reuse, owner and randomness were not tried (the target file may give log_pattern)"
            self.report.observations.append(Observation("codes.not-seen", text, STAGE, self.flow.confirm.name))
            return
        self._sample()
        if not any(finding.rule == _FORESEEN.rule for finding in self.report.findings):
            self._owner()  # a code that is the same for everybody is nobody's own
        if not says_its_end(right) and ":" not in right:  # Django's signed values have these, too
            self._age()

    def success(self) -> Call | None:
        """The first confirmation that succeeds, of one start."""
        self.log.skip()
        started = self._start()
        for code in self._seen(started)[:3]:
            request = self.codes.confirm_request(started, code)
            answer = self._send(request)
            if answer.is_success:
                return Call(Asker(request.role, request.user), request, answer)
        return None

    # -- requests

    @contextmanager
    def _client(self) -> Iterator[World]:
        door = self.door.seen_from(fresh_address()) if can_be_many(self.door) else self.door
        with World(door) as world:
            yield world

    def _send(self, request: Request, world: World | None = None) -> Answer:
        secured = self.flow.start.is_secured or self.flow.confirm.is_secured
        if world is None:
            with self._client() as own:
                return self._send(request, own)
        credential = self.codes.scene.world.credential(request.role, request.user) if secured else Credential()
        return world.send_as(request, credential)

    def _start(self, user: int = 0) -> Started:
        request, given = self.codes.start_request(user)
        started = Started(request, given, self._send(request))
        if not started.answer.is_success:
            number, status = self.codes.starts, started.answer.status
            raise Untestable(f"start {number} of {self.flow.start.name} was answered {status}, so no code was sent")
        return started

    def _confirm(self, started: Started, code: str, world: World | None = None) -> Answer:
        self.report.tried += 1
        return self._send(self.codes.confirm_request(started, code), world)

    def _told(self, started: Started) -> list[str]:
        """What in the answer looks like a code."""
        named = {path.rsplit(".", 1)[-1].lower(): str(value) for path, value in leaves(started.answer.json)}
        found = [value for name, value in named.items() if names_code(name, self.flow) and value not in ("None", "")]
        found += [value for value in named.values() if _CODE.match(value)]
        return list(dict.fromkeys(found))

    def _seen(self, started: Started) -> list[str]:
        """Candidates for the code of a start, the likeliest first: of its answer, then of the log."""
        return [*self._told(started), *self._logged(started)]

    def _logged(self, started: Started) -> list[str]:
        """Codes that the log shows within the wait: those of lines about whom it was sent to, else all, the newest first."""
        deadline = time.monotonic() + (LOG_AWAITED_S if self.flow.declared or self.sighted else LOG_AWAITED_S / 4)
        text = self.log.read()
        while not self.flow.log_pattern.search(text) and time.monotonic() < deadline and self.door.log_path is not None:
            time.sleep(_POLL_S)
            text += self.log.read()
        lines = [line for line in reversed(text.splitlines()) if self.flow.log_pattern.search(line)]
        about = [line for line in lines if started.is_about(line)] or lines
        return list(dict.fromkeys(code for line in about for code in self.flow.log_pattern.findall(line)))

    # -- what must hold

    def _accepts_anything(self, started: Started) -> bool:
        wrong = _random_code()
        answer = self._confirm(started, wrong)
        if not answer.is_success or not self._confirm(self._start(), _random_code()).is_success:
            return False
        title = f"{self.flow.confirm.name} accepts any code"
        observed = f"A code that we made up was answered {answer.status}, and so was another."
        steps = (started.request, self.codes.confirm_request(started, wrong))
        self._say(_UNCHECKED, title, observed, steps, Symptom(status=(answer.status,)))
        return True

    def _known_code(self, started: Started) -> str | None:
        """A code that is right, seen in the answer or in the log; in the answer it is a defect."""
        told = self._told(started)
        for code in self._seen(started)[:4]:
            answer = self._confirm(started, code)
            if not answer.is_success:
                continue
            if code in told:
                title = f"{self.flow.start.name} gives the caller the code that it sends"
                observed = f"Its answer held {len(code)} characters that {self.flow.confirm.name} accepted ({answer.status})."
                self._say(_RETURNED, title, observed, (), Symptom())
            elif not self.flow.declared:
                text = "the target's log holds the code: whoever reads logs passes for its owner"
                self.report.observations.append(Observation("codes.in-log", text, STAGE, self.flow.start.name))
            return code
        return None

    def _common(self) -> None:
        """The codes of tutorials and test modes, two for each start."""
        for pair in zip(COMMON[::2], COMMON[1::2], strict=True):
            started = self._start()
            for code in pair:
                answer = self._confirm(started, code)
                if answer.is_success:
                    title = f"{self.flow.confirm.name} accepts {code} for everybody"
                    observed = f"The code {code} was answered {answer.status} for somebody to whom another was sent."
                    steps = (started.request, self.codes.confirm_request(started, code))
                    self._say(_FORESEEN, title, observed, steps, Symptom(status=(answer.status,)))
                    return

    def _is_long(self, right: str | None) -> bool:
        """Whether nobody guesses such a code: by the characters that are others in the next one."""
        if right is None:
            return False
        following = next((code for code in self._seen(self._start()) if len(code) == len(right)), "")
        drawn = "".join(one for one, other in zip(right, following, strict=False) if one != other)
        return bits_of(drawn) >= GUESSED_BY_NOBODY_BITS

    def _guess(self) -> None:
        """Wrong codes for one start, by one client, and the right one after them where it is known."""
        started = self._start()
        candidates = self._seen(started)
        with self._client() as world:
            first = self._confirm(started, _random_code(candidates), world)
            for _ in range(GUESSES - 1):
                answer = self._confirm(started, _random_code(candidates), world)
                if is_refused(answer, first) or answer.status == 410:
                    return
            right = [self._confirm(started, code, world) for code in candidates[:1]] if self.sighted else []
        if self.sighted and not any(answer.is_success for answer in right):
            return  # the code is void by now: nobody finds it out
        observed = f"{GUESSES} wrong codes in a row were all looked at ({first.status})"
        observed += f", and the right one after them was answered {right[0].status}." if right else "."
        title = f"{self.flow.confirm.name} lets a code be guessed"
        request = self.codes.confirm_request(started, _random_code(candidates))
        steps = (started.request, replace(request, times=GUESSES))
        confidence = Confidence.MEDIUM if right else Confidence.LOW  # a code may be void without a word
        self._say(_GUESSED, title, observed, steps, Symptom(status=(first.status,)), confidence)

    def _reuse(self) -> None:
        started = self._start()
        code, first = self._used(started)
        if not code:
            return
        again = self._confirm(started, code)
        if not again.is_success:
            return
        gives_session = any(_SESSION.search(path) for path, _ in leaves(again.json)) or bool(again.header("set-cookie"))
        observed = f"The same code was answered {first} and, a second time, {again.status}."
        if self.flow.is_reset or gives_session:
            self._say(_REUSED, f"{self.flow.confirm.name} accepts a code twice", observed, (), Symptom())
        else:
            self.report.observations.append(Observation(_REUSED.rule, observed, STAGE, self.flow.confirm.name))

    def _age(self) -> None:
        """Whether a code is good for ever; its limits may be reached by now."""
        self.log.skip()
        try:
            aged = outlives(self.door.dsn, self._started_and_seen, lambda made: self._is_taken(*made))
        except (Untestable, HarnessError):
            if not self.door.alive():
                raise
            return
        self.report.tried += aged.tried
        if aged.works:
            rows = f"The rows that {self.flow.start.name} wrote ({', '.join(aged.tables)}) were made {YEARS} years older"
            observed = f"{rows}, and its code was still accepted; once such rows were gone, it was not."
            self._say(_NEVER_ENDS, f"{self.flow.confirm.name} accepts a code of long ago", observed, (), Symptom())

    def _started_and_seen(self) -> tuple[Started, list[str]]:
        """A start with the candidates for its code: they are read before its rows are touched, as a row may be what sends it."""
        started = self._start()
        candidates = self._seen(started)[:3]
        if not candidates:
            raise Untestable("no code was seen")
        return started, candidates

    def _is_taken(self, started: Started, candidates: list[str]) -> bool:
        return any(self._confirm(started, code).is_success for code in candidates)

    def _used(self, started: Started) -> tuple[str, int]:
        for code in self._seen(started)[:3]:
            answer = self._confirm(started, code)
            if answer.is_success:
                return code, answer.status
        return "", 0

    def _owner(self) -> None:
        """The code of one start for another one."""
        victim = self._start(0)
        self.log.read()
        attacker = self._start(1)
        if not self.codes.names_owner(victim, attacker):
            return  # the code alone says whose it is
        for code in self._seen(attacker)[:2]:
            answer = self._confirm(victim, code)
            if answer.is_success:
                observed = f"A code that was sent for one start was answered {answer.status} for another one's."
                self._say(_UNBOUND, f"{self.flow.confirm.name} accepts somebody else's code", observed, (), Symptom())
                return

    def _sample(self) -> None:
        """Whether codes are alike, or follow each other."""
        seen: list[str] = []
        for _ in range(SAMPLE):
            candidates = self._seen(self._start())
            seen += candidates[:1]
        if len(seen) < SAMPLE:
            return
        if how := foreseeable(seen):
            observed = f"{len(seen)} codes that were sent one after the other {how}."
            self._say(_FORESEEN, f"The codes of {self.flow.start.name} can be foreseen", observed, (), Symptom())
        if all(code.isdigit() for code in seen) and max(map(len, seen)) < DIGITS_MIN:
            text = f"its codes have {max(map(len, seen))} digits; {DIGITS_MIN} at least are usual"
            self.report.observations.append(Observation("codes.short", text, STAGE, self.flow.start.name))

    def _say(
        self,
        weakness: Weakness,
        title: str,
        observed: str,
        steps: tuple[Request, ...],
        symptom: Symptom,
        confidence: Confidence = Confidence.MEDIUM,
    ) -> None:
        start = weakness in (_RETURNED, _FORESEEN)
        place = Place((self.flow.start if start else self.flow.confirm).name, self.flow.code)
        found: Finding = finding_of(weakness, place, title, observed, steps, symptom, confidence)
        if not any(found.fingerprint == finding.fingerprint for finding in self.report.findings):
            self.report.findings.append(found)


def bits_of(code: str) -> float:
    """How many bits a code of this length and these kinds of characters has, where it is drawn at random."""
    kinds = ((str.isdigit, 10), (str.islower, 26), (str.isupper, 26))
    if re.fullmatch(r"[0-9a-f-]+|[0-9A-F-]+", code):
        return 4.0 * len(code.replace("-", "")) if not code.isdigit() else len(code) * math.log2(10)
    return len(code) * math.log2(max(2, sum(size for is_kind, size in kinds if any(map(is_kind, code)))))


def foreseeable(codes: list[str]) -> str:
    """How codes can be foreseen, "" where they cannot: all the same, or each as far from the last as the one before."""
    if len(set(codes)) == 1:
        return "are all the same"
    if len(set(codes)) < len(codes) - 1:
        return f"are {len(set(codes))} different ones only"
    if all(code.isdigit() for code in codes):
        steps = {int(after) - int(before) for before, after in pairwise(codes)}
        if len(steps) == 1:
            return f"are {steps.pop():+d} apart, each from the last"
    return ""


def _random_code(but: list[str] | None = None) -> str:
    """One that is none of some, as long as they are; six digits where none is known."""
    length = len(but[0]) if but else 6
    made = f"{secrets.randbelow(900_000) + 100_000}" if length <= LONGEST_TYPED else secrets.token_urlsafe(length)[:length]
    return made if made not in (but or ()) and made not in COMMON else _random_code(but)

"""One-time codes: not told to the caller, not foreseeable, good once, for their owner only, and not to be guessed.

What needs a right code is tried where one can be seen: in the answer (which is a defect), or in the target's log where a build
for tests writes it. Without one, only what a wrong code shows can be said, with less confidence. Each code is for somebody new,
and each step comes from a client of its own, so that the limits of one do not hide the defects of another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Finding, Observation, Request, Symptom
from harness.model.weakness import Place, Weakness
from harness.probes.abuse.code_weaknesses import FORESEEN, GUESSED, NEVER_ENDS, RETURNED, REUSED, UNBOUND, UNCHECKED
from harness.probes.abuse.guessing import is_refused
from harness.probes.checks import STAGE, Report, finding_of
from harness.probes.http.clients import can_be_many
from harness.probes.http.door import Door
from harness.probes.http.exchange import World
from harness.probes.http.oracle import leaves
from harness.probes.openapi.document import Document
from harness.probes.scene.ageing import YEARS, outlives, says_its_end
from harness.probes.scene.code_exchange import CANDIDATES_MAX, Correspondence
from harness.probes.scene.code_flows import Codes, Started
from harness.probes.scene.code_values import bits_of, common_codes, foreseeable, random_code
from harness.probes.scene.destruction import is_own_account
from harness.probes.scene.flows import CONTACT, Flow, flows_of, members_of, sets_password
from harness.probes.scene.scene import Scene, Untestable

GUESSES = 40
GUESSED_BY_NOBODY_BITS = 64  # a reset link's token: no number of tries finds it (OWASP asks as much of a session id)
SAMPLE = 5  # codes that are compared
DIGITS_MIN = 6  # NIST SP 800-63B, 5.1.3.2: at least 20 bits
_GOOD_ONCE = re.compile(r"\b(works|used|good|valid|accepted) (only |exactly )?once(?=[.,;)]|$)|\bsingle[- ]use\b", re.I)
_REACHES = re.compile(r"@|\d{7}")
_SESSION = re.compile(r"(^|[._])(token|access_?token|jwt|session|session_?id)$", re.I)


def examine_codes(door: Door, document: Document, seed: int, *, isolated: bool = True) -> Report:
    """Every flow with a code that the target has.

    Args:
        isolated: whether the target is made anew for whoever comes next; if not, passwords of few users are changed.
    """
    report = Report("codes")
    if not door.target.allow.writes:
        report.note = "the target file does not allow writes"
        return report
    flows = sorted(flows_of(document, door.target.codes), key=lambda flow: sets_password(document, flow))  # nobody logs in after
    with World(door) as world:
        for flow in flows:
            examination = _Examination(Correspondence(door, Codes(Scene(world, document, seed), flow, is_ours=isolated)), report)
            try:
                examination.run()
            except (Untestable, HarnessError) as error:
                if not door.alive():
                    raise
                report.observations.append(Observation("codes.not-tried", str(error), STAGE, flow.confirm.name))
            report.tried += examination.post.confirmations
    for hint in door.target.codes:
        if hint.confirm not in {flow.confirm.name for flow in flows}:
            text = f"codes.{hint.name}: the document lacks one of its operations, or nothing of {hint.confirm} carries a code"
            report.observations.append(Observation("codes.not-tried", text, STAGE, hint.confirm))
    if not flows:
        report.note = "no operation starts or confirms a one-time code"
    return report


@dataclass
class _Examination:
    post: Correspondence
    report: Report

    @property
    def flow(self) -> Flow:
        return self.post.flow

    def run(self) -> None:
        """What needs no right code first, then what does."""
        self.post.log.read()
        first = self.post.start()
        self.report.tried += 1
        if self._accepts_anything(first):
            return
        right = self._known_code(self.post.start())
        self.post.sighted = right is not None
        if right is not None:  # before the many starts that a limit on mails may end
            self._reuse()
            self._owner()
        self._common(right or self.post.codes.form)
        if not self._is_long(right):
            self._guess(right or self.post.codes.form)
        if right is None:
            text = "no right code is known: reuse, owner and randomness were not tried (the target file may give log_pattern)"
            self.report.observations.append(Observation("codes.not-seen", text, STAGE, self.flow.confirm.name))
            return
        self._sample()
        if not says_its_end(right) and ":" not in right:  # Django's signed values have these, too
            self._age()

    def _accepts_anything(self, started: Started) -> bool:
        form = self.post.codes.form
        wrong = random_code(form)
        answer = self.post.confirm(started, wrong)
        if not answer.is_success or not self.post.confirm(self.post.start(), random_code(form)).is_success:
            return False
        title = f"{self.flow.confirm.name} accepts any code"
        observed = f"A code that we made up was answered {answer.status}, and so was another."
        steps = (started.request, self.post.codes.confirm_request(started, wrong))
        self._say(UNCHECKED, title, observed, steps, Symptom(status=(answer.status,)))
        return True

    def _known_code(self, started: Started) -> str | None:
        """A code that is right, seen in the answer or in the log; in the answer it is a defect."""
        told = self.post.told(started)
        for code in self.post.seen(started)[:4]:
            answer = self.post.confirm(started, code)
            if not answer.is_success:
                continue
            if code in told:
                title = f"{self.flow.start.name} gives the caller the code that it sends"
                observed = f"Its answer held {len(code)} characters that {self.flow.confirm.name} accepted ({answer.status})."
                self._say(RETURNED, title, observed, (), Symptom())
            elif not self.flow.declared:
                text = "the target's log holds the code: whoever reads logs passes for its owner"
                self.report.observations.append(Observation("codes.in-log", text, STAGE, self.flow.start.name))
            return code
        return None

    def _common(self, form: str) -> None:
        """The codes of tutorials and test modes, two for each start."""
        common = common_codes(form)
        for number in range(0, len(common), 2):
            started = self.post.start()
            for code in common[number : number + 2]:
                answer = self.post.confirm(started, code)
                if answer.is_success:
                    title = f"{self.flow.confirm.name} accepts {code} for everybody"
                    observed = f"The code {code} was answered {answer.status} for somebody to whom another was sent."
                    steps = (started.request, self.post.codes.confirm_request(started, code))
                    self._say(FORESEEN, title, observed, steps, Symptom(status=(answer.status,)))
                    return

    def _is_long(self, right: str | None) -> bool:
        """Whether nobody guesses such a code: by the characters that are others in the next one."""
        if right is None:
            return False
        following = next((code for code in self.post.seen(self.post.start()) if len(code) == len(right)), "")
        drawn = "".join(one for one, other in zip(right, following, strict=False) if one != other)
        return bits_of(drawn) >= GUESSED_BY_NOBODY_BITS

    def _guess(self, form: str) -> None:
        """Wrong codes by one client and, where it is refused, once more from a client for each: limits of clients stop nobody."""
        with self.post.client() as world:
            judged = self._guessed(form, world)
        if not judged and self.post.sighted and can_be_many(self.post.door):
            self._guessed(form, None)

    def _guessed(self, form: str, world: World | None) -> bool:
        """Wrong codes for one start, and the right one after them where it is known; False where the client was refused."""
        started = self.post.start()
        candidates = self.post.seen(started)
        first = self.post.confirm(started, random_code(form, candidates), world)
        for _ in range(GUESSES - 1):
            answer = self.post.confirm(started, random_code(form, candidates), world)
            if is_refused(answer, first) or answer.status == 410:
                return False
        right = [self.post.confirm(started, code, world) for code in candidates[:1]] if self.post.sighted else []
        if self.post.sighted and not any(answer.is_success for answer in right):
            return True  # the code is void by now: nobody finds it out
        who = "" if world else ", each from an address of its own,"
        observed = f"{GUESSES} wrong codes in a row{who} were all looked at ({first.status})"
        observed += f", and the right one after them was answered {right[0].status}." if right else "."
        title = f"{self.flow.confirm.name} lets a code be guessed"
        request = self.post.codes.confirm_request(started, random_code(form, candidates))
        steps = (started.request, replace(request, times=GUESSES))
        confidence = Confidence.MEDIUM if right else Confidence.LOW  # a code may be void without a word
        self._say(GUESSED, title, observed, steps, Symptom(status=(first.status,)), confidence)
        return True

    def _reuse(self) -> None:
        started = self.post.start()
        code, first = self.post.used(started)
        if not code:
            return
        again = self.post.confirm(started, code)
        if not again.is_success:
            return
        gives_session = any(_SESSION.search(path) for path, _ in leaves(again.json)) or bool(again.header("set-cookie"))
        observed = f"The same code was answered {first} and, a second time, {again.status}."
        if (
            self.flow.is_reset
            or gives_session
            or _GOOD_ONCE.search(f"{self.flow.confirm.summary} {self.flow.confirm.description}")
        ):
            self._say(REUSED, f"{self.flow.confirm.name} accepts a code twice", observed, (), Symptom())
        else:
            self.report.observations.append(Observation(REUSED.rule, observed, STAGE, self.flow.confirm.name))

    def _age(self) -> None:
        """Whether a code is good for ever; its limits may be reached by now."""
        self.post.log.skip()
        try:
            aged = outlives(self.post.door.dsn, self._started_and_seen, lambda made: self._is_taken(*made))
        except (Untestable, HarnessError):
            if not self.post.door.alive():
                raise
            return
        self.report.tried += aged.tried
        if aged.works:
            rows = f"The rows that {self.flow.start.name} wrote ({', '.join(aged.tables)}) were made {YEARS} years older"
            observed = f"{rows}, and its code was still accepted; once such rows were gone, it was not."
            self._say(NEVER_ENDS, f"{self.flow.confirm.name} accepts a code of long ago", observed, (), Symptom())

    def _started_and_seen(self) -> tuple[Started, list[str]]:
        """A start with the candidates for its code: they are read before its rows are touched, as a row may be what sends it."""
        started = self.post.start()
        candidates = self.post.seen(started)[:CANDIDATES_MAX]
        if not candidates:
            raise Untestable("no code was seen")
        return started, candidates

    def _is_taken(self, started: Started, candidates: list[str]) -> bool:
        return any(self.post.confirm(started, code).is_success for code in candidates)

    def _owner(self) -> None:
        """The code of one start for another one."""
        if self.flow.is_of_a_session:
            try:
                self._session()
            except (Untestable, HarnessError):
                if not self.post.door.alive():
                    raise
        victim = self.post.start()
        victims = self.post.seen(victim)
        attacker = self.post.start()
        if not self.post.codes.names_owner(victim, attacker):
            return  # the code alone says whose it is
        attackers = [code for code in self.post.seen(attacker) if code not in victims]  # the same for everybody is nobody's own
        for code in attackers[:2]:
            answer = self.post.confirm(victim, code)
            if answer.is_success:
                observed = f"A code that was sent for one start was answered {answer.status} for another one's."
                self._say(UNBOUND, f"{self.flow.confirm.name} accepts somebody else's code", observed, (), Symptom())
                return

    def _session(self) -> None:
        """The code that one user had sent, given by another who is logged in: it must not be that one's address then."""
        started = self.post.start()
        another = self.post.codes.another_user(started)
        names_it = any(CONTACT.search(name) for name in members_of(self.post.codes.scene.document, self.flow.confirm))
        if another is None or names_it:  # who names the address beside its code has shown that it is theirs
            return
        addresses = {str(value) for name, value in started.given.items() if CONTACT.search(name) and _REACHES.search(str(value))}
        for code in self.post.seen(started)[:CANDIDATES_MAX]:
            answer = self.post.confirm_as(*another, started, code)
            if answer.is_success and addresses & self._own_values(*another):
                observed = f"A code that another user had sent was answered {answer.status}, and its address is this user's now."
                self._say(UNBOUND, f"{self.flow.confirm.name} accepts somebody else's code", observed, (), Symptom())
            if answer.is_success:
                return

    def _own_values(self, role: str, user: str) -> set[str]:
        """What the user is shown of its own account (`GET /me`)."""
        scene = self.post.codes.scene
        readers = (each for each in scene.document.operations if each.method == "GET" and is_own_account(each))
        answers = (scene.ask(scene.drafter.draft(each).request(role, user)) for each in readers)
        return {str(value) for answer in answers if answer.is_success for _, value in leaves(answer.json)}

    def _sample(self) -> None:
        """Whether codes are alike, or follow each other."""
        seen: list[str] = []
        for _ in range(SAMPLE):
            candidates = self.post.seen(self.post.start())
            seen += candidates[:1]
        if len(seen) < SAMPLE:
            return
        if how := foreseeable(seen):
            observed = f"{len(seen)} codes that were sent one after the other {how}."
            self._say(FORESEEN, f"The codes of {self.flow.start.name} can be foreseen", observed, (), Symptom())
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
        start = weakness in (RETURNED, FORESEEN)
        place = Place((self.flow.start if start else self.flow.confirm).name, self.flow.code)
        found: Finding = finding_of(weakness, place, title, observed, steps, symptom, confidence)
        if not any(found.fingerprint == finding.fingerprint for finding in self.report.findings):
            self.report.findings.append(found)

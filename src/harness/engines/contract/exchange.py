"""What was sent, what came back, and what the engine that sent it thought of it: plain data that crosses a pipe."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sent:
    """One request as it went out, without the credential. `path` has no host; bytes that are no UTF-8 are surrogates."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None

    @property
    def size(self) -> int:
        """How much there is to read: the smallest request that shows a defect is the best one."""
        return len(self.path) + len(self.body or "") + sum(len(name) + len(value) for name, value in self.headers.items())

    @property
    def is_text(self) -> bool:
        """Whether the request can be written down as text and sent again as it was."""
        try:
            (self.path + (self.body or "")).encode()
        except UnicodeEncodeError:
            return False
        return True


@dataclass(frozen=True)
class Answer:
    """One answer. Header names are in lower case; `body` is text, at most `BODY_CHARACTERS_MAX` of it.

    `cut` says why the answer was not read to its end, "" where it was.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    cut: str = ""

    @property
    def media_type(self) -> str:
        """`"application/json"`: without parameters, in lower case, "" where the answer names none."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


BODY_CHARACTERS_MAX = 400_000  # an answer longer than this is judged by what the worker saw of it, not a second time


@dataclass(frozen=True)
class Complaint:
    """A check of the engine that failed: `code` is Schemathesis's stable one ("ST108"), `where` a JSON path in the answer."""

    check: str
    code: str
    title: str
    message: str
    where: str = ""
    missing_headers: tuple[str, ...] = ()
    before: tuple[Sent, ...] = ()  # the requests that it needs first, in order


@dataclass(frozen=True)
class Exchange:
    """One case: who sent what in which phase, the answer, and the engine's complaints.

    `valid` says whether the case was made to keep the document's rules; `credential` whether it carried the role's credential.
    """

    operation: str
    role: str
    phase: str
    sent: Sent
    answer: Answer | None
    valid: bool = True
    credential: bool = True
    complaints: tuple[Complaint, ...] = ()


@dataclass(frozen=True)
class Tally:
    """What one scenario did: cases per operation with their statuses, and how many of them were valid and answered with 2xx."""

    operation: str
    phase: str
    cases: int
    successes: int
    statuses: dict[str, int]

"""What a worker is asked to do, and what it says while it does it. Both cross a socket as pickles between our own processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.engines.contract.exchange import Exchange, Sent, Tally


@dataclass(frozen=True)
class Freshness:
    """How a write gets the version that it must carry: read it from `reader` (a path template) just before.

    `member` is the body's member or, with `header` set, the request header that takes the answer's `ETag`.
    """

    reader: str
    member: str = ""
    header: str = ""


@dataclass(frozen=True)
class Secrets:
    """The credential that travels with every request, and the texts that bodies may hold in its place.

    `headers` maps a header to its marker and its secret, `texts` a marker to a secret (passwords).
    """

    headers: dict[str, tuple[str, str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Job:
    """One phase (or two) of one role, on one fresh instance of the target.

    `base_url` holds the document's base path. `cases` bounds the cases of an operation: it also lists the operations.
    `expected` are statuses that a valid request may get although no schema says so. `values` are ids, by operation and
    parameter, `bodies` members to put into a valid body of an operation; of several values (a tuple) another one each time.
    `places` are ids too, where a body names an object deeper than in a member (`leads[].id`).
    `files` names the member of a body that is a file. `destroys` are operations whose success ends the session: after one the
    worker asks for a new credential. `secured` are those that demand a credential, `watch` is the path of a read that succeeded
    with it: whether the session still lives is asked there.
    """

    document: dict[str, Any]
    base_url: str
    role: str
    phases: tuple[str, ...]
    seed: int
    cases: dict[str, int]
    scenarios_max: int
    secrets: Secrets
    expected: dict[str, tuple[int, ...]] = field(default_factory=dict)
    values: dict[str, dict[str, tuple[Any, ...]]] = field(default_factory=dict)
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    places: dict[str, dict[str, tuple[Any, ...]]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    fresh: dict[str, Freshness] = field(default_factory=dict)
    destroys: frozenset[str] = frozenset()
    secured: frozenset[str] = frozenset()
    watch: str = ""
    seconds: float = 60.0
    request_seconds: float = 10.0
    answer_bytes_max: int = 4 * 1024 * 1024
    is_forwarded: bool = False  # each client has an address of its own already


@dataclass(frozen=True)
class Scenario:
    """Said after every scenario: what was counted in it, and the exchanges that somebody complained of."""

    phase: str
    tallies: tuple[Tally, ...]
    complaints: tuple[Exchange, ...] = ()
    dropped: int = 0  # complaints beyond the bound on memory, of operations that have enough of the same kind


@dataclass(frozen=True)
class Trouble:
    """Something kept an operation from being tested: a broken schema, no answer, a closed connection."""

    operation: str
    phase: str
    kind: str  # "schema", "silent", "connection", "engine"
    text: str
    sent: Sent | None = None


@dataclass(frozen=True)
class SignInWanted:
    """The session has ended; the worker waits for `Secrets` (None: there are none to be had).

    `password` is the role's new password where an operation has just set one.
    """

    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class LoggedOut:
    """The credential stopped working outside of the operations that end a session; `after` are the requests before that."""

    operation: str
    after: tuple[Sent, ...]


@dataclass(frozen=True)
class Ended:
    """The last word. `reason` is "" where every phase came to its end; `cpu_seconds` are the whole process's, start included."""

    reason: str = ""
    phases: tuple[str, ...] = ()
    seconds: float = 0.0
    cpu_seconds: float = 0.0


Said = Scenario | Trouble | SignInWanted | LoggedOut | Ended

"""Whether we can be many clients of a target, and what a client may write to seem another one."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from harness.probes.http.addresses import is_every_address_ours
from harness.probes.http.door import Door


def can_be_many(door: Door) -> bool:
    """Whether we can be more than one client to this target: it stands on the loopback, where every address is ours."""
    return is_every_address_ours(urlsplit(door.base_url).hostname or "")


@dataclass(frozen=True)
class Disguise:
    """What a client adds to a request to be taken for another one: headers, or a query. `name` goes into the finding."""

    name: str
    headers: dict[str, str] = field(default_factory=dict)
    query: str = ""

    @property
    def is_credential(self) -> bool:
        """Whether it is also taken for somebody's credential, which may be refused before anything is counted."""
        return self.name in ("Authorization", "Cookie", "X-Api-Key")


ALTERNATELY = "PDDPPPDPDDDP"  # plain and disguised requests in no rhythm that a limit by time could keep
"""How a disguise is told from luck: a limit that fills up again lets some request through, whoever sends it."""


def disguises() -> tuple[Disguise, ...]:
    """Every disguise, with values that were never sent before."""
    address = f"203.0.113.{1 + secrets.randbelow(254)}"  # RFC 5737: of nobody
    word = secrets.token_hex(8)
    plain = (
        "X-Forwarded-For",
        "X-Real-IP",
        "X-Client-IP",
        "True-Client-IP",
        "CF-Connecting-IP",
        "X-Cluster-Client-IP",
        "X-Originating-IP",
        "X-Remote-IP",
        "X-Remote-Addr",
        "X-Forwarded",
        "Forwarded-For",
        "Fastly-Client-IP",
        "X-Azure-ClientIP",
        "Client-IP",
    )
    return (
        *(Disguise(name, {name: address}) for name in plain),
        Disguise("Forwarded", {"Forwarded": f"for={address}"}),
        Disguise("X-Forwarded-For", {"X-Forwarded-For": f"{address}, 127.0.0.1"}),
        Disguise("User-Agent", {"User-Agent": f"another/{word}"}),
        Disguise("Cookie", {"Cookie": f"session={word}"}),
        Disguise("Authorization", {"Authorization": f"Bearer {word}"}),
        Disguise("X-Api-Key", {"X-Api-Key": word}),
        Disguise("query", query=f"harness={word}"),
    )

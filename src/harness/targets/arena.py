"""Fresh targets on fresh data, as many as a stage wants: each is the template's clone and a process of its own."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from harness.config.targets import read_target
from harness.databases import Access, Databases
from harness.databases.recorded import Recorded
from harness.databases.settings import PLANNED
from harness.evidence.redaction import remember_secret
from harness.model.errors import TargetError
from harness.targets.accounts import sign_up, signs_up, with_accounts
from harness.targets.live import HOST, Launch, LiveTarget, started
from harness.targets.relay import Relay
from harness.targets.template import Seeding, run_command

ARENA_VARIABLE = "HARNESS_ARENA"


@dataclass(frozen=True)
class ArenaPlan:
    """What it takes to make targets; a stage's own process gets it through its environment, as it holds secrets."""

    target_file: Path
    folder: Path  # gets the logs of the targets
    database: Access | None = None  # None where the harness provides no database
    template: str = ""
    password: str = field(default="", repr=False)
    coverage_config: Path | None = None
    port: int | None = None
    size: str = ""  # what `reset` is told
    seed: int = 0
    log: Path | None = None  # the server's JSON log; None where it cannot be read from here

    def to_text(self) -> str:
        """For the environment of a stage's process."""
        plain = {
            "target_file": str(self.target_file),
            "folder": str(self.folder),
            "database": self.database.to_text() if self.database else "",
            "template": self.template,
            "password": self.password,
            "coverage_config": str(self.coverage_config or ""),
            "port": self.port,
            "size": self.size,
            "seed": self.seed,
            "log": str(self.log or ""),
        }
        return json.dumps(plain)

    @classmethod
    def from_environment(cls) -> ArenaPlan | None:
        """What the runner passed; `None` under plain pytest."""
        text = os.environ.get(ARENA_VARIABLE, "")
        if not text:
            return None
        plain = json.loads(text)
        config = plain["coverage_config"]
        return cls(
            Path(plain["target_file"]),
            Path(plain["folder"]),
            Access.from_text(plain["database"]) if plain["database"] else None,
            plain["template"],
            plain["password"],
            Path(config) if config else None,
            plain["port"],
            plain["size"],
            plain["seed"],
            Path(plain["log"]) if plain["log"] else None,
        )


class Arena:
    """Makes targets. One with an address of its own is the same target each time: `isolated` is false then."""

    def __init__(self, plan: ArenaPlan) -> None:
        self.plan = plan
        self.target = with_accounts(read_target(plan.target_file), plan.password)
        self._databases = Databases(plan.database) if plan.database and plan.template else None
        self._numbers = itertools.count(1)
        if plan.password:
            remember_secret(plan.password)

    @property
    def isolated(self) -> bool:
        """Whether each target is a process on data of its own."""
        return not self.target.base_url and not self._resets

    @property
    def unmeasured(self) -> Arena:
        """The same without coverage, which costs half a target's speed: for what is random, or proves the harness itself."""
        same = copy.copy(self)
        same.plan = dataclasses.replace(self.plan, coverage_config=None)
        return same

    @property
    def _resets(self) -> bool:
        """Whether its data outlives it, and is put back by its own command."""
        return bool(self.target.commands.reset) and self._databases is None

    def reset(self) -> None:
        """Puts the data of a target that outlives it back, by its own command; where each has data of its own, nothing.

        Raises:
            PreflightError: the command failed.
        """
        if self._resets:
            run_command(self.target, "reset", Seeding("", self.plan.size, self.plan.seed, self.plan.password, self.plan.folder))

    @contextmanager
    def fresh(self, label: str, variables: Mapping[str, str | None] | None = None) -> Iterator[LiveTarget]:
        """A running target on a clone of the template; both are gone at the end. `label` names its log.

        Without a template its own `reset` is run first, and its accounts sign up where they do so.

        Args:
            variables: what its environment holds besides its file's variables; `None` takes one away.

        Raises:
            TargetError: it does not start.
            PreflightError: its reset failed, or it refused an account.
        """
        with self.database(label) as dsn, self.serving(dsn, label, variables) as live:
            yield live

    @contextmanager
    def recorded(self, label: str) -> Iterator[LiveTarget]:
        """As `fresh`, on a clone whose statements and query plans are recorded (`LiveTarget.record`), where that can be.

        Raises:
            TargetError: it does not start.
        """
        access, log = self.plan.database, self.plan.log
        if self._databases is None or access is None or log is None:
            with self.fresh(label) as live:
                yield live
            return
        name = self._name(label)
        try:
            dsn = self._databases.clone(self.plan.template, name, recorded=True, settings=PLANNED)
            with self.serving(dsn, label) as live:
                live.record = Recorded(access.physical(name), access.admin, access.role, access.admin_dsn(name), log)
                yield live
        finally:
            self._databases.drop(name)

    def _name(self, label: str) -> str:
        return f"{self.plan.template}_{os.getpid()}_{label}-{next(self._numbers)}"

    @contextmanager
    def severable(self, label: str) -> Iterator[tuple[LiveTarget, Relay]]:
        """As `fresh`, with the line between the target and its database in our hands.

        Raises:
            TargetError: the harness provides no database for this target, or it does not start.
        """
        access = self.plan.database
        if access is None or self._databases is None:
            raise TargetError(f"the harness provides no database for {self.target.name}")
        with self.database(label) as dsn, Relay(access.host, access.port) as relay:
            address = urlsplit(dsn)
            credentials, at, _ = address.netloc.rpartition("@")
            through = urlunsplit(address._replace(netloc=f"{credentials}{at}{HOST}:{relay.port}"))
            with self.serving(through, label) as live:
                yield live, relay
                relay.mend()

    @contextmanager
    def database(self, label: str) -> Iterator[str]:
        """The address of a clone of the template that is gone at the end; empty where the harness provides no database."""
        if self._databases is None:
            yield ""
            return
        database = self._name(label)
        try:
            yield self._databases.clone(self.plan.template, database)
        finally:
            self._databases.drop(database)

    @contextmanager
    def serving(self, dsn: str, label: str, variables: Mapping[str, str | None] | None = None) -> Iterator[LiveTarget]:
        """A running target on a database that is there already, so that several can share one; as `fresh` otherwise."""
        launch = Launch(
            folder=self.plan.folder,
            dsn=dsn,
            port=self.plan.port,
            instrumented=self.plan.coverage_config is not None,
            coverage_config=self.plan.coverage_config,
            label=f"{label}-{next(self._numbers)}",
            extra=variables or {},
        )
        self.reset()
        with started(self.target, launch) as live:
            if self._databases is None and signs_up(self.target):
                sign_up(live, self.plan.password)
            yield live

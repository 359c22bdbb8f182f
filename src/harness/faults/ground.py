"""One database server for all faults of a call, and one seeded template for those that leave the data alone."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from secrets import token_urlsafe

from harness.config.project import Project
from harness.config.targets import read_target
from harness.databases import DatabaseServer
from harness.evidence.redaction import remember_secret
from harness.faults.generate import Generator
from harness.model.fault import Fault
from harness.targets.lent import LentDatabase
from harness.targets.template import Seeding, fill_database

_TEMPLATE = "template_of_faults"
_PASSWORD_BYTES = 18


@dataclass
class Ground:
    """What the runs of faults stand on. Use from several threads."""

    root: Path
    project: Project
    generator: Generator
    server: DatabaseServer
    folder: Path  # gets the logs of the seeding
    _lent: LentDatabase | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def for_fault(self, fault: Fault) -> LentDatabase | None:
        """The shared data; None for a fault that changes what determines the data, which then seeds for itself.

        Raises:
            PreflightError: the platform as it is cannot be migrated or seeded.
        """
        if not self.generator.template or self._changes_data(fault):
            return None
        with self._lock:
            if self._lent is None:
                self._lent = self._seeded()
            return self._lent

    def _changes_data(self, fault: Fault) -> bool:
        """Deletions and configuration are not looked into: only edits are known to leave the data alone."""
        globs = [str(PurePosixPath(self.generator.source) / pattern) for pattern in self.generator.template]
        return any(fnmatch(edit.file, glob.replace("**/", "*")) for edit in fault.edits for glob in globs)

    def _seeded(self) -> LentDatabase:
        defaults = self.project.defaults
        size = self.project.plan(defaults.plan).size
        password = f"Aa1{token_urlsafe(_PASSWORD_BYTES)}"  # lower, upper and digit, as platforms demand
        remember_secret(password)
        target = read_target(self.root / "targets" / f"{defaults.target}.toml")
        dsn = self.server.create(_TEMPLATE)
        fill_database(target, Seeding(dsn, size, defaults.seed, password, self.folder))
        self.server.freeze(_TEMPLATE)
        return LentDatabase(
            self.server.access,
            _TEMPLATE,
            password,
            size,
            defaults.seed,
            self.server.provider,
            self.server.version,
            self.server.location,
            self.server.log_path,
        )
